//! The credentials of running launches: launches of one workspace with the same credential share it, and it is rotated
//! and revoked for all of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::live_credential::LiveCredential;
use crate::credential::CredentialOwner;
use crate::net::upstream::Upstream;

/// The provider's id and the workspace.
type Whose = (&'static str, Arc<str>);

/// The credentials that running launches use.
#[derive(Debug, Default)]
pub struct Registry(Mutex<HashMap<Whose, Vec<InUse>>>);

#[derive(Debug)]
struct InUse {
    owner: CredentialOwner,
    upstream: Arc<Upstream>,
    credential: Arc<LiveCredential>,
    launches: usize,
}

/// A launch's share in a credential. The last one that is dropped takes the credential out of the registry.
#[derive(Debug)]
pub struct Lease {
    registry: Arc<Registry>,
    whose: Whose,
    credential: Arc<LiveCredential>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<Whose, Vec<InUse>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no launch uses the broker.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// A share in the credential of this owner for this upstream for which `is_same` returns true, or else in the one
    /// that `make` returns.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn lease<E>(
        self: &Arc<Self>,
        whose: Whose,
        owner: CredentialOwner,
        upstream: &Arc<Upstream>,
        is_same: impl Fn(&LiveCredential) -> bool,
        make: impl FnOnce() -> Result<Arc<LiveCredential>, E>,
    ) -> Result<Lease, E> {
        let lease = |credential: &Arc<LiveCredential>| Lease {
            registry: Arc::clone(self),
            whose: whose.clone(),
            credential: Arc::clone(credential),
        };
        let mut all = self.lock();
        let known = all.get_mut(&whose).and_then(|known| {
            known
                .iter_mut()
                .find(|one| one.owner == owner && Arc::ptr_eq(&one.upstream, upstream) && is_same(&one.credential))
        });
        if let Some(known) = known {
            known.launches += 1;
            return Ok(lease(&known.credential));
        }
        let credential = make()?;
        let lease = lease(&credential);
        let in_use = InUse { owner, upstream: Arc::clone(upstream), credential, launches: 1 };
        all.entry(whose).or_default().push(in_use);
        Ok(lease)
    }

    /// The credentials of a workspace's running launches.
    pub fn of(&self, provider: &'static str, workspace: &str) -> Vec<Arc<LiveCredential>> {
        let of_workspace = self.lock().get(&(provider, workspace.into())).map(|known| credentials(known).collect());
        of_workspace.unwrap_or_default()
    }

    /// Those of a workspace that came in payloads and come from no store. None if they are not all of one owner and for one
    /// upstream: a key that replaced them all would reach an upstream, or be lent to somebody, that it is not meant for.
    pub fn given(&self, provider: &'static str, workspace: &str) -> Option<Vec<Arc<LiveCredential>>> {
        let all = self.lock();
        let known = all.get(&(provider, workspace.into())).map(Vec::as_slice).unwrap_or_default();
        let given: Vec<&InUse> = known.iter().filter(|one| one.credential.is_given()).collect();
        let is_one = |pair: &[&InUse]| {
            pair[0].owner == pair[1].owner && pair[0].upstream.endpoint.is_same_target(&pair[1].upstream.endpoint)
        };
        given.windows(2).all(is_one).then(|| given.iter().map(|one| Arc::clone(&one.credential)).collect())
    }

    pub fn all(&self) -> Vec<Arc<LiveCredential>> {
        self.lock().values().flat_map(|known| credentials(known)).collect()
    }

    pub fn count(&self) -> usize {
        self.lock().values().map(Vec::len).sum()
    }
}

fn credentials(known: &[InUse]) -> impl Iterator<Item = Arc<LiveCredential>> {
    known.iter().map(|one| Arc::clone(&one.credential))
}

impl Lease {
    pub fn credential(&self) -> &Arc<LiveCredential> {
        &self.credential
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut all = self.registry.lock();
        let Entry::Occupied(mut known) = all.entry(self.whose.clone()) else { return };
        if let Some(one) = known.get_mut().iter_mut().find(|one| Arc::ptr_eq(&one.credential, &self.credential)) {
            one.launches -= 1;
        }
        known.get_mut().retain(|one| one.launches > 0);
        if known.get().is_empty() {
            known.remove();
        }
    }
}
