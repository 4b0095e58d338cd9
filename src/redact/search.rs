//! Finds where forms begin: a look at four bytes in every few, and a closer look where they can be a form's.
//!
//! Every form begins with a window of the same size. The window has `stride` blocks of four bytes, and whatever the
//! place of an occurrence, one of them stands where the search looks, which is every `stride` bytes. A table tells of a
//! block at which offsets in a window it stands; for most blocks of most output that is none. The looks do not depend on
//! each other, so the processor takes many at once.

use zeroize::Zeroizing;

use super::forms::Forms;

const BLOCK_BYTES: usize = 4;
/// As many offsets as a table's byte has bits.
const MAX_STRIDE: usize = 8;

/// Tables over the windows of forms. They hold hashes of secrets' parts, and are wiped as those are.
pub struct Search {
    window: usize,
    stride: usize,
    /// For the hash of a block, the offsets at which windows have it, as bits.
    offsets: Zeroizing<Vec<u8>>,
    shift: u32,
    /// For the hash of a window, the forms that begin with it; by hash.
    groups: Zeroizing<Vec<(u64, usize, usize)>>,
}

impl Search {
    /// The tables for these forms.
    pub fn new(forms: &Forms) -> Self {
        let window = forms.shortest().min(BLOCK_BYTES + MAX_STRIDE - 1);
        let stride = (window + 1).saturating_sub(BLOCK_BYTES);
        // One in sixteen entries is taken, or fewer; 64 KiB at the most, which stays in a processor's second cache.
        let entries = (forms.len() * stride * 16).next_power_of_two().clamp(1 << 10, 1 << 16);
        let mut search = Self {
            window,
            stride,
            offsets: Zeroizing::new(vec![0; entries]),
            shift: u32::BITS - entries.trailing_zeros(),
            groups: Zeroizing::default(),
        };
        // Forms are in order, so those with one window stand together.
        let mut groups: Vec<(u64, usize, usize)> = Vec::with_capacity(forms.len());
        for index in 0..forms.len() {
            let begin = &forms.get(index)[..window];
            if let Some(group) = groups.last_mut().filter(|group| forms.get(group.1).starts_with(begin)) {
                group.2 = index + 1;
                continue;
            }
            groups.push((hash(begin), index, index + 1));
            for offset in 0..stride {
                let slot = search.slot(begin, offset);
                search.offsets[slot] |= 1 << offset;
            }
        }
        groups.sort_unstable();
        search.groups = Zeroizing::new(groups);
        search
    }

    /// The first occurrence that begins in `text[from..until]`: where, and how long the longest form there is.
    pub fn next(&self, forms: &Forms, text: &[u8], from: usize, until: usize) -> Option<(usize, usize)> {
        if forms.len() == 0 {
            return None;
        }
        // What begins at `at - offset` has its block `offset` at `at`.
        let mut at = from + self.stride - 1;
        while at + BLOCK_BYTES <= text.len() && at + 1 < until + self.stride {
            let bits = self.offsets[self.slot(text, at)];
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
            let window = text.get(start..start + self.window)?;
            Some((start, self.longest_at(forms, window, &text[start..])?))
        })
    }

    fn longest_at(&self, forms: &Forms, window: &[u8], text: &[u8]) -> Option<usize> {
        let hash = hash(window);
        let first = self.groups.partition_point(|(known, _, _)| *known < hash);
        let same = self.groups[first..].iter().take_while(|(known, _, _)| *known == hash);
        same.filter_map(|(_, first, last)| forms.longest_at(*first, *last, text)).max()
    }

    fn slot(&self, text: &[u8], at: usize) -> usize {
        let block = text[at..at + BLOCK_BYTES].first_chunk::<BLOCK_BYTES>().copied().unwrap_or_default();
        // Multiplicative hashing: the high bits of a product with 2^32 divided by the golden ratio.
        (u32::from_le_bytes(block).wrapping_mul(0x9e37_79b1) >> self.shift) as usize
    }
}

/// FNV-1a: short windows, and no harm in a collision but a comparison.
fn hash(window: &[u8]) -> u64 {
    window.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
