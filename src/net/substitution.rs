//! Replaces a placeholder with the key in the bytes that are written to the API, wherever the writes are cut.

use crate::error::Result;
use crate::secret::{ExposeSecret, Secret};

/// Enough random characters that no request contains them by chance. The length does not depend on the key's.
const PLACEHOLDER_BYTES: usize = 40;

/// The first character of a placeholder, which is nowhere else in it: after a partial match, another match can begin
/// only where that one failed.
const FIRST: u8 = b'~';

/// The placeholder of one connection, and how much of it has been seen.
pub struct Substitution {
    placeholder: [u8; PLACEHOLDER_BYTES],
    /// How much of the placeholder is at the end of what was written, and is held back.
    held: usize,
}

impl std::fmt::Debug for Substitution {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Substitution({} bytes held back)", self.held)
    }
}

/// The pieces to write instead of the chunk, in this order; unused ones are empty.
#[derive(Debug)]
pub struct Pieces<'a> {
    pub parts: [&'a [u8]; 4],
    /// Whether the key is among them. Nothing more is replaced after it.
    pub has_key: bool,
}

impl Substitution {
    /// # Errors
    /// `INTERNAL` if the system has no randomness.
    pub fn new() -> Result<Self> {
        let random = Secret::random(PLACEHOLDER_BYTES)?;
        let mut placeholder = [FIRST; PLACEHOLDER_BYTES];
        for (character, random) in placeholder.iter_mut().zip(random.expose_secret()).skip(1) {
            *character = b"abcdefghijklmnopqrstuvwxyz012345"[usize::from(random % 32)];
        }
        Ok(Self { placeholder, held: 0 })
    }

    #[must_use]
    pub fn placeholder(&self) -> &[u8] {
        &self.placeholder
    }

    /// Replaces the placeholder in `chunk`, the next part of what is written. The caller must write all of the pieces.
    /// The end of a chunk can be held back; it then comes with the pieces of the next chunk.
    pub fn next<'a>(&'a mut self, chunk: &'a [u8], key: &'a [u8]) -> Pieces<'a> {
        let held = self.held;
        let rest = &self.placeholder[held..];
        let common = chunk.iter().zip(rest).take_while(|(one, other)| one == other).count();
        if held > 0 && common == rest.len() {
            self.held = 0;
            return Pieces { parts: [&[], key, &chunk[common..], &[]], has_key: true };
        }
        if held > 0 && common == chunk.len() {
            self.held += common;
            return Pieces { parts: [&[]; 4], has_key: false };
        }
        // The bytes that were held back are not a placeholder, so they go first.
        let (found, length) = self.find(chunk, if held > 0 { common } else { 0 });
        let before = &self.placeholder[..held];
        if length == PLACEHOLDER_BYTES {
            self.held = 0;
            return Pieces { parts: [before, &chunk[..found], key, &chunk[found + length..]], has_key: true };
        }
        self.held = length;
        Pieces { parts: [before, &chunk[..found], &[], &[]], has_key: false }
    }

    /// Where `chunk[from..]` contains the placeholder, or ends with its beginning, and how many bytes of it.
    fn find(&self, chunk: &[u8], from: usize) -> (usize, usize) {
        let mut at = from;
        while let Some(next) = chunk[at..].iter().position(|byte| *byte == FIRST) {
            let start = at + next;
            let tail = &chunk[start..];
            let common = tail.iter().zip(&self.placeholder).take_while(|(one, other)| one == other).count();
            if common == PLACEHOLDER_BYTES || common == tail.len() {
                return (start, common);
            }
            at = start + 1;
        }
        (chunk.len(), 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(substitution: &mut Substitution, text: &[u8], cuts: &[usize]) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let mut is_replaced = false;
        let mut from = 0;
        for end in cuts.iter().copied().chain([text.len()]) {
            let chunk = &text[from..end];
            from = end;
            if is_replaced {
                out.extend_from_slice(chunk);
                continue;
            }
            let pieces = substitution.next(chunk, b"the key");
            out.extend(pieces.parts.concat());
            is_replaced = pieces.has_key;
        }
        (out, is_replaced)
    }

    #[test]
    fn the_key_replaces_the_placeholder_wherever_the_writes_are_cut() {
        let text = |placeholder: &[u8]| [b"GET / ~ab~\r\nx-api-key: ~", placeholder, b"\r\n~x\r\n\r\n"].concat();
        let length = text(&[0; PLACEHOLDER_BYTES]).len();
        for one in 0..length {
            for two in one..length {
                let mut substitution = Substitution::new().expect("random");
                let placeholder = substitution.placeholder().to_vec();
                let (out, is_replaced) = all(&mut substitution, &text(&placeholder), &[one, two]);
                assert!(is_replaced);
                assert_eq!(out, text(b"the key"), "cut at {one} and {two}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_has_no_placeholder_passes_but_for_its_end(pieces in proptest::collection::vec((0_usize..40, ".{0,6}"), 0..8)) {
            let mut substitution = Substitution::new().expect("random");
            let placeholder = substitution.placeholder().to_vec();
            let mut text = Vec::new();
            for (length, other) in &pieces {
                text.extend_from_slice(&placeholder[..*length]);
                // No placeholder has one, so what follows cannot complete it.
                text.push(b'\n');
                text.extend_from_slice(other.as_bytes());
                // So that nothing continues a partial placeholder.
                text.push(b'\n');
            }
            let cuts: Vec<usize> = (1..text.len()).step_by(7).collect();
            let (out, is_replaced) = all(&mut substitution, &text, &cuts);
            prop_assert!(!is_replaced);
            prop_assert_eq!(out, text);
        }
    }
}
