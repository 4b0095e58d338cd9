//! `createRecipient` and its handle.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use napi::Env;
use napi_derive::napi;

use crate::error::Result;
use crate::node::boundary_error::OrThrow;
use crate::node::state::{Disposable, disposable};
use crate::secret::sealed::{DEFAULT_MAX_AGE, Recipient};

/// A key pair for which secrets are sealed.
#[napi]
pub struct NativeRecipient {
    held: Disposable<Recipient>,
    public_key: String,
}

/// Creates a key pair. It opens sealed secrets up to this age.
#[napi(catch_unwind)]
pub fn create_recipient(env: &Env, max_age_ms: Option<f64>, require_protection: bool) -> napi::Result<NativeRecipient> {
    create(max_age_ms, require_protection).or_throw(env)
}

fn create(max_age_ms: Option<f64>, require_protection: bool) -> Result<NativeRecipient> {
    let max_age = max_age_ms.map_or(DEFAULT_MAX_AGE, |ms| Duration::from_secs_f64(ms / 1000.0));
    let recipient = Recipient::generate(max_age)?;
    if require_protection {
        recipient.require_protection()?;
    }
    let public_key = BASE64URL_NOPAD.encode(&recipient.public_key());
    let disposed = "options.recipient was disposed of. Create a new one, and send its public key to the parent.";
    Ok(NativeRecipient { held: Disposable::new(recipient, disposed), public_key })
}

#[napi]
impl NativeRecipient {
    #[napi(getter, catch_unwind)]
    pub fn public_key(&self) -> String {
        self.public_key.clone()
    }
}

disposable!(NativeRecipient);

impl NativeRecipient {
    /// # Errors
    /// `DISPOSED`.
    pub fn recipient(&self) -> Result<Arc<Recipient>> {
        self.held.get().map_err(|error| error.name("recipient"))
    }
}
