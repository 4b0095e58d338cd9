//! The handle of a secret.

use std::sync::Arc;

use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;

use super::boundary_error::IntoNapi;
use super::frame::Consumed;
use super::state::{self, Slot};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// A secret, held in Rust until it is disposed of.
#[napi]
pub struct NativeSecret {
    slot: Arc<Slot<Secret>>,
    length: u32,
    fingerprint: String,
}

/// Copies bytes into a secret, and wipes them.
#[napi(catch_unwind, ts_args_type = "bytes: Uint8Array")]
pub fn secret_from(bytes: BufferSlice<'_>) -> napi::Result<NativeSecret> {
    let bytes = Consumed(bytes);
    NativeSecret::new(Secret::copy_of(&bytes.0)).into_napi()
}

#[napi]
impl NativeSecret {
    #[napi(getter, catch_unwind)]
    pub fn length(&self) -> u32 {
        self.length
    }

    #[napi(getter, catch_unwind)]
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    #[napi(getter, catch_unwind)]
    pub fn disposed(&self) -> bool {
        self.slot.get().is_none()
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeSecret {
    /// A handle of a secret.
    ///
    /// # Errors
    /// `INTERNAL` when there is no fingerprint to be had.
    pub fn new(secret: Secret) -> Result<Self> {
        let fingerprint = secret.fingerprint()?.to_string();
        let length = u32::try_from(secret.len()).unwrap_or(u32::MAX);
        Ok(Self { slot: state::register(Slot::new(secret)), length, fingerprint })
    }

    /// The secret, unless it was disposed of.
    ///
    /// # Errors
    /// `DISPOSED`.
    pub fn secret(&self) -> Result<Arc<Secret>> {
        self.slot.get().ok_or_else(|| {
            let message = "This Secret was disposed of. Make a new one with Secret.from().";
            Error::new(ErrorCode::Disposed, message)
        })
    }
}

impl Drop for NativeSecret {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}
