//! Restores the process's dumpable flag to the value that the host set.
//!
//! A child that shares our memory and changes its uid makes *our* memory undumpable for good (`commit_creds` in the
//! kernel). While such a child runs that is a protection: else its uid could read our memory through `/proc`. So the
//! flag is given back only when no child is in between any more: the last one that leaves gives back what the first one
//! found. While one is stuck in between, the process stays undumpable.
//!
//! The host may drop its own privileges meanwhile, which clears the flag too, and then it must stay so. libc changes
//! the ids of every thread by a signal to each, this one among them, before the change returns: so this thread's own
//! ids show, before and after the flag is set. And the host may have turned the flag off for good.

use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static FLAG: Mutex<Flag> = Mutex::new(Flag { keepers: 0, before: None, ids: [0; 6] });

/// What the first of the present keepers found.
#[derive(Debug)]
struct Flag {
    keepers: usize,
    before: Option<DumpableBehavior>,
    ids: [u32; 6],
}

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

/// Gives the flag back when the last one is dropped. To be used on one thread, after signals are no longer blocked
/// there.
#[derive(Debug)]
pub struct Keeper {
    _made_by_new: (),
}

impl Keeper {
    #[must_use]
    pub fn new() -> Self {
        let mut flag = lock();
        if flag.keepers == 0 {
            (flag.before, flag.ids) = (dumpable_behavior().ok(), own_ids());
        }
        flag.keepers += 1;
        Self { _made_by_new: () }
    }
}

fn lock() -> MutexGuard<'static, Flag> {
    FLAG.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Keeper {
    fn default() -> Self {
        Self::new()
    }
}

/// This thread's real, effective and saved ids.
fn own_ids() -> [u32; 6] {
    let [mut uid, mut euid, mut suid, mut gid, mut egid, mut sgid] = [0; 6];
    // SAFETY: each call writes three words of ours; it fails for bad addresses only (getresuid(2)).
    unsafe {
        libc::getresuid(&raw mut uid, &raw mut euid, &raw mut suid);
        libc::getresgid(&raw mut gid, &raw mut egid, &raw mut sgid);
    }
    [uid, euid, suid, gid, egid, sgid]
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let mut flag = lock();
        flag.keepers -= 1;
        if flag.keepers > 0 {
            return;
        }
        // Only "dumpable" can be given back: "root only" is not settable (prctl(2)), and "not dumpable" is what the
        // child left.
        let was_dumpable = flag.before == Some(DumpableBehavior::Dumpable);
        let must_stay_off = || own_ids() != flag.ids || FORBIDDEN.load(Ordering::SeqCst);
        if !was_dumpable || dumpable_behavior() == Ok(DumpableBehavior::Dumpable) || must_stay_off() {
            return;
        }
        // Neither call can fail for these values (prctl(2)).
        let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
        // Again: it may have been requested, or the ids changed, since the last look.
        if must_stay_off() {
            let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        }
    }
}
