//! All forms of all secrets: their bytes in one piece of guarded memory, and where each stands, in order.

use std::cmp::Ordering;

use zeroize::Zeroizing;

use super::MIN_LENGTHS;
use super::encodings::{ENCODINGS, Write};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// The longest form that is looked for as a whole. Longer ones are cut; the last piece overlaps the one before.
pub const PIECE_BYTES: usize = 256;

/// The longest secret whose encoded forms are looked for: all forms of one take ten times its size. A longer one is
/// looked for as it is, and in JSON.
pub const ENCODED_BYTES: usize = 16 * 1024;

/// What masks, the first that no form has; then any other byte.
const MASKS: &[u8] = b"*#x.-_~^%$!?+=:;,|&@";

/// The place of a form, and the longest other one that it begins with.
#[derive(Clone, Copy, Debug)]
struct Form {
    start: u32,
    length: u16,
    /// Its number, or its own for none.
    parent: u32,
}

/// Forms by their bytes, in order, each once.
pub struct Forms {
    bytes: Secret,
    forms: Vec<Form>,
    /// For each first byte, which second bytes forms have after it.
    pairs: Zeroizing<Vec<Bytes>>,
    mask: u8,
    longest: usize,
    shortest: usize,
}

/// A set of bytes.
#[derive(Clone, Copy, Default)]
struct Bytes([u64; 4]);

impl zeroize::DefaultIsZeroes for Bytes {}

impl Forms {
    /// The forms of these secrets that are not shorter than `min_length`.
    ///
    /// # Errors
    /// See [`super::Redactor::new`].
    pub fn new(secrets: &[&[u8]], min_length: usize) -> Result<Self> {
        if !MIN_LENGTHS.contains(&min_length) {
            let message = "options.minLength must be a whole number from 4 to 1024.";
            return Err(Error::new(ErrorCode::InvalidArgValue, message).name("minLength"));
        }
        let bytes = write_all(secrets);
        let mut places = pieces(secrets, min_length);
        let at = |form: &Form| slice(&bytes, form);
        places.sort_unstable_by(|one, other| at(one).cmp(at(other)));
        places.dedup_by(|one, other| at(one) == at(other));
        link_parents(&bytes, &mut places);
        let lengths = || places.iter().map(|form| usize::from(form.length));
        let (longest, shortest) = (lengths().max().unwrap_or(0), lengths().min().unwrap_or(0));
        let mask = mask_for(&bytes)?;
        let mut pairs = Zeroizing::new(vec![Bytes::default(); 256]);
        for form in &places {
            if let [first, second, ..] = slice(&bytes, form) {
                pairs[usize::from(*first)].0[usize::from(second >> 6)] |= 1 << (second & 63);
            }
        }
        Ok(Self { bytes, forms: places, pairs, mask, longest, shortest })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.forms.len()
    }

    /// The bytes of one, by its place in the order.
    pub fn get(&self, index: usize) -> &[u8] {
        slice(&self.bytes, &self.forms[index])
    }

    /// The byte that masks.
    pub fn mask(&self) -> u8 {
        self.mask
    }

    /// The length of the longest; 0 when there is none.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The length of the shortest; 0 when there is none.
    pub fn shortest(&self) -> usize {
        self.shortest
    }

    /// The length of the longest of the forms `first..last` that `text` begins with.
    pub fn longest_at(&self, first: usize, last: usize, text: &[u8]) -> Option<usize> {
        // Every form that `text` begins with is not above it, and is a parent of the last such form or that form.
        let above = first + self.partition(first, last, |form| compare(form, text) != Ordering::Greater);
        let mut index = above.checked_sub(1).filter(|index| *index >= first)?;
        let common = self.get(index).iter().zip(text).take_while(|(one, other)| one == other).count();
        loop {
            let form = self.forms[index];
            if usize::from(form.length) <= common {
                return Some(form.length.into());
            }
            if form.parent as usize == index {
                return None;
            }
            index = form.parent as usize;
        }
    }

