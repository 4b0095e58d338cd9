//! Which credential of a store is its newest: whoever holds an older one can tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Expiry;
use crate::secret::Secret;

/// The count of a store's credentials so far.
#[derive(Debug)]
pub struct Generations(Arc<AtomicU64>);

/// One of them.
#[derive(Clone, Debug)]
pub struct Generation {
    newest: Arc<AtomicU64>,
    /// Its number, from 1 on.
    pub number: u64,
}

impl Default for Generations {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(1)))
    }
}

impl Generations {
    /// The newest.
    #[must_use]
    pub fn newest(&self) -> Generation {
        Generation { newest: Arc::clone(&self.0), number: self.0.load(Ordering::SeqCst) }
    }

    /// Makes all there were old ones.
    pub fn next(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Generation {
    /// Whether there is no newer one.
    #[must_use]
    pub fn is_newest(&self) -> bool {
        self.newest.load(Ordering::SeqCst) == self.number
    }
}

/// What a store has to offer to a launch.
#[derive(Clone, Debug)]
pub struct StoredCredential {
    /// Whose CLI it is for: a provider's id.
    pub provider: &'static str,
    /// What it is.
    pub kind: crate::provider::CredentialKind,
    /// Itself.
    pub secret: Arc<Secret>,
    /// Until when it is good; none: it does not expire, or nobody says when.
    pub expires_at: Option<Expiry>,
    /// Which of the store's it is.
    pub generation: Generation,
    /// The state directory that the CLI itself must read it from; none: it is handed over.
    pub directory: Option<String>,
}
