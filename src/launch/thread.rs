//! The permanent threads of this package: a panic in one round must not end them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorCode, Result};

/// They hold no deep stacks.
const STACK_BYTES: usize = 512 * 1024;

/// Pauses after a round that went wrong, so that one that always does takes no whole core.
pub fn breathe() {
    std::thread::sleep(std::time::Duration::from_millis(10));
}

/// Runs `round` for ever on a thread of this name (15 bytes at the most, prctl(2)).
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
        let message = format!("The system gives no thread for {name}: {error}.");
        Error::new(ErrorCode::SpawnFailed, message).errno(error.raw_os_error().unwrap_or(libc::EAGAIN), "clone")
    })
}
