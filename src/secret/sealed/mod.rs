//! Sealed secrets: text that one worker can open, for one field of one request of one workspace, once.
//!
//! The process that holds the lockbox calls [`seal()`]; the worker, which must not hold it, opens with its
//! [`Recipient`]. It is HPKE (RFC 9180), base mode, one message per encapsulation. Base mode does not say who sealed:
//! whoever knows a recipient's public key can seal to it.
//!
//! # Format, version 1
//!
//! `‖` joins bytes; numbers are big-endian; KEM 0x0020 is DHKEM(X25519, HKDF-SHA256), KDF 0x0001 is HKDF-SHA256, AEAD
//! 0x0002 is AES-256-GCM.
//!
//! ```text
//! text      = prefix ‖ base64url(enc ‖ issued-at ‖ ciphertext ‖ tag)
//! prefix    = the 23 ASCII bytes "provider-env-sealed.v1."
//! base64url = RFC 4648 section 5, without padding; unused bits of the last character are zero
//! enc       = 32 bytes, the encapsulated key
//! issued-at = u64, milliseconds since 1970-01-01T00:00:00Z
//! ciphertext ‖ tag = what HPKE's Seal gives at sequence number 0; the tag is its last 16 bytes
//!
//! info      = prefix ‖ part(workspace) ‖ part(field) ‖ part(request) [‖ part("server")]
//!             the last where the credential is the server's; without it, it is the workspace's
//! part(x)   = u32, the number of bytes of x ‖ x in UTF-8, 1 to 1024 bytes, none of them NUL
//! aad       = issued-at, its 8 bytes as in the text
//! plaintext = the secret, 0 to 1 048 520 bytes
//! ```

mod binding;
mod envelope;
mod recipient;
mod replays;
mod seal;
mod suite;

pub use binding::Binding;
pub use envelope::{MAX_SECRET_BYTES, is_sealed};
pub use recipient::{DEFAULT_MAX_AGE, MAX_MAX_AGE, MIN_MAX_AGE, Opened, Recipient, Ticket};
pub use seal::seal;

#[cfg(test)]
mod tests;
