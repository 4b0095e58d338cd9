//! Checks the spawner's threads every few milliseconds while one of them is working, because a tenant can stop their
//! child or keep them waiting for its file system.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

use super::thread;
use crate::error::{Error, ErrorCode, Result};

const INTERVAL: Duration = Duration::from_millis(20);
/// How many looks in vain before it sleeps: starts come in bursts.
const LINGER: u32 = 3;

/// By which the spawner wakes the watchdog's thread.
#[derive(Debug)]
pub struct Watchdog {
    asleep: Arc<AtomicBool>,
    thread: Thread,
}

impl Watchdog {
    /// Starts the thread. `look` looks after the spawner's threads once, and returns whether any of them is at work.
    ///
    /// # Errors
    /// `SPAWN_FAILED` when the system gives no thread.
    pub fn start(look: impl Fn() -> bool + Send + 'static) -> Result<Self> {
        let asleep = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = std::sync::mpsc::channel();
        let of_thread = Arc::clone(&asleep);
        let (mut hello, mut in_vain) = (Some(sender), 0);
        thread::start("pe-watchdog", move || {
            if let Some(sender) = hello.take() {
                let _ = sender.send(std::thread::current());
            }
            std::thread::sleep(INTERVAL);
            in_vain = if look() { 0 } else { in_vain + 1 };
            if in_vain < LINGER {
                return;
            }
            of_thread.store(true, Ordering::SeqCst);
            // Who has begun before that did not see it.
            if look() {
                of_thread.store(false, Ordering::SeqCst);
            } else {
                std::thread::park();
            }
            in_vain = 0;
        })?;
        let thread =
            receiver.recv().map_err(|_| Error::new(ErrorCode::Internal, "The watchdog's thread did not start."))?;
        Ok(Self { asleep, thread })
    }

    /// Says that there is something to watch.
    pub fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}
