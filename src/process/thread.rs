//! The permanent threads of this package, which must survive a panic in one round.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{getpriority_process, setpriority_process};

use crate::error::{Error, ErrorCode, Result};

/// The threads call no deep functions.
const STACK_BYTES: usize = 512 * 1024;

/// Pauses after a round that went wrong, so that one that always does takes no whole core.
pub fn breathe() {
    std::thread::sleep(std::time::Duration::from_millis(10));
}

/// The calling thread's place before all others of its cgroup, where the worker may take it (root, or `CAP_SYS_NICE`), until
/// this is dropped. Beside hundreds of processes that never sleep, a thread of the usual rank gets less than a hundredth of a
/// processor: too little to stop them. Linux keeps the nice value per thread, so that no other thread's changes.
pub struct Precedence {
    before: Option<i32>,
}

impl Precedence {
    pub fn take() -> Self {
        let before = getpriority_process(None).ok();
        Self { before: before.filter(|_| setpriority_process(None, HIGHEST).is_ok()) }
    }
}

impl Drop for Precedence {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            let _ = setpriority_process(None, before);
        }
    }
}

/// The nice value before all others.
const HIGHEST: i32 = -20;

/// Runs `round` forever on a thread of this name (15 bytes at the most, prctl(2)).
///
/// # Errors
/// `SPAWN_FAILED` when the system gives no thread.
pub fn start(name: &str, mut round: impl FnMut() + Send + 'static) -> Result<()> {
    let body = move || {
        loop {
            if catch_unwind(AssertUnwindSafe(&mut round)).is_err() {
                breathe();
            }
        }
    };
    let started = std::thread::Builder::new().name(name.into()).stack_size(STACK_BYTES).spawn(body);
    started.map(drop).map_err(|error| {
        let message = format!("The system could not create a thread for {name}: {error}.");
        Error::new(ErrorCode::SpawnFailed, message).errno(error.raw_os_error().unwrap_or(libc::EAGAIN), "clone")
    })
}
