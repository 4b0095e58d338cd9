//! The handle of a secret.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use data_encoding::BASE64URL_NOPAD;
use napi::bindgen_prelude::{BufferSlice, Either};
use napi_derive::napi;

use crate::credential::{self, CredentialOwner};
use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::IntoNapi;
use crate::node::environment::wire_buffer::{Consumed, broken};
use crate::node::state::{self, Slot};
use crate::provider::PayloadField;
use crate::secret::sealed::{self, Binding};
use crate::secret::{ExposeSecret, Secret};

/// A secret, held in Rust until it is disposed of.
#[napi]
pub struct NativeSecret {
    slot: Arc<Slot<Secret>>,
    length: u32,
    fingerprint: String,
}

/// Copies bytes into a secret, and wipes them.
#[napi(catch_unwind, ts_args_type = "bytes: Uint8Array, requireProtection: boolean")]
pub fn secret_from(bytes: BufferSlice<'_>, require_protection: bool) -> napi::Result<NativeSecret> {
    let bytes = Consumed(bytes);
    let secret = Secret::copy_of(&bytes.0);
    if require_protection {
        secret.require_protection().into_napi()?;
    }
    NativeSecret::new(secret).into_napi()
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

    /// Seals it for a recipient, whose public key is text or bytes.
    #[napi(catch_unwind)]
    pub fn seal_for(
        &self,
        #[napi(ts_arg_type = "string | Uint8Array")] public_key: Either<String, BufferSlice<'_>>,
        binding: NativeBinding,
    ) -> napi::Result<String> {
        self.secret().and_then(|secret| seal_for(&secret, &public_key, &binding)).into_napi()
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

/// What a sealed secret is to be bound to.
#[napi(object, object_to_js = false)]
pub struct NativeBinding {
    pub workspace: String,
    pub field: String,
    pub request: String,
    pub credential_owner: Option<String>,
}

/// Seals a secret. What can be no credential is not sealed in the place of one: the worker that opens it could only refuse
/// the request.
///
/// # Errors
/// As [`sealed::seal`]; `KEY_MALFORMED`.
pub fn seal_for(
    secret: &Secret,
    public_key: &Either<String, BufferSlice<'_>>,
    binding: &NativeBinding,
) -> Result<String> {
    // Text that is no base64url is not 32 bytes either: it is refused as such.
    let public_key: Cow<'_, [u8]> = match public_key {
        Either::A(text) => BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default().into(),
        Either::B(bytes) => (&**bytes).into(),
    };
    let NativeBinding { workspace, field, request, credential_owner } = binding;
    if let Some(credential) = PayloadField::named(field) {
        credential::check_for_any(credential.kind(), field, secret.expose_secret())?;
    }
    let owner = match credential_owner {
        Some(word) => CredentialOwner::named(word).ok_or_else(broken)?.bound(),
        None => None,
    };
    sealed::seal(secret, &public_key, &Binding { workspace, field, request, owner }, SystemTime::now())
}

impl Drop for NativeSecret {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}
