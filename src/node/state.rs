//! What belongs to one Node environment (a worker thread has its own): what must be wiped or ended with it.
//!
//! Thread-local, because one image of the addon serves all environments of the process, each on a thread of its own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::environment::EnvPlan;

/// Something that can be taken away from whoever holds it.
pub struct Slot<T>(Mutex<Option<Arc<T>>>);

impl<T> Slot<T> {
    /// Holds `value`.
    pub fn new(value: T) -> Self {
        Self(Mutex::new(Some(Arc::new(value))))
    }

    /// The value, if it is still there.
    pub fn get(&self) -> Option<Arc<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes it away; it is dropped with its last user.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[derive(Default)]
struct EnvState {
    plans: HashMap<usize, Weak<Slot<EnvPlan>>>,
    #[cfg(target_os = "linux")]
    processes: HashMap<u64, Arc<crate::launch::process::Process>>,
}

thread_local! {
    static STATE: RefCell<EnvState> = RefCell::default();
}

fn key(slot: &Arc<Slot<EnvPlan>>) -> usize {
    Arc::as_ptr(slot) as usize
}

/// Remembers an environment, to wipe it when this Node environment ends.
pub fn register(slot: Slot<EnvPlan>) -> Arc<Slot<EnvPlan>> {
    let slot = Arc::new(slot);
    STATE.with_borrow_mut(|state| state.plans.insert(key(&slot), Arc::downgrade(&slot)));
    slot
}

/// Forgets one that was disposed of.
pub fn unregister(slot: &Arc<Slot<EnvPlan>>) {
    // A finalizer may run after this thread's locals are gone; then there is nothing to forget.
    let _ = STATE.try_with(|state| state.borrow_mut().plans.remove(&key(slot)));
}

/// Wipes every environment that was not disposed of.
pub fn dispose_all() {
    let plans = STATE.with_borrow_mut(|state| std::mem::take(&mut state.plans));
    for slot in plans.values().filter_map(Weak::upgrade) {
        slot.clear();
    }
}

/// Remembers a process until it has ended.
#[cfg(target_os = "linux")]
pub fn add_process(process: Arc<crate::launch::process::Process>) {
    STATE.with_borrow_mut(|state| state.processes.insert(process.id, process));
}

/// A process that has not ended.
#[cfg(target_os = "linux")]
pub fn process(id: u64) -> Option<Arc<crate::launch::process::Process>> {
    STATE.with_borrow(|state| state.processes.get(&id).cloned())
}

/// Forgets a process that has ended.
#[cfg(target_os = "linux")]
pub fn remove_process(id: u64) {
    STATE.with_borrow_mut(|state| state.processes.remove(&id));
}

/// Kills what nobody will hear of any more.
#[cfg(target_os = "linux")]
pub fn kill_all() {
    let processes = STATE.with_borrow_mut(|state| std::mem::take(&mut state.processes));
    for process in processes.values() {
        process.kill();
    }
}
