//! Common mistakes when a person pastes a key: a table of them, and how each is detected.

use super::finding::{KeyFindingCode, MAX_CREDENTIAL_BYTES};
use crate::provider::class_of;
use crate::secret::sealed;

struct PasteMistake {
    code: KeyFindingCode,
    /// Whether a key of only [`is_plain`] bytes can have it. Those that cannot are not looked for in one that is.
    in_plain: bool,
    sees: fn(&[u8]) -> bool,
}

/// The first that is seen counts: those that say more are before those that say less.
static PASTE_MISTAKES: &[PasteMistake] = &[
    mistake(KeyFindingCode::Empty, true, <[u8]>::is_empty),
    mistake(KeyFindingCode::TooLong, true, |key| key.len() > MAX_CREDENTIAL_BYTES),
    mistake(KeyFindingCode::Sealed, false, sealed::is_sealed),
    mistake(KeyFindingCode::WebAddress, false, |key| begins_with_any(key, WEB_ADDRESSES)),
    mistake(KeyFindingCode::Header, false, |key| begins_with_any(key, HEADERS)),
    mistake(KeyFindingCode::NoValue, true, |key| is_any(key.trim_ascii(), NO_VALUES)),
    mistake(KeyFindingCode::Reference, true, is_reference),
    mistake(KeyFindingCode::Assignment, false, is_assignment),
    mistake(KeyFindingCode::Invisible, false, |key| has_any(key, INVISIBLE)),
    mistake(KeyFindingCode::Quoted, false, |key| key.iter().any(|byte| b"\"'`".contains(byte)) || has_any(key, QUOTES)),
    mistake(KeyFindingCode::WhiteSpace, false, has_white_space),
    mistake(KeyFindingCode::Masked, true, is_masked),
    mistake(KeyFindingCode::Placeholder, true, is_placeholder),
    mistake(KeyFindingCode::StrayPunctuation, false, has_stray_punctuation),
    mistake(KeyFindingCode::ForbiddenCharacters, false, |key| !key.iter().all(may_stand_in_a_key)),
];

const fn mistake(code: KeyFindingCode, in_plain: bool, sees: fn(&[u8]) -> bool) -> PasteMistake {
    PasteMistake { code, in_plain, sees }
}

