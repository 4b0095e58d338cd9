//! `checkKey`.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use super::boundary_error::IntoNapi;
use super::jobs::{self, NativeHttpSettings};
use super::secret::NativeSecret;
use super::state::{self, Slot};
use crate::error::{Error, ErrorCode, Result};
use crate::jobs::REQUESTS;
use crate::key_check::{self, Plan};
use crate::provider;

/// A request about a credential that was not sent yet. It holds the credential until it is asked or disposed of.
#[napi]
pub struct NativeKeyCheck {
    slot: Arc<Slot<Mutex<Option<Plan>>>>,
}

/// Prepares the question about a credential.
#[napi(catch_unwind)]
pub fn plan_key_check(
    provider: String,
    secret: ClassInstance<'_, NativeSecret>,
    base_url: Option<String>,
    settings: NativeHttpSettings,
) -> napi::Result<NativeKeyCheck> {
    plan(&provider, &secret, base_url.as_deref(), settings).into_napi()
}

fn plan(
    provider: &str,
    secret: &NativeSecret,
    base_url: Option<&str>,
    settings: NativeHttpSettings,
) -> Result<NativeKeyCheck> {
    let plan = key_check::plan(provider::find(provider)?, secret.secret()?, base_url, settings.read()?)?;
    Ok(NativeKeyCheck { slot: state::register(Slot::new(Mutex::new(Some(plan)))) })
}

#[napi]
impl NativeKeyCheck {
    /// Whether there is somebody to be asked; else the answer is known.
    #[napi(getter, catch_unwind)]
    pub fn asks(&self) -> bool {
        self.slot
            .get()
            .is_some_and(|plan| matches!(*plan.lock().unwrap_or_else(PoisonError::into_inner), Some(Plan::Ask(_))))
    }

    /// Asks, once; the job's number.
    #[napi(catch_unwind)]
    pub fn ask(&self) -> napi::Result<u32> {
        let plan = self.take().ok_or_else(|| Error::new(ErrorCode::Internal, "The question was asked already."));
        plan.and_then(|plan| {
            jobs::start(&REQUESTS, move || {
                Ok(match plan {
                    Plan::Known(verdict) => verdict,
                    Plan::Ask(check) => check.ask(),
                })
            })
        })
        .into_napi()
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }

    fn take(&self) -> Option<Plan> {
        self.slot.get()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for NativeKeyCheck {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}
