//! When a JWT expires (RFC 7519, section 4.1.4). Its signature is the endpoint's business, not ours.

use data_encoding::BASE64URL_NOPAD;

use super::document::Document;
use crate::sys::guarded::GuardedBytes;

/// Its claim `exp`, in milliseconds since 1970; none for what is no JWT or says nothing.
#[must_use]
pub fn expires_at(token: &[u8]) -> Option<f64> {
    let claims = token.split(|byte| *byte == b'.').nth(1)?;
    let claims = claims.strip_suffix(b"=").unwrap_or(claims);
    let mut decoded = GuardedBytes::zeroed(BASE64URL_NOPAD.decode_len(claims.len()).ok()?);
    let length = BASE64URL_NOPAD.decode_mut(claims, &mut decoded).ok()?;
    let document = Document::parse(GuardedBytes::copy_of(&decoded[..length]))?;
    document.time(&["exp".to_owned()], 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes()))
    }

    #[test]
    fn reads_the_claim() {
        assert_eq!(expires_at(jwt(r#"{"exp":1700000000,"x":1}"#).as_bytes()), Some(1_700_000_000_000.0));
        assert_eq!(expires_at(jwt(r#"{"exp":"1700000000"}"#).as_bytes()), Some(1_700_000_000_000.0));
        assert_eq!(expires_at(jwt(r#"{"exp":"2023-11-14T22:13:20Z"}"#).as_bytes()), Some(1_700_000_000_000.0));
        for token in [jwt("{}"), jwt("[1]"), jwt(r#"{"exp":"soon"}"#), "opaque".into(), "a.!.c".into(), "..".into()] {
            assert_eq!(expires_at(token.as_bytes()), None, "{token}");
        }
    }
}
