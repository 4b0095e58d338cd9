//! Decodes one JSON string literal: a literal without escapes is its own value, and is not copied; one with escapes
//! becomes a [`Secret`] of exactly its decoded size.
//!
//! `serde_json` decodes a string with escapes through a growing scratch buffer, whose earlier allocations keep parts
//! of the value. Here the literal is walked twice: once to count, once to write.

use std::fmt;

use crate::secret::{ExposeSecret, Secret};

/// The value of a JSON string literal.
pub enum JsonString<'a> {
    /// The literal has no escapes, so it is its own value.
    Literal(&'a [u8]),
    /// The literal has escapes, and its value is a copy.
    Decoded(Secret),
}

impl ExposeSecret<[u8]> for JsonString<'_> {
    fn expose_secret(&self) -> &[u8] {
        match self {
            Self::Literal(bytes) => bytes,
            Self::Decoded(secret) => secret.expose_secret(),
        }
    }
}

impl fmt::Debug for JsonString<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "JsonString({} bytes)", self.expose_secret().len())
    }
}

/// Decodes `literal`, a JSON string that a parser has already found to be well-formed JSON.
///
/// # Errors
/// A phrase for the end of a sentence; it holds nothing of the literal.
pub fn decode(literal: &str) -> Result<JsonString<'_>, &'static str> {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or("must be a string")?.as_bytes();
    if !inner.contains(&b'\\') {
        return Ok(JsonString::Literal(inner));
    }
    let mut length = 0;
    walk(inner, |bytes| length += bytes.len())?;
    Secret::build(length, |target| {
        let mut at = 0;
        walk(inner, |bytes| {
            target[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        })
    })
    .map(JsonString::Decoded)
}

/// Hands the decoded bytes to `emit`, run by run.
fn walk(mut rest: &[u8], mut emit: impl FnMut(&[u8])) -> Result<(), &'static str> {
    while !rest.is_empty() {
        let plain = rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len());
        emit(&rest[..plain]);
        rest = &rest[plain..];
        if rest.is_empty() {
            break;
        }
        rest = escape(rest, &mut emit)?;
    }
    Ok(())
}

/// Decodes the escape that `rest` begins with, and returns what follows it.
fn escape<'a>(rest: &'a [u8], emit: &mut impl FnMut(&[u8])) -> Result<&'a [u8], &'static str> {
    const UNKNOWN: &str = "has an invalid escape sequence";
    let (simple, width) = match rest.get(1).ok_or(UNKNOWN)? {
        b'"' => (b'"', 2),
        b'\\' => (b'\\', 2),
        b'/' => (b'/', 2),
        b'b' => (0x08, 2),
        b'f' => (0x0c, 2),
        b'n' => (b'\n', 2),
        b'r' => (b'\r', 2),
        b't' => (b'\t', 2),
        b'u' => return unicode(rest, emit),
        _ => return Err(UNKNOWN),
    };
    emit(&[simple]);
    Ok(&rest[width..])
}

fn unicode<'a>(rest: &'a [u8], emit: &mut impl FnMut(&[u8])) -> Result<&'a [u8], &'static str> {
    const LONE: &str = "has an unpaired surrogate, which is not a character";
    let first = hex_unit(rest).ok_or(LONE)?;
    let (scalar, width) = match first {
        0xd800..=0xdbff => {
            let second = hex_unit(&rest[6..]).filter(|unit| (0xdc00..=0xdfff).contains(unit)).ok_or(LONE)?;
            (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
        }
        _ => (first, 6),
    };
    let character = char::from_u32(scalar).ok_or(LONE)?;
    let mut buffer = [0_u8; 4];
    emit(character.encode_utf8(&mut buffer).as_bytes());
    zeroize::Zeroize::zeroize(&mut buffer);
    Ok(&rest[width..])
}

/// The code unit of a `\u` escape at the head of `rest`.
fn hex_unit(rest: &[u8]) -> Option<u32> {
    let digits = rest.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_no_string_or_no_character() {
        for (literal, phrase) in [
            ("12", "must be a string"),
            ("null", "must be a string"),
            ("\"", "must be a string"),
            (r#""\ud800""#, "surrogate"),
            (r#""\ud800A""#, "surrogate"),
            (r#""\udc00""#, "surrogate"),
            (r#""\q""#, "escape"),
            (r#""\u12""#, "surrogate"),
        ] {
            let problem = decode(literal).expect_err(literal);
            assert!(problem.contains(phrase), "{literal}: {problem}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in any::<String>()) {
            let literal = serde_json::to_string(&text).expect("a string serializes");
            let decoded = decode(&literal).expect("well-formed");
            prop_assert_eq!(decoded.expose_secret(), text.as_bytes());
        }

        #[test]
        fn agrees_with_serde_json_on_escapes(text in any::<String>()) {
            let literal: String = text
                .encode_utf16()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect();
            let literal = format!("\"{literal}\"");
            let decoded = decode(&literal).expect("well-formed");
            prop_assert_eq!(decoded.expose_secret(), text.as_bytes());
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = decode(&text);
        }
    }
}
