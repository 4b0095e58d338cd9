//! Events of processes on their way to JavaScript: one threadsafe function per Node environment.

use std::cell::RefCell;
use std::sync::Arc;

use napi::bindgen_prelude::{FnArgs, Function, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use super::boundary_error::to_json;
use super::state;
use crate::launch::process::{Event, Listener};
use crate::sys::support::Ending;

/// Process, kind of event, number, text.
type Arguments = FnArgs<(f64, u32, i32, Option<String>)>;

/// Weak: it does not keep the event loop alive. The facade does, while a process runs that was not `unref`ed.
type Callback = ThreadsafeFunction<Arguments, Unknown<'static>, Arguments, Status, false, true>;

thread_local! {
    static CALLBACK: RefCell<Option<Arc<Callback>>> = const { RefCell::new(None) };
}

/// The kinds of event; `lib/native-start.js` has the same.
const SPAWNED: u32 = 0;
const FAILED: u32 = 1;
const TIMED_OUT: u32 = 2;
const EXITED: u32 = 3;
const SIGNALED: u32 = 4;
const ENDED: u32 = 5;

/// Sets the function that hears of every process of this Node environment, and has everything wiped and ended with
/// the environment. To be called once.
#[napi(
    catch_unwind,
    ts_args_type = "callback: (id: number, kind: number, number: number, text?: string | null) => void"
)]
pub fn listen(env: Env, callback: Function<'_, Arguments, Unknown<'static>>) -> napi::Result<()> {
    let callback = callback.build_threadsafe_function::<Arguments>().weak::<true>().build()?;
    CALLBACK.with_borrow_mut(|slot| *slot = Some(Arc::new(callback)));
    env.add_env_cleanup_hook((), |()| {
        state::tear_down();
        let _ = CALLBACK.try_with(|slot| slot.borrow_mut().take());
    })?;
    Ok(())
}

/// A listener for one process of the calling environment.
pub fn listener() -> Option<Box<dyn Listener>> {
    let callback = CALLBACK.with_borrow(Clone::clone)?;
    Some(Box::new(ToJs { callback, id: std::sync::atomic::AtomicU64::new(0) }))
}

struct ToJs {
    callback: Arc<Callback>,
    id: std::sync::atomic::AtomicU64,
}

impl Listener for ToJs {
    fn attach(&self, id: u64) {
        self.id.store(id, std::sync::atomic::Ordering::Release);
    }

    fn on_event(&self, event: Event) {
        let (kind, number, text) = match event {
            Event::Spawned { pid, program } => (SPAWNED, pid, Some(program)),
            Event::Failed(error) => (FAILED, 0, Some(to_json(&error))),
            Event::TimedOut => (TIMED_OUT, 0, None),
            Event::Exited(Ending::Code(code)) => (EXITED, code, None),
            Event::Exited(Ending::Signal(signal)) => (SIGNALED, signal, None),
            Event::Exited(Ending::Unknown) => (ENDED, 0, None),
        };
        let id = self.id.load(std::sync::atomic::Ordering::Acquire) as f64;
        // A closing environment hears nothing more, which is as it should be.
        let _ = self.callback.call((id, kind, number, text).into(), ThreadsafeFunctionCallMode::NonBlocking);
    }
}
