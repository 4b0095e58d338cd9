//! A broker with a credential for an API of the test's, and a launch of this very process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use provider_env::broker::{
    Addresses, Broker, Grant, GrantRequest, Limits, LiveCredential, Options, Outcome, PeerRule, Process, Record,
    RefusalReason, Route, Upstream, UpstreamOptions,
};
use provider_env::provider::{CredentialKind, find};
use provider_env::secret::{ExposeSecret, Secret};
use tempfile::TempDir;

use crate::api::Api;
use crate::client::{Answer, Client};

/// Made up, and as long as a real one.
pub const KEY: &str =
    "sk-ant-api03-made-up-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-01234567890-AA";

pub struct Setting {
    pub broker: Broker,
    pub credential: Arc<LiveCredential>,
    pub provider: &'static str,
    pub limits: Limits,
    _sockets: TempDir,
}

impl Setting {
    pub fn of(provider: &'static str, api: &Api) -> Self {
        Self::with(provider, api, Options::default())
    }

    pub fn with(provider: &'static str, api: &Api, options: Options) -> Self {
        let path = if provider == "codex" { "/v1" } else { "" };
        let upstream =
            UpstreamOptions { roots: vec![api.root.clone()], addresses: Addresses::Any, ..UpstreamOptions::default() };
        let upstream = Upstream::new(&format!("{}{path}", api.url()), upstream).expect("a URL");
        Self::to(provider, upstream, options)
    }

    pub fn to(provider: &'static str, upstream: Upstream, options: Options) -> Self {
        let sockets = tempfile::tempdir().expect("a directory");
        // Other uids go through it to their own.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        std::fs::set_permissions(sockets.path(), open).expect("ours");
        let options = Options { socket_directory: sockets.path().into(), ..options };
        let credential = credential(provider, upstream, CredentialKind::ApiKey, KEY);
        let broker = Broker::start(options).expect("started");
        Self { broker, credential, provider, limits: Limits::default(), _sockets: sockets }
    }

    pub fn request(&self, route: Route, peer: PeerRule) -> GrantRequest {
        GrantRequest {
            provider: self.provider,
            workspace: "workspace-1".into(),
            credential: Arc::clone(&self.credential),
            peer,
            limits: self.limits,
            route,
        }
    }

    /// A grant for this process.
    pub fn grant(&self, route: Route) -> Grant {
        let peer = PeerRule { uid: own_uid(), only_started_process: route != Route::Tcp };
        let grant = self.broker.grant(self.request(route, peer)).expect("granted");
        assert!(grant.bind(own_process()));
        grant
    }

    /// The records of so many requests, once they have ended.
    pub fn records(&self, count: usize) -> Vec<Record> {
        let mut records = Vec::new();
        until("the audit has all records", || {
            records.extend(self.broker.audit().take(usize::MAX));
            records.len() >= count
        });
        records
    }

    pub fn outcome(&self) -> Outcome {
        self.records(1)[0].outcome
    }
}

pub fn credential(provider: &str, upstream: Upstream, kind: CredentialKind, key: &str) -> Arc<LiveCredential> {
    let vendor = find(provider).expect("a row").vendor();
    LiveCredential::new(vendor, Arc::new(upstream), kind, secret(key)).expect("a key")
}

pub fn secret(text: &str) -> Arc<Secret> {
    Arc::new(Secret::copy_of(text.as_bytes()))
}

pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

pub fn own_process() -> Process {
    Process::open(i32::try_from(std::process::id()).expect("a pid")).expect("alive")
}

/// The line of a header with the grant's token.
pub fn authorized(grant: &Grant) -> Vec<String> {
    let token = grant.token().map(|token| String::from_utf8_lossy(token.expose_secret()).into_owned());
    token.map(|token| format!("authorization: Bearer {token}")).into_iter().collect()
}

/// One request on a connection of its own, with the token.
pub fn ask(grant: &Grant, method: &str, path: &str, body: &[u8]) -> Answer {
    Client::connect(grant.address()).ask(method, path, &authorized(grant), body)
}

pub fn refused(reason: RefusalReason) -> Outcome {
    Outcome::Refused(reason)
}

/// Waits for a fact; the bound is for a defect alone.
pub fn until(fact: &str, mut is_so: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < limit, "never: {fact}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
