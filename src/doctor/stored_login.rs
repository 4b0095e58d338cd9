//! The facts about a stored login: its kind, its expiry, and whether it can be refreshed.

use std::path::Path;

use super::text::{self, Unread};
use crate::credential::Expiry;
use crate::credential::store::{Document, Login, Overrides, Profile};
use crate::error::ErrorCode;
use crate::provider::{CredentialKind, Provider};
use crate::secret::ExposeSecret;
use crate::sys::guarded::GuardedBytes;

/// The facts about a stored login, without any secret.
#[derive(Debug, PartialEq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct LoginState {
    pub kind: LoginKind,
    /// The expiry of its access token, in milliseconds since 1970, if it is known.
    pub expires_at_ms: Option<f64>,
    pub refreshable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "kebab-case"))]
pub enum LoginKind {
    OauthToken,
    ApiKey,
    /// A login that only the CLI itself can use, such as an agent's identity.
    CliOnly,
    /// The file is there, and none of these is in it.
    Empty,
    /// The file is there and was not for us to read, or is no JSON.
    Unread,
    /// Whether the file is there is not for us to see.
    Hidden,
}

/// Reads the login of a provider in its state directory; none when there is no file.
#[must_use]
pub fn stored_login(provider: &'static Provider, state_directory: &Path) -> Option<LoginState> {
    match text::read(&state_directory.join(provider.login.as_ref()?.file)) {
        Err(Unread::Missing) => None,
        Err(Unread::Hidden) => Some(LoginState::bare(LoginKind::Hidden)),
        Err(Unread::Refused) => Some(LoginState::bare(LoginKind::Unread)),
        Ok(text) => Some(read(provider, text.expose_secret()).unwrap_or_else(|| LoginState::bare(LoginKind::Unread))),
    }
}

impl LoginState {
    fn bare(kind: LoginKind) -> Self {
        Self { kind, expires_at_ms: None, refreshable: false }
    }
}

fn read(provider: &'static Provider, text: &[u8]) -> Option<LoginState> {
    let profile = Profile::new(provider, Overrides::default()).ok()?;
    let document = Document::parse(GuardedBytes::copy_of(text))?;
    Some(match Login::read(&document, &profile) {
        Ok(login) => LoginState {
            kind: match login.kind {
                CredentialKind::ApiKey => LoginKind::ApiKey,
                CredentialKind::OauthToken | CredentialKind::ConfigDir => LoginKind::OauthToken,
            },
            expires_at_ms: login.expires_at.map(Expiry::told),
            refreshable: login.refresh.is_some(),
        },
        Err(error) if error.code() == ErrorCode::Unsupported => LoginState::bare(LoginKind::CliOnly),
        Err(_) => LoginState::bare(LoginKind::Empty),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;
    use data_encoding::BASE64URL_NOPAD;
    use proptest::prelude::*;

    fn state(provider: &str, text: &str) -> Option<LoginState> {
        read(provider::find(provider).expect("a row"), text.as_bytes())
    }

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes()))
    }

    #[test]
    fn kinds_and_times() {
        let oauth = |expires_at_ms, refreshable| LoginState { kind: LoginKind::OauthToken, expires_at_ms, refreshable };
        let bare = LoginState::bare;
        let codex = |token: &str, refresh: &str| {
            format!(
                r#"{{"OPENAI_API_KEY": null, "tokens": {{"access_token": "{token}", "refresh_token": "{refresh}"}}}}"#
            )
        };
        for (provider, text, expected) in [
            (
                "claude",
                r#"{"claudeAiOauth": {"accessToken": "a", "refreshToken": "r", "expiresAt": 1790000000000}}"#.into(),
                oauth(Some(1.79e12), true),
            ),
            (
                "claude",
                r#"{"claudeAiOauth": {"accessToken": "a", "refreshToken": "", "expiresAt": "soon"}}"#.into(),
                oauth(None, false),
            ),
            ("claude", r#"{"claudeAiOauth": {"accessToken": ""}}"#.into(), bare(LoginKind::Empty)),
            ("claude", r#"{"OPENAI_API_KEY": "k"}"#.into(), bare(LoginKind::Empty)),
            ("codex", codex(&jwt(r#"{"exp": 1790000000, "x": "\n"}"#), "r"), oauth(Some(1.79e12), true)),
            ("codex", codex(&jwt(r#"{"sub": "x"}"#), ""), oauth(None, false)),
            ("codex", codex("opaque", "r"), oauth(None, true)),
            ("codex", codex("a.!!.c", "r"), oauth(None, true)),
            ("codex", r#"{"OPENAI_API_KEY": "k"}"#.into(), bare(LoginKind::ApiKey)),
            ("codex", r#"{"OPENAI_API_KEY": "k", "tokens": {"access_token": "t"}}"#.into(), bare(LoginKind::ApiKey)),
            (
                "codex",
                r#"{"auth_mode": "chatgpt", "OPENAI_API_KEY": "k", "tokens": {"access_token": "t"}}"#.into(),
                oauth(None, false),
            ),
            ("codex", r#"{"auth_mode": "agentIdentity"}"#.into(), bare(LoginKind::CliOnly)),
            ("codex", r#"{"tokens": null}"#.into(), bare(LoginKind::Empty)),
        ] {
            assert_eq!(state(provider, &text), Some(expected), "{text}");
        }
        assert_eq!(state("codex", "{"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for row in provider::PROVIDERS {
                let _ = read(row, &bytes);
            }
        }
    }
}
