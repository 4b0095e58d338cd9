//! Refreshes whose answer is the only copy of the next refresh token. A process that ends meanwhile has lost the login, so it
//! may wait for them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Long enough for an endpoint that answers, and shorter than what those give who end processes: ten seconds (Docker) and
/// more.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct State {
    count: usize,
    /// The process ends: nothing begins any more.
    is_closed: bool,
}

/// Of one process.
#[derive(Debug)]
struct InFlight {
    state: Mutex<State>,
    changed: Condvar,
}

static IN_FLIGHT: InFlight = InFlight::new();

/// One that has begun, until it is dropped.
#[derive(Debug)]
pub struct Underway(&'static InFlight);

impl InFlight {
    const fn new() -> Self {
        Self { state: Mutex::new(State { count: 0, is_closed: false }), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&'static self) -> Option<Underway> {
        let mut state = self.lock();
        if state.is_closed {
            return None;
        }
        state.count += 1;
        Some(Underway(self))
    }

    fn close(&self, limit: Duration) -> bool {
        self.lock().is_closed = true;
        self.wait(limit)
    }

    fn wait(&self, limit: Duration) -> bool {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, limit, |state| state.count > 0);
        waited.map_or_else(|poisoned| poisoned.into_inner().0.count == 0, |(state, _)| state.count == 0)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.lock().count -= 1;
        self.0.changed.notify_all();
    }
}

/// Before a request; none where the process is about to end.
#[must_use]
pub fn begin() -> Option<Underway> {
    IN_FLIGHT.begin()
}

/// For the end of the process: waits for what has begun, and lets nothing begin any more.
pub fn close() {
    IN_FLIGHT.close(LONGEST_WAIT);
}

/// For the end of a thread, which may be the beginning of the process's: waits for what has begun.
pub fn wait() {
    IN_FLIGHT.wait(LONGEST_WAIT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_waits_for_what_has_begun_and_nothing_begins_after_it() {
        static ONE: InFlight = InFlight::new();
        let underway = ONE.begin().expect("open");
        assert!(!ONE.close(Duration::ZERO));
        assert!(ONE.begin().is_none());
        let ending = std::thread::spawn(|| ONE.close(Duration::from_secs(60)));
        drop(underway);
        assert!(ending.join().expect("no panic"));
    }
}
