//! What all connections of a broker share: its grants, its audit, its options.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::audit::Audit;
use super::grant::{GrantRequest, GrantState};
use super::options::Options;
use super::token::{self, TokenDigest};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// The state of one broker.
#[derive(Debug)]
pub struct Shared {
    pub options: Options,
    pub audit: Arc<Audit>,
    grants: RwLock<HashMap<u64, Arc<GrantState>>>,
    issued: AtomicU64,
    /// Grants that have not ended.
    running: AtomicUsize,
}

impl Shared {
    pub fn new(options: Options) -> Self {
        let audit = Arc::new(Audit::new(options.audit_records));
        Self { options, audit, grants: RwLock::default(), issued: AtomicU64::new(0), running: AtomicUsize::new(0) }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<u64, Arc<GrantState>>> {
        self.grants.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<u64, Arc<GrantState>>> {
        self.grants.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many running grants have a token.
    pub fn tokens(&self) -> usize {
        self.read().len()
    }

    /// How many grants have not ended.
    pub fn grants(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    fn next_id(&self) -> u64 {
        self.issued.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Makes a grant that is found by its token.
    ///
    /// # Errors
    /// `INTERNAL` if the system has no randomness.
    pub fn issue(&self, request: GrantRequest) -> Result<(Arc<GrantState>, Secret)> {
        let (token, digest) = token::mint(request.credential.vendor().broker.token_prefix)?;
        let shelf = digest.shelf();
        let state = Arc::new(GrantState::new(self.next_id(), Some(digest), request));
        let mut grants = self.write();
        if grants.contains_key(&shelf) {
            return Err(Error::new(ErrorCode::Internal, "Two tokens have the same hash. Start the launch again."));
        }
        grants.insert(shelf, Arc::clone(&state));
        self.running.fetch_add(1, Ordering::Relaxed);
        Ok((state, token))
    }

    /// Makes a grant without a token, which is found by its socket.
    pub fn issue_without_token(&self, request: GrantRequest) -> Arc<GrantState> {
        self.running.fetch_add(1, Ordering::Relaxed);
        Arc::new(GrantState::new(self.next_id(), None, request))
    }

    /// The grant whose token a caller presented.
    pub fn find(&self, presented: &TokenDigest) -> Option<Arc<GrantState>> {
        let grants = self.read();
        let state = grants.get(&presented.shelf())?;
        let is_it = state.token.as_ref().is_some_and(|token| token.is_same(presented));
        is_it.then(|| Arc::clone(state))
    }

    /// Ends a grant: its token is worthless from now on, and its requests in flight end.
    pub fn end(&self, state: &GrantState) {
        if state.ended.set(()).is_ok() {
            self.running.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(token) = &state.token {
            let gone = self.write().remove(&token.shelf());
            drop(gone);
        }
    }
}
