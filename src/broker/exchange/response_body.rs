//! An answer's body on its way to the client. In the body of an error, the key is masked.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::Ending;
use super::account::Account;
use crate::broker::audit::Outcome;
use crate::broker::options::Times;
use crate::broker::pool::{Pool, PooledConnection};
use crate::net::stall::Alarm;
use crate::secret::redaction;

/// The body of an answer to a client.
#[derive(Debug)]
pub enum ResponseBody {
    /// The broker's own answer.
    Whole(Option<Bytes>),
    Passing(Box<Passing>),
}

/// An API's answer, passed on.
pub struct Passing {
    pub incoming: Incoming,
    pub account: Box<Account>,
    pub ending: Ending,
    pub alarm: Alarm,
    /// Masks the key in an error's body, keeping its length.
    pub mask: Option<redaction::Stream>,
    /// The pool that gets the connection when the answer was read to its end.
    pub home: Option<(PooledConnection, Arc<Pool>, Times)>,
    pub is_done: bool,
}

impl fmt::Debug for Passing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Passing({:?})", self.account)
    }
}

impl ResponseBody {
    pub fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }

    pub fn passing(mut passing: Passing) -> Self {
        if passing.incoming.is_end_stream() {
            passing.complete();
            return Self::Whole(None);
        }
        Self::Passing(Box::new(passing))
    }
}

impl Passing {
    fn complete(&mut self) {
        self.is_done = true;
        self.account.end(Outcome::Completed);
        if let Some((connection, pool, times)) = self.home.take() {
            pool.put(connection, &times);
        }
    }

    /// Ends the answer so that the client sees that it is not complete.
    fn break_off(&mut self, outcome: Outcome) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.is_done = true;
        self.account.end(outcome);
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }

    fn masked(&mut self, data: Bytes) -> Bytes {
        let Some(mask) = &mut self.mask else { return data };
        let mut chunk = Vec::from(data);
        let fed = mask.feed(&mut chunk);
        let through = fed.through;
        let mut out = fed.before.to_vec();
        out.extend_from_slice(&chunk[..through]);
        if self.incoming.is_end_stream() {
            out.extend_from_slice(mask.finish());
        }
        out.into()
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if self.is_done {
                return Poll::Ready(None);
            }
            if let Poll::Ready(outcome) = self.ending.as_mut().poll(context) {
                return self.break_off(outcome);
            }
            let data = match Pin::new(&mut self.incoming).poll_frame(context) {
                Poll::Pending if self.alarm.poll(context).is_ready() => return self.break_off(Outcome::Stalled),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(_))) => return self.break_off(Outcome::UpstreamBroke),
                Poll::Ready(None) => {
                    let rest = self.mask.as_mut().map(|mask| Bytes::copy_from_slice(mask.finish()));
                    self.complete();
                    return Poll::Ready(rest.filter(|rest| !rest.is_empty()).map(|rest| Ok(Frame::data(rest))));
                }
                Poll::Ready(Some(Ok(frame))) => frame.into_data(),
            };
            self.alarm.note();
            // Trailers belong to one connection.
            let Ok(data) = data else { continue };
            self.account.down(&data);
            let data = self.masked(data);
            if self.incoming.is_end_stream() {
                self.complete();
            }
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Passing(passing) => passing.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Passing(passing) => passing.is_done,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            // Masking keeps the length.
            Self::Passing(passing) => passing.incoming.size_hint(),
        }
    }
}
