//! Sends one HTTP request that carries a credential: to exactly the given URL, only through a proxy that was named,
//! with the system's trusted roots, and without following redirects.
//!
//! Call it on a thread of [`crate::net::jobs`]: it blocks, and only there are the libraries' buffers in guarded memory
//! and wiped. The calling thread drives the connection, so it allocates everything that the request needs.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::http::{HeaderMap, HeaderValue, Uri};
use tokio::time::Instant;

use super::address::{Addresses, Endpoint};
use super::connection::{Connection, Dial, KeyHeader, OutgoingBody};
use super::socket::Deadline;
use super::upstream::{Upstream, UpstreamOptions};
use crate::sys::guarded::GuardedBytes;

pub use super::address::{check_base_url, check_proxy};
pub use super::failure::{BETWEEN, RequestFailure};
pub use super::tls::{holds_root, roots_of_pem};

/// The most bytes of an answer that are read. Token answers and errors have a few KiB.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest wait that an endpoint can request. Callers pass it to a timer, and Node's timers hold at most 24.8 days.
const LONGEST_RETRY_AFTER: Duration = Duration::from_millis(i32::MAX as u64);

/// The time after the deadline in which an answer that exists only once is still read.
const LAST_READ: Duration = Duration::from_millis(250);

/// The settings that all requests of a caller have in common.
#[derive(Debug, Default)]
pub struct RequestSettings {
    /// The time limit of a whole request.
    pub timeout: Duration,
    /// The URL of a proxy, `http://host:port`. Variables such as `HTTPS_PROXY` are not read.
    pub proxy: Option<String>,
    /// Roots of trust in addition to the system's, in DER.
    pub roots: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub struct Request<'a> {
    pub url: &'a str,
    /// The header that carries a key.
    pub key: Option<KeyHeader<'a>>,
    /// Further headers, which are not secret.
    pub headers: &'a [(&'static str, &'static str)],
    /// The body of a POST, which may contain a secret; none for a GET.
    pub body: Option<GuardedBytes>,
    /// Whether the answer exists only once, such as a new token. It is then looked for once more after the deadline.
    pub is_precious: bool,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// What the header `retry-after` requests, at most 2³¹ − 1 milliseconds.
    pub retry_after: Option<Duration>,
    /// The first [`MAX_BODY_BYTES`] of the body.
    pub body: GuardedBytes,
}

type Outcome<T> = Result<T, RequestFailure>;

/// Sends one request on its own connection and reads the answer.
///
/// # Errors
/// Why there is no answer.
pub fn send(request: Request<'_>, settings: &RequestSettings) -> Outcome<Response> {
    let last_read = if request.is_precious { LAST_READ } else { Duration::ZERO };
    let deadline = Deadline { at: Instant::now() + settings.timeout, last_read };
    let upstream = upstream(request.url, settings)?;
    if upstream.endpoint.is_tls {
        // Read for each request, so that a root that an operator has removed is not trusted until a restart.
        upstream.tls()?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| RequestFailure::of_io(&error))?;
    let result = runtime.block_on(exchange(request, &upstream, deadline));
    // Does not wait for a name that is still being resolved.
    runtime.shutdown_background();
    result
}

fn upstream(url: &str, settings: &RequestSettings) -> Outcome<Arc<Upstream>> {
    let uri: Uri = url.parse().map_err(|_| RequestFailure::Protocol)?;
    let endpoint = Endpoint::of_uri(&uri).ok_or(RequestFailure::Protocol)?;
    let options = UpstreamOptions {
        roots: settings.roots.clone(),
        proxy: settings.proxy.clone(),
        // The caller chose the URL, and not a tenant.
        addresses: Addresses::Any,
        look_ups: None,
    };
    Upstream::at(endpoint, options).map(Arc::new).map_err(|_| RequestFailure::Proxy)
}

async fn exchange(request: Request<'_>, upstream: &Arc<Upstream>, deadline: Deadline) -> Outcome<Response> {
    let left = deadline.at.saturating_duration_since(Instant::now());
    let dial = Dial { upstream, header: request.key, connect: left, stall: left, deadline: Some(deadline) };
    let message = message(request, upstream)?;
    let mut connection = Connection::open(&dial).await?;
    let response = connection.send(message).await.map_err(|unanswered| unanswered.failure)?;
    let (head, body) = response.into_parts();
    let body = read(body).await?;
    Ok(Response { status: head.status.as_u16(), retry_after: retry_after(&head.headers), body })
}

fn message(request: Request<'_>, upstream: &Upstream) -> Outcome<hyper::Request<OutgoingBody>> {
    let uri: Uri = request.url.parse().map_err(|_| RequestFailure::Protocol)?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut message = hyper::Request::builder()
        .method(if request.body.is_some() { "POST" } else { "GET" })
        .uri(target)
        .header("host", upstream.endpoint.authority.clone())
        .header("user-agent", concat!("provider-env/", env!("CARGO_PKG_VERSION")))
        .header("accept-encoding", "identity");
    if !request.headers.iter().any(|(name, _)| *name == "accept") {
        message = message.header("accept", "*/*");
    }
    for (name, value) in request.headers {
        message = message.header(*name, HeaderValue::from_static(value));
    }
    // The body stays where it is: hyper and rustls read it from there.
    let body = request.body.map(|body| Bytes::from_owner(Owned(body)));
    let body: OutgoingBody = Box::pin(Whole(body));
    message.body(body).map_err(|_| RequestFailure::Protocol)
}

struct Owned(GuardedBytes);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A whole body, or none.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

async fn read(mut body: Incoming) -> Outcome<GuardedBytes> {
    let mut buffer = GuardedBytes::zeroed(MAX_BODY_BYTES);
    let mut length = 0;
    while length < buffer.len() {
        let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await else { break };
        let frame = frame.map_err(|error| RequestFailure::of_hyper(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        let count = data.len().min(buffer.len() - length);
        buffer[length..length + count].copy_from_slice(&data[..count]);
        length += count;
    }
    Ok(GuardedBytes::copy_of(&buffer[..length]))
}

/// The two parties by which requests are limited: the domain of the host (its last two labels, or the address), and the
/// host with its port, each with the proxy that leads there.
#[must_use]
pub fn parties(url: &str, proxy: Option<&str>) -> (String, String) {
    let uri = url.parse::<Uri>().ok();
    let authority = uri.as_ref().and_then(|uri| uri.authority());
    let host = authority.map_or(url, |authority| authority.host()).to_ascii_lowercase();
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    let name = host.trim_end_matches('.');
    let domain = match name.rmatch_indices('.').nth(1) {
        Some((dot, _)) if !is_address => &name[dot + 1..],
        _ => name,
    };
    let port = authority.and_then(|authority| authority.port_u16());
    let port =
        port.map_or_else(|| url.split(':').next().unwrap_or_default().to_ascii_lowercase(), |port| port.to_string());
    let proxy = proxy.unwrap_or_default();
    (format!("{domain} {proxy}"), format!("{name}:{port} {proxy}"))
}

/// The header is a number of seconds or a date, which is measured from the answer's own: the server's clock may differ
/// from ours. A date that has passed is no wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |text| httpdate::parse_http_date(text).ok();
    let text = header("retry-after")?;
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = header("date").and_then(date).unwrap_or_else(SystemTime::now);
            date(text)?.duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
