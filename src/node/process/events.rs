//! Passes the events of processes to JavaScript, with one threadsafe function per copy of the facade.

use std::sync::{Mutex, PoisonError};

use napi::Status;
use napi::bindgen_prelude::{FnArgs, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use crate::environment::Delivery;
use crate::error::Error;
use crate::process::running::{LifecycleEvent, ProcessListener};
use crate::sys::wait::{self, ExitStatus};

/// The id of a process, and what has happened to it.
pub type EventArguments = FnArgs<(f64, ProcessEvent)>;

/// Weak: it does not keep the event loop alive. The facade does, while a process runs that was not `unref`ed.
pub type Callback = ThreadsafeFunction<EventArguments, Unknown<'static>, EventArguments, Status, false, true>;

/// The events of a process, in this order: optionally `Untested`; `Spawned` or `Failed`; `TimedOut` at most once;
/// `Exited`.
#[napi(discriminant = "type", object_from_js = false, use_nullable = true)]
pub enum ProcessEvent {
    /// The program is of a version that nobody has tried; what to say of it.
    Untested { message: String },
    /// The program runs. Its arguments are what everybody can read in /proc, its name first.
    Spawned { pid: i32, argv: Vec<String>, delivery: Option<Delivery> },
    /// It does not, and no byte of it ever ran. The last event.
    Failed {
        #[napi(ts_type = "ErrorDetails")]
        error: Error,
    },
    /// Its time is over, and it is being stopped.
    TimedOut,
    /// It has ended. The last event. Neither a code nor a signal is known where somebody else in this process waited for it;
    /// a real-time signal, which Node has no name for, comes with its own.
    Exited { code: Option<i32>, signal: Option<i32>, real_time_signal: Option<String> },
}

impl From<LifecycleEvent> for ProcessEvent {
    fn from(event: LifecycleEvent) -> Self {
        match event {
            LifecycleEvent::Untested(message) => Self::Untested { message },
            LifecycleEvent::Spawned { pid, argv, delivery } => Self::Spawned { pid, argv, delivery },
            LifecycleEvent::Failed(error) => Self::Failed { error },
            LifecycleEvent::TimedOut => Self::TimedOut,
            LifecycleEvent::Exited(status) => {
                let (code, signal) = match status {
                    ExitStatus::Code(code) => (Some(code), None),
                    ExitStatus::Signal(signal) => (None, Some(signal)),
                    ExitStatus::Unknown => (None, None),
                };
                Self::Exited { code, signal, real_time_signal: signal.and_then(wait::real_time_name) }
            }
        }
    }
}

/// Tells one copy of the facade.
pub struct ToJs {
    callback: Callback,
    /// The facade says it once: to call it again with each start would cost the JS thread a tenth of one.
    last_untested: Mutex<Option<String>>,
}

impl ToJs {
    pub const fn new(callback: Callback) -> Self {
        Self { callback, last_untested: Mutex::new(None) }
    }

    fn was_said(&self, message: &str) -> bool {
        let mut last = self.last_untested.lock().unwrap_or_else(PoisonError::into_inner);
        let was_said = last.as_deref() == Some(message);
        if !was_said {
            *last = Some(message.to_owned());
        }
        was_said
    }
}

impl ProcessListener for ToJs {
    fn on_event(&self, id: u64, event: LifecycleEvent) {
        if matches!(&event, LifecycleEvent::Untested(message) if self.was_said(message)) {
            return;
        }
        // A closing environment hears nothing more, which is as it should be.
        let _ = self.callback.call((id as f64, event.into()).into(), ThreadsafeFunctionCallMode::NonBlocking);
    }
}
