//! Gives each job a promise that JavaScript can await, which Rust creates and settles.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use napi::bindgen_prelude::{PromiseRaw, ToNapiValue};
use napi::{Env, JsDeferred, JsValue};
use napi_derive::napi;

use crate::error::{Error, ErrorCode, Result};
use crate::net::http::{RequestSettings, check_proxy, roots_of_pem};
use crate::net::jobs::{self, LOOKS, Turn};
use crate::node::boundary_error::rejection;

type Settle<T> = Box<dyn FnOnce(Env) -> napi::Result<T>>;

/// A promise that is settled once, by whoever comes first. While it is not, it keeps the event loop alive: so it is
/// settled also when its job is dropped.
struct Pending<T: ToNapiValue + 'static>(Mutex<Option<JsDeferred<T, Settle<T>>>>);

impl<T: ToNapiValue + Send + 'static> Pending<T> {
    fn settle(&self, result: Result<T>) {
        // In an environment that has ended, nobody hears of it, as it should be.
        if let Some(deferred) = self.take() {
            deferred.resolve(Box::new(move |env| result.map_err(|error| rejection(&env, error))));
        }
    }
}

impl<T: ToNapiValue> Pending<T> {
    fn take(&self) -> Option<JsDeferred<T, Settle<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T: ToNapiValue> Drop for Pending<T> {
    fn drop(&mut self) {
        if let Some(deferred) = self.take() {
            deferred.resolve(Box::new(|env| Err(rejection(&env, defect("A job was dropped.")))));
        }
    }
}

/// The Rust side of a caller's `AbortSignal`: the facade creates one for a job, and calls it when the signal fires.
#[napi]
#[derive(Default)]
pub struct NativeAbort {
    state: Mutex<Abort>,
}

#[derive(Default)]
enum Abort {
    /// Before its job begins.
    #[default]
    Idle,
    Armed(Box<dyn FnOnce() + Send>),
    Fired,
}

#[napi]
impl NativeAbort {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rejects the promise of its job, if it is pending, which then no longer keeps the event loop alive. A job that
    /// still waits for a thread ends; a request that was sent is not taken back.
    #[napi(catch_unwind)]
    pub fn abort(&self) {
        let state = std::mem::replace(&mut *self.lock(), Abort::Fired);
        if let Abort::Armed(on_abort) = state {
            on_abort();
        }
    }
}

impl NativeAbort {
    fn lock(&self) -> MutexGuard<'_, Abort> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `on_abort` called when the signal fires. False where it has fired.
    fn arm(&self, on_abort: Box<dyn FnOnce() + Send>) -> bool {
        let mut state = self.lock();
        let is_early = !matches!(*state, Abort::Fired);
        if is_early {
            *state = Abort::Armed(on_abort);
        }
        is_early
    }
}

/// Starts a job, and makes the promise of its result. `work` gives a time where it is to be called again. Where a job can
/// not even wait, the promise rejects with the error of [`jobs::run`].
pub fn start<'env, T: ToNapiValue + Send + 'static>(
    env: &'env Env,
    pool: &'static jobs::Pool,
    turn: Turn,
    abort: Option<&NativeAbort>,
    mut work: impl FnMut() -> ControlFlow<Result<T>, Instant> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    let (deferred, promise) = env.create_deferred::<T, Settle<T>>()?;
    let promise = PromiseRaw::new(env.raw(), promise.raw());
    let pending = Arc::new(Pending(Mutex::new(Some(deferred))));
    let is_abandoned = Arc::clone(&turn.is_abandoned);
    if let Some(abort) = abort {
        let (waiting, mark) = (Arc::downgrade(&pending), Arc::clone(&is_abandoned));
        let on_abort = move || {
            let Some(pending) = waiting.upgrade() else { return };
            // First: a job that is abandoned can be dropped at once, and its promise with it.
            pending.settle(Err(aborted()));
            mark.store(true, Ordering::Relaxed);
            pool.look_again();
        };
        if !abort.arm(Box::new(on_abort)) {
            pending.settle(Err(aborted()));
            return Ok(promise);
        }
    }
    let job = Arc::clone(&pending);
    let started = jobs::run(pool, turn, move || {
        if is_abandoned.load(Ordering::Relaxed) {
            return None;
        }
        // A panic must be heard of as well.
        let done = catch_unwind(AssertUnwindSafe(&mut work))
            .unwrap_or_else(|_| ControlFlow::Break(Err(defect("A job panicked."))));
        match done {
            ControlFlow::Continue(time) => return Some(time),
            ControlFlow::Break(result) => job.settle(result),
        }
        None
    });
    if let Err(error) = started {
        pending.settle(Err(error));
    }
    Ok(promise)
}

fn aborted() -> Error {
    Error::new(ErrorCode::Aborted, "The request was aborted.")
}

fn defect(message: &str) -> Error {
    Error::new(ErrorCode::Internal, message)
}

/// How long a look may wait for a thread: others hold all of them, at file systems that hang.
const PATIENCE: Duration = Duration::from_secs(5);

/// One look at paths that a tenant chooses, on a separate thread, as a file system of its choice may hang. `whose` shares
/// the threads out.
pub fn look<'env, T: ToNapiValue + Send + 'static>(
    env: &'env Env,
    whose: Arc<str>,
    abort: &NativeAbort,
    look: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    let deadline = Instant::now() + PATIENCE;
    let turn = Turn { source: Arc::clone(&whose), endpoint: whose, deadline, is_abandoned: Arc::default() };
    let mut look = Some(look);
    let mut work = move || match look.take() {
        Some(look) if Instant::now() < deadline => look(),
        _ => Err(Error::new(
            ErrorCode::Busy,
            "Earlier checks as this uid still wait for file systems that do not answer. Check the tenant's mounts (FUSE, NFS).",
        )),
    };
    start(env, &LOOKS, turn, Some(abort), move || ControlFlow::Break(work()))
}

/// The options of HTTP requests.
#[napi(object, object_to_js = false)]
pub struct HttpSettings {
    pub timeout_ms: u32,
    /// The URL of a proxy.
    pub proxy: Option<String>,
    /// PEM certificates to trust in addition to the system's.
    pub ca: Option<String>,
}

impl HttpSettings {
    /// As the core takes it.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE`.
    pub fn read(self) -> Result<RequestSettings> {
        if let Some(proxy) = &self.proxy {
            check_proxy("options.proxy", proxy)?;
        }
        let roots = self.ca.map(|pem| roots_of_pem("options.ca", pem.as_bytes())).transpose()?.unwrap_or_default();
        let timeout = Duration::from_millis(u64::from(self.timeout_ms));
        Ok(RequestSettings { timeout, proxy: self.proxy, roots })
    }
}
