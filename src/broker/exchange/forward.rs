//! Forwards a request that was admitted to the API, with the key, and passes its answer back.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::http::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use tokio::time::timeout;

use super::account::Account;
use super::request_body::RequestBody;
use super::response_body::{Passing, ResponseBody};
use super::web_socket::{LetIn, Sides, relay};
use super::{Ending, ending_of};
use crate::broker::audit::Outcome;
use crate::broker::grant::{GrantState, Slot};
use crate::broker::live_credential::{KeyGeneration, LiveCredential};
use crate::broker::options::{Options, Times};
use crate::broker::pool::{Dial, Pool, PooledConnection};
use crate::broker::race::first;
use crate::broker::refusal::RefusalReason;
use crate::broker::request::{clean_answer, for_upstream, is_identity, switches_protocols};
use crate::broker::tap::{Exchanged, Tap};
use crate::net::stall::Alarm;
use crate::provider::{AllowedRequest, InsteadOfAnswer, Upgrade};
use crate::secret::{ExposeSecret, redaction};

/// If an answer that is replaced is longer, its connection is closed instead of being used again.
const MAX_DISCARDED_BYTES: usize = 64 * 1024;

/// A request that passed every check.
#[derive(Debug)]
pub struct Admitted {
    pub grant: Arc<GrantState>,
    pub slot: Slot,
    pub allowed: &'static AllowedRequest,
    /// The path below the base URL, as it came.
    pub path: Box<str>,
}

/// Forwards a request, and passes the answer on.
///
/// # Errors
/// Why there is no answer, with the account, which is still open for the refusal.
pub async fn forward(
    admitted: Admitted,
    (mut parts, body): (Parts, Incoming),
    mut account: Box<Account>,
    options: &Options,
) -> Result<Response<ResponseBody>, (Box<Account>, RefusalReason)> {
    let Admitted { grant, slot, allowed, path } = admitted;
    let generation = match grant.credential.newest() {
        Ok(generation) => generation,
        Err(reason) => return Err((account, reason)),
    };
    account.forwarded(slot, generation.number, tap_of(options, &grant, &generation, allowed));
    let Some(target) = generation.upstream.endpoint.target(&path, parts.uri.query()) else {
        return Err((account, RefusalReason::Target));
    };
    parts.uri = target;
    let api = grant.credential.vendor().api;
    let host = &generation.upstream.endpoint.authority;
    for_upstream(&mut parts.headers, allowed.upgrade, host, api, generation.authorization);
    let client = parts.extensions.remove::<OnUpgrade>().filter(|_| allowed.upgrade == Upgrade::WebSocket);
    let body = RequestBody::new(body, grant.limits.body_bytes, options.times.client_stall, account.upward());
    let request = Request::from_parts(parts, body);

    let credential = Arc::clone(&grant.credential);
    let mut ending = ending_of(grant, Arc::clone(&generation));
    let within = allowed.answer_within.map_or(options.times.answer, |within| within.min(options.times.answer));
    let times = Times { answer: within, ..options.times };
    let (response, connection) = match send(&generation, request, &mut ending, &times).await {
        Ok(sent) => sent,
        Err(reason) => {
            let reason = account.failure_upward().map_or(reason, reason_of);
            return Err((account, reason));
        }
    };
    account.answered(response.status(), response.headers());
    let instead = allowed.instead.as_ref().filter(|instead| {
        instead.status == response.status().as_u16() && instead.kind == generation.authorization.kind
    });
    if let Some(instead) = instead {
        discard(connection, response.into_body(), &generation.pool, &options.times);
        return Ok(in_place(instead, account));
    }
    let answer = Answer { response, connection, generation, ending, times: options.times };
    match client.filter(|_| answer.response.status() == StatusCode::SWITCHING_PROTOCOLS) {
        Some(client) => answer.switch(client, account, credential),
        None => answer.pass(account),
    }
}

