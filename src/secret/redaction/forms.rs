//! All forms of all secrets: their bytes in one piece of guarded memory, and their positions in order.

use std::cmp::Ordering;
use std::fmt;

use zeroize::Zeroizing;

use super::encodings::{ENCODINGS, Encoding, Write};
use super::variants::{Variant, variants_of};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};

/// What may be said in place of [`super::DEFAULT_MIN_LENGTH`]. Four bytes are what the search looks at at once.
const MIN_LENGTHS: std::ops::RangeInclusive<usize> = 4..=1024;

/// The longest form that is looked for as a whole. Longer ones are cut; the last piece overlaps the one before.
pub const PIECE_BYTES: usize = 256;

/// The most bytes that the encoded forms of all secrets together may take: they take ten times the secrets' own, in
/// memory that can be locked only up to a limit, and a tenant chooses how much. In the order of the secrets, one whose
/// forms have no room any more is looked for as it is. 40 keys of 100 bytes with all their forms take a tenth of it.
pub const ENCODED_BYTES: usize = 256 * 1024;

/// What masks, the first that no form has: what a reader knows as a mask, then other printable characters, then control
/// characters that no line or text ends with. NUL comes last: no variable can have one.
fn masks() -> impl Iterator<Item = u8> {
    b"*#x.-_~^"
        .iter()
        .copied()
        .chain(b'!'..=b'~')
        .chain([0x1a])
        .chain((1..b' ').filter(|byte| !b"\t\n\r".contains(byte)))
        .chain([0])
}

/// The place of a form, and the longest other one that it begins with.
#[derive(Clone, Copy, Debug)]
struct Form {
    start: u32,
    length: u16,
    /// Its number, or its own for none.
    parent: u32,
}

/// All forms in the order of their bytes, each once.
pub struct Forms {
    bytes: Secret,
    forms: Vec<Form>,
    /// Which pairs of bytes forms begin with, as bits of a hash.
    pairs: Secret,
    mask: u8,
    longest: usize,
    shortest: usize,
}

impl fmt::Debug for Forms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Forms({})", self.len())
    }
}

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
        let variants: Vec<Variant<'_>> = secrets.iter().flat_map(|secret| variants_of(secret, min_length)).collect();
        let rows = rows_of(&variants);
        let bytes = write_all(&rows)?;
        let mut places = pieces(&rows, min_length);
        let at = |form: &Form| slice(&bytes, form);
        places.sort_unstable_by(|one, other| at(one).cmp(at(other)));
        places.dedup_by(|one, other| at(one) == at(other));
        link_parents(&bytes, &mut places);
        let lengths = || places.iter().map(|form| usize::from(form.length));
        let (longest, shortest) = (lengths().max().unwrap_or(0), lengths().min().unwrap_or(0));
        let mask = mask_for(&bytes)?;
        let pairs = pairs_of(&bytes, &places);
        Ok(Self { bytes, forms: places, pairs, mask, longest, shortest })
    }

    pub fn len(&self) -> usize {
        self.forms.len()
    }

    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The bytes of one, by its place in the order.
    pub fn get(&self, index: usize) -> &[u8] {
        slice(&self.bytes, &self.forms[index])
    }

    /// The byte that masks: none of the forms has it.
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

    /// The length of the longest form that `text` begins with.
    pub fn longest_at(&self, text: &[u8]) -> Option<usize> {
        // Every form that `text` begins with is not above it, and is a parent of the last such form or that form.
        let above = self.forms.partition_point(|form| compare(slice(&self.bytes, form), text) != Ordering::Greater);
        let mut index = above.checked_sub(1)?;
        let common = common_beginning(self.get(index), text);
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
        // Most ends are ruled out by their first two bytes.
        if let [first, second, ..] = text
            && !has_pair(self.pairs.expose_secret(), *first, *second)
        {
            return false;
        }
        let first = self.forms.partition_point(|form| slice(&self.bytes, form) <= text);
        first < self.len() && self.get(first).starts_with(text)
    }
}

/// The number of bits that record with which pairs of bytes forms begin.
const PAIR_BITS: usize = 4096;

fn pair_bit(first: u8, second: u8) -> (usize, u8) {
    let bit = (usize::from(first) << 4 ^ usize::from(second)) % PAIR_BITS;
    (bit / 8, 1 << (bit % 8))
}

fn has_pair(pairs: &[u8], first: u8, second: u8) -> bool {
    let (byte, bit) = pair_bit(first, second);
    pairs[byte] & bit != 0
}

