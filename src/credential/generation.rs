//! The generation of a store's credential: whether it is still the newest one, and which one is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Expiry, LoginTokens};
use crate::provider::CredentialKind;
use crate::secret::Secret;

/// Counts the credentials that a store has had, and shares the newest one with those who follow the store.
#[derive(Debug)]
pub struct Generations {
    newest: Arc<Newest>,
}

/// It refers to nothing that refers to it: a store and the launches that follow it own it together.
#[derive(Debug)]
struct Newest {
    number: AtomicU64,
    offer: Mutex<Offer>,
    /// Of a stored login: what its tokens are is not forgotten while anything can be launched with one.
    _login: Arc<[Arc<LoginTokens>]>,
}

/// What a store offers to a request that begins now.
#[derive(Clone, Debug)]
pub struct Offer {
    pub kind: CredentialKind,
    pub secret: Arc<Secret>,
    /// Until when it is good; none: it does not expire, or nobody says when.
    pub expires_at: Option<Expiry>,
    /// False if the store knows that it cannot be used, for example because somebody logged out.
    pub is_usable: bool,
}

/// One credential of a store, by its number.
#[derive(Clone, Debug)]
pub struct Generation {
    newest: Arc<Newest>,
    /// The number counts from 1.
    pub number: u64,
}

impl Newest {
    fn offer(&self) -> MutexGuard<'_, Offer> {
        self.offer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    /// Begins to count, with the first credential of a store. `login` is empty for a store of one credential.
    #[must_use]
    pub fn new(login: Arc<[Arc<LoginTokens>]>, first: Offer) -> Self {
        Self { newest: Arc::new(Newest { number: AtomicU64::new(1), offer: Mutex::new(first), _login: login }) }
    }

    /// The generation that [`Generations::next`] makes old.
    #[must_use]
    pub fn newest(&self) -> Generation {
        Generation { newest: Arc::clone(&self.newest), number: self.newest.number.load(Ordering::SeqCst) }
    }

    /// Makes every credential that there was an old one.
    pub fn next(&self, offer: Offer) {
        let mut newest = self.newest.offer();
        *newest = offer;
        // With the offer locked: whoever reads both reads a pair.
        self.newest.number.fetch_add(1, Ordering::SeqCst);
    }

    /// Says something new of the newest credential, such as its expiry. Its bytes are the same.
    pub fn amend(&self, offer: Offer) {
        *self.newest.offer() = offer;
    }
}

impl Generation {
    /// Whether the store has no newer credential.
    #[must_use]
    pub fn is_newest(&self) -> bool {
        self.newest.number.load(Ordering::SeqCst) == self.number
    }

    /// The newest credential of the store, and its number. After the store is gone, the last one that it had.
    #[must_use]
    pub fn newest(&self) -> (u64, Offer) {
        let offer = self.newest.offer();
        (self.newest.number.load(Ordering::SeqCst), offer.clone())
    }

    /// Whether both are of the same store.
    #[must_use]
    pub fn is_of_same_store(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.newest, &other.newest)
    }
}

/// The credential that a store offers to a launch.
#[derive(Clone, Debug)]
pub struct StoredCredential {
    /// Whose CLI it is for: a provider's id.
    pub provider: &'static str,
    pub kind: CredentialKind,
    pub secret: Arc<Secret>,
    /// Until when it is good; none: it does not expire, or nobody says when.
    pub expires_at: Option<Expiry>,
    pub generation: Generation,
    /// The state directory that the CLI itself must read it from; none: it is passed.
    pub directory: Option<String>,
}