/// The alphabet that the vendors issue keys in.
pub(super) const fn is_plain(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// What a header can carry (RFC 9110, `field-vchar`), but for the backslash: that is left of an escape sequence. Gateways'
/// keys can be anything that their operators make up, so no more is said of those.
const fn may_stand_in_a_key(byte: &u8) -> bool {
    byte.is_ascii_graphic() && *byte != b'\\'
}

/// What people name in a variable that holds a key. Nothing that is issued has one of them before a `=`.
const KEY_WORDS: &[&str] = &["key", "token", "secret"];
const WEB_ADDRESSES: &[&str] = &["http://", "https://"];
/// RFC 9110 `Authorization`, RFC 6750 `Bearer`, and Anthropic's own header.
const HEADERS: &[&str] = &["bearer ", "authorization:", "x-api-key:"];
const EXPORTS: &[&str] = &["export ", "set ", "$env:"];

/// What programs write for a value that is not there, in any case. Words that people give to a gateway that needs no key
/// (`EMPTY`, `dummy`, `ollama`) are none of them.
const NO_VALUES: &[&str] = &[
    "undefined",
    "null",
    "none",
    "nil",
    "nan",
    "true",
    "false",
    "unset",
    "n/a",
    "(null)",
    "(none)",
    "[object object]",
    "[object undefined]",
    "[object null]",
];
/// What is before a name by which a program, a pipeline or a secret manager finds a key, in any case: Node, Python and
/// LiteLLM, Vite, Deno, Bun; GitHub Actions; Docker and systemd; AWS; Azure; vals; sops; Spring.
const REFERENCES: &[&str] = &[
    "process.env",
    "os.environ",
    "os.getenv",
    "import.meta.env",
    "deno.env",
    "bun.env",
    "env:",
    "env.",
    "secrets.",
    "vault:",
    "file:",
    "keychain:",
    "keyring:",
    "ssm:",
    "/run/secrets/",
    "/etc/",
    "arn:aws:",
    "@microsoft.keyvault(",
    "enc[",
    "!vault",
    "!secret",
    "!ref",
    "{cipher}",
];
/// What templates put a name, or an expression, in.
const TEMPLATES: &[(&str, &str)] = &[("${", "}"), ("$(", ")"), ("{{", "}}"), ("#{", "}"), ("@@", "@@")];
/// How names of variables that hold keys end. Nothing that is issued is a name of capital letters.
const VARIABLE_ENDS: &[&str] = &["_KEY", "_TOKEN", "_SECRET", "_PASSWORD"];

/// Unicode's format characters and spaces that editors, chats and PDFs put in: byte order mark, zero width, joiners,
/// no-break spaces, soft hyphen, direction marks and isolates, line and paragraph separators, the ideographic space.
const INVISIBLE: &[&str] = &[
    "\u{feff}", "\u{200b}", "\u{200c}", "\u{200d}", "\u{200e}", "\u{200f}", "\u{2060}", "\u{a0}", "\u{202f}",
    "\u{2007}", "\u{ad}", "\u{202a}", "\u{202b}", "\u{202c}", "\u{202d}", "\u{202e}", "\u{2066}", "\u{2067}",
    "\u{2068}", "\u{2069}", "\u{2028}", "\u{2029}", "\u{2002}", "\u{2003}", "\u{2009}", "\u{200a}", "\u{3000}",
    "\u{180e}",
];
/// Those that a word processor makes of straight ones.
const QUOTES: &[&str] = &[
    "\u{2018}", "\u{2019}", "\u{201a}", "\u{201c}", "\u{201d}", "\u{201e}", "\u{ab}", "\u{bb}", "\u{2039}", "\u{203a}",
];
/// What vendors' pages, and people, put in the place of what is hidden.
const MASKS: &[&str] = &["***", "...", "\u{2026}", "\u{2022}\u{2022}", "\u{25cf}\u{25cf}"];
/// What logs and pages put in the place of all of it, in brackets of any kind or in none.
const MASK_WORDS: &[&str] = &["redacted", "hidden", "masked", "filtered", "removed"];
/// Sentences, lists and code put these around a key; at its ends they are none of it. A key may begin or end with others:
/// `=` is base64's padding, and `!` may end a password that an operator made up.
const BEFORE_A_KEY: &[u8] = b"([{<,;:.=";
const BEHIND_A_KEY: &[u8] = b")]}>,;:.";
/// White space as JSON, C and URLs write it.
const ESCAPED_WHITE_SPACE: &[&str] = &["\\n", "\\r", "\\t", "%0a", "%0d", "%09", "%20"];
/// What examples say instead of a key, in any case; `-` is a `-`, a `_` or nothing.
const PLACEHOLDERS: &[&str] = &[
    "your-api-key",
    "your-key",
    "your-secret",
    "your-token",
    "your-openai",
    "your-anthropic",
    "your-claude",
    "my-api-key",
    "api-key-here",
    "key-here",
    "token-here",
    "paste-your",
    "insert-your",
    "replace-me",
    "replace-with",
    "change-me",
];
/// What examples and schemas say, where it is all.
const PLACEHOLDER_WORDS: &[&str] = &[
    "key",
    "api-key",
    "api_key",
    "apikey",
    "token",
    "secret",
    "password",
    "string",
    "placeholder",
    "todo",
    "tbd",
    "fixme",
];
/// What examples put a placeholder's name in.
const BRACKETS: &[(&str, &str)] = &[("<", ">"), ("[", "]")];
/// The fewest that are a row of them: `sk-xxx`.
const MIN_CROSSES: usize = 3;
/// The longest text in which a placeholder is looked for: examples are shorter, and issued keys mostly longer.
const MAX_PLACEHOLDER_BYTES: usize = 64;

/// The first mistake that is seen in a key; `plain`: it is of [`is_plain`] bytes alone.
pub(super) fn first_in(key: &[u8], plain: bool) -> Option<KeyFindingCode> {
    PASTE_MISTAKES.iter().find(|it| (it.in_plain || !plain) && (it.sees)(key)).map(|it| it.code)
}

fn begins_with_any(key: &[u8], beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| without(key.trim_ascii_start(), beginning).is_some())
}

