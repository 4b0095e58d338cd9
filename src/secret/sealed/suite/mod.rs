//! The only HPKE suite in use, in base mode and for one message. It takes keys and bytes and returns bytes, and knows
//! nothing about our own format.
//!
//! A plaintext is in its [`Secret`] only: the cipher reads from one buffer and writes to the other, so neither
//! sealing nor opening copies it.

use hpke::aead::{AeadTag, AesGcm256};
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::CryptoRng;
use hpke::{Deserializable, HpkeError, Kem, OpModeR, OpModeS, Serializable, setup_receiver, setup_sender_with_rng};

use crate::secret::{ExposeSecret, Secret};
use crate::sys::thread_stack::on_wiped_stack;

/// An encapsulated key: Nenc of the KEM.
pub(super) const ENC_BYTES: usize = 32;
/// A private key: Nsk of the KEM.
pub(super) const PRIVATE_KEY_BYTES: usize = 32;
/// A public key: Npk of the KEM.
pub(super) const PUBLIC_KEY_BYTES: usize = 32;
/// A tag: Nt of the AEAD.
pub(super) const TAG_BYTES: usize = 16;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

pub(super) fn public_key(private_key: &Secret) -> Result<[u8; PUBLIC_KEY_BYTES], HpkeError> {
    on_wiped_stack(|| {
        let private_key = PrivateKey::from_bytes(private_key.expose_secret())?;
        Ok(X25519HkdfSha256::sk_to_pk(&private_key).to_bytes().into())
    })
}

/// Encrypts into `ciphertext`, which is as long as the plaintext. It fails for a public key of another size, and for
/// one of small order, whose secrets everybody would know.
pub(super) fn encrypt(
    public_key: &[u8],
    info: &[u8],
    aad: &[u8],
    plaintext: &Secret,
    ciphertext: &mut [u8],
    random: &mut impl CryptoRng,
) -> Result<([u8; ENC_BYTES], [u8; TAG_BYTES]), HpkeError> {
    let public_key = PublicKey::from_bytes(public_key)?;
    on_wiped_stack(|| {
        let mode = OpModeS::Base;
        let (enc, mut context) =
            setup_sender_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(&mode, &public_key, info, random)?;
        let buffer = InOutBuf::new(plaintext.expose_secret(), ciphertext).map_err(|_| HpkeError::SealError)?;
        let tag = context.seal_inout_detached(buffer, aad)?;
        Ok((enc.to_bytes().into(), tag.to_bytes().into()))
    })
}

/// Decrypts into a new secret. Nothing is written before the tag was found to be right.
pub(super) fn decrypt(
    private_key: &Secret,
    enc: &[u8],
    info: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Secret, HpkeError> {
    on_wiped_stack(|| decrypt_here(private_key, enc, info, aad, ciphertext, tag))
}

fn decrypt_here(
    private_key: &Secret,
    enc: &[u8],
    info: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Secret, HpkeError> {
    let enc = EncappedKey::from_bytes(enc)?;
    let tag = AeadTag::<AesGcm256>::from_bytes(tag)?;
    let private_key = PrivateKey::from_bytes(private_key.expose_secret())?;
    let mode = OpModeR::Base;
    let mut context = setup_receiver::<AesGcm256, HkdfSha256, X25519HkdfSha256>(&mode, &private_key, &enc, info)?;
    Secret::build(ciphertext.len(), |plaintext| {
        let buffer = InOutBuf::new(ciphertext, plaintext).map_err(|_| HpkeError::OpenError)?;
        context.open_inout_detached(buffer, aad, &tag)
    })
}

#[cfg(test)]
mod tests;
