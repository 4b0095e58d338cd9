//! A credential that is rotated and revoked while agents run: what a grant refers to, instead of a key.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::SetOnce;

use super::pool::Pool;
use super::refusal::Reason;
use crate::error::{Error, ErrorCode, Result};
use crate::net::upstream::Upstream;
use crate::provider::{Authorization, CredentialKind, Vendor};
use crate::secret::redaction::{DEFAULT_MIN_LENGTH, Redactor};
use crate::secret::{ExposeSecret, Secret};

/// A key, and where it may go: to one upstream and nowhere else.
#[derive(Debug)]
pub struct LiveCredential {
    vendor: &'static Vendor,
    upstream: Arc<Upstream>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Counts the keys that there have been, from 1.
    number: u64,
    /// None once it was revoked.
    newest: Option<Arc<KeyGeneration>>,
}

/// One key of a credential, with the connections that carry it.
#[derive(Debug)]
pub(super) struct KeyGeneration {
    pub number: u64,
    pub authorization: &'static Authorization,
    pub key: Arc<Secret>,
    pub upstream: Arc<Upstream>,
    pub pool: Arc<Pool>,
    /// Set when the key must not be used a moment longer.
    pub revoked: SetOnce<()>,
    /// Set when there is a newer key, or none any more.
    pub retired: SetOnce<()>,
    redactor: OnceLock<Option<Arc<Redactor>>>,
}

impl LiveCredential {
    /// # Errors
    /// `KEY_MALFORMED` for bytes that no header may have, `UNSUPPORTED` for a kind that the API takes in no header.
    pub fn new(
        vendor: &'static Vendor,
        upstream: Arc<Upstream>,
        kind: CredentialKind,
        key: Arc<Secret>,
    ) -> Result<Arc<Self>> {
        let first = KeyGeneration::new(vendor, &upstream, 1, kind, key)?;
        let state = Mutex::new(State { number: 1, newest: Some(Arc::new(first)) });
        Ok(Arc::new(Self { vendor, upstream, state }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn vendor(&self) -> &'static Vendor {
        self.vendor
    }

    /// The number of the newest key, counted from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.lock().number
    }

    /// Takes a new key. Requests that begin after this has returned carry it; those in flight end with the old one. After
    /// a revocation, it ends that. Returns the number of the new one.
    ///
    /// # Errors
    /// As [`LiveCredential::new`]; the old key stays then.
    pub fn rotate(&self, kind: CredentialKind, key: Arc<Secret>) -> Result<u64> {
        let mut state = self.lock();
        let number = state.number + 1;
        let next = KeyGeneration::new(self.vendor, &self.upstream, number, kind, key)?;
        let old = state.newest.replace(Arc::new(next));
        state.number = number;
        drop(state);
        if let Some(old) = old {
            old.retire();
        }
        Ok(number)
    }

    /// Refuses every request from now on, and ends those in flight.
    pub fn revoke(&self) {
        let old = self.lock().newest.take();
        if let Some(old) = old {
            let _ = old.revoked.set(());
            old.retire();
        }
    }

    /// What a request that begins now carries.
    pub(super) fn newest(&self) -> std::result::Result<Arc<KeyGeneration>, Reason> {
        self.lock().newest.clone().ok_or(Reason::Revoked)
    }
}

impl Drop for LiveCredential {
    fn drop(&mut self) {
        let old = self.lock().newest.take();
        if let Some(old) = old {
            old.retire();
        }
    }
}

impl KeyGeneration {
    fn new(
        vendor: &'static Vendor,
        upstream: &Arc<Upstream>,
        number: u64,
        kind: CredentialKind,
        key: Arc<Secret>,
    ) -> Result<Self> {
        if key.is_empty() || !key.expose_secret().iter().all(u8::is_ascii_graphic) {
            let message =
                "The key has white space or characters that no header may have. Give it as the vendor issued it.";
            return Err(Error::new(ErrorCode::KeyMalformed, message));
        }
        let authorization = vendor.api.authorization(kind).ok_or_else(|| {
            let message = "The broker has no header for a credential of this kind. Use another delivery.";
            Error::new(ErrorCode::Unsupported, message)
        })?;
        Ok(Self {
            number,
            authorization,
            key,
            upstream: Arc::clone(upstream),
            pool: Arc::new(Pool::new()),
            revoked: SetOnce::new(),
            retired: SetOnce::new(),
            redactor: OnceLock::new(),
        })
    }

    fn retire(&self) {
        let _ = self.retired.set(());
        self.pool.close();
    }

    /// Looks for the key in what an API answers. Made for the first answer that needs it; none where the system refused.
    pub fn redactor(&self) -> Option<Arc<Redactor>> {
        let make = || {
            let shortest = self.key.len().clamp(4, DEFAULT_MIN_LENGTH);
            Redactor::new([self.key.expose_secret()], shortest).ok().map(Arc::new)
        };
        self.redactor.get_or_init(make).clone()
    }
}