/// What follows a beginning, whatever its case.
fn without<'a>(key: &'a [u8], beginning: &str) -> Option<&'a [u8]> {
    let (head, rest) = key.split_at_checked(beginning.len())?;
    head.eq_ignore_ascii_case(beginning.as_bytes()).then_some(rest)
}

/// Whether it is one of these, whatever its case.
fn is_any(key: &[u8], texts: &[&str]) -> bool {
    texts.iter().any(|text| key.eq_ignore_ascii_case(text.as_bytes()))
}

/// The name of a key, or where it can be had, in its place: `$NAME`, `{{ name }}`, `op://vault/item`.
fn is_reference(key: &[u8]) -> bool {
    let key = key.trim_ascii();
    if key.iter().all(is_plain) {
        return is_name_of_variable(key);
    }
    // No token has it: RFC 6750, RFC 8959 (`secret-token:`).
    let is_address = || key.windows(3).any(|part| part == b"://");
    is_name_of_variable(key) || is_in(key, TEMPLATES) || begins_with_any(key, REFERENCES) || is_address()
}

/// `$NAME`, `%NAME%`, or a variable's name alone, with or without `__` around it.
fn is_name_of_variable(key: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let after_dollar = key.strip_prefix(b"$").filter(|name| !name.first().is_some_and(u8::is_ascii_digit));
    let between_percents = key.strip_prefix(b"%").and_then(|rest| rest.strip_suffix(b"%"));
    if let Some(name) = after_dollar.or(between_percents) {
        return !name.is_empty() && name.iter().all(is_word);
    }
    let name = key.strip_suffix(b"__").unwrap_or(key);
    let is_capital = |byte: &u8| is_word(byte) && !byte.is_ascii_lowercase();
    VARIABLE_ENDS.iter().any(|end| name.ends_with(end.as_bytes())) && name.iter().all(is_capital)
}

/// Whether it is in one of these pairs, with something between them.
fn is_in(key: &[u8], pairs: &[(&str, &str)]) -> bool {
    let inner = |(open, close): &(&str, &str)| key.strip_prefix(open.as_bytes())?.strip_suffix(close.as_bytes());
    pairs.iter().filter_map(inner).any(|inner| !inner.is_empty())
}

fn has_white_space(key: &[u8]) -> bool {
    let end = |text: &str| key.len().checked_sub(text.len()).map(|at| &key[at..]);
    let ends_with = |text: &&str| end(text).is_some_and(|end| end.eq_ignore_ascii_case(text.as_bytes()));
    key.iter().any(u8::is_ascii_whitespace) || ESCAPED_WHITE_SPACE.iter().any(ends_with)
}

fn is_masked(key: &[u8]) -> bool {
    let within = key.strip_prefix(b"(").or_else(|| key.strip_prefix(b"[")).or_else(|| key.strip_prefix(b"<"));
    let word = within.map_or(key, |rest| rest.split_last().map_or(rest, |(_, word)| word));
    is_any(word, MASK_WORDS) || (!key.iter().all(is_plain) && has_any(key, MASKS))
}

fn has_stray_punctuation(key: &[u8]) -> bool {
    key.first().is_some_and(|byte| BEFORE_A_KEY.contains(byte))
        || key.last().is_some_and(|byte| BEHIND_A_KEY.contains(byte))
}

