//! Connects to an API, and tries again in the background if that fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::connect::{Patience, connect};
use super::failure::RequestFailure;
use super::keyed_stream::Transport;
use super::upstream::Upstream;

/// The time between two attempts in the background.
const PAUSE: Duration = Duration::from_secs(1);

/// Ends the outage when dropped, so also when the runtime drops the task.
struct Probe(Arc<Upstream>);

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.outage.end();
    }
}

/// Opens a connection; fails at once while an earlier attempt is known to have failed.
pub async fn connect_unless_down(upstream: &Arc<Upstream>, within: Duration) -> Result<Transport, RequestFailure> {
    if let Some(why) = upstream.outage.why() {
        return Err(why);
    }
    let connected = connect(upstream, Patience::of(within)).await;
    if let Err(why) = connected
        && may_pass(why)
        && upstream.outage.begin(why)
    {
        tokio::spawn(probe(Probe(Arc::clone(upstream)), within));
    }
    connected
}

/// Tries again until the API can be reached, or no request needs it.
async fn probe(probe: Probe, within: Duration) {
    let Probe(upstream) = &probe;
    loop {
        sleep(PAUSE).await;
        if !upstream.outage.is_awaited() {
            return;
        }
        match connect(upstream, Patience::of(within)).await {
            Err(why) if may_pass(why) => drop(upstream.outage.begin(why)),
            _ => return,
        }
    }
}

/// Whether an attempt is worth repeating in the background. A certificate or an address that is refused costs no time,
/// so each request can find out itself.
fn may_pass(why: RequestFailure) -> bool {
    !matches!(why, RequestFailure::Address | RequestFailure::Tls(_))
}
