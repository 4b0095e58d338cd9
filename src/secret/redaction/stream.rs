//! Redacts a stream, chunk by chunk and in place. It holds back exactly the bytes that may still become a form.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroize;

use super::Redactor;
use crate::sys::guarded::GuardedBytes;

/// The state of one stream that is scrubbed.
pub struct Stream {
    redactor: Arc<Redactor>,
    /// What is held back, raw, in its first `held` bytes; and room for the beginning of the next chunk after it, since
    /// an occurrence may end there.
    border: GuardedBytes,
    held: usize,
    /// How much of what is held back an occurrence covers that began before it.
    covered: usize,
    /// The bytes that [`Fed::before`] lends.
    before: Vec<u8>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Stream({} bytes held back)", self.held)
    }
}

/// What may be passed on: first `before`, then the chunk's first `through` bytes.
#[derive(Debug)]
pub struct Fed<'a> {
    /// What had been held back until now, scrubbed.
    pub before: &'a [u8],
    /// How much of the chunk, which is scrubbed in place. The rest of it is zero.
    pub through: usize,
}

impl Stream {
    /// Begins a stream of which nothing has been read yet.
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        let reach = redactor.forms.longest().saturating_sub(1);
        Self { redactor, border: GuardedBytes::zeroed(2 * reach), held: 0, covered: 0, before: Vec::new() }
    }

    /// Takes the next chunk, and scrubs it in place.
    pub fn feed(&mut self, chunk: &mut [u8]) -> Fed<'_> {
        let reach = self.border.len() / 2;
        let (held, end) = (self.held, chunk.len());
        let head = end.min(reach);
        self.border[held..held + head].copy_from_slice(&chunk[..head]);

        // Copied raw, before anything is masked: a form may begin in what another one covers.
        let tail = if end < reach { &self.border[..held + end] } else { &chunk[end - reach..] };
        let next = self.redactor.forms.beginning_at_the_end_of(&tail[tail.len().saturating_sub(reach)..]);
        let next = GuardedBytes::copy_of(next);
        // Places in what was held back and the chunk, joined.
        let hold_from = held + end - next.len();

        // What begins in what was held back, then what begins in the chunk.
        let passed = hold_from.saturating_sub(held);
        let border = &mut self.border[..held + head];
        let covered = self.redactor.mask(border, self.covered, held, hold_from);
        let in_chunk = self.redactor.mask(chunk, covered.saturating_sub(held), end, passed);
        let covered = if in_chunk > 0 { held + in_chunk } else { covered };

        // Held back, it must not be in memory that the consumer of what goes through sees behind it.
        chunk[passed..].zeroize();
        self.before.clear();
        self.before.extend_from_slice(&self.border[..hold_from.min(held)]);
        self.border[..held + head].zeroize();
        self.border[..next.len()].copy_from_slice(&next);
        self.held = next.len();
        self.covered = covered.saturating_sub(hold_from);
        Fed { before: &self.before, through: passed }
    }

    /// The stream has ended: what was held back, scrubbed, will become no form any more.
    pub fn finish(&mut self) -> &[u8] {
        let held = self.held;
        self.redactor.mask(&mut self.border[..held], self.covered, held, held);
        self.before.clear();
        self.before.extend_from_slice(&self.border[..held]);
        self.border[..held].zeroize();
        (self.held, self.covered) = (0, 0);
        &self.before
    }
}
