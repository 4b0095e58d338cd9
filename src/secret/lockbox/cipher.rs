//! AES-256-GCM and HKDF-SHA256 for secrets, from one buffer into another, on a stack that is wiped.

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;

use super::row::{IV_BYTES, Parts, TAG_BYTES};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};
use crate::sys::thread_stack::on_wiped_stack;

pub const KEY_BYTES: usize = 32;

/// Derives a key from a master key with HKDF-SHA256.
///
/// # Errors
/// `INTERNAL`, which cannot happen: HKDF-SHA256 gives up to 8160 bytes.
pub fn derive(master: &Secret, salt: &[u8], info: &[u8]) -> Result<Secret> {
    on_wiped_stack(|| {
        let hkdf = Hkdf::<Sha256>::new(Some(salt), master.expose_secret());
        Secret::build(KEY_BYTES, |key| hkdf.expand(info, key)).map_err(|_| internal())
    })
}

/// Decrypts into a secret; none when the tag does not fit, and then nothing was written.
pub fn decrypt(key: &Secret, parts: &Parts<'_>, associated_data: &[u8]) -> Option<Secret> {
    on_wiped_stack(|| {
        let cipher = Aes256Gcm::new_from_slice(key.expose_secret()).ok()?;
        let opened = Secret::build(parts.ciphertext.len(), |plaintext| {
            let buffer = InOutBuf::new(&parts.ciphertext, plaintext).map_err(|_| aes_gcm::Error)?;
            cipher.decrypt_inout_detached(&parts.iv.into(), associated_data, buffer, &parts.auth_tag.into())
        });
        opened.ok()
    })
}

/// Encrypts into a ciphertext as long as the plaintext, and a tag.
///
/// # Errors
/// `INTERNAL`, which cannot happen: the cipher takes 64 GiB.
pub fn encrypt(
    key: &Secret,
    plaintext: &Secret,
    iv: [u8; IV_BYTES],
    associated_data: &[u8],
) -> Result<(Vec<u8>, [u8; TAG_BYTES])> {
    let mut ciphertext = vec![0; plaintext.len()];
    let tag = on_wiped_stack(|| {
        let cipher = Aes256Gcm::new_from_slice(key.expose_secret()).map_err(|_| internal())?;
        let buffer = InOutBuf::new(plaintext.expose_secret(), &mut ciphertext).map_err(|_| internal())?;
        cipher.encrypt_inout_detached(&iv.into(), associated_data, buffer).map_err(|_| internal())
    })?;
    Ok((ciphertext, tag.into()))
}

fn internal() -> Error {
    Error::new(ErrorCode::Internal, "A cipher rejected a key or nonce of the correct size.")
}
