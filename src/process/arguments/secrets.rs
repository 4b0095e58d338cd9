//! Refuses the secrets of a launch in places that every user of the machine can read.
//!
//! All secrets are looked for at once, in time that grows with the texts and hardly with the number of secrets: a tenant may
//! have thousands, and this runs on the JS thread. Secrets are not copied: what is sorted are references. A text is looked
//! through as it is and, where it has escapes, as JSON or TOML and as a URL would be read.

use std::cell::OnceCell;
use std::fmt;

use zeroize::Zeroizing;

use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::ExposeSecret;
use crate::secret::redaction::trim;

/// Shorter values occur in arguments by chance.
const MIN_BYTES: usize = 8;

/// Whose first so many bytes are in a text is taken to be there: what one look costs stays bounded.
const MAX_BYTES: usize = 256;

#[derive(Clone, Copy, Debug)]
pub enum TextSource {
    Argument(usize),
    Option(&'static str),
}

impl fmt::Display for TextSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(index) => write!(formatter, "args[{index}]"),
            Self::Option(name) => formatter.write_str(name),
        }
    }
}

/// Refuses the first text that holds a secret.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE`
pub fn check<'a>(plan: &EnvPlan, texts: impl Iterator<Item = (TextSource, &'a str)>) -> Result<()> {
    let secrets = Patterns::new(plan.secrets());
    if secrets.all.is_empty() {
        return Ok(());
    }
    for (place, text) in texts {
        if let Some(found) = secrets.find_however_written(text.as_bytes()) {
            return Err(refusal(plan, place, found));
        }
    }
    Ok(())
}

fn refusal(plan: &EnvPlan, place: TextSource, found: &[u8]) -> Error {
    let holds = |value: &[u8]| trim(value).starts_with(found);
    let mut variable_to_name = false;
    let carriers = plan.names.credential_variables(Delivery::Env);
    let mut others = plan.variables(Delivery::Env).filter(|variable| variable.is_secret);
    let what = match others.find(|variable| holds(variable.value) && !carriers.contains(&variable.name)) {
        Some(variable) if !plan.credential.secret.as_deref().is_some_and(|key| holds(key.expose_secret())) => {
            variable_to_name = true;
            format!("the value of {}", variable.name)
        }
        _ => "this launch's credential".to_owned(),
    };
    let remedy = match place {
        TextSource::Argument(_) if variable_to_name => {
            "Omit it: name the variable instead, or pass the text on stdin.".to_owned()
        }
        TextSource::Argument(_) => format!("Omit it: this package passes it to {}.", plan.provider.name),
        TextSource::Option("baseUrl") => "Pass a URL without it.".to_owned(),
        TextSource::Option(_) => "Pass a path without it.".to_owned(),
    };
    let message = format!("options.{place} contains {what}, which every user of this machine can see there. {remedy}");
    Error::new(ErrorCode::InvalidArgValue, message).provider(plan.provider.id).name(place.to_string())
}

struct Patterns<'a> {
    all: Vec<&'a [u8]>,
    /// In order, none of them the beginning of another: so only the last that is not above a text can be its beginning.
    /// Sorted with the first text that may hold one, which is almost never.
    sorted: OnceCell<Vec<&'a [u8]>>,
    /// A bit for the hash of each one's first bytes.
    beginnings: Zeroizing<Vec<u64>>,
    shift: u32,
}

impl<'a> Patterns<'a> {
    fn new(secrets: impl Iterator<Item = &'a [u8]>) -> Self {
        let trimmed = secrets.map(trim).filter(|secret| secret.len() >= MIN_BYTES);
        let all: Vec<&[u8]> = trimmed.map(|secret| &secret[..secret.len().min(MAX_BYTES)]).collect();
        let bits = (all.len() * 16).next_power_of_two().clamp(1 << 9, 1 << 20);
        let mut patterns = Self {
            all: Vec::new(),
            sorted: OnceCell::new(),
            beginnings: Zeroizing::new(vec![0; bits / 64]),
            shift: u64::BITS - bits.trailing_zeros(),
        };
        for first in all.iter().filter_map(|secret| secret.first_chunk()) {
            let (word, bit) = patterns.place(*first);
            patterns.beginnings[word] |= bit;
        }
        patterns.all = all;
        patterns
    }

    fn sorted(&self) -> &[&'a [u8]] {
        self.sorted.get_or_init(|| {
            let mut all = self.all.clone();
            all.sort_unstable();
            let mut sorted: Vec<&[u8]> = Vec::with_capacity(all.len());
            for secret in all {
                // Who begins with another is found with that one.
                if !sorted.last().is_some_and(|last| secret.starts_with(last)) {
                    sorted.push(secret);
                }
            }
            sorted
        })
    }

    fn place(&self, first: [u8; MIN_BYTES]) -> (usize, u64) {
        // Fibonacci hashing: the high bits of the product.
        let hash = u64::from_le_bytes(first).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift;
        ((hash / 64) as usize, 1 << (hash % 64))
    }

