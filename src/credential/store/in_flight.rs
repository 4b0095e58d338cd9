//! The refreshes in progress, whose answers are the only copies of the next refresh tokens. A process that ended before
//! they arrive would lose the login, so it may wait for them.
//!
//! A process ends in several places, one after the other: in the exit hook of its main thread, and in the cleanup hook
//! of each worker thread. All of them wait until the same moment.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Long enough for an endpoint that answers, and shorter than what those give who end processes: ten seconds (Docker)
/// and more.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct InFlightState {
    /// The threads of JavaScript that have asked, once for each request.
    all: Vec<ThreadId>,
    /// Whether the process ends, so that nothing begins any more.
    is_closed: bool,
    /// When all waits are over. It is set by the first one, and holds for those that follow: once the process is
    /// closed, and else while anything is in flight, as the end of a thread may be the beginning of the process's.
    deadline: Option<Instant>,
}

#[derive(Debug)]
struct RefreshesInFlight {
    state: Mutex<InFlightState>,
    changed: Condvar,
}

static IN_FLIGHT: RefreshesInFlight = RefreshesInFlight::new();

/// A refresh that has begun and goes on until this is dropped.
#[derive(Debug)]
pub struct Underway {
    of: &'static RefreshesInFlight,
    thread: ThreadId,
}

impl RefreshesInFlight {
    const fn new() -> Self {
        Self {
            state: Mutex::new(InFlightState { all: Vec::new(), is_closed: false, deadline: None }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, InFlightState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&'static self, thread: ThreadId) -> Option<Underway> {
        let mut state = self.lock();
        if state.is_closed {
            return None;
        }
        state.all.push(thread);
        Some(Underway { of: self, thread })
    }

    fn close(&self, limit: Duration) -> bool {
        let mut state = self.lock();
        if !state.is_closed {
            state.is_closed = true;
            state.deadline = Some(Instant::now() + limit);
        }
        self.wait(state, limit, |state| !state.all.is_empty())
    }

    fn wait_for(&self, thread: ThreadId, limit: Duration) -> bool {
        self.wait(self.lock(), limit, |state| state.all.contains(&thread))
    }

    /// Waits; false where the time was over first.
    fn wait(
        &self,
        mut state: MutexGuard<'_, InFlightState>,
        limit: Duration,
        goes_on: impl Fn(&InFlightState) -> bool,
    ) -> bool {
        if !goes_on(&state) {
            return true;
        }
        let now = Instant::now();
        let left = state.deadline.get_or_insert(now + limit).saturating_duration_since(now);
        let waited = self.changed.wait_timeout_while(state, left, |state| goes_on(state));
        !goes_on(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut state = self.of.lock();
        if let Some(at) = state.all.iter().position(|thread| *thread == self.thread) {
            state.all.swap_remove(at);
        }
        if state.all.is_empty() && !state.is_closed {
            state.deadline = None;
        }
        drop(state);
        self.of.changed.notify_all();
    }
}

/// Before a request that this thread of JavaScript has requested; none where the process is about to end.
#[must_use]
pub fn begin(thread: ThreadId) -> Option<Underway> {
    IN_FLIGHT.begin(thread)
}

/// For the end of the process: waits for what has begun, and lets nothing begin any more.
pub fn close() {
    IN_FLIGHT.close(LONGEST_WAIT);
}

/// For the end of this thread of JavaScript, which may be the beginning of the process's: waits for what it has asked
/// for. The others wait for theirs.
pub fn wait() {
    IN_FLIGHT.wait_for(thread::current().id(), LONGEST_WAIT);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn me() -> ThreadId {
        thread::current().id()
    }

    #[test]
    fn the_end_waits_for_what_has_begun_and_nothing_begins_after_it() {
        static ONE: RefreshesInFlight = RefreshesInFlight::new();
        let underway = ONE.begin(me()).expect("open");
        assert!(!ONE.close(Duration::ZERO));
        assert!(ONE.begin(me()).is_none());
        drop(underway);
        assert!(ONE.close(Duration::ZERO));
    }

    #[test]
    fn all_waits_of_an_end_share_one_deadline() {
        static CLOSED: RefreshesInFlight = RefreshesInFlight::new();
        static OPEN: RefreshesInFlight = RefreshesInFlight::new();
        let _underway = [CLOSED.begin(me()).expect("open"), OPEN.begin(me()).expect("open")];
        assert!(!CLOSED.close(Duration::ZERO) && !CLOSED.wait_for(me(), HOUR) && !CLOSED.close(HOUR));
        // The main thread may have no hook of ours.
        assert!(!OPEN.wait_for(me(), Duration::ZERO) && !OPEN.wait_for(me(), HOUR));
        // What closes the process is another end than that of a thread long ago.
        assert!(!OPEN.close(Duration::ZERO) && !OPEN.wait_for(me(), HOUR));
    }

    #[test]
    fn the_end_of_a_thread_waits_for_its_own_and_takes_nothing_from_the_next() {
        static ONE: RefreshesInFlight = RefreshesInFlight::new();
        let other = thread::spawn(me).join().expect("no panic");
        let others = ONE.begin(other).expect("open");
        assert!(ONE.wait_for(me(), HOUR) && !ONE.wait_for(other, Duration::ZERO));
        drop(others);
        let underway = ONE.begin(other).expect("open");
        let ending = thread::spawn(move || ONE.wait_for(other, HOUR));
        drop(underway);
        assert!(ending.join().expect("no panic"));
    }
}
