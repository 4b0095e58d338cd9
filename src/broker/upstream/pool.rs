//! Connections to an API that wait for the next request of one credential.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::HeaderValue;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::keyed_stream::KeyedStream;
use super::redial::connect_unless_down;
use super::substitution::Substitution;
use super::{StallGuard, Upstream};
use crate::broker::exchange::RequestBody;
use crate::broker::options::Times;
use crate::broker::refusal::Reason;
use crate::secret::Secret;

/// What hyper reads of an answer's head, and keeps of a body at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// More wait for a request of one credential only after a burst.
const MAX_IDLE: usize = 32;

/// The connections of one credential: they are closed with it.
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

/// A connection that carries one request after the other.
#[derive(Debug)]
pub struct PooledConnection {
    sender: SendRequest<RequestBody>,
    /// Has the next placeholder replaced.
    armed: Arc<AtomicBool>,
    /// The header's value with the placeholder in it.
    authorization: HeaderValue,
    idle_since: Instant,
}

/// What a connection is opened with.
#[derive(Debug)]
pub struct Dial<'a> {
    pub upstream: &'a Arc<Upstream>,
    pub key: &'a Arc<Secret>,
    /// What stands in the header before the key.
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

    /// Closes those that wait, and lets no other wait.
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
        idle.connections.retain(|connection| !connection.sender.is_closed());
        let newest = idle.connections.iter().rposition(|connection| connection.sender.is_ready())?;
        Some(idle.connections.swap_remove(newest))
    }

    /// Keeps a connection whose answer was read to its end.
    pub fn put(self: &Arc<Self>, mut connection: PooledConnection, times: &Times) {
        connection.idle_since = Instant::now();
        let mut idle = self.lock();
        if idle.is_closed || idle.connections.len() >= MAX_IDLE || connection.sender.is_closed() {
            return;
        }
        idle.connections.push(connection);
        if !std::mem::replace(&mut idle.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), times.upstream_idle));
        }
    }

    /// Sends a request on a connection that waits, or on a new one. `header` gets the authorization.
    pub async fn send(
        &self,
        mut request: Request<RequestBody>,
        header: &'static str,
        dial: &Dial<'_>,
    ) -> Result<(Response<Incoming>, PooledConnection), Reason> {
        while let Some(mut connection) = self.take() {
            match connection.send(request, header).await {
                Ok(response) => return Ok((response, connection)),
                // The API had closed it. Nothing of the request was sent.
                Err((Some(unsent), _)) => request = unsent,
                Err((None, reason)) => return Err(reason),
            }
        }
        let mut connection = PooledConnection::open(dial).await?;
        match connection.send(request, header).await {
            Ok(response) => Ok((response, connection)),
            Err((_, reason)) => Err(reason),
        }
    }
}

impl PooledConnection {
    async fn open(dial: &Dial<'_>) -> Result<Self, Reason> {
        let transport = connect_unless_down(dial.upstream, dial.times.connect).await?;
        let substitution = Substitution::new().map_err(|_| Reason::Stopped)?;
        let authorization = [dial.prefix.as_bytes(), substitution.placeholder()].concat();
        let mut authorization = HeaderValue::from_bytes(&authorization).map_err(|_| Reason::Stopped)?;
        authorization.set_sensitive(true);
        let armed = Arc::new(AtomicBool::new(false));
        let stream = KeyedStream::new(transport, substitution, Arc::clone(dial.key), Arc::clone(&armed));
        let stream = TokioIo::new(StallGuard::new(stream, dial.times.upstream_stall));
        let mut builder = http1::Builder::new();
        builder.max_buf_size(BUFFER_BYTES).preserve_header_case(true);
        let (sender, connection) = builder.handshake(stream).await.map_err(|_| Reason::UpstreamProtocol)?;
        tokio::spawn(async move {
            // What went wrong, the request on it is told.
            let _ = connection.with_upgrades().await;
        });
        Ok(Self { sender, armed, authorization, idle_since: Instant::now() })
    }

    /// Gives the request back where nothing of it was sent.
    async fn send(
        &mut self,
        mut request: Request<RequestBody>,
        header: &'static str,
    ) -> Result<Response<Incoming>, (Option<Request<RequestBody>>, Reason)> {
        request.headers_mut().insert(header, self.authorization.clone());
        self.armed.store(true, Ordering::Release);
        match self.sender.try_send_request(request).await {
            Ok(response) => Ok(response),
            Err(mut error) => {
                let unsent = error.take_message();
                Err((unsent, reason_of(error.error())))
            }
        }
    }
}

fn reason_of(error: &hyper::Error) -> Reason {
    if error.is_timeout() {
        Reason::UpstreamTimeout
    } else if error.is_parse() {
        Reason::UpstreamProtocol
    } else if error.is_user() {
        // The request's own body failed.
        Reason::BodyBrokeOff
    } else {
        Reason::UpstreamUnreachable
    }
}

/// Closes what has waited too long, for as long as anything waits.
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
