//! What threads had used when they were last heard of: a CLI that tells totals of a thread goes on counting when the
//! thread is resumed by another process, and only the difference was used there.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::recent::Recent;
use super::tokens::Tokens;

/// Threads that are remembered.
const MOST: usize = 10_000;

/// A thread's totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadTotals {
    /// The thread, as the CLI calls it.
    pub id: Arc<str>,
    /// All that it has used.
    pub tokens: Tokens,
}

static THREADS: LazyLock<Mutex<Recent<Arc<str>, Tokens>>> = LazyLock::new(|| Mutex::new(Recent::new(MOST)));

/// What a thread had used when this process last heard of it.
pub fn last_of(id: &Arc<str>) -> Option<Tokens> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
}

/// Remembers it.
pub fn remember(thread: &ThreadTotals) {
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    *threads.entry(&thread.id).0 = thread.tokens;
}
