//! A WebSocket between a client and an API: the frames pass as they come.
//!
//! The API accepted it with the key that was the newest then. After a rotation, messages under way go on, and the
//! client's next message ends the connection instead of being sent with an old key: the client then connects again. If
//! the grant has ended, or the credential cannot be used any more, the client gets the reason in its own form before
//! the connection is closed.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::time::timeout;

use super::Ending;
use super::account::Account;
use super::web_socket_frames::{Frames, text_frame};
use crate::broker::audit::Outcome;
use crate::broker::live_credential::{KeyGeneration, LiveCredential};
use crate::broker::race::first;
use crate::broker::refusal::RefusalReason;

/// The size of a read. Frames of an answer have some hundred bytes.
const BUFFER_BYTES: usize = 8 * 1024;

/// A close frame with the code 1012, "service restart": the client may connect again.
const RESTART: [u8; 4] = [0x88, 0x02, 0x03, 0xf4];

/// A close frame with the code 1008, "policy violation".
const REFUSED: [u8; 4] = [0x88, 0x02, 0x03, 0xf0];

/// How long the client has to read the refusal. It may have gone away, or read nothing.
const FAREWELL_TIME: Duration = Duration::from_secs(2);

/// The two sides, once both have switched protocols.
#[derive(Debug)]
pub struct Sides {
    pub client: OnUpgrade,
    pub upstream: OnUpgrade,
}

/// The key with which the API accepted a WebSocket.
#[derive(Debug)]
pub struct LetIn {
    pub credential: Arc<LiveCredential>,
    pub generation: Arc<KeyGeneration>,
}

/// Passes frames until one side closes, or the exchange ends.
pub async fn relay(sides: Sides, mut account: Box<Account>, ending: Ending, let_in: LetIn) {
    let outcome = match both(sides).await {
        Some((client, upstream)) => pass(client, upstream, &mut account, ending, &let_in).await,
        None => Outcome::ClientAborted,
    };
    account.end(outcome);
}

async fn both(sides: Sides) -> Option<(TokioIo<Upgraded>, TokioIo<Upgraded>)> {
    let client = sides.client.await.ok()?;
    let upstream = sides.upstream.await.ok()?;
    Some((TokioIo::new(client), TokioIo::new(upstream)))
}

async fn pass(
    client: TokioIo<Upgraded>,
    upstream: TokioIo<Upgraded>,
    account: &mut Account,
    ending: Ending,
    let_in: &LetIn,
) -> Outcome {
    let (from_client, mut to_client) = split(client);
    let (from_upstream, to_upstream) = split(upstream);
    let mut is_between_frames = true;
    let upward = account.upward();
    let up = up(from_client, to_upstream, let_in, |bytes| {
        upward.count(bytes);
    });
    let down = down(from_upstream, &mut to_client, &mut is_between_frames, |bytes| account.down(bytes));
    let outcome = first(ending, together(up, down)).await;
    if let Some(farewell) = farewell(outcome, let_in).filter(|_| is_between_frames) {
        let send = async {
            to_client.write_all(&farewell).await?;
            to_client.shutdown().await
        };
        let _ = timeout(FAREWELL_TIME, send).await;
    }
    outcome
}

impl LetIn {
    /// Why the client's next message cannot be sent; none if the key is still the newest one.
    fn end(&self) -> Option<Outcome> {
        match self.credential.is_newest(&self.generation) {
            Ok(true) => None,
            Ok(false) => Some(Outcome::Rotated),
            Err(RefusalReason::Revoked) => Some(Outcome::Revoked),
            Err(reason) => Some(Outcome::Refused(reason)),
        }
    }
}

/// The frames that the broker sends to the client before it closes; none if one side closed the connection.
fn farewell(outcome: Outcome, let_in: &LetIn) -> Option<Vec<u8>> {
    let reason = match outcome {
        Outcome::Rotated => return Some(RESTART.to_vec()),
        Outcome::GrantEnded => RefusalReason::GrantEnded,
        Outcome::Revoked => RefusalReason::Revoked,
        Outcome::Refused(reason) => reason,
        _ => return None,
    };
    let text = reason.in_web_socket(&let_in.credential.vendor().broker)?;
    Some([text_frame(&text), REFUSED.to_vec()].concat())
}

/// Runs both directions until both have ended or one fails. After one has ended, the other's failure counts as an end.
async fn together(up: impl Future<Output = Outcome>, down: impl Future<Output = Outcome>) -> Outcome {
    let (mut up, mut down) = (pin!(up), pin!(down));
    let (mut up_is_done, mut down_is_done) = (false, false);
    std::future::poll_fn(|context| {
        if !up_is_done && let Poll::Ready(outcome) = up.as_mut().poll(context) {
            if outcome != Outcome::Completed || down_is_done {
                return Poll::Ready(if down_is_done { Outcome::Completed } else { outcome });
            }
            up_is_done = true;
        }
        if !down_is_done && let Poll::Ready(outcome) = down.as_mut().poll(context) {
            if outcome != Outcome::Completed || up_is_done {
                return Poll::Ready(if up_is_done { Outcome::Completed } else { outcome });
            }
            down_is_done = true;
        }
        Poll::Pending
    })
    .await
}

async fn up(
    mut from: ReadHalf<impl AsyncRead>,
    mut to: WriteHalf<impl AsyncWrite>,
    let_in: &LetIn,
    see: impl Fn(&[u8]),
) -> Outcome {
    let mut frames = Frames::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(0) => break,
            Ok(count) => count,
            Err(_) => return Outcome::ClientAborted,
        };
        let message = frames.message_in(&buffer[..count]);
        let (passes, end) = match message.and_then(|start| Some((start, let_in.end()?))) {
            Some((start, end)) => (start, Some(end)),
            None => (count, None),
        };
        see(&buffer[..passes]);
        if to.write_all(&buffer[..passes]).await.is_err() {
            return Outcome::UpstreamBroke;
        }
        if let Some(end) = end {
            return end;
        }
    }
    let _ = to.shutdown().await;
    Outcome::Completed
}

async fn down(
    mut from: ReadHalf<impl AsyncRead>,
    to: &mut WriteHalf<impl AsyncWrite>,
    is_between_frames: &mut bool,
    mut see: impl FnMut(&[u8]),
) -> Outcome {
    let mut frames = Frames::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(0) => break,
            Ok(count) => count,
            Err(_) => return Outcome::UpstreamBroke,
        };
        see(&buffer[..count]);
        *is_between_frames = false;
        if let Err(error) = to.write_all(&buffer[..count]).await {
            let is_stalled = error.kind() == io::ErrorKind::TimedOut;
            return if is_stalled { Outcome::Stalled } else { Outcome::ClientAborted };
        }
        frames.message_in(&buffer[..count]);
        *is_between_frames = frames.is_between();
    }
    let _ = to.shutdown().await;
    Outcome::Completed
}
