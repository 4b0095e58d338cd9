//! `checkKey`.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use napi::Env;
use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::credential::key_check::{self, Plan};
use crate::error::{Error, ErrorCode, Result};
use crate::net::jobs::{Pool, Turn, VENDOR_REQUESTS};
use crate::node::boundary_error::OrThrow;
use crate::node::net::{self, NativeHttpSettings};
use crate::node::secret::handle::NativeSecret;
use crate::node::state::Disposable;
use crate::provider;

/// A request about a credential that was not sent yet. It holds the credential until it is asked or disposed of.
#[napi]
pub struct NativeKeyCheck {
    held: Disposable<Mutex<Option<Plan>>>,
    under_way: Mutex<Option<(&'static Pool, Turn)>>,
}

/// Prepares the question about a credential.
#[napi(catch_unwind)]
pub fn plan_key_check(
    env: &Env,
    provider: String,
    secret: ClassInstance<'_, NativeSecret>,
    base_url: Option<String>,
    settings: NativeHttpSettings,
) -> napi::Result<NativeKeyCheck> {
    plan(&provider, &secret, base_url.as_deref(), settings).or_throw(env)
}

fn plan(
    provider: &str,
    secret: &NativeSecret,
    base_url: Option<&str>,
    settings: NativeHttpSettings,
) -> Result<NativeKeyCheck> {
    let plan = key_check::plan(provider::find(provider)?, secret.secret()?, base_url, settings.read()?)?;
    let held = Disposable::new(Mutex::new(Some(plan)), "The question was disposed of.");
    Ok(NativeKeyCheck { held, under_way: Mutex::new(None) })
}

#[napi]
impl NativeKeyCheck {
    /// Asks, once; the job's number.
    #[napi(catch_unwind)]
    pub fn ask(&self, env: &Env) -> napi::Result<u32> {
        let plan = self.take().ok_or_else(|| Error::new(ErrorCode::Internal, "The question was asked already."));
        plan.and_then(|plan| {
            let (pool, turn) = match &plan {
                Plan::Known(_) => (&VENDOR_REQUESTS, Turn::at_once()),
                Plan::Ask(check) => check.turn(),
            };
            *self.under_way.lock().unwrap_or_else(PoisonError::into_inner) = Some((pool, turn.clone()));
            let mut plan = Some(plan);
            net::start(pool, turn, move || {
                ControlFlow::Break(match plan.take() {
                    Some(Plan::Known(verdict)) => Ok(verdict),
                    Some(Plan::Ask(check)) => Ok(check.ask()),
                    None => Err(Error::new(ErrorCode::Internal, "The question was asked already.")),
                })
            })
        })
        .or_throw(env)
    }

    /// Nobody awaits the answer: where the question still waits for its turn, it is not asked.
    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        self.held.dispose();
        if let Some((pool, turn)) = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).take() {
            turn.is_abandoned.store(true, Ordering::Relaxed);
            pool.look_again();
        }
    }

    fn take(&self) -> Option<Plan> {
        self.held.get().ok()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
