//! One request's payload: from JSON bytes or from fields, with size limits and this crate's own error text.
//!
//! A JSON parser's error text quotes its input, and its scratch buffers are not wiped. So the parser only finds where
//! each value stands ([`RawValue`]); the strings are decoded here, each into one allocation of exactly its size.

mod path;
mod problem;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorCode, Result};
use crate::provider::{self, PayloadField, Provider};
use crate::secret::json_string::{self, Text};
use crate::secret::sealed::is_sealed;
use crate::secret::{ExposeSecret, Secret};
pub use path::MAX_PATH;
use problem::problem_with;

/// The worker's line limit for one message, in bytes.
pub const MAX_JSON_BYTES: usize = 10 * 1024 * 1024;

/// The most `userEnvKeys`, refused names among them: more fit into no environment, and each takes its time.
pub const MAX_USER_ENV_KEYS: usize = 4096;

/// The field of the session cookie.
const SESSION_COOKIE: &str = "sessionCookie";

/// The fields that are read.
pub const FIELDS: &[&str] = &["provider", "apiKey", "oauthAccessToken", SESSION_COOKIE, "userEnvKeys"];

/// Options that would be a tenant's word in a payload: [`no_field`] refuses them there.
pub const NO_FIELDS: &[&str] = &["credentialOwner", "requireCredential"];

/// A secret on its way in: where the caller has it, who wipes it, or in memory of its own.
pub enum Input<'a> {
    /// The caller's bytes.
    Borrowed(&'a [u8]),
    /// What an escaped JSON string or a sealed secret stands for.
    Decoded(Secret),
    /// A secret that the caller has a handle of.
    Shared(Arc<Secret>),
}

impl Input<'_> {
    /// The bytes.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Decoded(secret) => secret.expose_secret(),
            Self::Shared(secret) => secret.expose_secret(),
        }
    }

    /// A secret of its own; copied only where the bytes are the caller's.
    #[must_use]
    pub fn into_secret(self) -> Arc<Secret> {
        match self {
            Self::Borrowed(bytes) => Arc::new(Secret::copy_of(bytes)),
            Self::Decoded(secret) => Arc::new(secret),
            Self::Shared(secret) => secret,
        }
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Input({} bytes)", self.expose_secret().len())
    }
}

/// What a payload says.
#[derive(Debug)]
pub struct Payload<'a> {
    /// The provider asked for, or the default.
    pub provider: &'static Provider,
    /// `apiKey`; none when absent or empty.
    pub api_key: Option<Input<'a>>,
    /// `oauthAccessToken`; none when absent or empty.
    pub oauth_access_token: Option<Input<'a>>,
    /// `sessionCookie`; none when absent or empty.
    pub session_cookie: Option<Input<'a>>,
    /// `userEnvKeys` whose names are allowed, in their order.
    pub user_env_keys: Vec<(Cow<'a, str>, Input<'a>)>,
    /// The names that are not.
    pub rejected_user_env_keys: Vec<String>,
}

impl Default for Payload<'_> {
    fn default() -> Self {
        Self {
            provider: provider::default_provider(),
            api_key: None,
            oauth_access_token: None,
            session_cookie: None,
            user_env_keys: Vec::new(),
            rejected_user_env_keys: Vec::new(),
        }
    }
}

impl<'a> Payload<'a> {
    /// Reads UTF-8 JSON. The payload borrows from `json`, which the caller wipes after it.
    ///
    /// # Errors
    /// `PAYLOAD_TOO_LARGE`, `PAYLOAD_INVALID`, `UNKNOWN`.
    pub fn from_json(json: &'a [u8]) -> Result<Self> {
        Self::from_message(json, &[])
    }

