//! Local checks of a credential: bytes that a header can carry, and a prefix that does not belong to another slot.

use crate::error::{Error, ErrorCode, Result};
use crate::provider::{CredentialKind, KeyUse, Provider, class_of};

/// The longest credential, in bytes. Tokens of a few KB exist (JWTs); a pipe holds this much without a reader.
pub const MAX_CREDENTIAL_BYTES: usize = 16 * 1024;

/// Checks a credential before anything is started with it. `origin` is the name of the field or variable it came by.
///
/// # Errors
/// `KEY_MALFORMED`, `KEY_WRONG_PROVIDER`; neither repeats any of it.
pub fn check(provider: &'static Provider, kind: CredentialKind, origin: &str, key: &[u8]) -> Result<()> {
    if let Some(problem) = malformation(key) {
        let message = format!("The {} from {origin} {problem}", kind.as_str());
        return Err(Error::new(ErrorCode::KeyMalformed, message).provider(provider.id).name(origin));
    }
    let Some(class) = class_of(key) else {
        return Ok(());
    };
    let fits = class.provider == provider.id && class.usable_as == KeyUse::Credential(kind);
    if fits {
        return Ok(());
    }
    let message = format!(
        "{origin} holds {}, which is no {} for {}. Put it where it belongs, and give the right one here.",
        class.name,
        kind.as_str(),
        provider.name,
    );
    Err(Error::new(ErrorCode::KeyWrongProvider, message).provider(provider.id).name(origin))
}

/// What no server can have issued, as the end of a sentence.
fn malformation(key: &[u8]) -> Option<String> {
    if key.len() > MAX_CREDENTIAL_BYTES {
        return Some(format!("is {} bytes long; no key is longer than {MAX_CREDENTIAL_BYTES}.", key.len()));
    }
    if key.iter().any(u8::is_ascii_whitespace) {
        return Some("has white space in it. Paste the key alone, on one line.".into());
    }
    if key.iter().any(|byte| matches!(byte, b'"' | b'\'')) {
        return Some("has quotation marks in it. Paste the key without them.".into());
    }
    let printable = key.iter().all(u8::is_ascii_graphic);
    (!printable).then(|| "has characters that no key has. Paste it again.".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn verdict(provider: &str, kind: CredentialKind, key: &str) -> Option<ErrorCode> {
        let row = provider::find(provider).expect("a row");
        let error = check(row, kind, "apiKey", key.as_bytes()).err()?;
        assert!(key.len() < 4 || !format!("{error:?}").contains(key), "{error:?}");
        Some(error.code())
    }

    #[test]
    fn keys_and_their_verdicts() {
        use CredentialKind::{ApiKey, OauthToken};
        use ErrorCode::{KeyMalformed, KeyWrongProvider};
        let too_long = "k".repeat(MAX_CREDENTIAL_BYTES + 1);
        for (provider, kind, key, expected) in [
            ("claude", ApiKey, "sk-ant-api03-made-up", None),
            ("claude", OauthToken, "sk-ant-oat01-made-up", None),
            ("claude", ApiKey, "sk-1234", None),
            ("claude", ApiKey, "gateway_key", None),
            ("codex", ApiKey, "sk-proj-made-up", None),
            ("codex", ApiKey, "sk-made-up", None),
            ("claude", ApiKey, "sk-proj-made-up", Some(KeyWrongProvider)),
            ("claude", ApiKey, "sk-ant-oat01-made-up", Some(KeyWrongProvider)),
            ("claude", OauthToken, "sk-ant-api03-made-up", Some(KeyWrongProvider)),
            ("claude", ApiKey, "sk-ant-admin01-made-up", Some(KeyWrongProvider)),
            ("claude", OauthToken, "sk-ant-ort01-made-up", Some(KeyWrongProvider)),
            ("codex", ApiKey, "sk-ant-api03-made-up", Some(KeyWrongProvider)),
            ("codex", ApiKey, "sk-admin-made-up", Some(KeyWrongProvider)),
            ("codex", ApiKey, "sk-made up", Some(KeyMalformed)),
            ("codex", ApiKey, "sk-made-up\n", Some(KeyMalformed)),
            ("codex", ApiKey, "\"sk-made-up\"", Some(KeyMalformed)),
            ("codex", ApiKey, "sk-m\u{e4}de-up", Some(KeyMalformed)),
            ("codex", ApiKey, "sk-\u{1}made-up", Some(KeyMalformed)),
            ("codex", ApiKey, too_long.as_str(), Some(KeyMalformed)),
        ] {
            assert_eq!(verdict(provider, kind, key), expected, "{provider} {kind:?}");
        }
    }
}
