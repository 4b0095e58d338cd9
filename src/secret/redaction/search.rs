//! Finds where forms begin: it checks four bytes at intervals, and compares in full where they can belong to a form.
//!
//! Every form begins with a window of the same size. The window has `stride` blocks of four bytes, and whatever the
//! place of an occurrence, one of them is where the search looks, which is every `stride` bytes. A table gives, for a
//! block, its offsets in a window; for most blocks of most output that is none. The looks do not depend on
//! each other, so the processor takes many at once.
//!
//! The table is too large for guarded memory. What it reveals of a secret is worth nothing without the multiplier of its
//! hash, which is random and is in guarded memory.

use zeroize::Zeroizing;

use super::forms::Forms;
use crate::error::Result;
use crate::secret::{ExposeSecret, Secret};

const BLOCK_BYTES: usize = 4;
/// As many offsets as a table's byte has bits.
const MAX_STRIDE: usize = 8;

/// A table over the windows of forms, wiped as they are.
pub struct WindowTable {
    window: usize,
    stride: usize,
    /// For the hash of a block, the offsets at which windows have it, as bits.
    offsets: Zeroizing<Vec<u8>>,
    shift: u32,
    multiplier: Secret,
}

impl WindowTable {
    /// Makes the table for these forms.
    ///
    /// # Errors
    /// `INTERNAL` where the system has no randomness.
    pub fn new(forms: &Forms) -> Result<Self> {
        let window = forms.shortest().min(BLOCK_BYTES + MAX_STRIDE - 1);
        let stride = (window + 1).saturating_sub(BLOCK_BYTES);
        // One in sixteen entries is taken, or fewer; 64 KiB at the most, which stays in a processor's second cache.
        let entries = (forms.len() * stride * 16).next_power_of_two().clamp(1 << 10, 1 << 16);
        let multiplier = Secret::random(BLOCK_BYTES)?;
        let mut search = Self {
            window,
            stride,
            offsets: Zeroizing::new(vec![0; entries]),
            shift: u32::BITS - entries.trailing_zeros(),
            multiplier,
        };
        let multiplier = search.multiplier();
        for index in 0..forms.len() {
            for offset in 0..stride {
                let bucket = search.bucket(multiplier, forms.get(index), offset);
                search.offsets[bucket] |= 1 << offset;
            }
        }
        Ok(search)
    }

    /// Odd, as multiplicative hashing wants it.
    fn multiplier(&self) -> u32 {
        self.multiplier.expose_secret().first_chunk::<BLOCK_BYTES>().map_or(1, |bytes| u32::from_le_bytes(*bytes) | 1)
    }

    /// The first occurrence that begins in `text[from..until]`: where, and how long the longest form there is.
    pub fn next(&self, forms: &Forms, text: &[u8], from: usize, until: usize) -> Option<(usize, usize)> {
        if forms.is_empty() {
            return None;
        }
        let multiplier = self.multiplier();
        // What begins at `at - offset` has its block `offset` at `at`.
        let mut at = from + self.stride - 1;
        while at + BLOCK_BYTES <= text.len() && at + 1 < until + self.stride {
            let bits = self.offsets[self.bucket(multiplier, text, at)];
            if bits != 0
                && let Some(found) = self.look_closer(forms, text, at, bits, from, until)
            {
                return Some(found);
            }
            at += self.stride;
        }
        None
    }

    #[cold]
    fn look_closer(
        &self,
        forms: &Forms,
        text: &[u8],
        at: usize,
        bits: u8,
        from: usize,
        until: usize,
    ) -> Option<(usize, usize)> {
        let offsets = (0..self.stride).rev().filter(|offset| bits >> offset & 1 == 1);
        let starts = offsets.map(|offset| at - offset).filter(|start| (from..until).contains(start));
        starts.into_iter().find_map(|start| {
            text.get(start..start + self.window)?;
            Some((start, forms.longest_at(&text[start..])?))
        })
    }

    fn bucket(&self, multiplier: u32, text: &[u8], at: usize) -> usize {
        let block = text[at..at + BLOCK_BYTES].first_chunk::<BLOCK_BYTES>().copied().unwrap_or_default();
        // The high bits of the product are the hash.
        (u32::from_le_bytes(block).wrapping_mul(multiplier) >> self.shift) as usize
    }
}
