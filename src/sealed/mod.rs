//! Sealed secrets: from the process that holds the lockbox to one worker, as text that only that worker opens.
//!
//! HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; one message per context.
//!
//! ```text
//! text      = "provider-env-sealed.v1." ‖ base64url without padding of bytes
//! bytes     = enc (32) ‖ issued at (8, big-endian: milliseconds since 1970) ‖ ciphertext ‖ tag (16)
//! info      = field("provider-env-sealed.v1") ‖ field(workspace) ‖ field(name of the field) ‖ field(request)
//! field(x)  = length of x in bytes (4, big-endian) ‖ x as UTF-8
//! aad       = issued at, the 8 bytes above
//! ```
//!
//! Base mode hides; it does not tell who sealed. Whoever can write to the channel can seal a key of their own.

mod binding;
mod envelope;
mod recipient;
mod replay;
mod seal;

pub use binding::Binding;
pub use envelope::{MAX_SECRET_BYTES, is_sealed};
pub use recipient::{DEFAULT_MAX_AGE, Opened, Recipient};
pub use replay::Ticket;
pub use seal::{PublicKey, seal};

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;

/// The suite's parts; every use of `hpke` names these.
type Aead = AesGcm256;
type Kdf = HkdfSha256;
type Kem = X25519HkdfSha256;

/// More than the deepest call into the ciphers takes in a release build (measured: under 4 KiB): what they leave on the
/// stack is overwritten after each use of a key. In a debug build it is best effort.
const CIPHER_STACK_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests;
