//! Connects to an API: its addresses, a proxy on the way, TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::keyed_stream::Transport;
use super::{Addresses, Endpoint, Upstream};
use crate::broker::refusal::Reason;

/// The most of a proxy's answer to `CONNECT`.
const MAX_PROXY_ANSWER_BYTES: usize = 8 * 1024;

/// One address of several may not use up all of the time.
const ONE_ADDRESS: Duration = Duration::from_secs(5);

/// Opens a connection, within this time.
pub async fn connect(upstream: &Arc<Upstream>, within: Duration) -> Result<Transport, Reason> {
    timeout(within, open(upstream)).await.unwrap_or(Err(Reason::UpstreamTimeout))
}

async fn open(upstream: &Arc<Upstream>) -> Result<Transport, Reason> {
    let endpoint = &upstream.endpoint;
    let socket = match &upstream.proxy {
        Some(proxy) => through(proxy, endpoint).await?,
        None => dial(endpoint, upstream.addresses).await?,
    };
    if !endpoint.is_tls {
        return Ok(Transport::Plain { socket, waiting: None });
    }
    let reader = Arc::clone(upstream);
    let config = tokio::task::spawn_blocking(move || reader.tls()).await.map_err(|_| Reason::Stopped)??;
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|_| Reason::UpstreamTls)?;
    let stream = TlsConnector::from(config).connect(name, socket).await.map_err(|error| tls_failure(&error))?;
    Ok(Transport::Tls(Box::new(stream)))
}

/// A certificate that is refused is the operator's to mend; a connection that breaks off may be had again.
fn tls_failure(error: &io::Error) -> Reason {
    let inner = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    if inner.is_some() { Reason::UpstreamTls } else { Reason::UpstreamUnreachable }
}

async fn dial(endpoint: &Endpoint, addresses: Addresses) -> Result<TcpStream, Reason> {
    let found = lookup_host((endpoint.host.as_str(), endpoint.port)).await.map_err(|_| Reason::UpstreamName)?;
    // Each one is connected to as it was checked: a name is not looked up twice.
    let allowed: Vec<SocketAddr> = found.filter(|address| addresses.allow(address)).collect();
    if allowed.is_empty() {
        return Err(Reason::UpstreamAddress);
    }
    for address in allowed {
        if let Ok(Ok(socket)) = timeout(ONE_ADDRESS, TcpStream::connect(address)).await {
            // Without it, small writes wait for the answer to earlier ones.
            let _ = socket.set_nodelay(true);
            return Ok(socket);
        }
    }
    Err(Reason::UpstreamUnreachable)
}

/// Asks a proxy for a connection (`CONNECT` of RFC 9110, section 9.3.6).
async fn through(proxy: &Endpoint, endpoint: &Endpoint) -> Result<TcpStream, Reason> {
    let mut socket = dial(proxy, Addresses::Any).await?;
    let host = if endpoint.host.contains(':') { format!("[{}]", endpoint.host) } else { endpoint.host.clone() };
    let target = format!("{host}:{}", endpoint.port);
    let question = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    let broken = |_: io::Error| Reason::UpstreamUnreachable;
    socket.write_all(question.as_bytes()).await.map_err(broken)?;
    let mut answer = Vec::with_capacity(1024);
    while !answer.ends_with(b"\r\n\r\n") {
        // The other side of the tunnel speaks after the client: byte by byte, nothing of it could be lost.
        let byte = socket.read_u8().await.map_err(broken)?;
        answer.push(byte);
        if answer.len() > MAX_PROXY_ANSWER_BYTES {
            return Err(Reason::UpstreamProtocol);
        }
    }
    let is_open = (answer.starts_with(b"HTTP/1.1 2") || answer.starts_with(b"HTTP/1.0 2")) && answer.len() > 12;
    if is_open { Ok(socket) } else { Err(Reason::UpstreamUnreachable) }
}
