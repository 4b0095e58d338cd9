//! Remembers that an API cannot be connected to, so that what a CLI tries again is answered at once: Codex asks 30 times,
//! and would wait as often until a connection times out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::failure::RequestFailure;

/// If nobody has asked for so long, nobody is waiting: the next request tries by itself.
const ASKED_WITHIN: Duration = Duration::from_secs(30);

/// Whether an API can be connected to, as far as is known.
#[derive(Debug, Default)]
pub struct Outage(Mutex<Option<Down>>);

#[derive(Debug)]
struct Down {
    why: RequestFailure,
    asked: Instant,
}

impl Outage {
    fn lock(&self) -> MutexGuard<'_, Option<Down>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a connection would fail now.
    pub fn why(&self) -> Option<RequestFailure> {
        self.lock().as_mut().map(|down| {
            down.asked = Instant::now();
            down.why
        })
    }

    /// Returns whether it began with this.
    pub fn begin(&self, why: RequestFailure) -> bool {
        let mut down = self.lock();
        let begins = down.is_none();
        let asked = down.as_ref().map_or_else(Instant::now, |down| down.asked);
        *down = Some(Down { why, asked });
        begins
    }

    pub fn end(&self) {
        *self.lock() = None;
    }

    /// Whether somebody has asked of late.
    pub fn is_awaited(&self) -> bool {
        self.lock().as_ref().is_some_and(|down| down.asked.elapsed() < ASKED_WITHIN)
    }
}
