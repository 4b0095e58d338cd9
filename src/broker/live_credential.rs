//! A credential that can be rotated and revoked while agents run. Grants refer to it instead of to a key.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use subtle::ConstantTimeEq;
use tokio::sync::SetOnce;

use super::pool::Pool;
use super::refusal::RefusalReason;
use crate::credential::{Clocks, Generation, Offer, is_revoked};
use crate::error::{Error, ErrorCode, Result};
use crate::net::upstream::Upstream;
use crate::provider::{Authorization, CredentialKind, Vendor};
use crate::secret::redaction::{DEFAULT_MIN_LENGTH, Redactor};
use crate::secret::{ExposeSecret, Fingerprint, Secret};

/// A key that may go to one upstream and nowhere else.
#[derive(Debug)]
pub struct LiveCredential {
    vendor: &'static Vendor,
    upstream: Arc<Upstream>,
    /// Leads to the store whose newest credential this is; none if the key came in a payload.
    store: Option<Generation>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The number of the newest key: counted from 1, or the store's number.
    number: u64,
    newest: std::result::Result<Arc<KeyGeneration>, RefusalReason>,
    /// Keys that requests in flight may still carry.
    old: Vec<Weak<KeyGeneration>>,
}

/// One key of a credential, with the connections that carry it.
#[derive(Debug)]
pub(super) struct KeyGeneration {
    pub number: u64,
    pub authorization: &'static Authorization,
    pub key: Arc<Secret>,
    fingerprint: Fingerprint,
    pub upstream: Arc<Upstream>,
    pub pool: Arc<Pool>,
    /// Set when the key was revoked: requests in flight must end.
    pub revoked: SetOnce<()>,
    /// Set when the key is no longer the newest: new requests must not carry it.
    pub retired: SetOnce<()>,
    redactor: OnceLock<Option<Arc<Redactor>>>,
}

impl LiveCredential {
    /// A key that changes when [`LiveCredential::rotate`] is called.
    ///
    /// # Errors
    /// `KEY_MALFORMED` for bytes that a header cannot carry, `UNSUPPORTED` for a kind that the API does not take in a
    /// header.
    pub fn new(
        vendor: &'static Vendor,
        upstream: Arc<Upstream>,
        kind: CredentialKind,
        key: Arc<Secret>,
    ) -> Result<Arc<Self>> {
        Self::with(vendor, upstream, None, 1, kind, key)
    }

    /// The newest credential of a store. Each request asks the store for it.
    ///
    /// # Errors
    /// Those of [`LiveCredential::new`].
    pub fn of_store(vendor: &'static Vendor, upstream: Arc<Upstream>, store: Generation) -> Result<Arc<Self>> {
        let (number, Offer { kind, secret, .. }) = store.newest();
        Self::with(vendor, upstream, Some(store), number, kind, secret)
    }

