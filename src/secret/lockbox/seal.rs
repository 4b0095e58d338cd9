//! Sealing a row, always as version 3 under the first master key.

use super::row::{IV_BYTES, Row, SealedRow};
use super::{Context, Lockbox, MAX_SECRET_BYTES, cipher, master};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

impl Lockbox {
    /// Seals a secret.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a context that cannot be, or a secret that is too long; `INTERNAL` where the system
    /// has no randomness.
    pub fn seal(&self, secret: &Secret, context: &Context<'_>) -> Result<SealedRow> {
        context.check()?;
        if secret.len() > MAX_SECRET_BYTES {
            let message = format!("The secret is {} bytes long; a row holds {MAX_SECRET_BYTES}.", secret.len());
            return Err(Error::new(ErrorCode::InvalidArgValue, message));
        }
        let master = &self.masters[0];
        let key = cipher::derive(master.key(), master::SALT, &context.info())?;
        // Random: a key seals one tenant's rows of one purpose, far from the 2^32 at which a collision matters.
        let mut iv = [0; IV_BYTES];
        getrandom::fill(&mut iv).map_err(|_| {
            Error::new(ErrorCode::Internal, "The system gave no random bytes, so nothing can be sealed.")
        })?;
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
