//! A TCP connection on which nothing is sent after a deadline, with one last short read for an answer that must not be
//! lost.
//!
//! If the answer to a token that can be used once is thrown away, the login is lost. A process that was frozen past its
//! deadline finds the answer in the socket, but a timer around the whole request would discard it. So the deadline is
//! enforced below TLS, directly above the kernel's socket.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// When a request must have been sent and answered.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    pub at: Instant,
    /// The time for all reads after the deadline together, from when the first of them is tried.
    pub last_read: Duration,
}

#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    clock: Option<Clock>,
}

#[derive(Debug)]
struct Clock {
    deadline: Deadline,
    /// The end of the last read; set when the deadline has passed.
    until: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Socket {
    /// If there is a deadline, call it in a tokio runtime whose timers are enabled.
    pub fn new(stream: TcpStream, deadline: Option<Deadline>) -> Self {
        // Otherwise small writes wait until earlier ones are acknowledged. If the kernel refuses, they are only slower.
        let _ = stream.set_nodelay(true);
        let clock = deadline.map(|deadline| Clock { deadline, until: None, timer: Box::pin(sleep_until(deadline.at)) });
        Self { stream, clock }
    }

    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        send: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Some(clock) = &mut self.clock else { return send(Pin::new(&mut self.stream), context) };
        if clock.is_over() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let result = send(Pin::new(&mut self.stream), context);
        if result.is_ready() { result } else { clock.poll_deadline(context) }
    }
}

impl Clock {
    fn is_over(&self) -> bool {
        self.deadline.at <= Instant::now()
    }

    /// Whether there is time left to read. The first call after the deadline begins the last read.
    fn may_read(&mut self) -> bool {
        let now = Instant::now();
        now < self.deadline.at || now < *self.until.get_or_insert(now + self.deadline.last_read)
    }

    fn poll_deadline<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(self.poll_timer(context, self.deadline.at));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_last_read<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        while self.may_read() {
            ready!(self.poll_timer(context, self.until.unwrap_or(self.deadline.at)));
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_timer(&mut self, context: &mut Context<'_>, due: Instant) -> Poll<()> {
        if self.timer.deadline() != due {
            self.timer.as_mut().reset(due);
        }
        self.timer.as_mut().poll(context)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, clock } = &mut *self;
        let Some(clock) = clock else { return Pin::new(stream).poll_read(context, buffer) };
        if !clock.may_read() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let result = Pin::new(stream).poll_read(context, buffer);
        if result.is_ready() { result } else { clock.poll_last_read(context) }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(context, |stream, context| stream.poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Whether a socket sends, and what it reads, when the deadline passed before the answer was looked for.
    async fn after_deadline(last_read: Duration, answer: &[u8]) -> (io::Result<()>, io::Result<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("a connection");
        let (mut other, _) = listener.accept().expect("a client");
        other.write_all(answer).expect("sent");
        let deadline = Deadline { at: Instant::now(), last_read };
        let mut socket = Socket::new(stream, Some(deadline));
        (socket.write_all(b"late").await, socket.read_u8().await)
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(work)
    }

    #[test]
    fn nothing_is_sent_after_the_deadline_and_an_answer_is_looked_for_once_more() {
        let kind = |error: io::Error| error.kind();
        for (last_read, answer, read) in [
            (Duration::from_secs(60), &b"!"[..], Ok(b'!')),
            (Duration::from_millis(1), b"", Err(io::ErrorKind::TimedOut)),
            (Duration::ZERO, b"!", Err(io::ErrorKind::TimedOut)),
        ] {
            let (sent, found) = run(after_deadline(last_read, answer));
            assert_eq!(sent.map_err(kind), Err(io::ErrorKind::TimedOut));
            assert_eq!(found.map_err(kind), read, "{last_read:?}");
        }
    }

    #[test]
    fn the_deadline_ends_a_write_that_the_other_side_does_not_take() {
        let result = run(async {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let stream = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("a connection");
            let at = Instant::now() + Duration::from_millis(50);
            let mut socket = Socket::new(stream, Some(Deadline { at, last_read: Duration::from_secs(60) }));
            // More than both kernels' buffers take.
            socket.write_all(&vec![0; 64 << 20]).await
        });
        assert_eq!(result.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
    }
}
