//! Checks each request head as it was sent, by following the bytes that hyper reads.
//!
//! hyper accepts a line that ends with a bare LF, and a `Content-Length` with a transfer coding or with the same length
//! again, and does not show them afterwards. With each of them, two parties can see different requests in the same
//! bytes (request smuggling), so a proxy must refuse it. Anything that this file does not understand is refused too: a
//! request without a verdict is not forwarded.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::broker::refusal::RefusalReason;

/// The largest head that is read, here and by hyper.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

const END_OF_HEAD: &[u8; 4] = b"\r\n\r\n";

/// A stream whose bytes are followed.
#[derive(Debug)]
pub struct Framed<S> {
    stream: S,
    heads: Heads,
}

/// The verdicts on the heads of one connection, in the order of its requests.
#[derive(Clone, Debug, Default)]
pub struct Heads(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    place: Place,
    /// The beginning of a head that was read in pieces.
    head: Vec<u8>,
    verdicts: VecDeque<Result<(), RefusalReason>>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Head,
    /// A body, of which so many bytes are to come.
    Body(u64),
    /// The size of a chunk, as far as it was read.
    ChunkSize(Option<u64>),
    /// The LF behind the size of a chunk.
    ChunkSizeEnd(u64),
    /// A chunk, and the line's end behind it.
    Chunk(u64),
    /// The trailers, which end with an empty line: how much of [`END_OF_HEAD`] was read.
    Trailer(usize),
    /// Nothing that this file understands, or bytes after a switch of protocols.
    Unknown,
}

/// How a body follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyLength {
    Known(u64),
    Chunked,
}

/// Whether each head in these bytes would be accepted, if they were read in these pieces: one answer for each head.
#[must_use]
pub fn verdicts_on<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<bool> {
    let mut state = State::default();
    pieces.into_iter().for_each(|piece| state.feed(piece));
    state.verdicts.iter().map(Result::is_ok).collect()
}

impl Heads {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The verdict on the next request's head.
    pub fn next(&self) -> Result<(), RefusalReason> {
        self.lock().verdicts.pop_front().unwrap_or(Err(RefusalReason::Framing))
    }

    /// Notes that the connection has switched protocols.
    pub fn end(&self) {
        *self.lock() = State { place: Place::Unknown, ..State::default() };
    }

    fn feed(&self, bytes: &[u8]) {
        self.lock().feed(bytes);
    }
}

impl State {
    fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(byte) = bytes.first() {
            let (used, next) = match self.place {
                Place::Unknown => return,
                Place::Head => match self.read_head(bytes) {
                    Some(read) => read,
                    None => return,
                },
                Place::Body(left) => pass(bytes, left, Place::Body, Place::Head),
                Place::Chunk(left) => pass(bytes, left, Place::Chunk, Place::ChunkSize(None)),
                Place::ChunkSize(size) => (1, after_size(*byte, size)),
                Place::ChunkSizeEnd(size) => (1, after_size_line(*byte, size)),
                Place::Trailer(3) if *byte == b'\n' => (1, Place::Head),
                Place::Trailer(read) if *byte == END_OF_HEAD[read] => (1, Place::Trailer(read + 1)),
                Place::Trailer(_) => (1, Place::Trailer(usize::from(*byte == b'\r'))),
            };
            self.place = next;
            bytes = &bytes[used..];
        }
    }

    /// Reads up to the end of a head. None if it is not there yet.
    fn read_head(&mut self, bytes: &[u8]) -> Option<(usize, Place)> {
        let before = self.head.len();
        // The end may lie across two pieces.
        let kept = before.min(END_OF_HEAD.len() - 1);
        let seam = [&self.head[before - kept..], &bytes[..bytes.len().min(END_OF_HEAD.len() - 1)]].concat();
        let end = match find_end(&seam) {
            Some(end) => Some(end - kept),
            None => find_end(bytes),
        };
        let Some(end) = end else {
            self.head.extend_from_slice(bytes);
            if self.head.len() > MAX_HEAD_BYTES {
                (self.place, self.head) = (Place::Unknown, Vec::new());
            }
            return None;
        };
        let checked = if before == 0 {
            check(&bytes[..end])
        } else {
            self.head.extend_from_slice(&bytes[..end]);
            check(&std::mem::take(&mut self.head))
        };
        self.verdicts.push_back(checked.map(|_| ()));
        let next = match checked {
            Ok(BodyLength::Known(0)) => Place::Head,
            Ok(BodyLength::Known(length)) => Place::Body(length),
            Ok(BodyLength::Chunked) => Place::ChunkSize(None),
            Err(_) => Place::Unknown,
        };
        Some((end, next))
    }
}

/// Where the bytes behind the end of a head begin.
fn find_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(END_OF_HEAD.len()).position(|four| four == END_OF_HEAD).map(|at| at + END_OF_HEAD.len())
}

fn pass(bytes: &[u8], left: u64, more: fn(u64) -> Place, done: Place) -> (usize, Place) {
    let used = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    let left = left - used as u64;
    (used, if left == 0 { done } else { more(left) })
}

