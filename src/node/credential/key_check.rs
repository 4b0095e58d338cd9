//! `checkKey`.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, PromiseRaw};
use napi_derive::napi;

use crate::credential::key_check::{self, Plan, Verdict};
use crate::error::{Error, ErrorCode, Result};
use crate::net::jobs::{Turn, VENDOR_REQUESTS};
use crate::node::boundary_error::OrThrow;
use crate::node::net::{self, HttpSettings, NativeAbort};
use crate::node::secret::handle::NativeSecret;
use crate::node::state::Disposable;
use crate::provider;

/// A request about a credential that has not been sent yet. It holds the credential until it is sent or disposed of.
#[napi]
pub struct NativeKeyCheck {
    held: Disposable<Mutex<Option<Plan>>>,
}

/// The options of a request about a credential.
#[napi(object, object_to_js = false)]
pub struct KeyQuestion {
    /// The id of the provider whose API gets the request.
    pub provider: String,
    /// The endpoint to use instead of the vendor's.
    pub base_url: Option<String>,
    pub http: HttpSettings,
}

/// Prepares the request about a credential.
#[napi(catch_unwind)]
pub fn plan_key_check(
    env: &Env,
    secret: ClassInstance<'_, NativeSecret>,
    question: KeyQuestion,
) -> napi::Result<NativeKeyCheck> {
    plan(&secret, question).or_throw(env)
}

fn plan(secret: &NativeSecret, question: KeyQuestion) -> Result<NativeKeyCheck> {
    let KeyQuestion { provider, base_url, http } = question;
    let plan = key_check::plan(provider::find(&provider)?, secret.secret()?, base_url.as_deref(), http.read()?)?;
    let held = Disposable::new(Mutex::new(Some(plan)), "The check was disposed of.");
    Ok(NativeKeyCheck { held })
}

#[napi]
impl NativeKeyCheck {
    /// Sends the request, once. If it is aborted while it waits for its turn, nothing is sent.
    #[napi(catch_unwind)]
    pub fn ask<'env>(
        &self,
        env: &'env Env,
        abort: Option<ClassInstance<'_, NativeAbort>>,
    ) -> napi::Result<PromiseRaw<'env, Verdict>> {
        let asked = || Error::new(ErrorCode::Internal, "The check has already been started.");
        let plan = self.take().ok_or_else(asked).or_throw(env)?;
        let (pool, turn) = match &plan {
            Plan::Known(_) => (&VENDOR_REQUESTS, Turn::at_once()),
            Plan::Ask(check) => check.turn(),
        };
        let mut plan = Some(plan);
        net::start(env, pool, turn, abort.as_deref(), move || {
            ControlFlow::Break(match plan.take() {
                Some(Plan::Known(verdict)) => Ok(verdict),
                Some(Plan::Ask(check)) => Ok(check.ask()),
                None => Err(asked()),
            })
        })
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        self.held.dispose();
    }

    fn take(&self) -> Option<Plan> {
        self.held.get().ok()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
