//! What comes of jobs on its way to JavaScript: one threadsafe function per Node environment.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use napi::bindgen_prelude::{FnArgs, Function, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use serde::Serialize;

use super::boundary_error::to_json;
use crate::credential_store::in_flight;
use crate::error::{Error, ErrorCode, Result};
use crate::http::{Settings, check_proxy, roots_of_pem};
use crate::jobs::{self, Turn};

/// Job, whether it failed, result or error as JSON.
type Arguments = FnArgs<(u32, bool, String)>;

/// Weak: it does not keep the event loop alive. The facade does, while a promise is pending.
type Callback = ThreadsafeFunction<Arguments, Unknown<'static>, Arguments, Status, false, true>;

thread_local! {
    static CALLBACK: RefCell<Option<Arc<Callback>>> = const { RefCell::new(None) };
    static LAST_ID: Cell<u32> = const { Cell::new(0) };
}

/// Sets the function that hears of every job of this Node environment. To be called once.
#[napi(catch_unwind, ts_args_type = "callback: (job: number, failed: boolean, json: string) => void")]
pub fn listen_to_jobs(env: Env, callback: Function<'_, Arguments, Unknown<'static>>) -> napi::Result<()> {
    let callback = callback.build_threadsafe_function::<Arguments>().weak::<true>().build()?;
    CALLBACK.with_borrow_mut(|slot| *slot = Some(Arc::new(callback)));
    env.add_env_cleanup_hook((), |()| {
        let _ = CALLBACK.try_with(|slot| slot.borrow_mut().take());
        // process.exit() in the main thread ends the others first, and may have no hook of ours there.
        in_flight::wait();
    })?;
    Ok(())
}

/// Starts a job, whose result this environment hears of by the returned number. `work` gives a time where it is to be
/// called again.
///
/// # Errors
/// As [`jobs::run`].
pub fn start<T: Serialize>(
    pool: &'static jobs::Pool,
    turn: Turn,
    mut work: impl FnMut() -> ControlFlow<Result<T>, Instant> + Send + 'static,
) -> Result<u32> {
    let callback = CALLBACK
        .with_borrow(Clone::clone)
        .ok_or_else(|| Error::new(ErrorCode::Internal, "The facade listens to no jobs. Reinstall the package."))?;
    let id = LAST_ID.get().wrapping_add(1);
    LAST_ID.set(id);
    jobs::run(pool, turn, move || {
        // A panic must be heard of as well, or a promise would stay pending for ever.
        let done = catch_unwind(AssertUnwindSafe(&mut work))
            .unwrap_or_else(|_| ControlFlow::Break(Err(Error::new(ErrorCode::Internal, "A job ended in a panic."))));
        let (failed, json) = match done {
            ControlFlow::Continue(time) => return Some(time),
            ControlFlow::Break(Ok(result)) => (false, serde_json::to_string(&result).unwrap_or_default()),
            ControlFlow::Break(Err(error)) => (true, to_json(&error)),
        };
        // A closing environment hears nothing more, which is as it should be.
        let _ = callback.call((id, failed, json).into(), ThreadsafeFunctionCallMode::NonBlocking);
        None
    })?;
    Ok(id)
}

/// What a caller decides about requests.
#[napi(object, object_to_js = false)]
pub struct NativeHttpSettings {
    pub timeout_ms: u32,
    pub proxy: Option<String>,
    /// PEM.
    pub ca: Option<String>,
}

impl NativeHttpSettings {
    /// As the core takes it.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE`.
    pub fn read(self) -> Result<Settings> {
        if let Some(proxy) = &self.proxy {
            check_proxy("options.proxy", proxy)?;
        }
        let roots = self.ca.map(|pem| roots_of_pem("options.ca", pem.as_bytes())).transpose()?.unwrap_or_default();
        let timeout = std::time::Duration::from_millis(u64::from(self.timeout_ms));
        Ok(Settings { timeout, proxy: self.proxy, roots })
    }
}
