//! Reads a payload from JSON, or from a JSON message that contains it, in one pass.
//!
//! serde_json returns a string without escapes where it is. It decodes one with escapes in a buffer that grows, so it
//! runs where every byte that is freed is wiped. Its error text quotes the input: place and kind are all that is kept of it.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;

use super::{FIELDS, Input, MAX_JSON_BYTES, MAX_USER_ENV_KEYS, NO_FIELDS, Payload, SESSION_COOKIE, USER_ENV_KEYS};
use super::{no_field, no_known_field, not_an_object_of_strings};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::PayloadField;
use crate::secret::Secret;
use crate::sys::wiping_allocator::with_wiped_memory;

impl<'a> Payload<'a> {
    /// Reads UTF-8 JSON: a message in which the members of `path` lead to the payload, or the payload itself if `path` is
    /// empty. The payload borrows from `message`, which the caller wipes after it.
    ///
    /// # Errors
    /// `PAYLOAD_TOO_LARGE`, `PAYLOAD_INVALID`, `UNKNOWN`.
    pub fn from_message(message: &'a [u8], path: &[&str]) -> Result<Self> {
        if message.len() > MAX_JSON_BYTES {
            return Err(Error::new(
                ErrorCode::PayloadTooLarge,
                format!(
                    "The payload is {} bytes long; the limit is {MAX_JSON_BYTES}. Pass large values in files.",
                    message.len()
                ),
            ));
        }
        read(message, path)
    }
}

/// The payload at the end of `path` in `message`, which must be JSON as a whole.
///
/// # Errors
/// As [`Payload::from_message`].
fn read<'a>(message: &'a [u8], path: &[&str]) -> Result<Payload<'a>> {
    with_wiped_memory(|| read_here(message, path))
}

/// Leaves parts of what it decodes in freed memory.
fn read_here<'a>(message: &'a [u8], path: &[&str]) -> Result<Payload<'a>> {
    let reader = Reader { path, depth: Cell::new(0), wants: Cell::new(Wants::Object), refusal: Cell::new(None) };
    let text = std::str::from_utf8(message).map_err(|_| {
        let error = invalid(format!("{} is not UTF-8.", reader.whole()));
        if path.is_empty() { error } else { error.name("payloadPath") }
    })?;
    let mut payload = Payload::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Level { reader: &reader, payload: &mut payload }.deserialize(&mut json).and_then(|()| json.end());
    read.map(|()| payload).map_err(|error| reader.error(&error, text))
}

/// How far the reading has come, for the refusal of what it stops at.
struct Reader<'p> {
    path: &'p [&'p str],
    /// So many members of the path lead here.
    depth: Cell<usize>,
    wants: Cell<Wants>,
    /// What was refused by us, and not by the parser.
    refusal: Cell<Option<Error>>,
}

#[derive(Clone, Copy)]
enum Wants {
    Object,
    /// The string of a field.
    Text(&'static str),
    /// The object of the tenant's own variables.
    Variables,
}

impl Reader<'_> {
    /// Stops the parser, whose error is not looked at then.
    fn refuse<E: serde::de::Error>(&self, error: Error) -> E {
        self.refusal.set(Some(error));
        E::custom("refused")
    }

    fn refuse_path<E: serde::de::Error>(&self, depth: usize, problem: &str) -> E {
        let path = self.path[..=depth].join(".");
        let error = invalid(format!("The payload at {path} (options.payloadPath) {problem}."));
        self.refuse(error.name("payloadPath"))
    }

    /// What is being read, as the subject of a sentence.
    fn whole(&self) -> String {
        match self.depth.get() {
            depth if depth == self.path.len() => "The payload".to_owned(),
            0 => "The message around the payload".to_owned(),
            depth => format!("The value at {} (options.payloadPath)", self.path[..depth].join(".")),
        }
    }

