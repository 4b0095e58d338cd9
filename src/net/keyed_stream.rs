//! The connection to an API, on which the key replaces the placeholder directly above TLS.
//!
//! hyper has only the placeholder in its buffers. This stream replaces the first placeholder that is written after it
//! was armed: the pieces before, the key from guarded memory and the pieces after go to rustls in one call, which
//! copies them into the record that it then encrypts in place.

use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::socket::Socket;
use super::substitution::{Pieces, Substitution};
use crate::secret::{ExposeSecret, Secret};
use crate::sys::guarded::GuardedBytes;

/// The most that is accepted at once while a placeholder is to be replaced: a TLS record.
const MOST_AT_ONCE: usize = 16 * 1024;

/// The most that rustls may hold before it is sent.
const TLS_BUFFER_BYTES: usize = 32 * 1024;

#[derive(Debug)]
pub enum Transport {
    Tls(Box<TlsStream<Socket>>),
    /// For a base URL with `http:`. Bytes with the key wait in guarded memory until they are sent.
    Plain {
        socket: Socket,
        waiting: Option<(GuardedBytes, usize)>,
    },
}

#[derive(Debug)]
pub struct KeyedStream {
    transport: Transport,
    keying: Option<Keying>,
}

/// The key, and the placeholder that it replaces.
#[derive(Debug)]
pub struct Keying {
    pub substitution: Substitution,
    pub key: Arc<Secret>,
    /// Whether the next placeholder is replaced. The sender of a request sets it.
    pub armed: Arc<AtomicBool>,
}

impl KeyedStream {
    pub fn new(mut transport: Transport, keying: Option<Keying>) -> Self {
        if let Transport::Tls(stream) = &mut transport {
            stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER_BYTES));
        }
        Self { transport, keying }
    }

    /// The transport, and what is to be replaced in the next write to it.
    fn armed(&mut self) -> (&mut Transport, Option<&mut Keying>) {
        let is_armed = |keying: &&mut Keying| keying.armed.load(Ordering::Acquire);
        (&mut self.transport, self.keying.as_mut().filter(is_armed))
    }
}

impl Keying {
    fn poll_write(
        &mut self,
        transport: &mut Transport,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // All of the pieces are accepted at once, so nothing may wait before them.
        ready!(transport.poll_flush(context))?;
        let chunk = &bytes[..bytes.len().min(MOST_AT_ONCE)];
        let pieces = self.substitution.next(chunk, self.key.expose_secret());
        let is_done = pieces.has_key;
        transport.take(&pieces)?;
        if is_done {
            self.armed.store(false, Ordering::Release);
        }
        // It is sent with the body that follows, or when hyper flushes.
        Poll::Ready(Ok(chunk.len()))
    }
}

impl Transport {
    /// Accepts all of the pieces. The caller has flushed what was written before.
    fn take(&mut self, pieces: &Pieces<'_>) -> io::Result<()> {
        if pieces.parts.iter().all(|part| part.is_empty()) {
            return Ok(());
        }
        match self {
            Self::Tls(stream) => {
                let session = stream.get_mut().1;
                session.set_buffer_limit(None);
                let parts = pieces.parts.map(IoSlice::new);
                let taken = session.writer().write_vectored(&parts);
                session.set_buffer_limit(Some(TLS_BUFFER_BYTES));
                let all = pieces.parts.iter().map(|part| part.len()).sum::<usize>();
                if taken? == all { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
            }
            Self::Plain { waiting, .. } => {
                *waiting = Some((GuardedBytes::joined(&pieces.parts), 0));
                Ok(())
            }
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(context),
            Self::Plain { socket, waiting } => {
                while let Some((bytes, sent)) = waiting {
                    match ready!(Pin::new(&mut *socket).poll_write(context, &bytes[*sent..]))? {
                        0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                        count => *sent += count,
                    }
                    if *sent == bytes.len() {
                        *waiting = None;
                    }
                }
                Pin::new(socket).poll_flush(context)
            }
        }
    }
}

impl AsyncRead for KeyedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Tls(stream) => Pin::new(&mut **stream).poll_read(context, buffer),
            Transport::Plain { socket, .. } => Pin::new(socket).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for KeyedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (transport, keying) = self.armed();
        if let Some(keying) = keying {
            return keying.poll_write(transport, context, bytes);
        }
        match transport {
            Transport::Tls(stream) => Pin::new(&mut **stream).poll_write(context, bytes),
            Transport::Plain { .. } => {
                ready!(transport.poll_flush(context))?;
                let Transport::Plain { socket, .. } = transport else { return Poll::Ready(Ok(0)) };
                Pin::new(socket).poll_write(context, bytes)
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (transport, keying) = self.armed();
        if let Some(keying) = keying {
            let first = parts.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| &**part);
            return keying.poll_write(transport, context, first);
        }
        match transport {
            Transport::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(context, parts),
            Transport::Plain { .. } => {
                ready!(transport.poll_flush(context))?;
                let Transport::Plain { socket, .. } = transport else { return Poll::Ready(Ok(0)) };
                Pin::new(socket).poll_write_vectored(context, parts)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.transport.poll_flush(context))?;
        match &mut self.transport {
            Transport::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(context),
            Transport::Plain { socket, .. } => Pin::new(socket).poll_shutdown(context),
        }
    }
}
