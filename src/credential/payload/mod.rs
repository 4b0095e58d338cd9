//! The payload of one request, read from JSON bytes or from fields, with size limits and this crate's own error text.

mod json;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::CredentialOwner;
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{self, PayloadField, Provider};
use crate::secret::sealed::is_sealed;
use crate::secret::{ExposeSecret, Secret};

/// The worker's line limit for one message, in bytes.
pub const MAX_JSON_BYTES: usize = 10 * 1024 * 1024;

/// The most `userEnvKeys`, refused names among them: more fit into no environment, and each takes its time.
pub const MAX_USER_ENV_KEYS: usize = 4096;

/// The most members on the way to a payload in a message.
pub const MAX_PATH: usize = 16;

const SESSION_COOKIE: &str = "sessionCookie";
const USER_ENV_KEYS: &str = "userEnvKeys";

/// The fields that are read.
pub const FIELDS: &[&str] = &["provider", "apiKey", "oauthAccessToken", SESSION_COOKIE, USER_ENV_KEYS];

/// Options that would be a tenant's word in a payload: [`no_field`] refuses them there.
pub const NO_FIELDS: &[&str] = &["credentialOwner", "requireCredential"];

/// A secret on its way in.
pub enum Input<'a> {
    /// Where the caller has them; the caller wipes them.
    Borrowed(&'a [u8]),
    /// The content of an escaped JSON string or a sealed secret.
    Decoded(Secret),
    /// A secret that the caller has a handle of.
    Shared(Arc<Secret>),
}

impl Input<'_> {
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Decoded(secret) => secret.expose_secret(),
            Self::Shared(secret) => secret.expose_secret(),
        }
    }

    /// Its own secret; copied only where the bytes are the caller's.
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

#[derive(Debug)]
pub struct Payload<'a> {
    /// The provider requested, or the default.
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
        let member = match field {
            PayloadField::ApiKey => &mut self.api_key,
            PayloadField::OauthAccessToken => &mut self.oauth_access_token,
        };
        *member = present(field.as_str(), value)?;
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
        for (field, member) in [
            (PayloadField::ApiKey.as_str(), &mut self.api_key),
            (PayloadField::OauthAccessToken.as_str(), &mut self.oauth_access_token),
            (SESSION_COOKIE, &mut self.session_cookie),
        ] {
            if let Some(sealed) = member.take_if(|value| is_sealed(value.expose_secret())) {
                *member = present(field, Input::Decoded(open(field, sealed.expose_secret())?))?;
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
            "payload.{field} contains only zeros, like an array that has already been consumed. Create a Secret from \
            the key once, and pass that."
        );
        return Err(Error::new(ErrorCode::PayloadInvalid, message).name(field));
    } else if value.contains(&0) {
        "contains a NUL byte, which an environment cannot hold"
    } else if std::str::from_utf8(value).is_err() {
        "is not UTF-8"
    } else {
        return Ok(());
    };
    let message = format!(
        "payload.{field} {problem}. Pass a value that is UTF-8 text without NUL bytes, for example \
        in Base64."
    );
    Err(Error::new(ErrorCode::PayloadInvalid, message).name(field))
}

fn not_an_object_of_strings() -> Error {
    let message = format!(
        "payload.userEnvKeys must be an object of at most {MAX_USER_ENV_KEYS} different names whose values are strings."
    );
    Error::new(ErrorCode::PayloadInvalid, message).name("userEnvKeys")
}

/// Refuses to seal a secret for what no payload has: the worker would say no more than that it does not open.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE`.
pub fn check_sealed_field(field: &str, owner: CredentialOwner) -> Result<()> {
    let is_credential = PayloadField::named(field).is_some();
    let is_variable = field.strip_prefix("userEnvKeys.").is_some_and(|name| !name.is_empty());
    let (option, problem) = if !is_credential && !is_variable && field != SESSION_COOKIE {
        ("binding.field", "must be apiKey, oauthAccessToken, sessionCookie, or userEnvKeys.NAME.")
    } else if owner == CredentialOwner::Server && !is_credential {
        let problem = "can be \"server\" only for apiKey and oauthAccessToken: all other fields of a payload belong to \
            the workspace.";
        ("binding.credentialOwner", problem)
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorCode::InvalidArgValue, format!("{option} {problem}")).name(option))
}

/// Refuses an option that is in the payload. A tenant may have written that, so it is not obeyed there; and whoever
/// meant it would miss a protection if it were ignored.
#[must_use]
pub fn no_field(option: &str) -> Error {
    let message = format!(
        "payload.{option} is not a field of a payload, because a tenant could set it there. Pass it to \
        buildProviderEnv() as options.{option}."
    );
    Error::new(ErrorCode::PayloadInvalid, message).name(option)
}

/// The refusal of a payload that has members, and none that is read: a message around the payload, or another thing. Taken for
/// an empty one, it would run on a fallback, for the default provider.
#[must_use]
pub fn no_known_field() -> Error {
    let message = format!(
        "The payload has none of the known fields: {}. Pass the payload itself, or name its place within a message in \
        options.payloadPath. To use the credential that the options provide, name the provider or pass {{}}.",
        FIELDS.join(", ")
    );
    FIELDS.iter().fold(Error::new(ErrorCode::PayloadInvalid, message), |error, field| error.name(*field))
}

#[cfg(test)]
mod tests;
