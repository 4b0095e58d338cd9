//! The sealing side of sealed secrets: turns a secret into text for one recipient and one use.

use std::convert::Infallible;
use std::time::SystemTime;

use hpke::rand_core::{TryCryptoRng, TryRng};

use super::binding::Binding;
use super::envelope::{self, MAX_SECRET_BYTES, unix_millis};
use super::suite;
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;
use crate::secret::bytes::no_randomness;

/// Seals `secret` to the [`Recipient`](super::Recipient) with this public key. The text is no secret.
///
/// # Errors
/// `INVALID_ARG_VALUE` for a public key that is none, a secret over [`MAX_SECRET_BYTES`] or an impossible binding,
/// `UNSUPPORTED` for an impossible clock, `INTERNAL` when the system has no randomness.
pub fn seal(secret: &Secret, public_key: &[u8], binding: &Binding, now: SystemTime) -> Result<String> {
    if secret.len() > MAX_SECRET_BYTES {
        let message = format!(
            "The secret is {} bytes long; at most {MAX_SECRET_BYTES} can be sealed. Pass it in a file.",
            secret.len()
        );
        return Err(Error::new(ErrorCode::InvalidArgValue, message).name("secret"));
    }
    let info = binding.info()?;
    let issued_at = unix_millis(now)?.to_be_bytes();
    let mut random = SystemRandom::default();
    let text = envelope::encode(issued_at, secret.len(), |ciphertext| {
        suite::encrypt(public_key, &info, &issued_at, secret, ciphertext, &mut random)
    });
    if random.failed {
        return Err(no_randomness());
    }
    text.map_err(|_| no_public_key())
}

fn no_public_key() -> Error {
    let message = "The public key must be the 32 bytes of a recipient's public key. Pass the worker's key exactly as \
        it sent it.";
    Error::new(ErrorCode::InvalidArgValue, message).name("publicKey")
}

/// The system's random bytes in the form that HPKE requires, in which no call can fail. What was made with them is void once
/// `failed` is set.
#[derive(Debug, Default)]
struct SystemRandom {
    failed: bool,
}

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> std::result::Result<(), Infallible> {
        self.failed |= getrandom::fill(bytes).is_err();
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}