    /// What is said of what the reading stopped at. Of text that is no JSON, as much is said, whatever else is wrong before it.
    fn error(&self, error: &serde_json::Error, text: &str) -> Error {
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            let whole = if self.path.is_empty() { "The payload" } else { "The message around the payload" };
            let what = if error.classify() == Category::Eof { "ends too early" } else { "is not valid JSON" };
            return invalid(format!("{whole} {what} (line {}, column {}).", error.line(), error.column()));
        }
        if let Some(refusal) = self.refusal.take() {
            return refusal;
        }
        match (self.wants.get(), error.classify()) {
            (Wants::Text(field), Category::Data) => invalid(format!("payload.{field} must be a string.")).name(field),
            // `IgnoredAny` passes over half of a surrogate pair alone; what else no string may have is refused above.
            (Wants::Text(field), _) => half_character(field),
            (Wants::Variables, Category::Data) => not_an_object_of_strings(),
            (Wants::Variables, _) => half_character(USER_ENV_KEYS),
            (Wants::Object, category) => {
                let what = match category {
                    Category::Data => "is not an object in which each field occurs once",
                    _ => "has an unpaired surrogate, which is not a character, in the name of a member",
                };
                // serde_json reports no position if it finds an array instead of an object.
                let place = match error.column() {
                    0 => String::new(),
                    column => format!(" (line {}, column {column})", error.line()),
                };
                invalid(format!("{} {what}{place}.", self.whole()))
            }
        }
    }
}

fn half_character(field: &'static str) -> Error {
    invalid(format!(
        "payload.{field} must be well-formed text, but has an unpaired surrogate. Encode the string again."
    ))
    .name(field)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorCode::PayloadInvalid, message)
}

/// An object on the way to the payload, or the payload itself.
struct Level<'r, 'de> {
    reader: &'r Reader<'r>,
    payload: &'r mut Payload<'de>,
}

impl<'de> DeserializeSeed<'de> for Level<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Level<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<(), A::Error> {
        let depth = self.reader.depth.get();
        match self.reader.path.get(depth) {
            Some(member) => self.descend(map, depth, member),
            None => self.fields(map),
        }
    }
}

impl<'de> Level<'_, 'de> {
    /// Reads the one member that leads on, and passes over the others.
    fn descend<A: MapAccess<'de>>(self, mut map: A, depth: usize, member: &str) -> std::result::Result<(), A::Error> {
        let Self { reader, payload } = self;
        let mut is_found = false;
        while let Some(name) = map.next_key::<PayloadText<'de>>()? {
            if name.0 != member {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if is_found {
                return Err(reader.refuse_path(depth, "occurs twice, so that two parsers could read different values"));
            }
            is_found = true;
            reader.depth.set(depth + 1);
            map.next_value_seed(Level { reader, payload: &mut *payload })?;
            reader.depth.set(depth);
        }
        if is_found {
            Ok(())
        } else {
            Err(reader.refuse_path(
                depth,
                "does not exist: name the members that lead to the \
            payload",
            ))
        }
    }

    fn fields<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let Self { reader, payload } = self;
        let mut seen = Vec::with_capacity(FIELDS.len());
        let mut has_others = false;
        while let Some(name) = map.next_key::<PayloadText<'de>>()? {
            let known = FIELDS.iter().chain(NO_FIELDS).find(|known| name.0 == **known);
            let Some(field) = known.copied() else {
                has_others = true;
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if seen.contains(&field) {
                return Err(A::Error::custom("twice"));
            }
            seen.push(field);
            if NO_FIELDS.contains(&field) {
                if map.next_value::<Option<IgnoredAny>>()?.is_some() {
                    return Err(reader.refuse(no_field(field)));
                }
                has_others = true;
            } else if field == USER_ENV_KEYS {
                reader.wants.set(Wants::Variables);
                map.next_value_seed(UserEnvKeys { reader, payload: &mut *payload })?;
            } else {
                reader.wants.set(Wants::Text(field));
                if let Some(text) = map.next_value::<Option<PayloadText<'de>>>()? {
                    set(payload, field, text.into_input()).map_err(|error| reader.refuse(error))?;
                }
            }
            reader.wants.set(Wants::Object);
        }
        if has_others && !seen.iter().any(|field| FIELDS.contains(field)) {
            return Err(reader.refuse(no_known_field()));
        }
        Ok(())
    }
}

fn set<'a>(payload: &mut Payload<'a>, field: &str, text: Input<'a>) -> Result<()> {
    match PayloadField::named(field) {
        Some(credential) => payload.set_credential(credential, text),
        None if field == SESSION_COOKIE => payload.set_session_cookie(text),
        None => payload.set_provider(text.expose_secret()),
    }
}

