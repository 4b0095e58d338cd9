//! A JSON document that contains tokens: reads the value at a path, and replaces it without changing anything else.
//!
//! The parser only finds where each value is. What is replaced is spliced: unknown members, their order and their
//! white space stay, and no value is ever in memory that is not guarded.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::secret::json_string;
use crate::secret::{ExposeSecret, Secret};
use crate::sys::guarded::GuardedBytes;

/// A JSON object as text, in guarded memory.
pub struct Document(GuardedBytes);

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Document({} bytes)", self.0.len())
    }
}

/// A path that ends in nothing: the document has no object to put the value into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPlace;

impl Document {
    /// Takes a text that is a JSON object; none for any other.
    #[must_use]
    pub fn parse(bytes: GuardedBytes) -> Option<Self> {
        let document = Self(bytes);
        document.members(document.root()?)?;
        Some(document)
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, which is the caller's from now on.
    #[must_use]
    pub fn into_bytes(self) -> GuardedBytes {
        self.0
    }

    /// The string at a path, decoded; none for an empty one, `null`, or anything that is no string.
    #[must_use]
    pub fn secret(&self, path: &[String]) -> Option<Secret> {
        let text = json_string::decode(self.find(path)?).ok()?;
        (!text.expose_secret().is_empty()).then(|| Secret::copy_of(text.expose_secret()))
    }

    /// The number at a path, also where it is written as a string.
    #[must_use]
    pub fn number(&self, path: &[String]) -> Option<f64> {
        let raw = self.find(path)?;
        let text = raw.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(raw);
        text.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The time at a path, in milliseconds since 1970: a number in so many milliseconds, or a date of ISO 8601.
    #[must_use]
    pub fn time(&self, path: &[String], unit: f64) -> Option<f64> {
        let number = self.number(path).map(|number| number * unit);
        number.or_else(|| date(self.find(path)?.strip_prefix('"')?.strip_suffix('"')?.trim()))
    }

    /// A word at a path, such as the name of a kind: short. Not copied: it may be a key in the wrong place.
    #[must_use]
    pub fn word(&self, path: &[String]) -> Option<&str> {
        let word = self.find(path)?.strip_prefix('"')?.strip_suffix('"')?;
        let is_word = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        (word.len() <= 64 && is_word).then_some(word)
    }

    /// The strings of a list at a path; none where anything else is in it.
    #[must_use]
    pub fn words(&self, path: &[String]) -> Option<Vec<String>> {
        serde_json::from_str(self.find(path)?).ok()
    }

    /// The members of the root that have these names, as a document of their own.
    #[must_use]
    pub fn subset(&self, names: &[&str]) -> Option<Self> {
        let members = self.members(self.root()?)?;
        let is_wanted = |literal: &str| {
            json_string::decode(literal)
                .is_ok_and(|known| names.iter().any(|name| known.expose_secret() == name.as_bytes()))
        };
        let mut parts: Vec<&[u8]> = vec![b"{"];
        for (name, value) in members.into_iter().filter(|(name, _)| is_wanted(name)) {
            parts.extend([if parts.len() == 1 { &b""[..] } else { b"," }, name.as_bytes(), b":", value.as_bytes()]);
        }
        parts.push(b"}");
        Some(Self(GuardedBytes::joined(&parts)))
    }

    /// The same document with other values. A member that is not there is added to the object that should have it.
    ///
    /// # Errors
    /// Where that object is not there either.
    pub fn with(&self, replacements: &[(&[String], &[u8])]) -> Result<Self, NoPlace> {
        let mut edits = Vec::new();
        for (path, literal) in replacements {
            edits.push(self.edit(path, literal)?);
        }
        edits.sort_by_key(|edit| edit.from);
        // One within another, or one twice: which of the two counts, nobody could say.
        if edits.windows(2).any(|pair| {
            pair[1].from < pair[0].to
                || (pair[1].from == pair[0].from && pair[1].to == pair[0].to && pair[0].to > pair[0].from)
        }) {
            return Err(NoPlace);
        }
        let removed: usize = edits.iter().map(|edit| edit.to - edit.from).sum();
        let added: usize = edits.iter().flat_map(|edit| &edit.pieces).map(|piece| piece.len()).sum();
        let mut bytes = GuardedBytes::zeroed(self.0.len() - removed + added);
        let (mut read, mut written) = (0, 0);
        let mut copy = |piece: &[u8]| {
            bytes[written..written + piece.len()].copy_from_slice(piece);
            written += piece.len();
        };
        for edit in &edits {
            copy(&self.0[read..edit.from]);
            edit.pieces.iter().for_each(|piece| copy(piece));
            read = edit.to;
        }
        copy(&self.0[read..]);
        Ok(Self(bytes))
    }

    fn edit<'a>(&'a self, path: &'a [String], literal: &'a [u8]) -> Result<Edit<'a>, NoPlace> {
        if let Some(old) = self.find(path) {
            let from = self.place_of(old);
            return Ok(Edit { from, to: from + old.len(), pieces: vec![literal] });
        }
        let (name, parent) = path.split_last().ok_or(NoPlace)?;
        let object = self.find(parent).filter(|raw| raw.starts_with('{')).ok_or(NoPlace)?;
        let from = self.place_of(object) + 1;
        let comma: &[u8] = if self.members(object).is_none_or(|members| members.is_empty()) { b"" } else { b"," };
        // Names are ours or a caller's option: plain words, see `profile.rs`.
        Ok(Edit { from, to: from, pieces: vec![b"\"", name.as_bytes(), b"\":", literal, comma] })
    }

