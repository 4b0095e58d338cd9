//! Keeps the process's dumpable flag as the host had it.
//!
//! A child that shares our memory and changes its uid makes *our* memory undumpable for good (`commit_creds` in the
//! kernel). While such a child runs that is a protection: else its uid could read our memory through `/proc`. So the
//! flag is given back only after the child has its own memory, and only one child at a time is in between.

use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
use std::sync::{Mutex, MutexGuard, PoisonError};

static FLAG: Mutex<()> = Mutex::new(());

/// Holds the right to change the flag, and gives the flag back when dropped.
#[derive(Debug)]
pub struct Keeper {
    before: Option<DumpableBehavior>,
    _turn: MutexGuard<'static, ()>,
}

impl Keeper {
    /// Notes the flag.
    #[must_use]
    pub fn new() -> Self {
        let turn = FLAG.lock().unwrap_or_else(PoisonError::into_inner);
        Self { before: dumpable_behavior().ok(), _turn: turn }
    }
}

impl Default for Keeper {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Only "dumpable" can be given back: "root only" is not settable (prctl(2)), and "not dumpable" is what the
        // child left.
        let was_dumpable = self.before == Some(DumpableBehavior::Dumpable);
        if was_dumpable && dumpable_behavior() != Ok(DumpableBehavior::Dumpable) {
            // Cannot fail for this value (prctl(2)).
            let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
        }
    }
}
