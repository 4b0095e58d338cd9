//! The idle connections to an API that wait for the next request with one key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::{Request, Response};

use super::exchange::RequestBody;
use super::options::Times;
use super::refusal::RefusalReason;
use crate::net::connection::{self, Connection, KeyHeader, OutgoingBody, Unanswered};
use crate::net::upstream::Upstream;
use crate::secret::Secret;

/// The most idle connections that are kept. There are more only after a burst.
const MAX_IDLE: usize = 32;

/// The idle connections of one key, which are closed when it is rotated or revoked.
#[derive(Debug)]
pub struct Pool {
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    connections: Vec<PooledConnection>,
    is_closed: bool,
    is_swept: bool,
}

/// A connection, and the time since which it has been idle.
#[derive(Debug)]
pub struct PooledConnection {
    connection: Connection,
    idle_since: Instant,
}

/// What a new connection needs.
#[derive(Debug)]
pub struct Dial<'a> {
    pub upstream: &'a Arc<Upstream>,
    pub key: &'a Arc<Secret>,
    /// The header's value before the key.
    pub prefix: &'static str,
    pub times: &'a Times,
}

impl Pool {
    pub fn new() -> Self {
        Self { idle: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the idle connections, and keeps no others from now on.
    pub fn close(&self) {
        let closed = {
            let mut idle = self.lock();
            idle.is_closed = true;
            std::mem::take(&mut idle.connections)
        };
        drop(closed);
    }

    fn take(&self) -> Option<PooledConnection> {
        let mut idle = self.lock();
        idle.connections.retain(|pooled| !pooled.connection.is_closed());
        let newest = idle.connections.iter().rposition(|pooled| pooled.connection.is_ready())?;
        Some(idle.connections.swap_remove(newest))
    }

    /// Keeps a connection whose last answer was read to its end.
    pub fn put(self: &Arc<Self>, mut pooled: PooledConnection, times: &Times) {
        pooled.idle_since = Instant::now();
        let mut idle = self.lock();
        if idle.is_closed || idle.connections.len() >= MAX_IDLE || pooled.connection.is_closed() {
            return;
        }
        idle.connections.push(pooled);
        if !std::mem::replace(&mut idle.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), times.upstream_idle));
        }
    }

    /// Sends a request on an idle connection, or on a new one. `header` carries the key.
    pub async fn send(
        &self,
        request: Request<RequestBody>,
        header: &'static str,
        dial: &Dial<'_>,
    ) -> Result<(Response<Incoming>, PooledConnection), RefusalReason> {
        let mut request = request.map(|body| -> OutgoingBody { Box::pin(body) });
        while let Some(mut pooled) = self.take() {
            match pooled.connection.send(request).await {
                Ok(response) => return Ok((response, pooled)),
                // The API had closed the connection before anything of the request was sent.
                Err(Unanswered { unsent: Some(unsent), .. }) => request = unsent,
                Err(unanswered) => return Err(reason_of(&unanswered)),
            }
        }
        let mut connection = dial.open(header).await?;
        let response = connection.send(request).await.map_err(|unanswered| reason_of(&unanswered))?;
        Ok((response, PooledConnection { connection, idle_since: Instant::now() }))
    }
}

impl Dial<'_> {
    async fn open(&self, header: &'static str) -> Result<Connection, RefusalReason> {
        let header = Some(KeyHeader { name: header, prefix: self.prefix, key: self.key });
        let (connect, stall) = (self.times.connect, self.times.upstream_stall);
        let dial = connection::Dial { upstream: self.upstream, header, connect, stall, deadline: None };
        Ok(Connection::open(&dial).await?)
    }
}

/// The account of the exchange knows why the request's own body failed.
fn reason_of(unanswered: &Unanswered) -> RefusalReason {
    if unanswered.is_own_body { RefusalReason::BodyBrokeOff } else { unanswered.failure.into() }
}

/// Closes connections that have been idle for too long, until none is left.
async fn sweep(pool: Weak<Pool>, limit: Duration) {
    loop {
        tokio::time::sleep(limit).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.lock();
        idle.connections.retain(|connection| connection.idle_since.elapsed() < limit);
        if idle.connections.is_empty() {
            idle.is_swept = false;
            return;
        }
    }
}
