//! Connects to an API: resolves its name, checks the addresses, uses a proxy, and agrees on TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::address::{Addresses, Endpoint};
use super::failure::RequestFailure;
use super::keyed_stream::Transport;
use super::socket::{Deadline, Socket};
use super::upstream::Upstream;

/// The longest answer of a proxy to `CONNECT` that is read.
const MAX_PROXY_ANSWER_BYTES: usize = 8 * 1024;

/// The longest attempt at one address if there are others to try.
const ONE_ADDRESS: Duration = Duration::from_secs(5);

/// How long connecting, and the use of the connection, may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub connected_by: Instant,
    /// For what is sent and received on the connection; none if its user limits the time.
    pub deadline: Option<Deadline>,
}

impl Patience {
    /// Limits only the time for connecting, from now on.
    pub fn of(within: Duration) -> Self {
        Self { connected_by: Instant::now() + within, deadline: None }
    }
}

/// Opens a connection, and agrees on TLS if the URL says so.
pub async fn connect(upstream: &Arc<Upstream>, patience: Patience) -> Result<Transport, RequestFailure> {
    timeout_at(patience.connected_by, open(upstream, patience)).await.unwrap_or(Err(RequestFailure::Timeout))
}

async fn open(upstream: &Arc<Upstream>, patience: Patience) -> Result<Transport, RequestFailure> {
    let endpoint = &upstream.endpoint;
    let socket = match &upstream.proxy {
        Some(proxy) => through(proxy, upstream, patience).await.map_err(at_the_proxy)?,
        None => dial(endpoint, upstream, upstream.addresses, patience).await?,
    };
    if !endpoint.is_tls {
        return Ok(Transport::Plain { socket, waiting: None });
    }
    let config = match upstream.known_tls() {
        Some(config) => config,
        None => {
            let reader = Arc::clone(upstream);
            let read = tokio::task::spawn_blocking(move || reader.tls()).await;
            read.map_err(|_| RequestFailure::Exhausted)??
        }
    };
    let name = ServerName::try_from(endpoint.host.clone())
        .map_err(|_| RequestFailure::Tls("the host is not a name that a certificate can have"))?;
    let stream = TlsConnector::from(config).connect(name, socket).await;
    Ok(Transport::Tls(Box::new(stream.map_err(|error| RequestFailure::of_io(&error))?)))
}

async fn dial(
    endpoint: &Endpoint,
    upstream: &Upstream,
    addresses: Addresses,
    patience: Patience,
) -> Result<Socket, RequestFailure> {
    let mut allowed: Vec<SocketAddr> = upstream.look_ups.addresses_of(&endpoint.host, endpoint.port).await?;
    // Connects to the addresses that were checked: a second look-up of the name could return others.
    allowed.retain(|address| addresses.allow(address));
    let mut failure = RequestFailure::Address;
    for (index, address) in allowed.iter().enumerate() {
        let left = patience.connected_by.saturating_duration_since(Instant::now());
        let is_last = index + 1 == allowed.len();
        let share = if is_last { left } else { ONE_ADDRESS.min(left / 2) };
        failure = match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(Socket::new(stream, patience.deadline)),
            Ok(Err(error)) => RequestFailure::of_io(&error),
            Err(_) => RequestFailure::Timeout,
        };
    }
    Err(failure)
}

/// With a proxy, a failure to resolve a name or to connect concerns the proxy and not the API.
fn at_the_proxy(failure: RequestFailure) -> RequestFailure {
    match failure {
        RequestFailure::Exhausted | RequestFailure::Timeout => failure,
        _ => RequestFailure::Proxy,
    }
}

/// Asks a proxy for a connection (`CONNECT` of RFC 9110, section 9.3.6).
async fn through(proxy: &Endpoint, upstream: &Upstream, patience: Patience) -> Result<Socket, RequestFailure> {
    let mut socket = dial(proxy, upstream, Addresses::Any, patience).await?;
    let endpoint = &upstream.endpoint;
    let host = if endpoint.host.contains(':') { format!("[{}]", endpoint.host) } else { endpoint.host.clone() };
    let target = format!("{host}:{}", endpoint.port);
    let question = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    let broken = |error: io::Error| RequestFailure::of_io(&error);
    socket.write_all(question.as_bytes()).await.map_err(broken)?;
    let mut answer = Vec::with_capacity(1024);
    while !answer.ends_with(b"\r\n\r\n") {
        // Reads byte by byte, because what follows the answer belongs to TLS.
        let byte = socket.read_u8().await.map_err(broken)?;
        answer.push(byte);
        if answer.len() > MAX_PROXY_ANSWER_BYTES {
            return Err(RequestFailure::Proxy);
        }
    }
    let is_open = (answer.starts_with(b"HTTP/1.1 2") || answer.starts_with(b"HTTP/1.0 2")) && answer.len() > 12;
    if is_open { Ok(socket) } else { Err(RequestFailure::Proxy) }
}
