//! The lockbox: encrypted secrets as they are stored, opened and sealed without the plaintext leaving Rust.
//!
//! A row is AES-256-GCM with a 12-byte IV and a 16-byte tag. Its `keyMeta` says which key and which associated data:
//!
//! ```text
//! version  keyMeta                       key                                              associated data
//! 1        "" or "v1"                    the master key                                   none
//! 2        "v2:" tenant ":" purpose      HKDF(salt "webalive-oauth-core-v2",              none
//!          [":" extra]                        info = keyMeta after "v2:")
//! 3        "v3:" id of the master key    HKDF(salt "webalive-lockbox-v3",                 field("v3") ‖ field(tenant) ‖
//!                                             info = field(tenant) ‖ field(purpose) ‖     field(purpose) ‖ field(extra) ‖
//!                                                    field(extra))                        field(name) ‖ field(row version)
//!
//! HKDF        HKDF-SHA256 of the master key, 32 bytes
//! field(x)    length of x in bytes (4, big-endian) ‖ x as UTF-8; an extra that is not given is empty
//! row version 8 bytes, big-endian
//! id          8 hex digits: the first 4 bytes of HKDF(salt "webalive-lockbox-v3", info = "master key id")
//! ```
//!
//! A row of version 1 or 2 is bound to no name or version, one of version 1 not even to a tenant: it opens wherever it
//! was moved to. New rows are version 3. A row opens only for the context that the caller expects, never for what it
//! says of itself, and a row that does not open is refused with one text, whatever the reason; texts of their own have
//! only shapes that no row has, and version 1 where it is not allowed.

mod cipher;
mod context;
mod master;
mod open;
mod row;
mod seal;

pub use context::Context;
pub use master::MasterKey;
pub use row::{Column, MAX_SECRET_BYTES, Row, SealedRow};

use crate::error::{Error, ErrorCode, Result};

/// Master keys, and what they open.
#[derive(Debug)]
pub struct Lockbox {
    /// The first seals.
    masters: Vec<MasterKey>,
    allow_legacy: bool,
}

impl Lockbox {
    /// One with these master keys, of which the first seals. `allow_legacy` lets rows of version 1 open.
    ///
    /// # Errors
    /// `LOCKBOX_KEY_INVALID` for no master key, or the same one twice.
    pub fn new(masters: Vec<MasterKey>, allow_legacy: bool) -> Result<Self> {
        let twice =
            masters.iter().enumerate().any(|(at, key)| masters[..at].iter().any(|other| other.id() == key.id()));
        let message = match (masters.is_empty(), twice) {
            (true, _) => "A lockbox needs at least one master key.",
            (_, true) => "The same master key was given twice.",
            _ => return Ok(Self { masters, allow_legacy }),
        };
        Err(Error::new(ErrorCode::LockboxKeyInvalid, message).name("masterKeys"))
    }

    /// Refuses it where the kernel refused a protection of the memory that its master keys are in.
    ///
    /// # Errors
    /// `MEMORY_UNPROTECTED`.
    pub fn require_protection(&self) -> Result<()> {
        self.masters.iter().try_for_each(MasterKey::require_protection)
    }

    /// The ids of the master keys.
    pub fn master_key_ids(&self) -> impl Iterator<Item = &str> {
        self.masters.iter().map(MasterKey::id)
    }
}

#[cfg(test)]
mod tests;
