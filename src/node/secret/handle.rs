//! The handle of a secret.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use data_encoding::BASE64URL_NOPAD;
use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Either};
use napi_derive::napi;

use crate::credential::{self, CredentialOwner, payload};
use crate::error::Result;
use crate::node::boundary_error::OrThrow;
use crate::node::environment::wire_buffer::{Consumed, broken};
use crate::node::state::{Disposable, disposable};
use crate::provider::PayloadField;
use crate::secret::sealed::{self, Binding};
use crate::secret::{ExposeSecret, Secret};

#[napi]
pub struct NativeSecret {
    held: Disposable<Secret>,
    length: u32,
    fingerprint: String,
}

/// Copies bytes into a secret, and wipes them.
#[napi(catch_unwind, ts_args_type = "bytes: Uint8Array, requireProtection: boolean")]
pub fn secret_from(env: &Env, bytes: BufferSlice<'_>, require_protection: bool) -> napi::Result<NativeSecret> {
    let bytes = Consumed(bytes);
    let secret = Secret::copy_of(&bytes.0);
    if require_protection {
        secret.require_protection().or_throw(env)?;
    }
    NativeSecret::new(secret).or_throw(env)
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

    #[napi(catch_unwind)]
    pub fn seal_for(&self, env: &Env, seal: SealRequest<'_>) -> napi::Result<String> {
        self.secret().and_then(|secret| seal.seal(&secret)).or_throw(env)
    }
}

disposable!(NativeSecret);

impl NativeSecret {
    /// A handle of a secret.
    ///
    /// # Errors
    /// `INTERNAL` if no fingerprint is available.
    pub fn new(secret: Secret) -> Result<Self> {
        let fingerprint = secret.fingerprint()?.to_string();
        let length = u32::try_from(secret.len()).unwrap_or(u32::MAX);
        let disposed = "This Secret was disposed of. Create a new one with Secret.from().";
        Ok(Self { held: Disposable::new(secret, disposed), length, fingerprint })
    }

    /// # Errors
    /// `DISPOSED`.
    pub fn secret(&self) -> Result<Arc<Secret>> {
        self.held.get()
    }
}

/// The recipient for which a secret is sealed, and what it is bound to.
#[napi(object, object_to_js = false)]
pub struct SealRequest<'a> {
    /// As base64url, or as bytes.
    #[napi(ts_type = "string | Uint8Array")]
    pub public_key: Either<String, BufferSlice<'a>>,
    pub workspace: String,
    pub field: String,
    pub request: String,
    pub credential_owner: Option<String>,
}

impl SealRequest<'_> {
    /// Seals a secret. What can be no credential is not sealed in the place of one: the worker that opens it could only
    /// refuse the request.
    ///
    /// # Errors
    /// As [`sealed::seal`]; `ERR_INVALID_ARG_VALUE` for a field that a payload does not have; `KEY_MALFORMED`.
    pub fn seal(&self, secret: &Secret) -> Result<String> {
        // Text that is no base64url is not 32 bytes either: it is refused as such.
        let public_key: Cow<'_, [u8]> = match &self.public_key {
            Either::A(text) => BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default().into(),
            Either::B(bytes) => (&**bytes).into(),
        };
        let Self { workspace, field, request, credential_owner, .. } = self;
        let owner = match credential_owner {
            Some(word) => CredentialOwner::named(word).ok_or_else(broken)?,
            None => CredentialOwner::default(),
        };
        payload::check_sealed_field(field, owner)?;
        if let Some(credential) = PayloadField::named(field) {
            credential::check_for_any(credential.kind(), field, secret.expose_secret())?;
        }
        let binding = Binding { workspace, field, request, owner: owner.bound() };
        sealed::seal(secret, &public_key, &binding, SystemTime::now())
    }
}