/// The answer that the CLI gets instead of the API's.
fn in_place(instead: &InsteadOfAnswer, mut account: Box<Account>) -> Response<ResponseBody> {
    account.end(Outcome::Completed);
    let mut response = Response::new(ResponseBody::whole(Bytes::from_static(instead.body.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Reads the rest of an answer that is replaced, so that its connection can carry the next request.
fn discard(connection: PooledConnection, mut body: Incoming, pool: &Arc<Pool>, times: &Times) {
    let (pool, times) = (Arc::clone(pool), *times);
    tokio::spawn(async move {
        let read = async {
            let mut left = MAX_DISCARDED_BYTES;
            while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                let length = frame.ok()?.data_ref().map_or(0, Bytes::len);
                left = left.checked_sub(length)?;
            }
            Some(())
        };
        if let Ok(Some(())) = timeout(times.connect, read).await {
            pool.put(connection, &times);
        }
    });
}

/// The tap of this exchange, if there is one.
fn tap_of(
    options: &Options,
    grant: &GrantState,
    generation: &KeyGeneration,
    allowed: &AllowedRequest,
) -> Option<Box<dyn Tap>> {
    let exchanged = Exchanged {
        vendor: grant.credential.vendor(),
        workspace: &grant.workspace,
        grant: grant.id,
        generation: generation.number,
        path: allowed.path,
        is_web_socket: allowed.upgrade == Upgrade::WebSocket,
    };
    options.tap.as_ref().and_then(|make| make(&exchanged))
}

/// The reason why the request's own body failed is more precise than that sending failed.
fn reason_of(failure: Outcome) -> RefusalReason {
    match failure {
        Outcome::BodyTooLarge => RefusalReason::BodyTooLarge,
        _ => RefusalReason::BodyBrokeOff,
    }
}

async fn send(
    generation: &KeyGeneration,
    request: Request<RequestBody>,
    ending: &mut Ending,
    times: &Times,
) -> Result<(Response<Incoming>, PooledConnection), RefusalReason> {
    let authorization = generation.authorization;
    let dial = Dial { upstream: &generation.upstream, key: &generation.key, prefix: authorization.prefix, times };
    let answer = async {
        let answer = generation.pool.send(request, authorization.header, &dial);
        timeout(times.answer, answer).await.unwrap_or(Err(RefusalReason::UpstreamTimeout))
    };
    let ended = async {
        match ending.await {
            Outcome::Revoked => Err(RefusalReason::Revoked),
            _ => Err(RefusalReason::GrantEnded),
        }
    };
    first(ended, answer).await
}

/// An API's answer, and what is needed to pass it on.
struct Answer {
    response: Response<Incoming>,
    connection: PooledConnection,
    generation: Arc<KeyGeneration>,
    ending: Ending,
    times: Times,
}

impl Answer {
    /// Passes on an answer that does not switch protocols.
    fn pass(self, account: Box<Account>) -> Result<Response<ResponseBody>, (Box<Account>, RefusalReason)> {
        let Self { response, connection, generation, ending, times } = self;
        let (mut parts, incoming) = response.into_parts();
        if parts.status.is_redirection() {
            return Err((account, RefusalReason::Redirect));
        }
        if parts.status.is_informational() {
            return Err((account, RefusalReason::UpstreamProtocol));
        }
        let is_error = parts.status.is_client_error() || parts.status.is_server_error();
        if is_error && !is_identity(&parts.headers) {
            return Err((account, RefusalReason::UnreadableError));
        }
        clean_answer(&mut parts.headers, generation.key.expose_secret(), || generation.redactor());
        let mask = if is_error { generation.redactor().map(redaction::Stream::new) } else { None };
        if is_error && mask.is_none() {
            return Err((account, RefusalReason::UnreadableError));
        }
        let body = ResponseBody::passing(Passing {
            incoming,
            account,
            ending,
            alarm: Alarm::new(times.upstream_stall),
            mask,
            home: Some((connection, Arc::clone(&generation.pool), times)),
            is_done: false,
        });
        Ok(Response::from_parts(parts, body))
    }

    /// Switches to a WebSocket, on both sides.
    fn switch(
        self,
        client: OnUpgrade,
        account: Box<Account>,
        credential: Arc<LiveCredential>,
    ) -> Result<Response<ResponseBody>, (Box<Account>, RefusalReason)> {
        let Self { mut response, generation, ending, .. } = self;
        if !switches_protocols(response.headers()) {
            return Err((account, RefusalReason::UpstreamProtocol));
        }
        let upstream = hyper::upgrade::on(&mut response);
        let (mut parts, _) = response.into_parts();
        clean_answer(&mut parts.headers, generation.key.expose_secret(), || generation.redactor());
        parts.headers.insert("connection", HeaderValue::from_static("Upgrade"));
        parts.headers.insert("upgrade", HeaderValue::from_static("websocket"));
        let let_in = LetIn { credential, generation };
        tokio::spawn(relay(Sides { client, upstream }, account, ending, let_in));
        Ok(Response::from_parts(parts, ResponseBody::whole(Bytes::new())))
    }
}
