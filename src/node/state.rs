//! What belongs to one Node environment (a worker thread has its own): what must be wiped or ended with it.
//!
//! Thread-local, because one image of the addon serves all environments of the process, each on a thread of its own.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::process::group;
#[cfg(target_os = "linux")]
use crate::process::running::Process;

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
}

/// Something that holds a secret until it is told not to.
pub trait Clear {
    /// Takes it away; it is dropped, and wiped, with its last user.
    fn clear(&self);
}

impl<T> Clear for Slot<T> {
    fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

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

fn key<T>(slot: &Arc<Slot<T>>) -> usize {
    Arc::as_ptr(slot) as usize
}

/// Remembers what holds a secret, to wipe it when this Node environment ends.
pub fn register<T: 'static>(slot: Slot<T>) -> Arc<Slot<T>> {
    let slot = Arc::new(slot);
    let holder: Arc<dyn Clear> = Arc::<Slot<T>>::clone(&slot);
    STATE.with_borrow_mut(|state| state.holders.insert(key(&slot), Arc::downgrade(&holder)));
    slot
}

/// Wipes what a holder has, and forgets it.
pub fn dispose<T>(slot: &Arc<Slot<T>>) {
    // A finalizer may run after this thread's locals are gone; then there is nothing to forget.
    let _ = STATE.try_with(|state| state.borrow_mut().holders.remove(&key(slot)));
    slot.clear();
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
/// A number that no child has would be a signal to others: -1 stands for every process there is.
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
