//! `checkKey`.

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use super::boundary_error::IntoNapi;
use super::jobs::{self, NativeHttpSettings};
use super::secret::NativeSecret;
use crate::error::Result;
use crate::jobs::REQUESTS;
use crate::key_check::{self, Plan};
use crate::provider;

/// Asks a provider's API about a credential; the job's number.
#[napi(catch_unwind)]
pub fn check_key(
    provider: String,
    secret: ClassInstance<'_, NativeSecret>,
    base_url: Option<String>,
    settings: NativeHttpSettings,
) -> napi::Result<u32> {
    start(&provider, &secret, base_url.as_deref(), settings).into_napi()
}

fn start(provider: &str, secret: &NativeSecret, base_url: Option<&str>, settings: NativeHttpSettings) -> Result<u32> {
    let plan = key_check::plan(provider::find(provider)?, secret.secret()?, base_url, settings.read()?)?;
    jobs::start(&REQUESTS, move || {
        Ok(match plan {
            Plan::Known(verdict) => verdict,
            Plan::Ask(check) => check.ask(),
        })
    })
}
