//! AES-256-GCM and HKDF-SHA256 over secrets, in place, with the stack that they used overwritten.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;

use super::row::{IV_BYTES, Parts, TAG_BYTES};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// How many bytes of key.
pub const KEY_BYTES: usize = 32;

/// More than the deepest call into the ciphers takes in a release build: key schedules and hash states that they leave
/// on the stack are overwritten. In a debug build it is best effort.
const CIPHER_STACK_BYTES: usize = 16 * 1024;

/// A key derived from another.
///
/// # Errors
/// `INTERNAL`, which cannot happen: HKDF-SHA256 gives up to 8160 bytes.
pub fn derive(master: &Secret, salt: &[u8], info: &[u8]) -> Result<Secret> {
    let derived = expand(master, salt, info);
    zeroize::zeroize_stack::<CIPHER_STACK_BYTES>();
    derived
}

#[inline(never)]
fn expand(master: &Secret, salt: &[u8], info: &[u8]) -> Result<Secret> {
    let hkdf = Hkdf::<Sha256>::new(Some(salt), master.expose());
    Secret::build(KEY_BYTES, |key| hkdf.expand(info, key)).map_err(|_| internal())
}

/// Decrypts into a secret; none when the tag does not fit, and then nothing stays.
pub fn decrypt(key: &Secret, parts: &Parts<'_>, associated_data: &[u8]) -> Option<Secret> {
    let opened = open(key, parts, associated_data);
    zeroize::zeroize_stack::<CIPHER_STACK_BYTES>();
    opened
}

#[inline(never)]
fn open(key: &Secret, parts: &Parts<'_>, associated_data: &[u8]) -> Option<Secret> {
    let cipher = Aes256Gcm::new_from_slice(key.expose()).ok()?;
    let opened = Secret::build(parts.ciphertext.len(), |bytes| {
        bytes.copy_from_slice(&parts.ciphertext);
        cipher.decrypt_inout_detached(&parts.iv.into(), associated_data, bytes.into(), &parts.auth_tag.into())
    });
    opened.ok()
}

/// Encrypts a copy in place: what the result holds is ciphertext.
///
/// # Errors
/// `INTERNAL`, which cannot happen: the cipher takes 64 GiB.
pub fn encrypt(
    key: &Secret,
    plaintext: &Secret,
    iv: [u8; IV_BYTES],
    associated_data: &[u8],
) -> Result<(Secret, [u8; TAG_BYTES])> {
    let sealed = seal(key, plaintext, iv, associated_data);
    zeroize::zeroize_stack::<CIPHER_STACK_BYTES>();
    sealed
}

#[inline(never)]
fn seal(
    key: &Secret,
    plaintext: &Secret,
    iv: [u8; IV_BYTES],
    associated_data: &[u8],
) -> Result<(Secret, [u8; TAG_BYTES])> {
    let cipher = Aes256Gcm::new_from_slice(key.expose()).map_err(|_| internal())?;
    let mut tag = [0; TAG_BYTES];
    let ciphertext = Secret::build(plaintext.len(), |bytes| {
        bytes.copy_from_slice(plaintext.expose());
        tag = cipher.encrypt_inout_detached(&iv.into(), associated_data, bytes.into())?.into();
        Ok::<_, aes_gcm::Error>(())
    });
    Ok((ciphertext.map_err(|_| internal())?, tag))
}

fn internal() -> Error {
    Error::new(ErrorCode::Internal, "A cipher refused sizes that it is made for.")
}