    fn find(&self, text: &[u8]) -> Option<&'a [u8]> {
        (0..text.len()).find_map(|at| {
            let (word, bit) = self.place(*text[at..].first_chunk()?);
            if self.beginnings[word] & bit == 0 {
                return None;
            }
            let here = &text[at..text.len().min(at + MAX_BYTES)];
            let sorted = self.sorted();
            let last = sorted[sorted.partition_point(|secret| *secret <= here).checked_sub(1)?];
            here.starts_with(last).then_some(last)
        })
    }

    fn find_however_written(&self, text: &[u8]) -> Option<&'a [u8]> {
        let unescaped = text.contains(&b'\\').then(|| unescape(text, b'\\', backslash));
        let decoded = text.contains(&b'%').then(|| unescape(text, b'%', percent));
        let read = [unescaped, decoded];
        self.find(text).or_else(|| read.iter().flatten().find_map(|text| self.find(text)))
    }
}

/// Reads what follows an escape's first byte: the bytes that it stands for, and how many it takes.
type Read = fn(&[u8]) -> Option<(char, usize)>;

fn unescape(text: &[u8], escape: u8, read: Read) -> Zeroizing<Vec<u8>> {
    // Never longer than what it is read from.
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match (*first == escape).then(|| read(after)).flatten() {
            // A percent escape is a byte, and a character of that number.
            Some((character, taken)) if escape == b'%' => {
                plain.push(character as u8);
                rest = &after[taken..];
            }
            Some((character, taken)) => {
                plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &after[taken..];
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

fn percent(after: &[u8]) -> Option<(char, usize)> {
    let byte = u8::try_from(hexadecimal(after.get(..2)?)?).ok()?;
    Some((byte.into(), 2))
}

/// JSON (RFC 8259, section 7) and TOML have these in common; TOML's `\U` has eight digits.
fn backslash(after: &[u8]) -> Option<(char, usize)> {
    let plain = |character| Some((character, 1));
    match after.first()? {
        b'n' => plain('\n'),
        b'r' => plain('\r'),
        b't' => plain('\t'),
        b'b' => plain('\u{8}'),
        b'f' => plain('\u{c}'),
        byte @ (b'"' | b'\\' | b'/') => plain((*byte).into()),
        b'U' => Some((char::from_u32(hexadecimal(after.get(1..9)?)?)?, 9)),
        b'u' => {
            let high = hexadecimal(after.get(1..5)?)?;
            if let Some(character) = char::from_u32(high) {
                return Some((character, 5));
            }
            let low = hexadecimal(after.get(5..11)?.strip_prefix(b"\\u")?)?;
            let both = char::decode_utf16([u16::try_from(high).ok()?, u16::try_from(low).ok()?]);
            Some((both.into_iter().next()?.ok()?, 11))
        }
        _ => None,
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(secrets: &[&str], text: &str) -> bool {
        Patterns::new(secrets.iter().map(|secret| secret.as_bytes())).find_however_written(text.as_bytes()).is_some()
    }

    #[test]
    fn in_every_form_that_an_argument_would_carry() {
        let secret = "p\u{e4}ss\"w\\ord/%1\n\u{1f511}";
        for text in [
            format!("--x={secret}."),
            "{\"A\": \"p\u{e4}ss\\\"w\\\\ord\\/%1\\n\u{1f511}\"}".into(),
            "p\\u00e4ss\\u0022w\\u005cord/%1\\u000A\\ud83d\\uDD11".into(),
            "p\\U000000e4ss\\\"w\\\\ord/%1\\n\\U0001f511".into(),
            "https://u:p%C3%A4ss%22w%5cord%2F%251%0A%F0%9f%94%91@host".into(),
        ] {
            assert!(found(&["another-secret", secret], &text), "{text}");
        }
        assert!(found(&["  trimmed-value\r\n"], "trimmed-value"));
        for space in ["\u{a0}", "\u{feff}", "\u{2028}", "\u{3000}\u{b}", "\u{85}\n"] {
            assert!(found(&[&format!("{space}trimmed-value{space}")], "--x=trimmed-value"), "{space:?}");
        }
        assert!(found(&["value-of-eight", "value-of"], "x value-of y"));
        for text in ["value-o", "", "%", "\\", "\\u", "\\ud800", "%4", "value\\-of"] {
            assert!(!found(&["value-of", "short", ""], text), "{text}");
        }
    }

    #[test]
    fn thousands_that_begin_alike_are_looked_for_at_once() {
        let secrets: Vec<String> =
            (0..20_000).map(|number| format!("{}{number:06}", "same-beginning-".repeat(6))).collect();
        let patterns = Patterns::new(secrets.iter().map(|secret| secret.as_bytes()));
        assert_eq!(patterns.sorted().len(), 20_000);
        let text = "same-beginning-".repeat(8_000);
        assert!(patterns.find(text.as_bytes()).is_none());
        assert_eq!(patterns.find(format!("{text}{}", secrets[12_345]).as_bytes()), Some(secrets[12_345].as_bytes()));
    }

    proptest! {
        #[test]
        fn as_the_naive_search(secrets in proptest::collection::vec("[ab]{8,12}", 0..20), text in "[ab]{0,60}") {
            let patterns = Patterns::new(secrets.iter().map(|secret| secret.as_bytes()));
            let naive = secrets.iter().any(|secret| text.contains(secret.as_str()));
            prop_assert_eq!(patterns.find(text.as_bytes()).is_some(), naive);
        }

        #[test]
        fn any_text_is_survived(text in proptest::collection::vec(any::<u8>(), 0..200), escapes in "[\\\\%uU0-9a-fD8]{0,60}") {
            let patterns = Patterns::new([&b"12345678"[..]].into_iter());
            patterns.find_however_written(&text);
            patterns.find_however_written(escapes.as_bytes());
        }
    }
}
