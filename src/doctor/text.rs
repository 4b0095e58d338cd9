//! Reads a file that may hold secrets into memory that is wiped.

use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::secret::Secret;
use crate::sys::regular_file::open_regular;

/// The largest file that is read, in bytes.
pub(super) const MAX_BYTES: u64 = crate::credential::store::MAX_FILE_BYTES as u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    Missing,
    /// A directory above the file is closed to us: it may be there or not.
    Hidden,
    /// The file is not for us to read, or no regular file, or larger than what is read.
    Refused,
}

/// Reads a regular file. A link is followed, as the CLI does.
pub(super) fn read(path: &Path) -> Result<Secret, Unread> {
    // A link to nowhere is nothing to the CLI either.
    if let Err(error) = std::fs::metadata(path) {
        return Err(match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Missing,
            ErrorKind::PermissionDenied => Unread::Hidden,
            _ => Unread::Refused,
        });
    }
    let mut file = open_regular(path).ok_or(Unread::Refused)?;
    let length = file.metadata().map_err(|_| Unread::Refused)?.len();
    if length > MAX_BYTES {
        return Err(Unread::Refused);
    }
    let length = usize::try_from(length).map_err(|_| Unread::Refused)?;
    // One that shrinks meanwhile is read another time.
    Secret::build(length, |bytes| file.read_exact(bytes)).map_err(|_| Unread::Refused)
}
