//! One connection of a client: each of its requests is checked, and forwarded or refused.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::body::{Body, Incoming};
use hyper::http::header::{EXPECT, UPGRADE};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

use super::accept::Place;
use super::framing::{Framed, Heads, MAX_HEAD_BYTES};
use crate::broker::audit::{Outcome, Record};
use crate::broker::exchange::{Account, Admitted, Caller, ResponseBody, forward};
use crate::broker::grant::GrantState;
use crate::broker::peer::Peer;
use crate::broker::refusal::RefusalReason;
use crate::broker::request::{Expected, check, presented_token};
use crate::broker::shared::Shared;
use crate::broker::token::TokenDigest;
use crate::net::stall::StallGuard;
use crate::provider::BrokerClient;

/// How much of a refused body is read first: a client that is still writing does not read the refusal.
const MOST_DRAINED: u64 = 64 << 20;
const DRAINED_FOR: Duration = Duration::from_secs(10);

/// What all connections of one listener share.
#[derive(Debug)]
pub struct Listening {
    pub shared: Arc<Shared>,
    pub provider: &'static str,
    pub client: &'static BrokerClient,
    pub expected: Expected,
    /// The grant that the listener is for; none for a port, which many grants share.
    pub only: Option<Arc<GrantState>>,
}

/// Serves one connection until it is closed.
pub async fn serve<S>(stream: S, peer: Peer, place: Place, listening: Arc<Listening>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let times = listening.shared.options.times;
    let (peer, place) = (Arc::new(peer), Arc::new(place));
    let heads = Heads::default();
    let service = service_fn(|request| {
        let place = Arc::clone(&place);
        handle(Arc::clone(&listening), Arc::clone(&peer), place, heads.clone(), request)
    });
    let stream = TokioIo::new(StallGuard::new(Framed::new(stream, heads.clone()), times.client_stall));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(times.head)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_header_size(MAX_HEAD_BYTES)
        .preserve_header_case(true)
        .auto_date_header(false);
    let mut served = pin!(builder.serve_connection(stream, service).with_upgrades());
    let mut ended = pin!(end_of(listening.only.as_deref()));
    let mut is_over = false;
    let served = poll_fn(|context| {
        if !is_over && ended.as_mut().poll(context).is_ready() {
            is_over = true;
            // The connection takes no more requests.
            served.as_mut().graceful_shutdown();
        }
        served.as_mut().poll(context)
    })
    .await;
    // hyper has already answered, with a status and no body.
    if served.is_err_and(|error| error.is_parse() || error.is_parse_too_large()) {
        listening.shared.audit.push(unreadable(&listening, &peer));
    }
    drop(place);
}

/// Ready when the grant of a listener has ended; never if several grants share the listener.
async fn end_of(only: Option<&GrantState>) {
    match only {
        Some(grant) => drop(grant.ended.wait().await),
        None => std::future::pending().await,
    }
}

/// The record of bytes that hyper could not read as a request.
fn unreadable(listening: &Listening, peer: &Peer) -> Record {
    Record {
        time: SystemTime::now(),
        provider: listening.provider,
        workspace: listening.only.as_ref().map(|grant| Arc::clone(&grant.workspace)),
        grant: listening.only.as_ref().map(|grant| grant.id),
        uid: peer.uid(),
        pid: peer.pid(),
        method: "".into(),
        path: "".into(),
        status: None,
        bytes_up: 0,
        bytes_down: 0,
        milliseconds: 0,
        generation: None,
        outcome: Outcome::Refused(RefusalReason::Protocol),
    }
}

async fn handle(
    listening: Arc<Listening>,
    peer: Arc<Peer>,
    place: Arc<Place>,
    heads: Heads,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let verdict = heads.next();
    let (parts, body) = request.into_parts();
    let is_upgrade = parts.headers.contains_key(UPGRADE);
    let caller = Caller { provider: listening.provider, peer: &peer, parts: &parts };
    let shared = &listening.shared;
    let (grant, admitted) = match listening.grant_of(&parts) {
        Ok(grant) => {
            let admitted = match verdict {
                Ok(()) => listening.admit(&grant, &parts, &body, &peer).await,
                Err(reason) => Err(reason),
            };
            (Some(grant), admitted)
        }
        Err(reason) => (None, Err(reason)),
    };
    let account = Box::new(Account::open(&shared.audit, &caller, grant.as_deref()));
    let (mut account, reason) = match admitted {
        Ok(admitted) => match forward(admitted, (parts, body), account, &shared.options).await {
            Ok(response) => {
                if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                    heads.end();
                }
                return Ok(response);
            }
            Err(refused) => refused,
        },
        Err(reason) => {
            drain(&parts, body).await;
            sleep(place.pause_before_refusal()).await;
            (account, reason)
        }
    };
    let response = reason.response(listening.client, is_upgrade);
    account.refused(reason, &response);
    Ok(response.map(ResponseBody::whole))
}

/// Reads what a client is still sending.
async fn drain(parts: &Parts, mut body: Incoming) {
    // Such a client sends the body only after a 100, which a refusal does not give.
    if parts.headers.contains_key(EXPECT) {
        return;
    }
    let read = async {
        let mut left = MOST_DRAINED;
        while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
            if left == 0 {
                break;
            }
        }
    };
    let _ = timeout(DRAINED_FOR, read).await;
}

impl Listening {
    /// The grant of a request's token, or of the socket that it came on.
    fn grant_of(&self, parts: &Parts) -> Result<Arc<GrantState>, RefusalReason> {
        if let Some(grant) = self.only.as_ref().filter(|grant| grant.token.is_none()) {
            return Ok(Arc::clone(grant));
        }
        let presented = presented_token(&parts.headers, self.expected.api)?.unwrap_or_default();
        let digest = TokenDigest::of(presented, self.client.token_prefix).ok_or(RefusalReason::Token)?;
        let found = self.shared.find(&digest).ok_or(RefusalReason::Token)?;
        // A token is valid only at the address that its launch was given.
        let is_here = match &self.only {
            Some(only) => only.id == found.id,
            None => !found.has_socket() && std::ptr::eq(&found.credential.vendor().broker, self.client),
        };
        if is_here { Ok(found) } else { Err(RefusalReason::Token) }
    }

    async fn admit(
        &self,
        grant: &Arc<GrantState>,
        parts: &Parts,
        body: &Incoming,
        peer: &Peer,
    ) -> Result<Admitted, RefusalReason> {
        grant.check_running()?;
        grant.check_peer(peer).await?;
        let asked = check(parts, &self.expected)?;
        let header_bytes: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if header_bytes > grant.limits.header_bytes {
            return Err(RefusalReason::HeadTooLarge);
        }
        if body.size_hint().lower() > grant.limits.body_bytes {
            return Err(RefusalReason::BodyTooLarge);
        }
        let slot = grant.admit(self.shared.options.times.turn).await?;
        Ok(Admitted { grant: Arc::clone(grant), slot, allowed: asked.allowed, path: asked.path.into() })
    }
}
