//! Events of processes on their way to JavaScript: one threadsafe function per copy of the facade.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use napi::Status;
use napi::bindgen_prelude::{FnArgs, Function, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use crate::node::boundary_error::NativeError;
use crate::process::running::{Event, Listener};
use crate::sys::wait::{self, Ending};

/// Process, kind of event, number, text, error.
type Arguments = FnArgs<(f64, u32, i32, Option<String>, Option<NativeError>)>;

/// Weak: it does not keep the event loop alive. The facade does, while a process runs that was not `unref`ed.
type Callback = ThreadsafeFunction<Arguments, Unknown<'static>, Arguments, Status, false, true>;

/// The kinds of event; `lib/native-start.js` has the same.
const SPAWNED: u32 = 0;
const FAILED: u32 = 1;
const TIMED_OUT: u32 = 2;
const EXITED: u32 = 3;
const SIGNALED: u32 = 4;
const ENDED: u32 = 5;
const UNTESTED: u32 = 6;

/// Hears of the processes that one copy of the facade has started. One environment can have several copies of it, as two
/// bundles do, or a test runner that loads modules anew.
#[napi]
pub struct NativeProcessListener {
    callback: Arc<Callback>,
}

#[napi]
impl NativeProcessListener {
    #[napi(
        constructor,
        catch_unwind,
        ts_args_type = "callback: (id: number, kind: number, number: number, text: string | null, error: NativeError | null) => void"
    )]
    pub fn new(callback: Function<'_, Arguments, Unknown<'static>>) -> napi::Result<Self> {
        let callback = callback.build_threadsafe_function::<Arguments>().weak::<true>().build()?;
        Ok(Self { callback: Arc::new(callback) })
    }
}

impl NativeProcessListener {
    /// For one process.
    pub fn for_process(&self) -> Box<dyn Listener> {
        Box::new(ToJs { callback: Arc::clone(&self.callback), id: AtomicU64::new(0) })
    }
}

struct ToJs {
    callback: Arc<Callback>,
    id: AtomicU64,
}

impl Listener for ToJs {
    fn attach(&self, id: u64) {
        self.id.store(id, Ordering::Release);
    }

    fn on_event(&self, event: Event) {
        let (kind, number, text) = match &event {
            // No argument has a NUL, so one text holds them all.
            Event::Spawned { pid, argv } => (SPAWNED, *pid, Some(argv.join("\0"))),
            Event::Untested(text) => (UNTESTED, 0, Some(text.clone())),
            Event::Failed(_) => (FAILED, 0, None),
            Event::TimedOut => (TIMED_OUT, 0, None),
            Event::Exited(Ending::Code(code)) => (EXITED, *code, None),
            Event::Exited(Ending::Signal(signal)) => (SIGNALED, *signal, wait::real_time_name(*signal)),
            Event::Exited(Ending::Unknown) => (ENDED, 0, None),
        };
        let error = if let Event::Failed(error) = &event { Some(error.into()) } else { None };
        let id = self.id.load(Ordering::Acquire) as f64;
        // A closing environment hears nothing more, which is as it should be.
        let _ = self.callback.call((id, kind, number, text, error).into(), ThreadsafeFunctionCallMode::NonBlocking);
    }
}
