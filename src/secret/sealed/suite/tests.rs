//! Tests of the suite against the vectors of RFC 9180, and of what it leaves on the stack.

use std::convert::Infallible;

use data_encoding::HEXLOWER;
use hpke::rand_core::{TryCryptoRng, TryRng};

use super::*;
use crate::sys::thread_stack::in_own_frame;

/// `test-vectors.json` of github.com/cfrg/draft-irtf-cfrg-hpke at 5f503c5, which RFC 9180 refers to: mode 0, KEM
/// 0x0020, KDF 0x0001, AEAD 0x0002, the first of its encryptions. Appendix A prints no vector of this suite: A.1 has
/// the KEM with AES-128-GCM, A.2 with ChaCha20Poly1305, and A.6 the AEAD with P-521.
mod vector {
    pub const INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
    pub const IKM_E: &str = "2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9";
    pub const SK_RM: &str = "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d";
    pub const PK_RM: &str = "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c";
    pub const ENC: &str = "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256";
    pub const KEY: &str = "f50b0609186798729ed0564b36ef2ef8044f1f9d05636874d1f46c819c7a669f";
    pub const AAD: &str = "436f756e742d30";
    pub const PT: &str = "4265617574792069732074727574682c20747275746820626561757479";
    pub const CT: &str = "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a";
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).expect("hex")
}

fn private_key() -> Secret {
    Secret::copy_of(&bytes(vector::SK_RM))
}

/// Randomness that the vector says was drawn.
struct Drawn(Vec<u8>);

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("HPKE draws bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("HPKE draws bytes")
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        target.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

#[test]
fn the_public_key_is_the_vectors() {
    assert_eq!(HEXLOWER.encode(&public_key(&private_key()).expect("32 bytes")), vector::PK_RM);
}

#[test]
fn decrypts_the_vector() {
    let (enc, info, aad, sealed) = (bytes(vector::ENC), bytes(vector::INFO), bytes(vector::AAD), bytes(vector::CT));
    let (ciphertext, tag) = sealed.split_at(sealed.len() - TAG_BYTES);
    let plaintext = decrypt(&private_key(), &enc, &info, &aad, ciphertext, tag).expect("genuine");
    assert_eq!(HEXLOWER.encode(plaintext.expose_secret()), vector::PT);
    for (info, aad) in [(&info[1..], &*aad), (&*info, &aad[1..])] {
        decrypt(&private_key(), &enc, info, aad, ciphertext, tag).expect_err("another info or aad");
    }
}

#[test]
fn encrypts_the_vector() {
    let plaintext = Secret::copy_of(&bytes(vector::PT));
    let mut ciphertext = vec![0; plaintext.len()];
    let mut random = Drawn(bytes(vector::IKM_E));
    let (public_key, info, aad) = (bytes(vector::PK_RM), bytes(vector::INFO), bytes(vector::AAD));
    let (enc, tag) = encrypt(&public_key, &info, &aad, &plaintext, &mut ciphertext, &mut random).expect("a public key");
    assert_eq!(HEXLOWER.encode(&enc), vector::ENC);
    assert_eq!(HEXLOWER.encode(&[&*ciphertext, &tag].concat()), vector::CT);
}

/// Looks for the private key and the message's AES key on this thread's stack below this frame, through the kernel,
/// which needs no unsafe code. Without optimization both are found there, with it the AES key.
#[cfg(target_os = "linux")]
#[test]
fn leaves_no_key_on_the_stack() {
    use std::os::unix::fs::FileExt;

    if std::env::var_os("ASAN_OPTIONS").is_some() {
        eprintln!("skipped: AddressSanitizer keeps locals elsewhere");
        return;
    }
    // X25519 changes bits of the first and the last byte; the middle is the same in every copy.
    let key = private_key();
    let aes_key = Secret::copy_of(&bytes(vector::KEY));
    let needles = [&key.expose_secret()[4..28], &aes_key.expose_secret()[4..28]];
    let marker = 0_u8;
    let here = (&raw const marker).addr();
    let memory = std::fs::File::open("/proc/self/mem").expect("Linux");
    let mut below = vec![0; 192 * 1024];
    let mut found = || {
        let start = here - below.len();
        memory.read_exact_at(&mut below, start as u64).expect("this thread's stack");
        below.windows(24).filter(|window| needles.contains(window)).count()
    };

    let (enc, info, aad, sealed) = (bytes(vector::ENC), bytes(vector::INFO), bytes(vector::AAD), bytes(vector::CT));
    let (ciphertext, tag) = sealed.split_at(sealed.len() - TAG_BYTES);
    let opened = in_own_frame(|| decrypt_here(&key, &enc, &info, &aad, ciphertext, tag));
    assert_ne!(found(), 0, "the control: without the wipe, copies are found");
    opened.expect("genuine");

    let opened = decrypt(&key, &enc, &info, &aad, ciphertext, tag);
    assert_eq!(found(), 0, "after opening");
    opened.expect("genuine");
    let derived = public_key(&key);
    assert_eq!(found(), 0, "after deriving the public key");
    derived.expect("32 bytes");
}