/// How many bytes two texts begin with alike: sixteen at a time, as a tenant can have them be alike for long.
fn common_beginning(one: &[u8], other: &[u8]) -> usize {
    const STEP: usize = 16;
    let steps = one.chunks_exact(STEP).zip(other.chunks_exact(STEP)).take_while(|(one, other)| one == other).count();
    let rest = one.iter().zip(other).skip(steps * STEP);
    steps * STEP + rest.take_while(|(one, other)| one == other).count()
}

/// As bytes are ordered, but a form that `text` begins with is equal to it.
fn compare(form: &[u8], text: &[u8]) -> Ordering {
    form.cmp(&text[..form.len().min(text.len())])
}

fn slice<'a>(bytes: &'a Secret, form: &Form) -> &'a [u8] {
    let start = form.start as usize;
    &bytes.expose_secret()[start..start + usize::from(form.length)]
}

/// A secret in an encoding, and how long that is.
struct EncodedForm<'a> {
    secret: &'a [u8],
    write: Write,
    length: usize,
}

/// Each secret's forms, one after the other: itself, and the others while there is room for them.
fn rows_of<'a>(variants: &'a [Variant<'_>]) -> Vec<EncodedForm<'a>> {
    let mut room = ENCODED_BYTES;
    let mut rows = Vec::new();
    for variant in variants {
        let secret = variant.bytes();
        let encodings = ENCODINGS.iter().enumerate();
        let wanted = encodings.filter(|(index, encoding)| *index == 0 || variant.is_encoded || encoding.escapes);
        let all = wanted.map(|(_, encoding)| (encoding, (encoding.length)(secret)));
        // What an escaping encoding leaves as long as it was is the secret itself.
        let mut all = all.filter(|(encoding, length)| !encoding.escapes || *length != secret.len());
        let row = |(encoding, length): (&Encoding, usize)| EncodedForm { secret, write: encoding.write, length };
        rows.extend(all.next().map(row));
        let encoded: Vec<EncodedForm<'_>> = all.map(row).collect();
        let bytes = encoded.iter().map(|row| row.length).sum();
        if let Some(left) = room.checked_sub(bytes) {
            room = left;
            rows.extend(encoded);
        }
    }
    rows
}

fn write_all(rows: &[EncodedForm<'_>]) -> Result<Secret> {
    let length: usize = rows.iter().map(|row| row.length).sum();
    // Places are kept in 32 bits.
    if u32::try_from(length).is_err() {
        let message = "The secrets are larger than 4 GiB, which is too much to search for.";
        return Err(Error::new(ErrorCode::InvalidArgValue, message));
    }
    Secret::build(length, |mut rest| {
        for row in rows {
            let (here, after) = rest.split_at_mut(row.length);
            (row.write)(row.secret, here);
            rest = after;
        }
        Ok(())
    })
}

/// Where the pieces are in what [`write_all`] wrote.
fn pieces(rows: &[EncodedForm<'_>], min_length: usize) -> Vec<Form> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for EncodedForm { length, .. } in rows {
        let whole = length / PIECE_BYTES;
        let starts = (0..whole).map(|piece| piece * PIECE_BYTES);
        let last = length.saturating_sub(PIECE_BYTES);
        let piece = PIECE_BYTES.min(*length);
        if piece >= min_length {
            let offsets = starts.chain((length % PIECE_BYTES != 0).then_some(last));
            // `write_all` has checked that they fit.
            pieces.extend(offsets.map(|offset| Form {
                start: (start + offset) as u32,
                length: piece as u16,
                parent: 0,
            }));
        }
        start += length;
    }
    pieces
}

fn pairs_of(bytes: &Secret, forms: &[Form]) -> Secret {
    let pairs = Secret::build::<std::convert::Infallible>(PAIR_BITS / 8, |pairs| {
        for form in forms {
            if let [first, second, ..] = slice(bytes, form) {
                let (byte, bit) = pair_bit(*first, *second);
                pairs[byte] |= bit;
            }
        }
        Ok(())
    });
    let Ok(pairs) = pairs;
    pairs
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
    for byte in bytes.expose_secret() {
        taken[usize::from(*byte)] = true;
    }
    let free = |byte: &u8| !taken[usize::from(*byte)];
    masks().find(free).ok_or_else(|| {
        let message = "The secrets contain every character that could mask them. Leave some of them out.";
        Error::new(ErrorCode::InvalidArgValue, message)
    })
}
