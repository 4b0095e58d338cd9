//! A request's body on its way to the API, counted and bounded.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::upward::Upward;
use crate::broker::audit::Outcome;
use crate::net::stall::Alarm;

/// Forwards a client's body as it comes.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    most: u64,
    alarm: Alarm,
    upward: Arc<Upward>,
}

impl RequestBody {
    pub fn new(incoming: Incoming, most: u64, stall: Duration, upward: Arc<Upward>) -> Self {
        Self { incoming, most, alarm: Alarm::new(stall), upward }
    }

    fn fail(&self, outcome: Outcome) -> io::Error {
        let _ = self.upward.failure.set(outcome);
        io::ErrorKind::InvalidData.into()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match Pin::new(&mut self.incoming).poll_frame(context) {
                Poll::Pending => {
                    return self.alarm.poll(context).map(|()| Some(Err(self.fail(Outcome::Stalled))));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(self.fail(Outcome::ClientAborted)))),
                Poll::Ready(Some(Ok(frame))) => {
                    self.alarm.note();
                    // Trailers belong to one connection.
                    let Ok(data) = frame.into_data() else { continue };
                    if self.upward.count(&data) > self.most {
                        return Poll::Ready(Some(Err(self.fail(Outcome::BodyTooLarge))));
                    }
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
