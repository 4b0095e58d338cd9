//! The secret type: bytes that are wiped when dropped, cannot be cloned, and cannot be printed.

use std::fmt;
use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

use crate::error::{Error, ErrorCode, Result};
use crate::sys::guarded::{self, GuardedBytes};
use crate::sys::thread_stack::on_wiped_stack_of;

/// Secret bytes, exactly as many as there are, in [guarded memory](crate::sys::guarded).
///
/// It has no `Clone`, and `Debug` shows its length only. As with the types of the crate `secrecy`,
/// [`expose_secret`](ExposeSecret::expose_secret) is the one way to the bytes: search for it to find every use.
pub struct Secret(GuardedBytes);

impl ExposeSecret<[u8]> for Secret {
    fn expose_secret(&self) -> &[u8] {
        &self.0
    }
}

impl Secret {
    /// Copies `bytes`; the source is the caller's to wipe.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(GuardedBytes::copy_of(bytes))
    }

    /// Makes a secret of `length` bytes and lets `fill` write them where they stay.
    ///
    /// # Errors
    /// What `fill` returns; what it had written is wiped.
    pub fn build<E>(
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<Self, E> {
        let mut bytes = GuardedBytes::zeroed(length);
        fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the secret has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes a secret of random bytes, such as a key.
    ///
    /// # Errors
    /// `INTERNAL` where the system has no randomness.
    pub fn random(length: usize) -> Result<Self> {
        Self::build(length, fill_random)
    }

    /// Refuses this secret where the kernel refused a protection of the memory that it is in.
    ///
    /// # Errors
    /// `MEMORY_UNPROTECTED`, with what was refused.
    pub fn require_protection(&self) -> Result<()> {
        let Some(refusal) = self.0.refusals().first().copied() else { return Ok(()) };
        let reason = std::io::Error::from_raw_os_error(refusal.errno);
        let limit = guarded::lock_limit().map_or("no limit".into(), |bytes| format!("{bytes} bytes"));
        let guarded::Protection { name, syscall, remedy, .. } = refusal.protection;
        let message = format!(
            "The memory of a secret lacks the protection {name:?}: {syscall}: {reason}. {remedy}, or omit \
            requireLocked and read memoryProtection(). RLIMIT_MEMLOCK is {limit}."
        );
        Err(Error::new(ErrorCode::MemoryUnprotected, message).name(*name).errno(refusal.errno, syscall))
    }

    /// A short name for this value that a log may hold.
    ///
    /// # Errors
    /// `INTERNAL` when the system has no randomness to key the hash with.
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        Fingerprint::of(self.expose_secret())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secret({} bytes)", self.len())
    }
}

/// More than HMAC-SHA256 reaches down, also when it is built without optimization.
const HASH_STACK_BYTES: usize = 16 * 1024;

/// 32 bits of HMAC-SHA256 under a key that lives and dies with the process: it distinguishes two keys in one log, and
/// cannot be brute-forced from the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 4]);

impl Fingerprint {
    /// The fingerprint of a value.
    ///
    /// # Errors
    /// `INTERNAL` when the system has no randomness to key the hash with.
    pub fn of(value: &[u8]) -> Result<Self> {
        on_wiped_stack_of::<HASH_STACK_BYTES, _>(|| Self::of_here(value))
    }

    /// Leaves the end of the value on the stack: the hash keeps it in its own block, and is passed about by value.
    fn of_here(value: &[u8]) -> Result<Self> {
        let mut mac = process_mac()?.clone();
        mac.update(value);
        let digest = mac.finalize().into_bytes();
        Ok(Self([digest[0], digest[1], digest[2], digest[3]]))
    }

    /// Reads what [`Display`](fmt::Display) writes: 8 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_hex.then(|| u32::from_str_radix(text, 16).ok()).flatten()?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// The keyed hash before any input, made once: the key itself is wiped as soon as it is in there.
fn process_mac() -> Result<&'static Hmac<Sha256>> {
    static MAC: OnceLock<Hmac<Sha256>> = OnceLock::new();
    if let Some(mac) = MAC.get() {
        return Ok(mac);
    }
    let mut key = zeroize::Zeroizing::new([0_u8; 32]);
    fill_random(&mut *key)?;
    let mac = Hmac::new_from_slice(&*key).map_err(|_| no_randomness())?;
    Ok(MAC.get_or_init(|| mac))
}

/// Fills `bytes` with the system's random bytes (getrandom(2)).
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| no_randomness())
}

pub(super) fn no_randomness() -> Error {
    Error::new(
        ErrorCode::Internal,
        "The system returned no random bytes, so no secret can be sealed, hashed or searched for.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_length_only() {
        let secret = Secret::copy_of(b"sk-ant-api03-made-up");
        assert_eq!(format!("{secret:?}"), "Secret(20 bytes)");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_fingerprint_leaves_nothing_of_the_value_on_the_stack() {
        use crate::sys::thread_stack::in_own_frame;
        use std::os::unix::fs::FileExt;

        // AddressSanitizer has locals elsewhere (`detect_stack_use_after_return`).
        if std::env::var_os("ASAN_OPTIONS").is_some() {
            return;
        }
        // Shorter than a block of the hash, and not a constant, which would be in this frame.
        let value: Vec<u8> = (1..=48_u8).map(|byte| byte.wrapping_mul(37) ^ 0x5a).collect();
        let marker = 0_u8;
        let here = (&raw const marker).addr();
        let memory = std::fs::File::open("/proc/self/mem").expect("Linux");
        let mut below = vec![0; 128 * 1024];
        let mut found = || {
            let start = here - below.len();
            memory.read_exact_at(&mut below, start as u64).expect("this thread's stack");
            below.windows(24).filter(|window| value.windows(24).any(|part| part == *window)).count()
        };
        let left = in_own_frame(|| Fingerprint::of_here(&value));
        assert_ne!(found(), 0, "the control: without the wipe, copies are found");
        let wiped = Fingerprint::of(&value);
        assert_eq!(found(), 0);
        assert_eq!(left.expect("random"), wiped.expect("random"));
    }

    #[test]
    fn fingerprints_tell_keys_apart_and_repeat() {
        let one = Secret::copy_of(b"one").fingerprint().expect("random");
        let again = Secret::copy_of(b"one").fingerprint().expect("random");
        let two = Secret::copy_of(b"two").fingerprint().expect("random");
        assert_eq!(one, again);
        assert_ne!(one, two);
        assert_eq!(one.to_string().len(), 8);
        assert_eq!(Fingerprint::parse(&one.to_string()), Some(one));
        for other in ["", "1234567", "123456789", "+1234567", "1234567g"] {
            assert_eq!(Fingerprint::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_failed_build_gives_the_error() {
        let result: std::result::Result<Secret, &str> = Secret::build(4, |bytes| {
            bytes[0] = 1;
            Err("no")
        });
        assert_eq!(result.err(), Some("no"));
    }
}
