//! Grants for launches: launches of one workspace share a credential, and a credential from a store follows the store.

use std::sync::Arc;

use super::grant::{GrantRequest, Route};
use super::instance::{Broker, Grant};
use super::live_credential::LiveCredential;
use super::peer::PeerRule;
use crate::credential::{self, CredentialOwner, Generation, is_revoked};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{CredentialKind, Provider, Transport};
use crate::secret::{ExposeSecret, Fingerprint, Secret};

/// A launch whose credential the broker keeps.
#[derive(Debug)]
pub struct LaunchRequest {
    pub provider: &'static Provider,
    /// The name of the tenant in the audit.
    pub workspace: Arc<str>,
    pub owner: CredentialOwner,
    pub kind: CredentialKind,
    pub secret: Arc<Secret>,
    pub fingerprint: Option<Fingerprint>,
    /// Leads to the store that the credential comes from; none if it came in a payload.
    pub generation: Option<Generation>,
    /// The endpoint, if it is not the vendor's.
    pub base_url: Option<String>,
    /// A PEM file of certificates that are trusted in addition to the system's.
    pub ca_file: Option<String>,
    /// Who may call.
    pub peer: PeerRule,
}

impl Broker {
    /// Gives a launch an address, and a token if its route needs one. It reads `ca_file`, and does nothing else that
    /// blocks.
    ///
    /// # Errors
    /// Those of [`Broker::grant`]; `ERR_INVALID_ARG_VALUE` for a base URL that the broker may not connect to,
    /// `CA_FILE_UNUSABLE`, `CREDENTIAL_REVOKED`; those of [`LiveCredential::new`].
    pub fn grant_launch(&self, request: LaunchRequest) -> Result<Grant> {
        let LaunchRequest { provider, workspace, owner, kind, secret, generation, peer, .. } = request;
        if request.fingerprint.is_some_and(is_revoked) {
            let message = "The credential was revoked in this process. Pass the credential that replaced it.";
            return Err(Error::new(ErrorCode::CredentialRevoked, message).provider(provider.id));
        }
        let vendor = provider.vendor();
        let upstream = self.upstreams.of(vendor, request.base_url.as_deref(), request.ca_file.as_deref())?;
        let lease = self.registry.lease(
            (provider.id, Arc::clone(&workspace)),
            owner,
            &upstream,
            |known| known.is_same(kind, &secret, generation.as_ref()),
            || match generation.clone() {
                Some(store) => LiveCredential::of_store(vendor, Arc::clone(&upstream), store),
                None => LiveCredential::new(vendor, Arc::clone(&upstream), kind, Arc::clone(&secret)),
            },
        )?;
        let has_socket = peer.only_started_process && vendor.broker.transport == Transport::Socket;
        let grant = self.grant(GrantRequest {
            provider: provider.id,
            workspace,
            credential: Arc::clone(lease.credential()),
            peer,
            limits: self.limits(),
            route: if has_socket { Route::UnixWithoutToken } else { Route::Tcp },
        })?;
        Ok(grant.with_lease(lease))
    }

    /// Gives the running launches of a workspace another key, which every request carries that begins after this has
    /// returned. A credential from a store changes only with its store. Returns how many credentials were replaced.
    ///
    /// # Errors
    /// Those of [`credential::check`] and [`LiveCredential::rotate`], `CREDENTIAL_REVOKED`, and `UNSUPPORTED` if the
    /// launches' keys belong to several owners or are for several endpoints; nothing was replaced then.
    pub fn rotate(
        &self,
        provider: &'static Provider,
        workspace: &str,
        kind: CredentialKind,
        key: Arc<Secret>,
    ) -> Result<usize> {
        credential::check(provider, kind, "credential", key.expose_secret())?;
        if is_revoked(key.fingerprint()?) {
            let message = "This credential was revoked in this process. Pass another one.";
            return Err(Error::new(ErrorCode::CredentialRevoked, message).provider(provider.id));
        }
        let credentials = self.registry.given(provider.id, workspace).ok_or_else(|| several_targets(provider.id))?;
        let mut replaced = 0;
        for credential in &credentials {
            // An error that the key causes comes with the first credential, so that none is replaced.
            credential.rotate(kind, Arc::clone(&key))?;
            replaced += 1;
        }
        Ok(replaced)
    }

    /// Refuses the requests of a workspace's running launches, and ends those in flight. Launches that start afterwards
    /// bring their own credential. Returns how many credentials were revoked.
    pub fn revoke(&self, provider: &'static Provider, workspace: &str) -> usize {
        let credentials = self.registry.of(provider.id, workspace);
        credentials.iter().for_each(|credential| credential.revoke());
        credentials.len()
    }

    /// Ends the requests in flight with a credential that was revoked by its fingerprint. New requests are refused
    /// without this call, because each one checks the fingerprint.
    pub fn apply_revocations(&self) {
        self.registry.all().iter().for_each(|credential| credential.end_revoked());
    }
}

/// The server's new key must not go to an endpoint of the workspace's own, nor the workspace's to the server's.
#[cold]
fn several_targets(provider: &'static str) -> Error {
    let message = "The running agents of this workspace use keys of several owners or for several endpoints, so the new \
        key could reach one that it is not meant for. Revoke the keys of the workspace, and start its agents again.";
    Error::new(ErrorCode::Unsupported, message).provider(provider)
}
