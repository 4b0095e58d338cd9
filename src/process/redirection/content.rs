//! Reads a small regular file that a tenant may have replaced with anything.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

/// The largest configuration that is read, in bytes. Those that the CLI writes have some hundred KiB.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What is in the file that `place` leads to; none where it is no regular file, not for us to read, or larger than what
/// is read.
pub fn read(place: &OwnedFd) -> Option<Vec<u8>> {
    let file = reopen(place)?;
    let metadata = file.metadata().ok()?;
    (metadata.is_file() && metadata.len() <= MAX_BYTES).then_some(())?;
    let mut text = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
    // One that grows meanwhile is too large to understand.
    file.take(MAX_BYTES + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_BYTES).then_some(text)
}

/// `place` is only a path so far: only a regular file is opened, as a FIFO would wait and a device acts.
#[cfg(target_os = "linux")]
fn reopen(place: &OwnedFd) -> Option<File> {
    use rustix::fs::{FileType, Mode, OFlags, fstat, open};
    use std::os::fd::AsRawFd;

    let kind = FileType::from_raw_mode(fstat(place).ok()?.st_mode);
    (kind == FileType::RegularFile).then_some(())?;
    let path = format!("/proc/self/fd/{}", place.as_raw_fd());
    open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).ok().map(File::from)
}

#[cfg(not(target_os = "linux"))]
fn reopen(place: &OwnedFd) -> Option<File> {
    place.try_clone().ok().map(File::from)
}
