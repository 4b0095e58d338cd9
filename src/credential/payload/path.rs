//! Finds a payload in the message around it, by the names of the members that lead there, and copies nothing.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::problem_with;
use crate::error::{Error, ErrorCode, Result};

/// The most members on the way.
pub const MAX_PATH: usize = 16;

/// The payload in `message`, which must be JSON as a whole.
///
/// # Errors
/// `PAYLOAD_INVALID`; it has the path, which is the caller's own, and nothing of the message.
pub fn find<'a>(message: &'a [u8], path: &[&str]) -> Result<&'a [u8]> {
    let mut here = std::str::from_utf8(message).map_err(|_| refuse(path, "is in a message that is not UTF-8"))?;
    for (index, name) in path.iter().enumerate() {
        let mut json = serde_json::Deserializer::from_str(here);
        let found = Member { name }.deserialize(&mut json).and_then(|found| json.end().map(|()| found));
        let found = found.map_err(|error| problem_with(&error, &whole(path, index), (message, here.as_bytes())))?;
        here = match found {
            Found::Once(value) => value.get(),
            Found::Nowhere => return Err(refuse(&path[..=index], "is not there: name the members that lead to it")),
            Found::Twice => {
                return Err(refuse(&path[..=index], "is there twice, and two parsers would disagree on it"));
            }
        };
    }
    Ok(here.as_bytes())
}

/// What an error of a parser's is about, `depth` members down.
fn whole(path: &[&str], depth: usize) -> String {
    match depth {
        0 => "The message around the payload".to_owned(),
        _ => format!("What stands at {} (options.payloadPath)", path[..depth].join(".")),
    }
}

fn refuse(path: &[&str], problem: &str) -> Error {
    let message = format!("The payload at {} (options.payloadPath) {problem}.", path.join("."));
    Error::new(ErrorCode::PayloadInvalid, message).name("payloadPath")
}

/// Looks for one member of an object, and passes over the others.
struct Member<'n> {
    name: &'n str,
}

enum Found<'de> {
    Nowhere,
    Once(&'de RawValue),
    Twice,
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Found<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut found = Found::Nowhere;
        while let Some(is_it) = map.next_key_seed(Is(self.name))? {
            if !is_it {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&RawValue>()?;
            found = if matches!(found, Found::Nowhere) { Found::Once(value) } else { Found::Twice };
        }
        Ok(found)
    }
}

/// Whether a member's name is this one, however it is escaped.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> std::result::Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENTINEL: &str = "s3ntinel-Never-Printed";

    fn found<'a>(message: &'a str, path: &[&str]) -> Result<&'a str> {
        find(message.as_bytes(), path).map(|bytes| std::str::from_utf8(bytes).expect("was UTF-8"))
    }

    #[test]
    fn what_stands_at_the_path_is_found_where_it_is() {
        for (message, path, expected) in [
            (r#"{"id":1,"payload":{"apiKey":"a"},"rest":[{"payload":2}]}"#, &["payload"][..], r#"{"apiKey":"a"}"#),
            ("{\"payload\": {\"a\" : 1 } }\n", &["payload"], "{\"a\" : 1 }"),
            (r#"{"a":{"b":{"c":{}}},"b":{}}"#, &["a", "b", "c"], "{}"),
            (r#"{"p\u0061yload":{"x":1}}"#, &["payload"], r#"{"x":1}"#),
            (r#"{"":{"x":1}}"#, &[""], r#"{"x":1}"#),
            (r#"{"x":1}"#, &[], r#"{"x":1}"#),
        ] {
            let value = found(message, path).expect(message);
            assert_eq!(value, expected);
            let (start, end) = (message.as_ptr() as usize, message.as_ptr() as usize + message.len());
            assert!((start..end).contains(&(value.as_ptr() as usize)), "not a copy");
        }
    }

    #[test]
    fn what_is_not_there_or_is_no_json_is_refused_and_nothing_repeated() {
        let of = |message: &str| message.replace('S', SENTINEL);
        for (message, path, phrase) in [
            (r#"{"id":"S"}"#, &["payload"][..], "The payload at payload (options.payloadPath) is not there: name"),
            (r#"{"a":{"S":1}}"#, &["a", "b"], "The payload at a.b (options.payloadPath) is not there: name"),
            (r#"{"payload":{},"payload":{"k":"S"}}"#, &["payload"], "payload (options.payloadPath) is there twice"),
            (r#"{"payload":{},"p\u0061yload":"S"}"#, &["payload"], "is there twice"),
            (r#"{"a":{"b":1,"b":"S"}}"#, &["a", "b"], "a.b (options.payloadPath) is there twice"),
            (r#"["S"]"#, &["payload"], "The message around the payload is not an object"),
            (r#"{"a":"S"}"#, &["a", "b"], "What stands at a (options.payloadPath) is not an object"),
            (r#"{"a":null}"#, &["a", "b"], "What stands at a (options.payloadPath) is not an object"),
            (r#"{"payload":{"k":"S"}"#, &["payload"], "The message around the payload ends too early"),
            (r#"{"payload":{"k":"S"},"rest":tru}"#, &["payload"], "The message around the payload is not JSON"),
            (r#"{"payload":{"k":"S"}} {"more":1}"#, &["payload"], "The message around the payload is not JSON"),
            ("", &["payload"], "The message around the payload ends too early"),
        ] {
            let message = of(message);
            let error = found(&message, path).expect_err(&message);
            assert_eq!(error.code(), ErrorCode::PayloadInvalid);
            assert!(error.to_string().contains(phrase), "{error} lacks {phrase:?}");
            assert!(!format!("{error:?}").contains(SENTINEL), "{error:?}");
        }
        let error = find(b"{\"payload\":{},\"rest\":\"\xff\"}", &["payload"]).expect_err("not UTF-8");
        assert_eq!(error.code(), ErrorCode::PayloadInvalid);
    }
}
