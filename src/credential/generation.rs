//! The generation of a store's credential, which shows whether it is still the newest one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Expiry, LoginTokens};
use crate::secret::Secret;

/// Counts the credentials that a store has had.
#[derive(Debug, Default)]
pub struct Generations {
    newest: Arc<Newest>,
}

#[derive(Debug)]
struct Newest {
    number: AtomicU64,
    /// Of a stored login: what its tokens are is not forgotten while anything can be launched with one.
    _login: Arc<[Arc<LoginTokens>]>,
}

/// One credential of a store, by its number.
#[derive(Clone, Debug)]
pub struct Generation {
    newest: Arc<Newest>,
    /// The number counts from 1.
    pub number: u64,
}

impl Default for Newest {
    fn default() -> Self {
        Self { number: AtomicU64::new(1), _login: Arc::default() }
    }
}

impl Generations {
    /// Counts the credentials of a stored login.
    #[must_use]
    pub fn of_login(login: Arc<[Arc<LoginTokens>]>) -> Self {
        Self { newest: Arc::new(Newest { _login: login, ..Newest::default() }) }
    }

    /// The generation that [`Generations::next`] makes old.
    #[must_use]
    pub fn newest(&self) -> Generation {
        Generation { newest: Arc::clone(&self.newest), number: self.newest.number.load(Ordering::SeqCst) }
    }

    /// Makes every credential that there was an old one.
    pub fn next(&self) {
        self.newest.number.fetch_add(1, Ordering::SeqCst);
    }
}

impl Generation {
    /// Whether the store has no newer credential.
    #[must_use]
    pub fn is_newest(&self) -> bool {
        self.newest.number.load(Ordering::SeqCst) == self.number
    }
}

/// The credential that a store offers to a launch.
#[derive(Clone, Debug)]
pub struct StoredCredential {
    /// Whose CLI it is for: a provider's id.
    pub provider: &'static str,
    pub kind: crate::provider::CredentialKind,
    pub secret: Arc<Secret>,
    /// Until when it is good; none: it does not expire, or nobody says when.
    pub expires_at: Option<Expiry>,
    pub generation: Generation,
    /// The state directory that the CLI itself must read it from; none: it is passed.
    pub directory: Option<String>,
}
