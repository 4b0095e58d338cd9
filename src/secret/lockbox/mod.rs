//! The lockbox, which opens and seals stored secrets without the plaintext leaving Rust.
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
//! says of itself, and a row that does not open is refused with one text, whatever the reason; their own texts have
//! only shapes that no row has, and version 1 if it is not allowed.

mod cipher;
mod context;
mod master;
mod row;

pub use context::Context;
pub use master::MasterKey;
pub use row::{Column, MAX_SECRET_BYTES, Row, SealedColumns, SealedRow};

use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;
use crate::secret::bytes::fill_random;
use row::{IV_BYTES, Parts};

/// The salt that keys of version 2 are derived with.
const SALT_2: &[u8] = b"webalive-oauth-core-v2";

/// Opens and seals rows with its master keys.
#[derive(Debug)]
pub struct Lockbox {
    /// The first one seals.
    masters: Vec<MasterKey>,
    allow_legacy: bool,
}

impl Lockbox {
    /// Makes a lockbox with these master keys, of which the first seals. `allow_legacy` lets rows of version 1 open.
    ///
    /// # Errors
    /// `LOCKBOX_KEY_INVALID` for no master key, or the same one twice.
    pub fn new(masters: Vec<MasterKey>, allow_legacy: bool) -> Result<Self> {
        let twice =
            masters.iter().enumerate().any(|(at, key)| masters[..at].iter().any(|other| other.id() == key.id()));
        let message = match (masters.is_empty(), twice) {
            (true, _) => "A lockbox needs at least one master key.",
            (_, true) => "The same master key was passed twice.",
            _ => return Ok(Self { masters, allow_legacy }),
        };
        Err(Error::new(ErrorCode::LockboxKeyInvalid, message).name("masterKeys"))
    }

    /// Refuses a lockbox where the kernel refused a protection of the memory that its master keys are in.
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

    /// Opens a row that was sealed for this context.
    ///
    /// # Errors
    /// `UNSEAL_FAILED`; `ERR_INVALID_ARG_VALUE` for a context that cannot be.
    pub fn open(&self, row: &Row<'_>, context: &Context<'_>) -> Result<Secret> {
        context.check()?;
        let parts = row.parts()?;
        let Some(meta) = row.key_meta else { return self.open_without_meta(&parts) };
        let opened = match meta.split_at_checked(3) {
            _ if meta.is_empty() || meta == "v1" => self.open_1(&parts)?,
            Some(("v2:", derivation)) => self.open_2(derivation, &parts, context)?,
            Some(("v3:", id)) => self.open_3(id, &parts, context)?,
            _ => None,
        };
        opened.ok_or_else(does_not_open)
    }

    /// Opens a row of version 1. One whose column was read under another name opens as no other version, and its reader is
    /// told.
    fn open_without_meta(&self, parts: &Parts<'_>) -> Result<Secret> {
        let select = "Select key_meta as \"keyMeta\".";
        if !self.allow_legacy {
            let message = format!(
                "row.keyMeta is missing. {select} A row of version 1 has no key_meta; it opens only with allowLegacy: \
                true."
            );
            return Err(Error::new(ErrorCode::InvalidArgValue, message).name("keyMeta"));
        }
        self.open_1(parts)?.ok_or_else(|| {
            let message = format!(
                "The row has no keyMeta, but does not open as version 1, the only version without it. {select} If it \
                is of version 1, its master key must be one of this lockbox's."
            );
            Error::new(ErrorCode::UnsealFailed, message).name("keyMeta")
        })
    }

    fn open_1(&self, parts: &Parts<'_>) -> Result<Option<Secret>> {
        if !self.allow_legacy {
            let message = "The row is of version 1, which is not bound to a tenant: it opens wherever it is moved. \
                           Pass allowLegacy: true to read it, then reseal() it.";
            return Err(Error::new(ErrorCode::UnsealFailed, message));
        }
        Ok(self.masters.iter().find_map(|master| cipher::decrypt(master.key(), parts, b"")))
    }

    fn open_2(&self, derivation: &str, parts: &Parts<'_>, context: &Context<'_>) -> Result<Option<Secret>> {
        let Some(expected) = context.version_2().filter(|expected| derivation == expected) else { return Ok(None) };
        // Rows of this version do not name their master key.
        for master in &self.masters {
            let key = cipher::derive(master.key(), SALT_2, expected.as_bytes())?;
            if let Some(secret) = cipher::decrypt(&key, parts, b"") {
                return Ok(Some(secret));
            }
        }
        Ok(None)
    }

    fn open_3(&self, id: &str, parts: &Parts<'_>, context: &Context<'_>) -> Result<Option<Secret>> {
        let Some(master) = self.masters.iter().find(|master| master.id() == id) else { return Ok(None) };
        let key = cipher::derive(master.key(), master::SALT, &context.info())?;
        Ok(cipher::decrypt(&key, parts, &context.associated_data()))
    }

    /// Seals a secret for this context, as version 3 under the first master key.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a context that cannot be, or a secret that is too long; `INTERNAL` where the system
    /// has no randomness.
    pub fn seal(&self, secret: &Secret, context: &Context<'_>) -> Result<SealedRow> {
        context.check()?;
        if secret.len() > MAX_SECRET_BYTES {
            let message = format!("The secret is {} bytes long; a row holds at most {MAX_SECRET_BYTES}.", secret.len());
            return Err(Error::new(ErrorCode::InvalidArgValue, message));
        }
        let master = &self.masters[0];
        let key = cipher::derive(master.key(), master::SALT, &context.info())?;
        // Random: a key seals one tenant's rows of one purpose, far from the 2^32 at which a collision matters.
        let mut iv = [0; IV_BYTES];
        fill_random(&mut iv)?;
        let (ciphertext, auth_tag) = cipher::encrypt(&key, secret, iv, &context.associated_data())?;
        let key_meta = format!("v3:{}", master.id());
        Ok(SealedRow { ciphertext, iv, auth_tag, key_meta })
    }

    /// Opens a row and seals it again: to a new master key, version or context.
    ///
    /// # Errors
    /// As [`Lockbox::open`] and [`Lockbox::seal`].
    pub fn reseal(&self, row: &Row<'_>, from: &Context<'_>, to: &Context<'_>) -> Result<SealedRow> {
        to.check()?;
        self.seal(&self.open(row, from)?, to)
    }
}

fn does_not_open() -> Error {
    let message = "The row does not open. Its master key must be one of this lockbox's, and the context must have the \
                   tenant, purpose, extra, name and row version with which it was sealed.";
    Error::new(ErrorCode::UnsealFailed, message)
}

#[cfg(test)]
mod tests;
