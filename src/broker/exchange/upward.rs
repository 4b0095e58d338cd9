//! The bytes that go up to the API: how many, why they ended, and the tap that reads them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::broker::audit::Outcome;
use crate::broker::tap::Tap;

/// Shared with the body of the request, which another task than the answer's forwards.
#[derive(Debug, Default)]
pub struct Upward {
    bytes: AtomicU64,
    /// Why the body was not forwarded to its end.
    pub failure: OnceLock<Outcome>,
    tap: Option<Mutex<Box<dyn Tap>>>,
}

impl Upward {
    pub fn new(tap: Option<Box<dyn Tap>>) -> Self {
        Self { tap: tap.map(Mutex::new), ..Self::default() }
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts bytes and shows them to the tap. Returns how many there have been, including these.
    pub fn count(&self, bytes: &[u8]) -> u64 {
        self.with_tap(|tap| tap.up(bytes));
        let more = bytes.len() as u64;
        self.bytes.fetch_add(more, Ordering::Relaxed) + more
    }

    pub fn with_tap(&self, use_it: impl FnOnce(&mut dyn Tap)) {
        if let Some(tap) = &self.tap {
            use_it(&mut **tap.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
