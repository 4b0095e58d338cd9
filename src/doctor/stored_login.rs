//! What a CLI's own login says of itself: of which kind it is, until when it holds, and whether it can be renewed.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::text::{self, Unread};
use crate::provider::{Expiry, Provider};

/// A stored login, without any of it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginState {
    /// What it is.
    pub kind: LoginKind,
    /// When its access token expires, in milliseconds since 1970, where it says so.
    pub expires_at_ms: Option<f64>,
    /// Whether there is a refresh token.
    pub refreshable: bool,
}

/// What a stored login is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginKind {
    /// Tokens of a subscription.
    OauthToken,
    /// A key that is billed per use.
    ApiKey,
    /// The file is there, and neither is in it.
    Empty,
    /// The file is there and was not for us to read, or is no JSON.
    Unread,
    /// Whether the file is there is not for us to see.
    Hidden,
}

/// Reads the login of a provider in its state directory; none when there is no file.
#[must_use]
pub fn stored_login(provider: &Provider, state_directory: &Path) -> Option<LoginState> {
    match text::read(&state_directory.join(provider.oauth.file)) {
        Err(Unread::Missing) => None,
        Err(Unread::Hidden) => Some(LoginState::bare(LoginKind::Hidden)),
        Err(Unread::Refused) => Some(LoginState::bare(LoginKind::Unread)),
        Ok(text) => Some(read(provider, text.expose()).unwrap_or_else(|| LoginState::bare(LoginKind::Unread))),
    }
}

impl LoginState {
    fn bare(kind: LoginKind) -> Self {
        Self { kind, expires_at_ms: None, refreshable: false }
    }
}

fn read(provider: &Provider, text: &[u8]) -> Option<LoginState> {
    let text = std::str::from_utf8(text).ok()?;
    serde_json::from_str::<Members<'_>>(text).ok()?;
    let row = &provider.oauth;
    let has = |path: &[&str]| !path.is_empty() && at(text, path).is_some_and(is_text);
    // As the CLI has it: tokens go before a key that stands beside them.
    if has(row.access_token) {
        let expires_at_ms = match row.expiry {
            Expiry::Milliseconds(path) => at(text, path).and_then(|literal| literal.parse().ok()),
            Expiry::Seconds(path) => {
                at(text, path).and_then(|literal| literal.parse().ok()).map(|seconds: f64| seconds * 1000.0)
            }
            Expiry::Jwt => at(text, row.access_token).and_then(jwt_expiry).map(|seconds| seconds * 1000.0),
        };
        let expires_at_ms = expires_at_ms.filter(|ms: &f64| ms.is_finite());
        return Some(LoginState { kind: LoginKind::OauthToken, expires_at_ms, refreshable: has(row.refresh_token) });
    }
    Some(LoginState::bare(if has(row.api_key) { LoginKind::ApiKey } else { LoginKind::Empty }))
}

/// Names are copied; values stay where they are.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// The literal at a path of members.
fn at<'a>(text: &'a str, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(text, |inner, name| {
        let members: Members<'a> = serde_json::from_str(inner).ok()?;
        members.get(*name).map(|value| value.get())
    })
}

fn is_text(literal: &str) -> bool {
    literal.starts_with('"') && literal != "\"\""
}

#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
}

/// `exp` of a JWT (RFC 7519, section 4.1.4), in seconds. The signature is the server's to check.
fn jwt_expiry(literal: &str) -> Option<f64> {
    let payload = literal.trim_matches('"').split('.').nth(1)?.as_bytes();
    let mut decoded = Zeroizing::new(vec![0_u8; BASE64URL_NOPAD.decode_len(payload.len()).ok()?]);
    let length = BASE64URL_NOPAD.decode_mut(payload, &mut decoded).ok()?;
    serde_json::from_slice::<Claims>(decoded.get(..length)?).ok()?.exp
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;
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
            ("codex", r#"{"tokens": null}"#.into(), bare(LoginKind::Empty)),
        ] {
            assert_eq!(state(provider, &text), Some(expected), "{text}");
        }
        assert_eq!(state("codex", "{"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), token in "[a-zA-Z0-9._=\"-]{0,40}") {
            for row in provider::PROVIDERS {
                let _ = read(row, &bytes);
            }
            let _ = jwt_expiry(&token);
        }
    }
}
