//! Redacts secrets, and their encoded forms, in a process's output. This protects logs from accidents, not from
//! attacks: anyone who has a key can write it in forms that are not searched for.
//!
//! Exactly: every byte that some occurrence of some form covers becomes the mask, also where occurrences overlap; every
//! other byte stays as it is, and so does the length. The mask is a byte that no form has, so that masking never spells
//! a form. A value is also looked for without its outer white space, line by line, and with single spaces: see
//! `variants.rs`. A form of more than 256 bytes is looked for in pieces of that size, and the encoded forms of all secrets
//! together take 256 KiB at the most, so that what is held back, what is kept and what one byte of output costs are
//! bounded, whatever a tenant's secrets and output are.

mod encodings;
mod forms;
mod search;
mod stream;
mod variants;

use std::fmt;

pub use forms::Forms;
pub use stream::{Fed, Stream};
pub use variants::trim;

use crate::error::Result;
use search::WindowTable;

/// The shortest secret and form that is looked for, in bytes, where nothing else is said: shorter ones would mask prose.
pub const DEFAULT_MIN_LENGTH: usize = 8;

/// Looks for secrets, in all of their forms.
pub struct Redactor {
    forms: Forms,
    search: WindowTable,
    skipped: usize,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Redactor({:?}, {} secrets skipped)", self.forms, self.skipped)
    }
}

impl Redactor {
    /// Looks for these secrets; those shorter than `min_length` are skipped.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a minimum below 4 or above 1024, or when all ASCII characters occur in the secrets, so
    /// that none is left to mask with; `INTERNAL` where the system has no randomness.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a [u8]>, min_length: usize) -> Result<Self> {
        let (long, short): (Vec<_>, Vec<_>) = secrets.into_iter().partition(|secret| secret.len() >= min_length);
        let forms = Forms::new(&long, min_length)?;
        let search = WindowTable::new(&forms)?;
        // One whose white space alone makes it long enough is looked for as it is, but is printed without.
        let bare = long.iter().filter(|secret| trim(secret).len() < min_length);
        let skipped = short.iter().filter(|secret| !secret.is_empty()).count() + bare.count();
        Ok(Self { forms, search, skipped })
    }

    /// The number of secrets that are not looked for, as they are too short.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Scrubs one whole text, and says whether there was anything.
    pub fn scrub(&self, text: &mut [u8]) -> bool {
        let end = text.len();
        self.mask(text, 0, end, end) > 0
    }

    /// Masks everything before `covered`, and what is covered by occurrences that begin in `text[..until]`. Returns how
    /// far `covered` and those that begin before `settled` reach.
    fn mask(&self, text: &mut [u8], mut covered: usize, until: usize, settled: usize) -> usize {
        let mut reaches = covered;
        let mut masked = 0;
        let mut at = 0;
        while let Some((start, length)) = self.search.next(&self.forms, text, at, until) {
            // What is before an occurrence is not looked at any more: what is covered of it can go.
            fill(text, masked, covered.min(start), self.forms.mask());
            (masked, at) = (start, start + 1);
            covered = covered.max(start + length);
            if start < settled {
                reaches = covered;
            }
        }
        fill(text, masked, covered.min(text.len()), self.forms.mask());
        reaches
    }
}

fn fill(text: &mut [u8], from: usize, to: usize, mask: u8) {
    if let Some(part) = text.get_mut(from..to) {
        part.fill(mask);
    }
}

#[cfg(test)]
mod tests;