fn after_size(byte: u8, size: Option<u64>) -> Place {
    let digit = char::from(byte).to_digit(16).map(u64::from);
    match (digit, size) {
        (Some(digit), None) => Place::ChunkSize(Some(digit)),
        // With room for the line's end behind the chunk.
        (Some(digit), Some(size)) if size < 1 << 58 => Place::ChunkSize(Some(size << 4 | digit)),
        (None, Some(size)) if byte == b'\r' => Place::ChunkSizeEnd(size),
        // A chunk extension, which no CLI sends, or not a size.
        _ => Place::Unknown,
    }
}

fn after_size_line(byte: u8, size: u64) -> Place {
    match (byte, size) {
        (b'\n', 0) => Place::Trailer(2),
        (b'\n', size) => Place::Chunk(size + 2),
        _ => Place::Unknown,
    }
}

/// Checks the lines of a head, which ends with an empty one.
fn check(head: &[u8]) -> Result<BodyLength, RefusalReason> {
    let head = head.strip_suffix(END_OF_HEAD).ok_or(RefusalReason::Framing)?;
    let (mut length, mut coding) = (None, None);
    for (number, line) in lines(head).enumerate() {
        let line = line?;
        // A line that goes on in the next one (obs-fold), or an empty one before the first.
        if line.first().is_none_or(|first| b" \t".contains(first)) {
            return Err(RefusalReason::Framing);
        }
        if number == 0 {
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(RefusalReason::Framing)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let known = match name {
            name if name.eq_ignore_ascii_case(b"content-length") => &mut length,
            name if name.eq_ignore_ascii_case(b"transfer-encoding") => &mut coding,
            _ => continue,
        };
        if known.replace(value).is_some() {
            return Err(RefusalReason::Framing);
        }
    }
    match (length, coding) {
        (None, None) => Ok(BodyLength::Known(0)),
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok(BodyLength::Chunked),
        (Some(length), None) if length.iter().all(u8::is_ascii_digit) => {
            let length = std::str::from_utf8(length).ok().and_then(|length| length.parse().ok());
            length.map(BodyLength::Known).ok_or(RefusalReason::Framing)
        }
        _ => Err(RefusalReason::Framing),
    }
}

/// The lines of a head, or an error for a CR or LF that is not part of a CRLF.
fn lines(head: &[u8]) -> impl Iterator<Item = Result<&[u8], RefusalReason>> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let (line, next) = match bytes.iter().position(|byte| b"\r\n".contains(byte)) {
            None => (bytes, Ok(None)),
            Some(end) => (&bytes[..end], bytes[end..].strip_prefix(b"\r\n").map(Some).ok_or(RefusalReason::Framing)),
        };
        rest = next.unwrap_or(None);
        Some(next.map(|_| line))
    })
}

impl<S> Framed<S> {
    pub fn new(stream: S, heads: Heads) -> Self {
        Self { stream, heads }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Framed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.heads.feed(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Framed<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
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
    use super::*;

    #[test]
    fn requests_are_told_apart_wherever_the_pieces_are_cut() {
        let text = b"GET / HTTP/1.1\r\nhost: a\r\n\r\nPOST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n\r\n\r\nab\r\n\r\
            POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\nA\r\n0123456789\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n\
            POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-trailer: 1\r\n\r\n\
            GET / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        let expected = [true, true, true, true, false];
        for cut in 0..text.len() {
            let (before, after) = text.split_at(cut);
            assert_eq!(verdicts_on([before, after]), expected, "cut at {cut}");
        }
        assert_eq!(verdicts_on(text.chunks(1)), expected);
    }

    #[test]
    fn a_head_that_two_parties_could_read_in_two_ways_is_refused() {
        for lines in [
            "content-length: 1\r\nContent-Length: 1",
            "content-length: 1\r\ntransfer-encoding: chunked",
            "Transfer-Encoding: chunked\r\nx: 1\r\nContent-Length: 1",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
            "transfer-encoding: chunked, chunked",
            "transfer-encoding: identity",
            "content-length: +1",
            "content-length: ",
            "content-length: 99999999999999999999",
            "x: 1\r\n 2",
            "x: 1\r\n\t2",
            "x: 1\ny: 2",
            "x: 1\ry: 2",
            "x",
        ] {
            let text = format!("POST / HTTP/1.1\r\nhost: a\r\n{lines}\r\n\r\n");
            assert_eq!(verdicts_on([text.as_bytes()]), [false], "{lines:?}");
        }
        assert_eq!(verdicts_on([&b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"[..]]), [false]);
        assert!(verdicts_on([&b"GET / HTTP/1.1\n\n"[..]]).is_empty(), "none, so it is refused");
    }

    #[test]
    fn a_chunk_that_is_not_understood_ends_it() {
        let next = "GET / HTTP/1.1\r\n\r\n";
        for chunks in ["1;a=b\r\nx\r\n0\r\n\r\n", "\r\n", "-1\r\n", "1\nx\n0\n\n", "1000000000000000\r\n"] {
            let text = format!("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{chunks}{next}");
            assert_eq!(verdicts_on([text.as_bytes()]), [true], "{chunks:?}");
        }
    }
}