    fn root(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The raw value at a path; of members with one name the last counts, as for the CLIs' own parsers.
    fn find(&self, path: &[String]) -> Option<&str> {
        let mut raw = self.root()?.trim();
        for name in path {
            let is_named = |literal: &str| {
                json_string::decode(literal).is_ok_and(|known| known.expose_secret() == name.as_bytes())
            };
            raw = self.members(raw)?.into_iter().rev().find(|(literal, _)| is_named(literal))?.1;
        }
        Some(raw)
    }

    /// The names and values of an object, as they are written.
    fn members<'a>(&self, raw: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        let mut parser = serde_json::Deserializer::from_str(raw);
        let members = parser.deserialize_map(Members).ok()?;
        parser.end().ok()?;
        Some(members)
    }

    /// The offset of a part of this text.
    fn place_of(&self, part: &str) -> usize {
        part.as_ptr() as usize - self.0.as_ptr() as usize
    }
}

/// A date and time of ISO 8601 as RFC 3339 profiles it, in milliseconds since 1970: in UTC, or with an offset. A date
/// alone is the beginning of that day in UTC, as `Date.parse` has it.
fn date(text: &str) -> Option<f64> {
    if text.len() == 10 {
        return date(&format!("{text}T00:00:00Z"));
    }
    // Beyond the date, whose hyphens are no signs.
    let (time, offset) = match text.get(10..)?.rfind(['+', '-']) {
        None => (text, 0.0),
        Some(sign) => (&text[..10 + sign], offset_minutes(&text[10 + sign..])?),
    };
    let since = humantime::parse_rfc3339_weak(time).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((since.as_secs_f64() * 1000.0).round() - offset * 60_000.0)
}

/// When a JWT expires by its claim `exp` (RFC 7519, section 4.1.4), in milliseconds since 1970; none for what is no JWT or
/// says nothing. Its signature is the endpoint's business.
#[must_use]
pub fn jwt_expires_at(token: &[u8]) -> Option<f64> {
    let claims = token.split(|byte| *byte == b'.').nth(1)?;
    let claims = claims.strip_suffix(b"=").unwrap_or(claims);
    let mut decoded = GuardedBytes::zeroed(BASE64URL_NOPAD.decode_len(claims.len()).ok()?);
    let length = BASE64URL_NOPAD.decode_mut(claims, &mut decoded).ok()?;
    let document = Document::parse(GuardedBytes::copy_of(&decoded[..length]))?;
    document.time(&["exp".to_owned()], 1000.0)
}

/// Reads `+hh:mm`, `-hhmm` and `+hh`.
fn offset_minutes(text: &str) -> Option<f64> {
    let digits: String = text[1..].chars().filter(|digit| *digit != ':').collect();
    let is_plain = matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = |range| digits.get(range).map_or(Some(0), |digits: &str| digits.parse::<u32>().ok());
    let minutes = is_plain.then(|| Some(number(0..2)? * 60 + number(2..4)?)).flatten()?;
    Some(if text.starts_with('-') { -f64::from(minutes) } else { f64::from(minutes) })
}