    /// The same of a payload in a message, where these members lead to it.
    ///
    /// # Errors
    /// As [`Payload::from_json`].
    pub fn from_message(message: &'a [u8], path: &[&str]) -> Result<Self> {
        if message.len() > MAX_JSON_BYTES {
            return Err(Error::new(
                ErrorCode::PayloadTooLarge,
                format!("The payload is {} bytes long; the limit is {MAX_JSON_BYTES}.", message.len()),
            ));
        }
        let json = if path.is_empty() { message } else { path::find(message, path)? };
        // serde reads a struct from an array too, by position.
        if json.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            let message = "The payload is not an object with each field once.";
            return Err(Error::new(ErrorCode::PayloadInvalid, message));
        }
        let fields: Fields<'a> =
            serde_json::from_slice(json).map_err(|error| problem_with(&error, "The payload", (message, json)))?;
        let options = [fields.credential_owner, fields.require_credential];
        if let Some((name, _)) = NO_FIELDS.iter().zip(options).find(|(_, value)| value.is_some()) {
            return Err(no_field(name));
        }
        if fields.is_empty() && !is_empty_object(json) {
            return Err(no_known_field());
        }
        let mut payload = Self::default();
        if let Some(raw) = given(fields.provider) {
            let id = decode("provider", raw)?;
            payload.set_provider(id.expose_secret())?;
        }
        for (name, raw, slot) in [
            ("apiKey", fields.api_key, &mut payload.api_key),
            ("oauthAccessToken", fields.oauth_access_token, &mut payload.oauth_access_token),
            (SESSION_COOKIE, fields.session_cookie, &mut payload.session_cookie),
        ] {
            let Some(raw) = given(raw) else { continue };
            *slot = present(name, decode(name, raw)?)?;
        }
        if let Some(raw) = given(fields.user_env_keys) {
            let Pairs(pairs) = serde_json::from_str(raw.get()).map_err(|_| not_an_object_of_strings())?;
            for (name, value) in pairs {
                // As in every other field.
                if value.get() == "null" {
                    continue;
                }
                let secret = decode("userEnvKeys", value)?;
                payload.add_user_env_key(Cow::Owned(name), secret)?;
            }
        }
        Ok(payload)
    }

    /// Sets the provider.
    ///
    /// # Errors
    /// `UNKNOWN`.
    pub fn set_provider(&mut self, id: &[u8]) -> Result<()> {
        self.provider = provider::find(std::str::from_utf8(id).unwrap_or_default())?;
        Ok(())
    }

    /// Sets a credential's field; an empty value counts as none.
    ///
    /// # Errors
    /// `PAYLOAD_INVALID` for a NUL.
    pub fn set_credential(&mut self, field: PayloadField, value: Input<'a>) -> Result<()> {
        let slot = match field {
            PayloadField::ApiKey => &mut self.api_key,
            PayloadField::OauthAccessToken => &mut self.oauth_access_token,
        };
        *slot = present(field.as_str(), value)?;
        Ok(())
    }

    /// Sets the session cookie; an empty value counts as none.
    ///
    /// # Errors
    /// `PAYLOAD_INVALID` for a NUL.
    pub fn set_session_cookie(&mut self, value: Input<'a>) -> Result<()> {
        self.session_cookie = present(SESSION_COOKIE, value)?;
        Ok(())
    }

    /// Adds one of `userEnvKeys`. A name that is not allowed is noted and its value dropped, as in today's worker.
    ///
    /// # Errors
    /// `PAYLOAD_INVALID` for a NUL in the value, or a name given twice.
    pub fn add_user_env_key(&mut self, name: Cow<'a, str>, value: Input<'a>) -> Result<()> {
        if self.user_env_keys.len() + self.rejected_user_env_keys.len() >= MAX_USER_ENV_KEYS {
            return Err(not_an_object_of_strings());
        }
        if !is_user_env_name(&name) {
            self.rejected_user_env_keys.push(name.into_owned());
            return Ok(());
        }
        check_user_value(&name, &value)?;
        self.user_env_keys.push((name, value));
        Ok(())
    }

    /// Puts what `open` makes of each sealed secret in its place. It gets the field's name, by which the secret is
    /// bound (`apiKey`, `userEnvKeys.NAME`), and the sealed text.
    ///
    /// # Errors
    /// What `open` returns; `PAYLOAD_INVALID` for a value that no environment can hold.
    pub fn unseal(&mut self, mut open: impl FnMut(&str, &[u8]) -> Result<Secret>) -> Result<()> {
        for (field, slot) in [
            (PayloadField::ApiKey.as_str(), &mut self.api_key),
            (PayloadField::OauthAccessToken.as_str(), &mut self.oauth_access_token),
            (SESSION_COOKIE, &mut self.session_cookie),
        ] {
            if let Some(sealed) = slot.take_if(|value| is_sealed(value.expose_secret())) {
                *slot = present(field, Input::Decoded(open(field, sealed.expose_secret())?))?;
            }
        }
        for (name, value) in self.user_env_keys.iter_mut().filter(|(_, value)| is_sealed(value.expose_secret())) {
            let opened = Input::Decoded(open(&format!("userEnvKeys.{name}"), value.expose_secret())?);
            check_user_value(name, &opened)?;
            *value = opened;
        }
        Ok(())
    }

    /// Takes the credential of a field out.
    pub fn take_credential(&mut self, field: PayloadField) -> Option<Input<'a>> {
        match field {
            PayloadField::ApiKey => self.api_key.take(),
            PayloadField::OauthAccessToken => self.oauth_access_token.take(),
        }
    }
}

/// `/^[A-Z][A-Z0-9_]*$/`, the worker's own pattern.
fn is_user_env_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_uppercase())
        && bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn present<'a>(field: &str, secret: Input<'a>) -> Result<Option<Input<'a>>> {
    check_text(field, secret.expose_secret())?;
    Ok((!secret.expose_secret().is_empty()).then_some(secret))
}

fn check_user_value(name: &str, value: &Input<'_>) -> Result<()> {
    check_text("userEnvKeys", value.expose_secret()).map_err(|error| error.name(format!("USER_{name}")))
}

