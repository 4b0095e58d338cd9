//! Watches the one child that has not executed yet.
//!
//! From its privilege drop on, any process of the target uid may send it SIGSTOP, and the spawner would sleep with it.
//! So a thread looks at it every few milliseconds while there is one, and kills it when it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};

use super::thread;
use crate::error::Result;
use crate::sys::clone::InFlight;
use crate::sys::support::is_stopped;

const INTERVAL: Duration = Duration::from_millis(20);
/// A start takes a millisecond. A file system that hangs for this long will not come back.
const LIMIT: Duration = Duration::from_secs(20);

/// The spawner's side of it.
#[derive(Debug)]
pub struct Watchdog {
    busy: Arc<AtomicBool>,
    thread: Thread,
}

impl Watchdog {
    /// Starts the thread.
    ///
    /// # Errors
    /// `SPAWN_FAILED` when the system gives no thread.
    pub fn start(in_flight: Arc<InFlight>) -> Result<Self> {
        let busy = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut state = Look { busy: Arc::clone(&busy), in_flight, since: None };
        let mut hello = Some(sender);
        thread::start("pe-watchdog", move || {
            if let Some(sender) = hello.take() {
                let _ = sender.send(std::thread::current());
            }
            state.turn();
        })?;
        let thread = receiver.recv().map_err(|_| {
            crate::error::Error::new(crate::error::ErrorCode::Internal, "The watchdog's thread did not start.")
        })?;
        Ok(Self { busy, thread })
    }

    /// Says whether there are starts to watch.
    pub fn set_busy(&self, busy: bool) {
        let was = self.busy.swap(busy, Ordering::AcqRel);
        if busy && !was {
            self.thread.unpark();
        }
    }
}

struct Look {
    busy: Arc<AtomicBool>,
    in_flight: Arc<InFlight>,
    /// The child seen last, and when first.
    since: Option<(u32, Instant)>,
}

impl Look {
    fn turn(&mut self) {
        if !self.busy.load(Ordering::Acquire) {
            self.since = None;
            std::thread::park();
            return;
        }
        std::thread::sleep(INTERVAL);
        let generation = self.in_flight.generation.load(Ordering::Acquire);
        let since = self.since.filter(|(seen, _)| *seen == generation).map_or_else(Instant::now, |(_, since)| since);
        self.since = Some((generation, since));
        self.in_flight.with_child(|pidfd| {
            if is_stopped(pidfd) || since.elapsed() > LIMIT {
                self.in_flight.ended.store(true, Ordering::Release);
                let _ = pidfd_send_signal(pidfd, Signal::KILL);
            }
        });
    }
}
