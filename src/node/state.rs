//! The state of one Node environment (each worker thread has its own), which must be wiped or ended with it.
//!
//! Thread-local, because one image of the addon serves all environments of the process, each on a separate thread.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::error::{Error, ErrorCode, Result};
use crate::process::group;
#[cfg(target_os = "linux")]
use crate::process::running::Process;

/// The version of the addon, which the facade compares with its own.
#[napi_derive::napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What an object of JavaScript holds until it is disposed of or collected, or its Node environment ends.
pub struct Disposable<T: 'static> {
    held: Arc<Mutex<Option<Arc<T>>>>,
    /// The error for whoever uses it afterwards.
    disposed: &'static str,
}

impl<T: 'static> Disposable<T> {
    /// Holds `value`. `disposed` is the message of the error that [`get`](Self::get) returns once it is gone.
    pub fn new(value: T, disposed: &'static str) -> Self {
        let held = Arc::new(Mutex::new(Some(Arc::new(value))));
        let holder: Arc<dyn Clear> = Arc::<Mutex<Option<Arc<T>>>>::clone(&held);
        STATE.with_borrow_mut(|state| state.holders.insert(key(&held), Arc::downgrade(&holder)));
        Self { held, disposed }
    }

    /// The value, if it is still there.
    ///
    /// # Errors
    /// `DISPOSED`.
    pub fn get(&self) -> Result<Arc<T>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone().ok_or_else(|| Error::new(ErrorCode::Disposed, self.disposed))
    }

    pub fn is_disposed(&self) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Takes the value away. It is dropped, and wiped, with its last user.
    pub fn dispose(&self) {
        // A finalizer may run after this thread's locals are gone; then there is nothing to forget.
        let _ = STATE.try_with(|state| state.borrow_mut().holders.remove(&key(&self.held)));
        self.held.clear();
    }

    /// What takes the value away when something else is disposed of.
    pub fn remote(&self) -> Weak<dyn Clear> {
        let holder: Arc<dyn Clear> = Arc::<Mutex<Option<Arc<T>>>>::clone(&self.held);
        Arc::downgrade(&holder)
    }
}

impl<T> Drop for Disposable<T> {
    fn drop(&mut self) {
        self.dispose();
    }
}

/// A holder of which only this is known: that it can be emptied.
pub trait Clear {
    fn clear(&self);
}

impl<T> Clear for Mutex<Option<Arc<T>>> {
    fn clear(&self) {
        *self.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The members `disposed` and `dispose()` of a class whose field `held` is a [`Disposable`].
macro_rules! disposable {
    ($class:ident) => {
        #[napi_derive::napi]
        impl $class {
            #[napi(getter, catch_unwind)]
            pub fn disposed(&self) -> bool {
                self.held.is_disposed()
            }

            #[napi(catch_unwind)]
            pub fn dispose(&self) {
                self.held.dispose();
            }
        }
    };
}
pub(crate) use disposable;

#[derive(Default)]
struct EnvState {
    /// By address, which is the holder's own for as long as it lives.
    holders: HashMap<usize, Weak<dyn Clear>>,
    #[cfg(target_os = "linux")]
    processes: HashMap<u64, Arc<Process>>,
    /// Leaders of process groups that `child_process` has made.
    groups: HashSet<i32>,
}

thread_local! {
    static STATE: RefCell<EnvState> = RefCell::default();
}

fn key<T>(held: &Arc<T>) -> usize {
    Arc::as_ptr(held) as usize
}

/// Kills what nobody will hear of any more, and wipes everything that was not disposed of.
pub fn tear_down() {
    #[cfg(target_os = "linux")]
    kill_all();
    let (holders, groups) =
        STATE.with_borrow_mut(|state| (std::mem::take(&mut state.holders), std::mem::take(&mut state.groups)));
    group::end(groups);
    for holder in holders.values().filter_map(Weak::upgrade) {
        holder.clear();
    }
}

/// Remembers a process group that `child_process` has made, until its leader has ended.
///
/// A number that no child has would send the signal to others: -1 means every process.
pub fn add_group(leader: i32) {
    if leader > 1 {
        STATE.with_borrow_mut(|state| state.groups.insert(leader));
    }
}

/// Forgets a group whose leader has ended: its number may soon be another's.
pub fn remove_group(leader: i32) {
    STATE.with_borrow_mut(|state| state.groups.remove(&leader));
}

/// Remembers a process until it has ended.
#[cfg(target_os = "linux")]
pub fn add_process(process: Arc<Process>) {
    STATE.with_borrow_mut(|state| state.processes.insert(process.id, process));
}

/// Forgets a process that has ended.
#[cfg(target_os = "linux")]
pub fn remove_process(id: u64) {
    STATE.with_borrow_mut(|state| state.processes.remove(&id));
}

#[cfg(target_os = "linux")]
fn kill_all() {
    let processes = STATE.with_borrow_mut(|state| std::mem::take(&mut state.processes));
    for process in processes.values() {
        process.kill();
    }
}
