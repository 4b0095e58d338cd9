//! Writes a file in place so that a kill at any byte leaves a complete login: the new content is appended to the old
//! one, with its length and digest, before the first byte of the old one is overwritten.
//!
//! A file that is itself a mount point (`docker run -v …/auth.json:…`) cannot be replaced by another, and what is
//! beside it is gone with the container. So everything is in the file. JSON has no NUL, which therefore begins the
//! journal.
//!
//! Three writes follow one another, each synced: the journal; the new content over the old; the cut to its length.

use sha2::{Digest as _, Sha256};

use crate::sys::guarded::GuardedBytes;

const MAGIC: &[u8; 8] = b"\0pe-next";
const LENGTH_BYTES: usize = 8;
const DIGEST_BYTES: usize = 32;
const HEAD_BYTES: usize = MAGIC.len() + LENGTH_BYTES + DIGEST_BYTES;

/// The largest file, in bytes. A login is a few KiB, but the CLI keeps its logins to MCP servers in the same file, and
/// some are of more than a MiB.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// The largest file with a journal.
pub const MAX_BYTES: usize = room_for(MAX_FILE_BYTES);

/// How large a file becomes while a content of so many bytes is written in place of one that is no larger.
pub const fn room_for(content: usize) -> usize {
    2 * content + HEAD_BYTES
}

/// What is written behind a content of `old` bytes, from there on: white space up to where the new content will end,
/// and the journal.
pub fn behind(old: usize, new: &[u8]) -> GuardedBytes {
    let space = vec![b' '; new.len().saturating_sub(old)];
    let length = (new.len() as u64).to_le_bytes();
    GuardedBytes::joined(&[&space, MAGIC, &length, &Sha256::digest(new), new])
}

/// The content of a file, whatever was written of another one in its place.
pub fn resolve(bytes: GuardedBytes) -> GuardedBytes {
    match Journal::find(&bytes) {
        Journal::None => bytes,
        Journal::Begun(at) => GuardedBytes::copy_of(&bytes[..at]),
        Journal::Whole(new) => GuardedBytes::copy_of(new),
    }
}

/// How much of a journal a file has.
pub enum Journal<'a> {
    None,
    /// A part, from there on: what is before it is whole.
    Begun(usize),
    /// All of it, and so the new content: what is before it may be of both.
    Whole(&'a [u8]),
}

impl<'a> Journal<'a> {
    pub fn find(bytes: &'a [u8]) -> Self {
        let Some(at) = bytes.iter().position(|byte| *byte == 0) else { return Self::None };
        // Also where only NULs follow: space that a file system gave, and whose bytes it lost with the power.
        Self::read(&bytes[at..]).map_or(Self::Begun(at), Self::Whole)
    }

    fn read(journal: &'a [u8]) -> Option<&'a [u8]> {
        let (length, rest) = journal.strip_prefix(MAGIC)?.split_at_checked(LENGTH_BYTES)?;
        let (digest, rest) = rest.split_at_checked(DIGEST_BYTES)?;
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let new = rest.get(..length)?;
        (Sha256::digest(new)[..] == *digest).then_some(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with what is written to it, up to so many bytes in all.
    struct Cut {
        file: Vec<u8>,
        left: usize,
    }

    impl Cut {
        fn write(&mut self, at: usize, bytes: &[u8]) {
            let bytes = &bytes[..bytes.len().min(self.left)];
            self.left -= bytes.len();
            let end = at + bytes.len();
            self.file.resize(self.file.len().max(end), 0);
            self.file[at..end].copy_from_slice(bytes);
        }
    }

    #[test]
    fn a_kill_at_any_byte_leaves_one_of_the_two() {
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(100));
        for (old, new) in [(r#"{"a":1}"#, r#"{"a":2}"#), (r#"{"a":1}"#, &long), (&long, r#"{"a":2}"#), ("{}\n", "{}")] {
            let journal = behind(old.len(), new.as_bytes());
            let all = journal.len() + new.len();
            for left in 0..=all {
                let mut cut = Cut { file: old.as_bytes().to_vec(), left };
                cut.write(old.len(), &journal);
                cut.write(0, new.as_bytes());
                assert!(cut.file.len() <= room_for(old.len().max(new.len())));
                let resolved = resolve(GuardedBytes::copy_of(&cut.file));
                // The white space before a journal that has begun is the document's.
                let text = std::str::from_utf8(&resolved).expect("text").trim_end_matches(' ');
                assert_eq!(text, if left < journal.len() { old } else { new }, "{left} of {all} bytes");
                if left == all {
                    cut.file.truncate(new.len());
                    assert_eq!(&*resolve(GuardedBytes::copy_of(&cut.file)), new.as_bytes());
                }
            }
        }
    }

    #[test]
    fn nothing_else_is_a_journal() {
        let old = b"{\"a\":1}";
        let mut journal = behind(old.len(), b"{\"a\":2}").to_vec();
        let last = journal.len() - 2;
        journal[last] = b'3';
        for tail in [&b""[..], b"\0", b"\0\0\0\0", b"\0pe-next", &journal, b"\0pe-next\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            assert_eq!(&*resolve(GuardedBytes::copy_of(&[&old[..], tail].concat())), old);
        }
    }
}
