//! Keeps the process's dumpable flag as the host had it.
//!
//! A child that shares our memory and changes its uid makes *our* memory undumpable for good (`commit_creds` in the
//! kernel). While such a child runs that is a protection: else its uid could read our memory through `/proc`. So the
//! flag is given back only after the child has its own memory, and only one child at a time is in between.
//!
//! The host may drop its own privileges meanwhile, which clears the flag too, and then it must stay so. libc changes
//! the ids of every thread by a signal to each, this one among them, before the change returns: so this thread's own
//! ids tell, before and after the flag is set. And the host may have asked for the flag to be off for good.

use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
use rustix::process::{getegid, geteuid, getgid, getuid};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static FLAG: Mutex<()> = Mutex::new(());

/// Whether the host wants the flag off for good.
static FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// Makes the process non-dumpable for good. Waits for no start: one in flight sees that it was called.
///
/// # Errors
/// The kernel's.
pub fn forbid() -> rustix::io::Result<()> {
    FORBIDDEN.store(true, Ordering::SeqCst);
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// Holds the right to change the flag, and gives the flag back when dropped. To be used on one thread, after signals
/// are no longer blocked there.
#[derive(Debug)]
pub struct Keeper {
    before: Option<DumpableBehavior>,
    ids: [u32; 4],
    _turn: MutexGuard<'static, ()>,
}

impl Keeper {
    /// Notes the flag.
    #[must_use]
    pub fn new() -> Self {
        let turn = FLAG.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = own_ids();
        Self { before: dumpable_behavior().ok(), ids, _turn: turn }
    }
}

impl Default for Keeper {
    fn default() -> Self {
        Self::new()
    }
}

fn own_ids() -> [u32; 4] {
    [getuid().as_raw(), geteuid().as_raw(), getgid().as_raw(), getegid().as_raw()]
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Only "dumpable" can be given back: "root only" is not settable (prctl(2)), and "not dumpable" is what the
        // child left.
        let was_dumpable = self.before == Some(DumpableBehavior::Dumpable);
        let must_stay_off = || own_ids() != self.ids || FORBIDDEN.load(Ordering::SeqCst);
        if !was_dumpable || dumpable_behavior() == Ok(DumpableBehavior::Dumpable) || must_stay_off() {
            return;
        }
        // Neither call can fail for these values (prctl(2)).
        let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
        // Again: it may have been asked for, or the ids changed, since the last look.
        if must_stay_off() {
            let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        }
    }
}
