//! Remembers that an API cannot be connected to, so that what a CLI tries again is answered at once: Codex asks 30 times,
//! and would wait as often until a connection times out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Upstream;
use super::connect::connect;
use super::keyed_stream::Transport;
use crate::broker::refusal::Reason;

/// Between two attempts in the background.
const PAUSE: Duration = Duration::from_secs(1);

/// If nobody has asked for so long, nobody is waiting: the next request tries by itself.
const ASKED_WITHIN: Duration = Duration::from_secs(30);

/// Whether an API can be connected to, as far as is known.
#[derive(Debug, Default)]
pub struct Outage(Mutex<Option<Down>>);

#[derive(Debug)]
struct Down {
    why: Reason,
    asked: Instant,
}

/// Ends the outage also if its task is dropped.
struct Probe(Arc<Upstream>);

impl Drop for Probe {
    fn drop(&mut self) {
        *self.0.outage.lock() = None;
    }
}

impl Outage {
    fn lock(&self) -> MutexGuard<'_, Option<Down>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a connection would fail now.
    fn why(&self) -> Option<Reason> {
        self.lock().as_mut().map(|down| {
            down.asked = Instant::now();
            down.why
        })
    }

    /// Returns whether it began with this.
    fn begin(&self, why: Reason) -> bool {
        let mut down = self.lock();
        let begins = down.is_none();
        let asked = down.as_ref().map_or_else(Instant::now, |down| down.asked);
        *down = Some(Down { why, asked });
        begins
    }

    fn is_awaited(&self) -> bool {
        self.lock().as_ref().is_some_and(|down| down.asked.elapsed() < ASKED_WITHIN)
    }
}

/// Opens a connection; fails at once while an earlier attempt is known to have failed.
pub async fn connect_unless_down(upstream: &Arc<Upstream>, within: Duration) -> Result<Transport, Reason> {
    if let Some(why) = upstream.outage.why() {
        return Err(why);
    }
    let connected = connect(upstream, within).await;
    if let Err(why) = connected
        && may_pass(why)
        && upstream.outage.begin(why)
    {
        tokio::spawn(probe(Probe(Arc::clone(upstream)), within));
    }
    connected
}

/// Tries again until the API can be connected to, or nobody waits for it.
async fn probe(probe: Probe, within: Duration) {
    let Probe(upstream) = &probe;
    loop {
        sleep(PAUSE).await;
        if !upstream.outage.is_awaited() {
            return;
        }
        match connect(upstream, within).await {
            Err(why) if may_pass(why) => drop(upstream.outage.begin(why)),
            _ => return,
        }
    }
}

/// A certificate or an address that is refused is refused by every attempt, and costs no time.
fn may_pass(why: Reason) -> bool {
    matches!(
        why,
        Reason::UpstreamName | Reason::UpstreamUnreachable | Reason::UpstreamTimeout | Reason::UpstreamProtocol
    )
}
