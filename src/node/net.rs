//! What comes of jobs on its way to JavaScript: one threadsafe function per copy of the facade.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use napi::Env;
use napi::Status;
use napi::bindgen_prelude::{FnArgs, Function, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use serde::Serialize;

use crate::error::{Error, ErrorCode, Result};
use crate::net::http::{Settings, check_proxy, roots_of_pem};
use crate::net::jobs::{self, LOOKS, Turn};
use crate::node::boundary_error::{NativeError, OrThrow};

/// Job, its error, its result as JSON.
type Arguments = FnArgs<(u32, Option<NativeError>, String)>;

/// Weak: it does not keep the event loop alive. The facade does, while a promise is pending.
type Callback = ThreadsafeFunction<Arguments, Unknown<'static>, Arguments, Status, false, true>;

thread_local! {
    /// Whose call is at work on this thread.
    static CALLER: RefCell<Option<Arc<Callback>>> = const { RefCell::new(None) };
    static LAST_ID: Cell<u32> = const { Cell::new(0) };
}

/// Hears of the jobs that one copy of the facade has begun. One environment can have several copies of it, as two bundles
/// do, or a test runner that loads modules anew.
#[napi]
pub struct NativeJobListener {
    callback: Arc<Callback>,
}

#[napi]
impl NativeJobListener {
    #[napi(
        constructor,
        catch_unwind,
        ts_args_type = "callback: (job: number, error: NativeError | null, json: string) => void"
    )]
    pub fn new(callback: Function<'_, Arguments, Unknown<'static>>) -> napi::Result<Self> {
        let callback = callback.build_threadsafe_function::<Arguments>().weak::<true>().build()?;
        Ok(Self { callback: Arc::new(callback) })
    }

    /// Calls `begin`, a function that starts a job, and hears of that job by its number, which it returns.
    #[napi(catch_unwind, ts_args_type = "begin: () => number")]
    pub fn begin(&self, begin: Function<'_, (), u32>) -> napi::Result<u32> {
        let outer = CALLER.replace(Some(Arc::clone(&self.callback)));
        let job = begin.call(());
        CALLER.set(outer);
        job
    }
}

/// Starts a job. The copy of the facade that asks for it hears of its result by the returned number. `work` gives a time
/// where it is to be called again.
///
/// # Errors
/// As [`jobs::run`].
pub fn start<T: Serialize>(
    pool: &'static jobs::Pool,
    turn: Turn,
    mut work: impl FnMut() -> ControlFlow<Result<T>, Instant> + Send + 'static,
) -> Result<u32> {
    let callback = CALLER
        .with_borrow(Clone::clone)
        .ok_or_else(|| Error::new(ErrorCode::Internal, "The facade listens to no jobs. Reinstall the package."))?;
    let id = LAST_ID.get().wrapping_add(1);
    LAST_ID.set(id);
    jobs::run(pool, turn, move || {
        // A panic must be heard of as well, or a promise would stay pending for ever.
        let done = catch_unwind(AssertUnwindSafe(&mut work))
            .unwrap_or_else(|_| ControlFlow::Break(Err(Error::new(ErrorCode::Internal, "A job ended in a panic."))));
        let (error, json) = match done {
            ControlFlow::Continue(time) => return Some(time),
            ControlFlow::Break(Ok(result)) => (None, serde_json::to_string(&result).unwrap_or_default()),
            ControlFlow::Break(Err(error)) => (Some(NativeError::from(&error)), String::new()),
        };
        // A closing environment hears nothing more, which is as it should be.
        let _ = callback.call((id, error, json).into(), ThreadsafeFunctionCallMode::NonBlocking);
        None
    })?;
    Ok(id)
}

/// How long a look may wait for a thread: others hold all of them, at file systems that hang.
const PATIENCE: Duration = Duration::from_secs(5);

/// One look at paths that a tenant chooses, on a thread of its own, as a file system of its choice may hang. `whose` shares
/// the threads out.
///
/// # Errors
/// As [`jobs::run`].
pub fn look<T: Serialize>(
    env: &Env,
    whose: Arc<str>,
    look: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<u32> {
    let deadline = Instant::now() + PATIENCE;
    let turn = Turn { source: Arc::clone(&whose), endpoint: whose, deadline, is_abandoned: Arc::default() };
    let mut look = Some(look);
    let mut work = move || match look.take() {
        Some(look) if Instant::now() < deadline => look(),
        _ => Err(Error::new(
            ErrorCode::Busy,
            "Earlier looks as this uid hold its threads, at file systems that do not answer. Look at the mounts of the tenant's (FUSE, NFS).",
        )),
    };
    start(&LOOKS, turn, move || ControlFlow::Break(work())).or_throw(env)
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
        let timeout = Duration::from_millis(u64::from(self.timeout_ms));
        Ok(Settings { timeout, proxy: self.proxy, roots })
    }
}
