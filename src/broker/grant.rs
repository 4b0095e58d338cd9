//! A grant: what one launch may request of the broker while it runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SetOnce};
use tokio::time::{sleep, timeout, timeout_at};

use super::live_credential::LiveCredential;
use super::options::Limits;
use super::peer::{Peer, PeerRule, Process};
use super::race::first;
use super::refusal::RefusalReason;
use super::token::TokenDigest;

/// A CLI may connect before its launch has bound the grant to its process. The broker waits this long for that.
const UNTIL_BOUND: Duration = Duration::from_secs(5);

/// The most requests of one launch that wait for their turn. More would wait only in an attack on the broker's
/// connections.
const MAX_WAITING: usize = 256;

/// What the broker keeps about a launch.
#[derive(Debug)]
pub struct GrantState {
    pub(super) id: u64,
    pub(super) workspace: Arc<str>,
    pub(super) credential: Arc<LiveCredential>,
    pub(super) limits: Limits,
    /// None if the socket and the calling process prove enough.
    pub(super) token: Option<TokenDigest>,
    peer: PeerRule,
    /// Whether it has its own socket.
    has_socket: bool,
    process: SetOnce<Process>,
    pub(super) ended: SetOnce<()>,
    /// A permit for each request that may be in flight.
    in_flight: Arc<Semaphore>,
    waiting: AtomicUsize,
    rate: Mutex<Rate>,
}

#[derive(Debug)]
struct Rate {
    /// How many requests may come now. If it is negative, so many wait for a turn that was promised to them.
    left: f64,
    at: Instant,
}

/// A request in flight, for as long as it lives.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// A request that waits for its turn, for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What [`super::Broker::grant`] needs to know.
#[derive(Debug)]
pub struct GrantRequest {
    /// The provider's id.
    pub provider: &'static str,
    /// The name of the tenant in the audit.
    pub workspace: Arc<str>,
    pub credential: Arc<LiveCredential>,
    pub peer: PeerRule,
    pub limits: Limits,
    pub route: Route,
}

/// How the CLI reaches the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// TCP on loopback, with a token.
    Tcp,
    /// The launch's own Unix socket, with a token.
    Unix,
    /// The launch's own Unix socket, without a token: the kernel reports that the caller is the process that was
    /// started.
    UnixWithoutToken,
}

impl GrantState {
    pub(super) fn new(id: u64, token: Option<TokenDigest>, request: GrantRequest) -> Self {
        let in_flight = request.limits.concurrent_requests.min(Semaphore::MAX_PERMITS);
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
            in_flight: Arc::new(Semaphore::new(in_flight)),
            waiting: AtomicUsize::new(0),
            rate: Mutex::new(rate),
        }
    }

    pub(super) fn has_socket(&self) -> bool {
        self.has_socket
    }

    /// Binds the grant to a process. Returns false if it was bound before.
    pub(super) fn bind(&self, process: Process) -> bool {
        self.process.set(process).is_ok()
    }

    pub(super) fn check_running(&self) -> Result<(), RefusalReason> {
        if self.ended.get().is_some() { Err(RefusalReason::GrantEnded) } else { Ok(()) }
    }

    /// Checks that the grant is for this peer. Waits up to [`UNTIL_BOUND`] if the grant is not bound yet.
    pub(super) async fn check_peer(&self, peer: &Peer) -> Result<(), RefusalReason> {
        if self.peer.only_started_process && self.process.get().is_none() && peer.uid() == Some(self.peer.uid) {
            let _ = timeout(UNTIL_BOUND, self.process.wait()).await;
        }
        peer.check(self.peer, self.id, self.process.get())
    }

    /// Admits a request to those in flight. It waits for at most `patience` instead of refusing at once, because a CLI
    /// that gets a 429 gives up, or does not show the reason.
    pub(super) async fn admit(&self, patience: Duration) -> Result<Slot, RefusalReason> {
        let at_once = self.turn(Duration::ZERO).filter(Duration::is_zero);
        let permit = at_once.and_then(|_| Arc::clone(&self.in_flight).try_acquire_owned().ok());
        if let Some(permit) = permit {
            return Ok(Slot { _permit: permit });
        }
        let ended = async {
            self.ended.wait().await;
            Err(RefusalReason::GrantEnded)
        };
        first(ended, self.wait(patience, at_once.is_some())).await
    }

    async fn wait(&self, patience: Duration, has_turn: bool) -> Result<Slot, RefusalReason> {
        let until = tokio::time::Instant::now() + patience;
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.waiting);
        if before >= MAX_WAITING {
            return Err(RefusalReason::TooManyRequests);
        }
        if !has_turn {
            sleep(self.turn(patience).ok_or(RefusalReason::TooFast)?).await;
        }
        let permit = timeout_at(until, Arc::clone(&self.in_flight).acquire_owned()).await;
        let permit = permit.map_err(|_| RefusalReason::TooManyRequests)?.map_err(|_| RefusalReason::GrantEnded)?;
        Ok(Slot { _permit: permit })
    }

    /// How long a request must wait until the rate allows it. None if that is longer than `patience`; the request has
    /// then taken no turn.
    fn turn(&self, patience: Duration) -> Option<Duration> {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let each_second = f64::from(self.limits.requests_per_second);
        let earned = now.duration_since(rate.at).as_secs_f64() * each_second;
        rate.left = (rate.left + earned).min(f64::from(self.limits.burst));
        rate.at = now;
        let wait = (1.0 - rate.left).max(0.0) / each_second;
        if wait > patience.as_secs_f64() {
            return None;
        }
        rate.left -= 1.0;
        // Not longer than `patience`; not a number if the rate is 0 and the burst is left, which needs no wait.
        Some(Duration::try_from_secs_f64(wait).unwrap_or_default())
    }
}
