//! `createRecipient`, and how sealed secrets of a payload are opened.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use data_encoding::BASE64URL_NOPAD;
use napi_derive::napi;

use super::boundary_error::IntoNapi;
use super::state::{self, Slot};
use crate::environment::EnvRequest;
use crate::error::{Error, ErrorCode, Result};
use crate::payload::Payload;
use crate::sealed::{self, Binding, Recipient, Ticket};

/// A key pair that secrets are sealed for.
#[napi]
pub struct NativeRecipient {
    slot: Arc<Slot<Recipient>>,
    public_key: String,
}

/// Makes a key pair. Sealed secrets open while they are no older than this.
#[napi(catch_unwind)]
pub fn create_recipient(max_age_ms: Option<f64>) -> napi::Result<NativeRecipient> {
    create(max_age_ms).into_napi()
}

fn create(max_age_ms: Option<f64>) -> Result<NativeRecipient> {
    let max_age = max_age_ms.map_or(sealed::DEFAULT_MAX_AGE, |ms| Duration::from_secs_f64(ms / 1000.0));
    let recipient = Recipient::generate(max_age)?;
    let public_key = BASE64URL_NOPAD.encode(&recipient.public_key());
    Ok(NativeRecipient { slot: state::register(Slot::new(recipient)), public_key })
}

#[napi]
impl NativeRecipient {
    #[napi(getter, catch_unwind)]
    pub fn public_key(&self) -> String {
        self.public_key.clone()
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

impl Drop for NativeRecipient {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

impl NativeRecipient {
    /// The key pair, unless it was disposed of.
    pub fn recipient(&self) -> Result<Arc<Recipient>> {
        self.slot.get().ok_or_else(|| {
            let message = "options.recipient was disposed of. Make a new one, and send its public key to the parent.";
            Error::new(ErrorCode::Disposed, message).name("recipient")
        })
    }
}

/// Opens the sealed secrets of a payload in their place. What was opened counts as used with [`commit`].
///
/// # Errors
/// `PAYLOAD_INVALID` for a sealed secret without a recipient, `ERR_INVALID_ARG_VALUE` without the ids that it is bound
/// to, `UNSEAL_FAILED`.
pub fn unseal(
    payload: &mut Payload<'_>,
    request: &EnvRequest<'_>,
    recipient: Option<&Recipient>,
) -> Result<Vec<Ticket>> {
    let now = SystemTime::now();
    let mut tickets = Vec::new();
    payload.unseal(|field, text| {
        let recipient = recipient.ok_or_else(|| no_recipient(field))?;
        let workspace = request.workspace.id.ok_or_else(|| not_given("workspace.id"))?;
        let request = request.request_id.ok_or_else(|| not_given("requestId"))?;
        let opened = recipient.open(text, &Binding { workspace, field, request }, now)?;
        tickets.push(opened.ticket);
        Ok(opened.secret)
    })?;
    Ok(tickets)
}

fn no_recipient(field: &str) -> Error {
    let message = format!("payload.{field} is a sealed secret. Give options.recipient, which opens it.");
    Error::new(ErrorCode::PayloadInvalid, message).name(field)
}

fn not_given(option: &str) -> Error {
    let message = format!("options.{option} is missing, which the payload's sealed secrets are bound to.");
    Error::new(ErrorCode::InvalidArgValue, message).name(option)
}
