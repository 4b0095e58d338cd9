//! A grant: what one launch may ask, as long as it runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::SetOnce;
use tokio::time::timeout;

use super::live_credential::LiveCredential;
use super::options::Limits;
use super::peer::{Peer, PeerRule, Process};
use super::refusal::Reason;
use super::token::TokenDigest;

/// A CLI can ask before the launch knows its process, but not for long.
const UNTIL_BOUND: Duration = Duration::from_secs(5);

/// What the broker knows of a launch.
#[derive(Debug)]
pub struct GrantState {
    pub(super) id: u64,
    pub(super) workspace: Arc<str>,
    pub(super) credential: Arc<LiveCredential>,
    pub(super) limits: Limits,
    /// None where the socket and the process that calls are proof enough.
    pub(super) token: Option<TokenDigest>,
    peer: PeerRule,
    /// Whether it is reached by a socket of its own.
    has_socket: bool,
    process: SetOnce<Process>,
    pub(super) ended: SetOnce<()>,
    in_flight: AtomicUsize,
    rate: Mutex<Rate>,
}

#[derive(Debug)]
struct Rate {
    /// Requests that may come now.
    left: f64,
    at: Instant,
}

/// A request in flight, for as long as it lives.
#[derive(Debug)]
pub(super) struct Slot(Arc<GrantState>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a grant is made of.
#[derive(Debug)]
pub struct GrantRequest {
    /// The provider's id.
    pub provider: &'static str,
    /// What audits and bills call the tenant.
    pub workspace: Arc<str>,
    pub credential: Arc<LiveCredential>,
    pub peer: PeerRule,
    pub limits: Limits,
    pub route: Route,
}

/// How the CLI reaches the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// By TCP on loopback, with a token.
    Tcp,
    /// By a Unix socket of its own, with a token.
    Unix,
    /// By a Unix socket of its own, without a token: the kernel tells that the caller is the process that was started.
    UnixWithoutToken,
}

impl GrantState {
    pub(super) fn new(id: u64, token: Option<TokenDigest>, request: GrantRequest) -> Self {
        let rate = Rate { left: f64::from(request.limits.burst), at: Instant::now() };
        Self {
            id,
            token,
            workspace: request.workspace,
            credential: request.credential,
            limits: request.limits,
            peer: request.peer,
            has_socket: request.route != Route::Tcp,
            process: SetOnce::new(),
            ended: SetOnce::new(),
            in_flight: AtomicUsize::new(0),
            rate: Mutex::new(rate),
        }
    }

    pub(super) fn has_socket(&self) -> bool {
        self.has_socket
    }

    /// Returns whether it had none yet.
    pub(super) fn bind(&self, process: Process) -> bool {
        self.process.set(process).is_ok()
    }

    pub(super) fn check_running(&self) -> Result<(), Reason> {
        if self.ended.get().is_some() { Err(Reason::GrantEnded) } else { Ok(()) }
    }

    /// Whether this peer is whom the grant is for. Waits for a moment where the launch does not know its process yet.
    pub(super) async fn check_peer(&self, peer: &Peer) -> Result<(), Reason> {
        if self.peer.only_started_process && self.process.get().is_none() && peer.uid() == Some(self.peer.uid) {
            let _ = timeout(UNTIL_BOUND, self.process.wait()).await;
        }
        peer.check(self.peer, self.id, self.process.get())
    }

    /// Takes a place among the requests in flight.
    pub(super) fn admit(self: &Arc<Self>) -> Result<Slot, Reason> {
        if !self.may_come_now() {
            return Err(Reason::TooFast);
        }
        let before = self.in_flight.fetch_add(1, Ordering::AcqRel);
        let slot = Slot(Arc::clone(self));
        if before < self.limits.concurrent_requests { Ok(slot) } else { Err(Reason::TooManyRequests) }
    }

    fn may_come_now(&self) -> bool {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let earned = now.duration_since(rate.at).as_secs_f64() * f64::from(self.limits.requests_per_second);
        rate.left = (rate.left + earned).min(f64::from(self.limits.burst));
        rate.at = now;
        if rate.left < 1.0 {
            return false;
        }
        rate.left -= 1.0;
        true
    }
}