    /// The longest end of `text` that some form begins with and goes on after.
    pub fn beginning_at_the_end_of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let ends = (0..text.len()).map(|start| &text[start..]);
        ends.into_iter().find(|end| self.begins_with(end)).unwrap_or_default()
    }

    fn begins_with(&self, text: &[u8]) -> bool {
        let pairs = |second: u8| self.pairs[usize::from(text[0])].0[usize::from(second >> 6)] >> (second & 63) & 1 == 1;
        // Most ends are ruled out by their first two bytes.
        if !text.get(1).is_none_or(|second| pairs(*second)) {
            return false;
        }
        let first = self.partition(0, self.len(), |form| form <= text);
        first < self.len() && self.get(first).starts_with(text)
    }

    /// How many of the forms `first..last`, which `is_before` holds for first, it holds for.
    fn partition(&self, first: usize, last: usize, is_before: impl Fn(&[u8]) -> bool) -> usize {
        self.forms[first..last].partition_point(|form| is_before(slice(&self.bytes, form)))
    }
}

/// As bytes are ordered, but a form that `text` begins with is equal to it.
fn compare(form: &[u8], text: &[u8]) -> Ordering {
    form.cmp(&text[..form.len().min(text.len())])
}

fn slice<'a>(bytes: &'a Secret, form: &Form) -> &'a [u8] {
    let start = form.start as usize;
    &bytes.expose()[start..start + usize::from(form.length)]
}

/// Each secret's forms, one after the other, with their place.
fn each<'a>(secrets: &'a [&'a [u8]]) -> impl Iterator<Item = (&'a [u8], Write, usize)> {
    secrets.iter().flat_map(|secret| {
        let is_long = secret.len() > ENCODED_BYTES;
        let rows = ENCODINGS.iter().filter(move |row| row.of_any_length || !is_long);
        let written = rows.map(|row| (row, (row.length)(secret)));
        let written = written.filter(|(row, length)| !row.escapes || *length != secret.len());
        written.map(|(row, length)| (*secret, row.write, length))
    })
}

fn write_all(secrets: &[&[u8]]) -> Secret {
    let length = each(secrets).map(|(_, _, length)| length).sum();
    let written = Secret::build::<std::convert::Infallible>(length, |mut rest| {
        for (secret, write, length) in each(secrets) {
            let (here, after) = rest.split_at_mut(length);
            write(secret, here);
            rest = after;
        }
        Ok(())
    });
    let Ok(written) = written;
    written
}

/// Where the pieces stand in what [`write_all`] wrote.
fn pieces(secrets: &[&[u8]], min_length: usize) -> Vec<Form> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (_, _, length) in each(secrets) {
        let whole = length / PIECE_BYTES;
        let starts = (0..whole).map(|piece| piece * PIECE_BYTES);
        let last = length.saturating_sub(PIECE_BYTES);
        for offset in starts.chain((length % PIECE_BYTES != 0).then_some(last)) {
            let length = PIECE_BYTES.min(length);
            if length >= min_length {
                // All secrets of a launch fit an environment: 6 MiB, ten times that with their forms.
                pieces.push(Form { start: (start + offset) as u32, length: length as u16, parent: 0 });
            }
        }
        start += length;
    }
    pieces
}

fn link_parents(bytes: &Secret, forms: &mut [Form]) {
    // The forms that the present one may begin with, each of which begins with the one before.
    let mut open: Vec<usize> = Vec::new();
    for index in 0..forms.len() {
        while open.last().is_some_and(|last| !slice(bytes, &forms[index]).starts_with(slice(bytes, &forms[*last]))) {
            open.pop();
        }
        forms[index].parent = open.last().copied().unwrap_or(index) as u32;
        open.push(index);
    }
}

fn mask_for(bytes: &Secret) -> Result<u8> {
    let mut taken = Zeroizing::new([false; 256]);
    for byte in bytes.expose() {
        taken[usize::from(*byte)] = true;
    }
    let free = |byte: &u8| !taken[usize::from(*byte)];
    MASKS.iter().copied().find(free).or_else(|| (0..=u8::MAX).rev().find(free)).ok_or_else(|| {
        let message = "The secrets have every byte there is, so none is left to mask them with.";
        Error::new(ErrorCode::InvalidArgValue, message)
    })
}
