//! Tokens, which an agent holds instead of a key. The broker keeps only their hashes.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::Result;
use crate::secret::{ExposeSecret, Secret};

/// 256 bits, too many to guess.
const RANDOM_BYTES: usize = 32;
/// The length of the random bytes in base64url without padding.
const ENCODED_BYTES: usize = 43;

/// The SHA-256 of a token.
#[derive(Clone, Debug)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of what a caller presents; none, and nothing is hashed, if it cannot be a token with this prefix.
    #[must_use]
    pub fn of(presented: &[u8], prefix: &str) -> Option<Self> {
        let random = presented.strip_prefix(prefix.as_bytes())?;
        (random.len() == ENCODED_BYTES).then(|| Self(Sha256::digest(presented).into()))
    }

    /// The key of the table of grants. A caller who does not know a token cannot choose its hash, so the time that a
    /// search takes reveals nothing.
    pub(super) fn shelf(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_ne_bytes([a, b, c, d, e, f, g, h])
    }

    /// Compares in a time that does not depend on the content.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// A fresh token, and its digest.
///
/// # Errors
/// `INTERNAL` if the system has no randomness.
pub(super) fn mint(prefix: &str) -> Result<(Secret, TokenDigest)> {
    let random = Secret::random(RANDOM_BYTES)?;
    let token = Secret::build(prefix.len() + ENCODED_BYTES, |bytes| {
        let (head, tail) = bytes.split_at_mut(prefix.len());
        head.copy_from_slice(prefix.as_bytes());
        BASE64URL_NOPAD.encode_mut(random.expose_secret(), tail);
        Ok::<(), crate::error::Error>(())
    })?;
    let digest = TokenDigest(Sha256::digest(token.expose_secret()).into());
    Ok((token, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_own_digest_alone() {
        let (one, digest) = mint("pe-").expect("random");
        let (two, other) = mint("pe-").expect("random");
        assert!(TokenDigest::of(one.expose_secret(), "pe-").is_some_and(|found| found.is_same(&digest)));
        assert!(TokenDigest::of(two.expose_secret(), "pe-").is_some_and(|found| !found.is_same(&digest)));
        assert_ne!(digest.shelf(), other.shelf());
        assert!(TokenDigest::of(one.expose_secret(), "sk-").is_none());
        assert!(TokenDigest::of(&one.expose_secret()[..one.len() - 1], "pe-").is_none());
    }
}