/// `NAME=value`, with a name that says what the value is. `=` at the end of a key is base64's padding.
fn is_assignment(key: &[u8]) -> bool {
    let key = key.trim_ascii_start();
    let key = EXPORTS.iter().find_map(|export| without(key, export)).unwrap_or(key).trim_ascii_start();
    let Some(at) = key.iter().position(|byte| *byte == b'=') else { return false };
    let (name, value) = (key[..at].trim_ascii_end(), &key[at + 1..]);
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let holds_a_key = KEY_WORDS.iter().any(|word| contains_ignoring_case(name, word));
    is_name && holds_a_key && value.iter().any(|byte| *byte != b'=')
}

pub(super) fn contains_ignoring_case(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

fn has_any(key: &[u8], texts: &[&str]) -> bool {
    let is_ascii = key.is_ascii();
    let mut texts = texts.iter().filter(|text| !is_ascii || text.is_ascii());
    texts.any(|text| key.windows(text.len()).any(|part| part == text.as_bytes()))
}

fn is_placeholder(key: &[u8]) -> bool {
    if key.len() > MAX_PLACEHOLDER_BYTES {
        return false;
    }
    is_in(key, BRACKETS)
        || is_any(key, PLACEHOLDER_WORDS)
        || is_crossed_out(key)
        || PLACEHOLDERS.iter().any(|words| has_words(key, words))
}

/// Whether only `xxx` follows the prefix.
fn is_crossed_out(key: &[u8]) -> bool {
    let prefix = class_of(key).map_or("sk-", |class| class.prefix);
    let rest = key.strip_prefix(prefix.as_bytes()).unwrap_or(key);
    let crosses = rest.iter().filter(|byte| byte.eq_ignore_ascii_case(&b'x')).count();
    crosses >= MIN_CROSSES && rest.iter().all(|byte| byte.eq_ignore_ascii_case(&b'x') || matches!(byte, b'-' | b'_'))
}

fn has_words(key: &[u8], words: &str) -> bool {
    (0..key.len()).any(|start| begins_with_words(&key[start..], words))
}

fn begins_with_words(mut text: &[u8], words: &str) -> bool {
    for wanted in words.bytes() {
        match text.split_first() {
            Some((byte, rest)) if byte.eq_ignore_ascii_case(&wanted) => text = rest,
            Some((b'_', rest)) if wanted == b'-' => text = rest,
            _ if wanted == b'-' => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_names_each_mistake_once() {
        let mut seen = std::collections::HashSet::new();
        assert!(PASTE_MISTAKES.iter().all(|it| seen.insert(it.code)));
    }

    proptest! {
        #[test]
        fn what_is_not_looked_for_in_a_plain_key_is_not_there(
            key in prop_oneof!["[a-zA-Z0-9_-]{0,300}", "(provider-env-sealed|https|bearer|KEY|your|xxxx|-){0,5}[a-z]{0,9}"],
        ) {
            let others = PASTE_MISTAKES.iter().filter(|it| !it.in_plain);
            prop_assert!(others.into_iter().all(|it| !(it.sees)(key.as_bytes())));
        }
    }

    #[test]
    fn padding_is_no_assignment_and_a_name_alone_is_none() {
        for (text, expected) in [
            ("bW9ua2V5==", false),
            ("monkey=", false),
            ("KEY=v", true),
            ("export api_key = v", true),
            ("a-key=v", false),
            ("colour=red", false),
        ] {
            assert_eq!(is_assignment(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn words_of_examples_are_found_in_any_spelling() {
        for (text, expected) in [
            ("sk-YOUR_API_KEY", true),
            ("yourApiKey", true),
            ("your-api-key-here", true),
            ("changeme", true),
            ("sk-ant-api03-xxxx-xxxx", true),
            ("sk-xxx", true),
            ("sk-xx", false),
            ("string", true),
            ("stringent", false),
            ("you-are-key", false),
            ("sk-1234", false),
            ("EMPTY", false),
        ] {
            assert_eq!(is_placeholder(text.as_bytes()), expected, "{text}");
        }
    }
}
