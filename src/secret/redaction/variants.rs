//! The ways in which programs print a value without encoding it: trimmed, line by line, with its white space run
//! together. `$(…)` drops line feeds at the end, `trim()` all white space at both ends, a terminal turns a line feed
//! into two characters, and a shell prints what is not quoted with one space between words.

use crate::secret::{ExposeSecret, Secret};

/// A text that is looked for, and in which encodings.
#[derive(Debug)]
pub struct Variant<'a> {
    text: VariantText<'a>,
    /// Whether it is looked for in every encoding. A single line is not: programs encode a value as a whole, but put
    /// a line of it into JSON and the like.
    pub is_encoded: bool,
}

#[derive(Debug)]
enum VariantText<'a> {
    Part(&'a [u8]),
    Made(Secret),
}

impl Variant<'_> {
    pub fn bytes(&self) -> &[u8] {
        match &self.text {
            VariantText::Part(bytes) => bytes,
            VariantText::Made(secret) => secret.expose_secret(),
        }
    }
}

/// The value itself, and how else it is printed. None of the others is shorter than `min_length`.
pub fn variants_of(value: &[u8], min_length: usize) -> Vec<Variant<'_>> {
    let part = |bytes, is_encoded| Variant { text: VariantText::Part(bytes), is_encoded };
    let core = trim(value);
    let mut variants = vec![part(value, true)];
    // What has no white space in it is printed in one way.
    if core.len() == value.len() && !core.iter().any(|byte| is_space(*byte) || !byte.is_ascii()) {
        return variants;
    }
    if core.len() < value.len() && core.len() >= min_length {
        variants.push(part(core, true));
    }
    let lines = lines_of(core);
    if lines.len() > 1 {
        let long = |line: &&[u8]| line.len() >= min_length && !is_public(line);
        variants.extend(lines.into_iter().filter(long).map(|line| part(line, false)));
    }
    let joined = with_single_spaces(core).filter(|joined| joined.len() >= min_length);
    variants.extend(joined.map(|joined| Variant { text: VariantText::Made(joined), is_encoded: true }));
    variants
}

/// The value without white space at both ends: what JavaScript's `trim()` removes (ECMA-262, `WhiteSpace` and
/// `LineTerminator`) and what Unicode counts as such; only that of ASCII if it is not UTF-8.
pub fn trim(value: &[u8]) -> &[u8] {
    match std::str::from_utf8(value) {
        Ok(text) => text.trim_matches(is_trimmed).as_bytes(),
        Err(_) => {
            let start = value.iter().position(|byte| !is_space(*byte)).unwrap_or(value.len());
            let end = value.iter().rposition(|byte| !is_space(*byte)).map_or(start, |last| last + 1);
            &value[start..end]
        }
    }
}

/// The byte order mark is white space to JavaScript, and not to Unicode.
fn is_trimmed(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

/// White space of ASCII, the vertical tab included.
fn is_space(byte: u8) -> bool {
    byte == 0x0b || byte.is_ascii_whitespace()
}

/// Its lines, trimmed, whatever they end with.
fn lines_of(value: &[u8]) -> Vec<&[u8]> {
    let Ok(text) = std::str::from_utf8(value) else {
        return value.split(|byte| matches!(byte, b'\n' | b'\r' | 0x0b | 0x0c)).map(trim).collect();
    };
    let ends_line =
        |character| matches!(character, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    text.split(ends_line).map(|line| line.trim_matches(is_trimmed).as_bytes()).collect()
}

/// Whether a line says what follows or ends, and nothing of it: the label of a PEM block (RFC 7468). Every key of its
/// kind has the same.
fn is_public(line: &[u8]) -> bool {
    let label = line.strip_prefix(b"-----BEGIN ").or_else(|| line.strip_prefix(b"-----END "));
    let label = label.and_then(|rest| rest.strip_suffix(b"-----"));
    label.is_some_and(|label| {
        label.len() <= 64 && label.iter().all(|byte| byte.is_ascii_uppercase() || b" 0123456789".contains(byte))
    })
}

/// One space for each run of white space, as a shell prints what is not quoted; none where it is so already.
fn with_single_spaces(value: &[u8]) -> Option<Secret> {
    let words = || value.split(|byte| is_space(*byte)).filter(|word| !word.is_empty());
    let length = words().map(|word| word.len() + 1).sum::<usize>().saturating_sub(1);
    let is_so_already = length == value.len() && !value.iter().any(|byte| is_space(*byte) && *byte != b' ');
    if is_so_already {
        return None;
    }
    let made = Secret::build::<std::convert::Infallible>(length, |to| {
        let mut at = 0;
        for word in words() {
            if at > 0 {
                to[at] = b' ';
                at += 1;
            }
            to[at..at + word.len()].copy_from_slice(word);
            at += word.len();
        }
        Ok(())
    });
    let Ok(made) = made;
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(value: &[u8]) -> Vec<String> {
        variants_of(value, 8).iter().map(|variant| String::from_utf8_lossy(variant.bytes()).into_owned()).collect()
    }

    #[test]
    fn a_value_without_white_space_is_printed_in_one_way() {
        assert_eq!(printed(b"hunter-0-correct-horse"), ["hunter-0-correct-horse"]);
        assert_eq!(printed(b"correct horse battery"), ["correct horse battery"]);
        assert_eq!(printed("pässwörter".as_bytes()), ["pässwörter"]);
    }

    #[test]
    fn outer_white_space_goes_whatever_it_is() {
        for space in [" ", "\n", "\r\n", "\t\u{b}", "\u{a0}", "\u{feff}", "\u{2003}\u{2028}", "\u{85}"] {
            let value = format!("{space}hunter-0-correct{space}");
            assert_eq!(printed(value.as_bytes()), [value.clone(), "hunter-0-correct".into()], "{space:?}");
        }
        assert_eq!(trim(b"\n\xff\xfe \t"), b"\xff\xfe");
        assert_eq!(trim(b" \n\t"), b"");
    }

    #[test]
    fn lines_that_are_long_enough_and_no_label() {
        for end in ["\n", "\r\n", "\r"] {
            let lines = ["-----BEGIN PRIVATE KEY-----", "  Tm90QVJlYWxLZXkx", "short", "-----END PRIVATE KEY-----"];
            let value = lines.join(end);
            let all = printed(value.as_bytes());
            assert_eq!(all[1], "Tm90QVJlYWxLZXkx");
            assert_eq!(all[2..], ["-----BEGIN PRIVATE KEY----- Tm90QVJlYWxLZXkx short -----END PRIVATE KEY-----"]);
        }
        // What only looks like a label is looked for.
        assert!(!is_public(b"-----BEGIN hunter-0-correct-----") && is_public(b"-----END X509 CRL-----"));
    }

    #[test]
    fn a_core_that_is_too_short_is_not_looked_for() {
        assert_eq!(printed(b"  true      \n"), ["  true      \n"]);
    }
}
