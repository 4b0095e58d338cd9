//! Seals a secret for a recipient.

use std::time::SystemTime;

use data_encoding::BASE64URL_NOPAD;
use hpke::{Deserializable, OpModeS, Serializable};

use super::envelope::{Envelope, MAX_SECRET_BYTES, TAG_BYTES};
use super::{Aead, Binding, CIPHER_STACK_BYTES, Kdf, Kem};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// A recipient's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// From its 32 bytes.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for another number of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(Self).map_err(|_| no_public_key())
    }

    /// From base64url without padding.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE`.
    pub fn from_text(text: &str) -> Result<Self> {
        Self::from_bytes(&BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| no_public_key())?)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As base64url without padding.
    #[must_use]
    pub fn to_text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }
}

fn no_public_key() -> Error {
    let message =
        "The recipient's public key must be what createRecipient().publicKey is: 32 bytes, or base64url of them.";
    Error::new(ErrorCode::InvalidArgValue, message).name("publicKey")
}

/// Seals a secret, so that it opens for this recipient with this binding alone.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a binding or a public key that cannot be, or a secret that is too long; `INTERNAL` when
/// the clock stands before 1970.
pub fn seal(secret: &Secret, recipient: &PublicKey, binding: &Binding<'_>, now: SystemTime) -> Result<String> {
    if secret.len() > MAX_SECRET_BYTES {
        let message = format!("The secret is {} bytes long; {MAX_SECRET_BYTES} can be sealed.", secret.len());
        return Err(Error::new(ErrorCode::InvalidArgValue, message));
    }
    let info = binding.info()?;
    let age = now.duration_since(SystemTime::UNIX_EPOCH);
    let age = age.map_err(|_| Error::new(ErrorCode::Internal, "The clock stands before 1970."))?;
    let issued_at = u64::try_from(age.as_millis()).unwrap_or(u64::MAX).to_be_bytes();
    let sealed = encrypt(secret, recipient, &info, &issued_at);
    zeroize::zeroize_stack::<CIPHER_STACK_BYTES>();
    let (enc, ciphertext, tag) = sealed?;
    Ok(Envelope { enc, issued_at, ciphertext: ciphertext.expose(), tag }.to_text())
}

/// What HPKE makes of a secret: the encapsulated key, the ciphertext, the tag. Not inlined: its stack is overwritten by
/// its caller.
#[inline(never)]
fn encrypt(
    secret: &Secret,
    recipient: &PublicKey,
    info: &[u8],
    aad: &[u8],
) -> Result<([u8; 32], Secret, [u8; TAG_BYTES])> {
    let key = <Kem as hpke::Kem>::PublicKey::from_bytes(&recipient.0).map_err(|_| no_public_key())?;
    let (mut enc, mut tag) = ([0; 32], [0; TAG_BYTES]);
    // In place: the copy of the secret becomes the ciphertext.
    let ciphertext = Secret::build(secret.len(), |bytes| {
        bytes.copy_from_slice(secret.expose());
        let sealed =
            hpke::single_shot_seal_inout_detached::<Aead, Kdf, Kem>(&OpModeS::Base, &key, info, bytes.into(), aad);
        // The key exchange refuses a public key of small order.
        let (sealed_key, sealed_tag) = sealed.map_err(|_| no_public_key())?;
        sealed_key.write_exact(&mut enc);
        sealed_tag.write_exact(&mut tag);
        Ok::<_, Error>(())
    })?;
    Ok((enc, ciphertext, tag))
}