    fn with(
        vendor: &'static Vendor,
        upstream: Arc<Upstream>,
        store: Option<Generation>,
        number: u64,
        kind: CredentialKind,
        key: Arc<Secret>,
    ) -> Result<Arc<Self>> {
        let first = KeyGeneration::new(vendor, &upstream, number, kind, key)?;
        let state = Mutex::new(State { number, newest: Ok(Arc::new(first)), old: Vec::new() });
        Ok(Arc::new(Self { vendor, upstream, store, state }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn vendor(&self) -> &'static Vendor {
        self.vendor
    }

    /// The number of the newest key: counted from 1, or as the store counts.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.lock().number
    }

    /// Whether a launch that brings this can share it.
    pub(super) fn is_same(&self, kind: CredentialKind, key: &Secret, store: Option<&Generation>) -> bool {
        match (&self.store, store) {
            (Some(own), Some(other)) => own.is_of_same_store(other),
            (None, None) => self.lock().newest.as_ref().is_ok_and(|newest| {
                let is_same_key: bool = newest.key.expose_secret().ct_eq(key.expose_secret()).into();
                newest.authorization.kind == kind && is_same_key
            }),
            _ => false,
        }
    }

    /// Whether its key came in a payload, and not from a store.
    pub(super) fn is_given(&self) -> bool {
        self.store.is_none()
    }

    /// Replaces the key. Requests that begin after this has returned carry the new one; those in flight end with the
    /// old one. It undoes a revocation. Returns the number of the new key.
    ///
    /// # Errors
    /// Those of [`LiveCredential::new`], and `UNSUPPORTED` for a store's credential; the old key stays then.
    pub fn rotate(&self, kind: CredentialKind, key: Arc<Secret>) -> Result<u64> {
        if self.store.is_some() {
            let message = "This credential comes from a store. Call rotate() of the CredentialStore instead.";
            return Err(Error::new(ErrorCode::Unsupported, message));
        }
        let mut state = self.lock();
        let number = state.number + 1;
        let next = KeyGeneration::new(self.vendor, &self.upstream, number, kind, key)?;
        state.replace(number, Ok(Arc::new(next)));
        Ok(number)
    }

    /// Refuses every request from now on, and ends those in flight. For a store's credential, this is final.
    pub fn revoke(&self) {
        let mut state = self.lock();
        let number = state.number;
        state.replace(number, Err(RefusalReason::Revoked));
        state.old.iter().filter_map(Weak::upgrade).for_each(|old| old.revoke());
    }

    /// Ends the requests in flight with a key whose fingerprint was revoked.
    pub(super) fn end_revoked(&self) {
        let state = self.lock();
        let old = state.old.iter().filter_map(Weak::upgrade);
        let all = old.chain(state.newest.as_ref().ok().cloned());
        all.filter(|generation| is_revoked(generation.fingerprint)).for_each(|generation| generation.revoke());
    }

    /// The key for a request that begins now.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn newest(&self) -> std::result::Result<Arc<KeyGeneration>, RefusalReason> {
        let mut state = self.lock();
        if let Some(store) =
            self.store.as_ref().filter(|_| state.newest.as_ref().err() != Some(&RefusalReason::Revoked))
        {
            self.follow(store, &mut state)?;
        }
        let newest = state.newest.clone()?;
        if is_revoked(newest.fingerprint) {
            newest.revoke();
            return Err(RefusalReason::Revoked);
        }
        if newest.revoked.get().is_none() {
            return Ok(newest);
        }
        // Its fingerprint was revoked and then restored, so its old requests have ended, and it needs new connections.
        let kind = newest.authorization.kind;
        let again = KeyGeneration::new(self.vendor, &self.upstream, state.number, kind, Arc::clone(&newest.key));
        let again = again.map(Arc::new).map_err(|_| RefusalReason::CredentialUnusable);
        let number = state.number;
        state.replace(number, again.clone());
        again
    }

    /// Takes the store's newest credential.
    fn follow(&self, store: &Generation, state: &mut State) -> std::result::Result<(), RefusalReason> {
        let (number, Offer { kind, secret, expires_at, is_usable }) = store.newest();
        if number != state.number {
            let next = KeyGeneration::new(self.vendor, &self.upstream, number, kind, secret);
            state.replace(number, next.map(Arc::new).map_err(|_| RefusalReason::CredentialUnusable));
        }
        if !is_usable {
            return Err(RefusalReason::CredentialUnusable);
        }
        let is_over = expires_at.is_some_and(|at| at.is_over(Clocks::now()));
        if is_over { Err(RefusalReason::CredentialExpired) } else { Ok(()) }
    }

    /// Whether a WebSocket that began with this key may send another message.
    ///
    /// # Errors
    /// Why no key can be used any more.
    pub(super) fn is_newest(&self, generation: &KeyGeneration) -> std::result::Result<bool, RefusalReason> {
        Ok(std::ptr::eq(&*self.newest()?, generation))
    }
}

impl State {
    fn replace(&mut self, number: u64, next: std::result::Result<Arc<KeyGeneration>, RefusalReason>) {
        let old = std::mem::replace(&mut self.newest, next);
        self.number = number;
        self.old.retain(|old| old.strong_count() > 0);
        if let Ok(old) = old {
            old.retire();
            self.old.push(Arc::downgrade(&old));
        }
    }
}

impl Drop for LiveCredential {
    fn drop(&mut self) {
        if let Ok(newest) = &self.lock().newest {
            newest.retire();
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
            let message = "The key contains white space or other characters that a header cannot carry. Pass it as the \
                vendor issued it.";
            return Err(Error::new(ErrorCode::KeyMalformed, message));
        }
        let authorization = vendor.api.authorization(kind).ok_or_else(|| {
            let message = "The API does not take a credential of this kind in a header, so the broker cannot add it. \
                Use another delivery.";
            Error::new(ErrorCode::Unsupported, message)
        })?;
        Ok(Self {
            number,
            authorization,
            fingerprint: key.fingerprint()?,
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

    fn revoke(&self) {
        let _ = self.revoked.set(());
        self.retire();
    }

    /// Masks the key in an API's answers. It is made for the first answer that needs it; none if the system has no
    /// memory or randomness for it.
    pub fn redactor(&self) -> Option<Arc<Redactor>> {
        let make = || {
            let shortest = self.key.len().clamp(4, DEFAULT_MIN_LENGTH);
            Redactor::new([self.key.expose_secret()], shortest).ok().map(Arc::new)
        };
        self.redactor.get_or_init(make).clone()
    }
}