/// What every value must be, whichever form it came in.
fn check_text(field: &str, value: &[u8]) -> Result<()> {
    let problem = if !value.is_empty() && value.iter().all(|byte| *byte == 0) {
        let message = format!(
            "payload.{field} holds only zeros, as an array does that was consumed before. Make a Secret of it once, and use \
             that."
        );
        return Err(Error::new(ErrorCode::PayloadInvalid, message).name(field));
    } else if value.contains(&0) {
        "has a NUL byte, which no environment can hold"
    } else if std::str::from_utf8(value).is_err() {
        "is not UTF-8"
    } else {
        return Ok(());
    };
    let message = format!("payload.{field} {problem}. Send the value without it, or encoded as text.");
    Err(Error::new(ErrorCode::PayloadInvalid, message).name(field))
}

fn decode<'a>(field: &str, raw: &'a RawValue) -> Result<Input<'a>> {
    match json_string::decode(raw.get()) {
        Ok(Text::Literal(bytes)) => Ok(Input::Borrowed(bytes)),
        Ok(Text::Decoded(secret)) => Ok(Input::Decoded(secret)),
        Err(problem) => {
            let message = format!("payload.{field} {problem}.");
            Err(Error::new(ErrorCode::PayloadInvalid, message).name(field))
        }
    }
}

fn not_an_object_of_strings() -> Error {
    let message = format!(
        "payload.userEnvKeys must be an object of at most {MAX_USER_ENV_KEYS} names, each once, whose values are strings."
    );
    Error::new(ErrorCode::PayloadInvalid, message).name("userEnvKeys")
}

/// Refuses an option that stands in the payload. A tenant may have written that, so it is not obeyed there; and whoever
/// meant it would miss a protection if it were ignored.
#[must_use]
pub fn no_field(option: &str) -> Error {
    let message = format!(
        "payload.{option} is no field of a payload, in which a tenant could say it too. Give it to buildProviderEnv() as \
         options.{option}."
    );
    Error::new(ErrorCode::PayloadInvalid, message).name(option)
}

/// The refusal of a payload that has members, and none that is read: a message around the payload, or another thing. Taken for
/// an empty one, it would run on a fallback, for the default provider.
#[must_use]
pub fn no_known_field() -> Error {
    let message = format!(
        "The payload has none of the fields that are read: {}. Give the payload itself; for one in a message as bytes, say \
         options.payloadPath. To run on what the options fall back to, name the provider or give {{}}.",
        FIELDS.join(", ")
    );
    FIELDS.iter().fold(Error::new(ErrorCode::PayloadInvalid, message), |error, field| error.name(*field))
}

/// The fields that carry identity, as they stand in the input, `null` among them, and the options that must not be among them.
/// Others are skipped without a copy.
#[derive(Deserialize)]
struct Fields<'input> {
    #[serde(borrow, default, deserialize_with = "as_it_stands")]
    provider: Option<&'input RawValue>,
    #[serde(borrow, default, rename = "apiKey", deserialize_with = "as_it_stands")]
    api_key: Option<&'input RawValue>,
    #[serde(borrow, default, rename = "oauthAccessToken", deserialize_with = "as_it_stands")]
    oauth_access_token: Option<&'input RawValue>,
    #[serde(borrow, default, rename = "sessionCookie", deserialize_with = "as_it_stands")]
    session_cookie: Option<&'input RawValue>,
    #[serde(borrow, default, rename = "userEnvKeys", deserialize_with = "as_it_stands")]
    user_env_keys: Option<&'input RawValue>,
    #[serde(borrow, default, rename = "credentialOwner")]
    credential_owner: Option<&'input RawValue>,
    #[serde(borrow, default, rename = "requireCredential")]
    require_credential: Option<&'input RawValue>,
}

impl Fields<'_> {
    fn is_empty(&self) -> bool {
        let all = [self.provider, self.api_key, self.oauth_access_token, self.session_cookie, self.user_env_keys];
        all.iter().all(Option::is_none)
    }
}

/// Whether an object has no members: then nothing is in the wrong place, and the caller says that there is nothing.
fn is_empty_object(json: &[u8]) -> bool {
    json.iter().filter(|byte| !byte.is_ascii_whitespace()).eq(b"{}")
}

fn as_it_stands<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What stands in a field; `null` counts as nothing.
fn given(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get() != "null")
}

/// An object's members in their order; a name given twice is an error, as two parsers would disagree on it.
struct Pairs<'input>(Vec<(String, &'input RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut seen = std::collections::HashSet::new();
        let mut pairs = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if pairs.len() >= MAX_USER_ENV_KEYS || !seen.insert(name.clone()) {
                return Err(serde::de::Error::custom("twice"));
            }
            pairs.push((name, value));
        }
        Ok(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests;
