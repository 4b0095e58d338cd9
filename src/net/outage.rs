//! Remembers that an API cannot be reached, so that further attempts of a CLI fail at once. Codex makes 30 attempts,
//! and would otherwise wait until 30 connections time out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::failure::RequestFailure;

/// If no request has come for so long, the outage is forgotten, and the next request connects itself.
const ASKED_WITHIN: Duration = Duration::from_secs(30);

/// The outage of an API, if one is known.
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

    /// Why a connection would fail now; none if no outage is known. It counts as a request.
    pub fn why(&self) -> Option<RequestFailure> {
        self.lock().as_mut().map(|down| {
            down.asked = Instant::now();
            down.why
        })
    }

    /// Notes a failure. Returns whether it is the first one of an outage.
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

    /// Whether a request came recently.
    pub fn is_awaited(&self) -> bool {
        self.lock().as_ref().is_some_and(|down| down.asked.elapsed() < ASKED_WITHIN)
    }
}
