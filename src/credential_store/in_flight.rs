//! Refreshes whose answer is the only copy of the next refresh token. A process that ends meanwhile has lost the login, so it
//! may wait for them.
//!
//! A process ends in several places, one after the other: in the exit hook of its main thread, and in the cleanup hook of
//! each worker thread. All of them wait until the same moment.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Long enough for an endpoint that answers, and shorter than what those give who end processes: ten seconds (Docker) and
/// more.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct State {
    count: usize,
    /// The process ends: nothing begins any more.
    is_closed: bool,
    /// When all waits are over. It is set by the first one, and holds for those that follow: once the process is closed,
    /// and else while anything is in flight, as the end of a thread may be the beginning of the process's.
    deadline: Option<Instant>,
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
        Self { state: Mutex::new(State { count: 0, is_closed: false, deadline: None }), changed: Condvar::new() }
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
        let mut state = self.lock();
        if !state.is_closed {
            state.is_closed = true;
            state.deadline = Some(Instant::now() + limit);
        }
        drop(state);
        self.wait(limit)
    }

    fn wait(&self, limit: Duration) -> bool {
        let mut state = self.lock();
        if state.count == 0 {
            return true;
        }
        let now = Instant::now();
        let left = state.deadline.get_or_insert(now + limit).saturating_duration_since(now);
        let waited = self.changed.wait_timeout_while(state, left, |state| state.count > 0);
        waited.map_or_else(|poisoned| poisoned.into_inner().0.count == 0, |(state, _)| state.count == 0)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.count -= 1;
        if state.count == 0 && !state.is_closed {
            state.deadline = None;
        }
        drop(state);
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

    #[test]
    fn all_waits_of_an_end_share_one_deadline() {
        static CLOSED: InFlight = InFlight::new();
        static OPEN: InFlight = InFlight::new();
        const HOUR: Duration = Duration::from_secs(3600);
        let _underway = [CLOSED.begin().expect("open"), OPEN.begin().expect("open")];
        assert!(!CLOSED.close(Duration::ZERO) && !CLOSED.wait(HOUR) && !CLOSED.close(HOUR));
        // The main thread may have no hook of ours.
        assert!(!OPEN.wait(Duration::ZERO) && !OPEN.wait(HOUR));
        let later = OPEN.begin().expect("a thread that ends closes nothing");
        assert!(!OPEN.wait(HOUR));
        // What closes the process is another end than that of a thread long ago.
        assert!(!OPEN.close(Duration::ZERO) && !OPEN.wait(HOUR));
        drop(later);
    }

    #[test]
    fn the_end_of_a_thread_that_was_answered_takes_nothing_from_the_next() {
        static ONE: InFlight = InFlight::new();
        drop((ONE.begin().expect("open"), ONE.wait(Duration::ZERO)));
        let underway = ONE.begin().expect("open");
        let ending = std::thread::spawn(|| ONE.wait(Duration::from_secs(60)));
        drop(underway);
        assert!(ending.join().expect("no panic"));
    }
}