/// The tenant's own variables; `null` counts as none of them, and as no value of one.
struct UserEnvKeys<'r, 'de> {
    reader: &'r Reader<'r>,
    payload: &'r mut Payload<'de>,
}

impl<'de> DeserializeSeed<'de> for UserEnvKeys<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UserEnvKeys<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let Self { reader, payload } = self;
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<PayloadText<'de>>()? {
            // Two parsers would disagree on a name that is given twice.
            if seen.len() >= MAX_USER_ENV_KEYS || !seen.insert(name.0.clone()) {
                return Err(reader.refuse(not_an_object_of_strings()));
            }
            reader.wants.set(Wants::Text(USER_ENV_KEYS));
            if let Some(value) = map.next_value::<Option<PayloadText<'de>>>()? {
                payload.add_user_env_key(name.0, value.into_input()).map_err(|error| reader.refuse(error))?;
            }
            reader.wants.set(Wants::Variables);
        }
        Ok(())
    }
}

/// A string; a copy only where it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct PayloadText<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> PayloadText<'a> {
    /// The copy of one with escapes is wiped when this returns.
    fn into_input(self) -> Input<'a> {
        match self.0 {
            Cow::Borrowed(text) => Input::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Input::Decoded(Secret::copy_of(text.as_bytes())),
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::io::{Read, Seek, SeekFrom};

    /// Byte by byte, so that the test itself has no copy of what it looks for.
    fn byte(index: usize) -> u8 {
        b'a' + (index.wrapping_mul(2_654_435_761) >> 16) as u8 % 23
    }

    /// How often 48 bytes of the secret are in this process's writable memory.
    fn copies() -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
        let mut memory = std::fs::File::open("/proc/self/mem").expect("Linux");
        let ranges = maps.lines().filter(|line| line.contains(" rw-p ")).filter_map(|line| {
            let (from, to) = line.split_once(' ')?.0.split_once('-')?;
            Some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
        });
        let (first, mut count) = (byte(500), 0);
        // One buffer, which never grows: what it left behind would be found the next time. Nor does it count itself.
        let mut buffer = vec![0; 1 << 20];
        let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + buffer.len() as u64;
        // A sanitizer's shadow is terabytes.
        for (from, to) in ranges.filter(|(from, to)| to - from < 1 << 30) {
            // Chunks overlap, so that nothing is missed between two.
            for start in (from..to).step_by(buffer.len() - 47) {
                memory.seek(SeekFrom::Start(start)).expect("a file");
                let length = buffer.len().min(usize::try_from(to - start).expect("64 bits"));
                let Ok(length) = memory.read(&mut buffer[..length]) else { break };
                let is_it = |window: &[u8]| window[0] == first && (1..48).all(|at| window[at] == byte(500 + at));
                let found = buffer[..length].windows(48).enumerate().filter(|(_, window)| is_it(window));
                count += found.filter(|(at, _)| !own.contains(&(start + *at as u64))).count();
                buffer.fill(0);
            }
        }
        count
    }

    #[test]
    fn what_is_decoded_leaves_no_copy_in_freed_memory() {
        let escaped: String = (0..2000).map(|index| format!("\\u{:04x}", byte(index))).collect();
        let json = format!(r#"{{"apiKey":"{escaped}","userEnvKeys":{{"A":"{escaped}"}}}}"#);
        let read = |read: for<'a> fn(&'a [u8], &[&str]) -> Result<Payload<'a>>| {
            let payload = read(json.as_bytes(), &[]).expect("valid");
            assert_eq!(payload.api_key.as_ref().map(|key| key.expose_secret().len()), Some(2000));
            let held = copies();
            drop(payload);
            (held, copies())
        };
        assert_eq!(read(super::read), (2, 0));
        // Other tests' threads may use what was freed at once. AddressSanitizer overwrites it.
        let is_found = std::env::var_os("ASAN_OPTIONS").is_some() || (0..50).any(|_| read(read_here).1 > 0);
        assert!(is_found, "the control: without the wipe, copies are found");
    }
}
