//! An HTTP/1.1 connection to an API, whose requests carry one credential.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::http::HeaderValue;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::connect::{Patience, connect};
use super::failure::RequestFailure;
use super::keyed_stream::{KeyedStream, Keying};
use super::redial::connect_unless_down;
use super::socket::Deadline;
use super::stall::StallGuard;
use super::substitution::Substitution;
use super::upstream::Upstream;
use crate::secret::Secret;

/// The most that hyper reads of an answer's head, and keeps of a body at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// The body of a request. It is one type for all requests, because hyper's client is compiled anew for each type.
pub type OutgoingBody = Pin<Box<dyn Body<Data = Bytes, Error = io::Error> + Send>>;

/// The header that carries a key.
#[derive(Clone, Copy, Debug)]
pub struct KeyHeader<'a> {
    pub name: &'static str,
    /// The header's value before the key.
    pub prefix: &'static str,
    pub key: &'a Arc<Secret>,
}

/// What a new connection needs.
#[derive(Clone, Copy, Debug)]
pub struct Dial<'a> {
    pub upstream: &'a Arc<Upstream>,
    /// None if no header carries a credential.
    pub header: Option<KeyHeader<'a>>,
    /// The time to resolve the name, connect and agree on TLS.
    pub connect: Duration,
    /// How long the API may accept nothing of what is sent.
    pub stall: Duration,
    /// When the exchange must be over; none if the user of the connection limits the time.
    pub deadline: Option<Deadline>,
}

/// A connection that carries one request after another.
pub struct Connection {
    sender: SendRequest<OutgoingBody>,
    authorization: Option<PlaceholderHeader>,
}

struct PlaceholderHeader {
    name: &'static str,
    /// The header's value, with the placeholder in the place of the key.
    value: HeaderValue,
    /// Makes the stream replace the next placeholder.
    armed: Arc<AtomicBool>,
}

/// Why a request has no answer, with the request if nothing of it was sent.
pub struct Unanswered {
    pub unsent: Option<Request<OutgoingBody>>,
    pub failure: RequestFailure,
    /// Whether the request's own body failed.
    pub is_own_body: bool,
}

impl Connection {
    /// Connects. Call it in a tokio runtime, which drives the connection from then on.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn open(dial: &Dial<'_>) -> Result<Self, RequestFailure> {
        let transport = match dial.deadline {
            Some(_) => {
                connect(dial.upstream, Patience { deadline: dial.deadline, ..Patience::of(dial.connect) }).await?
            }
            // Such a user sends many requests, and must not wait for each while the API is down.
            None => connect_unless_down(dial.upstream, dial.connect).await?,
        };
        let (authorization, keying) = dial.header.map(placeholder).transpose()?.unzip();
        let stream = TokioIo::new(StallGuard::new(KeyedStream::new(transport, keying), dial.stall));
        let mut builder = Builder::new();
        builder.max_buf_size(BUFFER_BYTES).preserve_header_case(true);
        let (sender, connection) = builder.handshake(stream).await.map_err(|error| RequestFailure::of_hyper(&error))?;
        tokio::spawn(async move {
            // The request that is on the connection gets the error.
            let _ = connection.with_upgrades().await;
        });
        Ok(Self { sender, authorization })
    }

    /// Whether the connection can carry no more requests.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether the connection can take a request now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request, with the header that carries the key.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&mut self, mut request: Request<OutgoingBody>) -> Result<Response<Incoming>, Unanswered> {
        if let Some(PlaceholderHeader { name, value, armed }) = &self.authorization {
            request.headers_mut().insert(*name, value.clone());
            armed.store(true, Ordering::Release);
        }
        self.sender.try_send_request(request).await.map_err(|mut error| Unanswered {
            unsent: error.take_message(),
            failure: RequestFailure::of_hyper(error.error()),
            is_own_body: error.error().is_user(),
        })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Unanswered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Unanswered({:?}, sent: {})", self.failure, self.unsent.is_none())
    }
}

/// The header that hyper gets, and what replaces its placeholder with the key.
fn placeholder(header: KeyHeader<'_>) -> Result<(PlaceholderHeader, Keying), RequestFailure> {
    // It fails only if the system has no randomness.
    let substitution = Substitution::new().map_err(|_| RequestFailure::Exhausted)?;
    let value = [header.prefix.as_bytes(), substitution.placeholder()].concat();
    let mut value = HeaderValue::from_bytes(&value).map_err(|_| RequestFailure::Protocol)?;
    value.set_sensitive(true);
    let armed = Arc::new(AtomicBool::new(false));
    let keying = Keying { substitution, key: Arc::clone(header.key), armed: Arc::clone(&armed) };
    Ok((PlaceholderHeader { name: header.name, value, armed }, keying))
}