struct Edit<'a> {
    from: usize,
    to: usize,
    pieces: Vec<&'a [u8]>,
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(&'de str, &'de str)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
            members.push((name.get(), value.get()));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(GuardedBytes::copy_of(text.as_bytes())).expect("an object")
    }

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn reads() {
        let it = document(r#" { "a" : { "t" : "x\u0041", "n": 1.5e3, "e": "" }, "a2": null, "l": ["p","q"] } "#);
        assert_eq!(it.secret(&path("a.t")).expect("there").expose_secret(), b"xA");
        assert_eq!(it.number(&path("a.n")), Some(1500.0));
        assert!(it.secret(&path("a.e")).is_none() && it.secret(&path("a.n")).is_none());
        assert!(it.word(&path("a2")).is_none() && it.number(&path("b")).is_none());
        assert_eq!(it.words(&path("l")), Some(vec!["p".into(), "q".into()]));
        let names = document(r#"{"\u0061": 1, "a\/b" : 2, "\ud800": 3, "a": 4, "a": "five"}"#);
        assert_eq!((names.word(&path("a")), names.number(&path("a/b"))), (Some("five"), Some(2.0)));
        assert_eq!(document(r#"{"\u0061": 1}"#).number(&path("a")), Some(1.0));
        for text in ["", "[]", "1", "{", "{1: 2}", "{a: 2}", "{} x", "\u{feff}{}", "{\"a\":\"\\ud800\"} {}"] {
            assert!(Document::parse(GuardedBytes::copy_of(text.as_bytes())).is_none(), "{text}");
        }
    }

    #[test]
    fn times_in_all_the_ways_that_files_have_them() {
        for (raw, expected) in [
            ("1790000000000", Some(1.79e12)),
            ("1.79e12", Some(1.79e12)),
            (r#""1790000000000""#, Some(1.79e12)),
            (r#"" 1790000000000 ""#, Some(1.79e12)),
            (r#""2026-11-25T22:30:36.995Z""#, Some(1_795_645_836_995.0)),
            (r#""2026-11-25 22:30:36""#, Some(1_795_645_836_000.0)),
            (r#""2026-11-26T00:30:36+02:00""#, Some(1_795_645_836_000.0)),
            (r#""2026-11-25T17:00:36-0530""#, Some(1_795_645_836_000.0)),
            (r#""2026-11-26T00:30:36+02""#, Some(1_795_645_836_000.0)),
            ("0", Some(0.0)),
            ("null", None),
            ("true", None),
            ("[1]", None),
            ("1e999", None),
            (r#""""#, None),
            (r#""soon""#, None),
            (r#""NaN""#, None),
            (r#""2026-11-25""#, Some(1_795_564_800_000.0)),
            (r#""2026-11-32""#, None),
            (r#""2026-1é25""#, None),
            (r#""2026-13-25T22:30:36Z""#, None),
            (r#""2026-11-25T22:30:36+é""#, None),
            (r#""2026-11-25é22:30:36""#, None),
            (r#""2026-11-2é-""#, None),
        ] {
            assert_eq!(document(&format!(r#"{{"t":{raw}}}"#)).time(&path("t"), 1.0), expected, "{raw}");
        }
        assert_eq!(document(r#"{"t":"1790000000"}"#).time(&path("t"), 1000.0), Some(1.79e12));
        assert_eq!(document("{}").time(&path("t"), 1.0), None);
    }

    #[test]
    fn some_members_alone() {
        let it = document(r#"{ "a" : {"b": 1}, "large": "x", "\u0063": [2] }"#);
        assert_eq!(it.subset(&["a", "c"]).expect("an object").bytes(), br#"{"a":{"b": 1},"\u0063":[2]}"#);
        assert_eq!(it.subset(&["d"]).expect("an object").bytes(), b"{}");
    }

    #[test]
    fn replaces_that_and_nothing_else() {
        let it = document("{\n  \"a\": {\"t\": \"old\", \"x\": [1, 2]},\n  \"y\": 1e2\n}\n");
        let (token, expiry, new) = (path("a.t"), path("y"), path("a.added"));
        let with = it.with(&[(&expiry, b"7"), (&token, b"\"new\""), (&new, b"true")]).expect("places");
        let expected = "{\n  \"a\": {\"added\":true,\"t\": \"new\", \"x\": [1, 2]},\n  \"y\": 7\n}\n";
        assert_eq!(std::str::from_utf8(with.bytes()), Ok(expected));
        assert_eq!(it.with(&[(&path("b.c"), b"1")]).err(), Some(NoPlace));
        assert_eq!(document("{}").with(&[(&path("c"), b"1")]).expect("a place").bytes(), b"{\"c\":1}");
    }

    fn jwt(claims: &str) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes()))
    }

    #[test]
    fn a_jwt_says_when_it_expires() {
        assert_eq!(jwt_expires_at(jwt(r#"{"exp":1700000000,"x":1}"#).as_bytes()), Some(1_700_000_000_000.0));
        assert_eq!(jwt_expires_at(jwt(r#"{"exp":"1700000000"}"#).as_bytes()), Some(1_700_000_000_000.0));
        assert_eq!(jwt_expires_at(jwt(r#"{"exp":"2023-11-14T22:13:20Z"}"#).as_bytes()), Some(1_700_000_000_000.0));
        for token in [jwt("{}"), jwt("[1]"), jwt(r#"{"exp":"soon"}"#), "opaque".into(), "a.!.c".into(), "..".into()] {
            assert_eq!(jwt_expires_at(token.as_bytes()), None, "{token}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = date(&text);
            if let Some(it) = Document::parse(GuardedBytes::copy_of(text.as_bytes())) {
                let _ = it.with(&[(&path("a"), b"1")]).map(|it| it.number(&path("a")));
            }
        }

        #[test]
        fn what_was_set_is_found(names in proptest::collection::vec("[a-c]", 1..4), value in 0_u32..1000) {
            let mut it = document(r#"{"a":{"b":{"c":1}},"b":{},"c":[]}"#);
            if let Ok(with) = it.with(&[(&names, value.to_string().as_bytes())]) {
                it = Document::parse(with.0).expect("still an object");
                prop_assert_eq!(it.number(&names), Some(f64::from(value)));
            }
        }
    }
}
