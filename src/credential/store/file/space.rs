//! Reserves disk space in advance, so that no refresh token is used up for new tokens that could not be saved.

use std::fs::File;
use std::io::Write;

use rustix::fs;
use rustix::io::Errno;

/// Why there is no room: what the kernel says, and to which call.
type NoRoom = (Errno, &'static str);

/// Takes space for an empty file to become one of `length` bytes. Where the file system cannot reserve any, it is
/// written.
///
/// # Errors
/// Where there is none.
pub(super) fn reserve(file: &File, length: usize) -> Result<(), NoRoom> {
    if allocate(file, length)? { Ok(()) } else { fill(file, length) }
}

/// Takes space for a file to become one of `length` bytes, without a change that a reader could see. Where the file
/// system cannot reserve any, it must have it free.
///
/// # Errors
/// Where there is none.
pub(super) fn reserve_behind(file: &File, length: usize) -> Result<(), NoRoom> {
    if allocate(file, length)? {
        return Ok(());
    }
    let stat = fs::fstatvfs(file).map_err(|errno| (errno, "fstatvfs"))?;
    if stat.f_bavail.saturating_mul(stat.f_frsize) < length as u64 { Err((Errno::NOSPC, "fstatvfs")) } else { Ok(()) }
}

/// Whether space was reserved; not, where the file system cannot.
fn allocate(file: &File, length: usize) -> Result<bool, NoRoom> {
    let length = length as u64;
    // To exceed it, the kernel sends a signal, whose default action ends the process.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    if limit.is_some_and(|limit| limit < length) {
        return Err((Errno::FBIG, "getrlimit"));
    }
    loop {
        match keep_size(file, length) {
            Ok(()) => return Ok(true),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(errno) => return Err((errno, "fallocate")),
        }
    }
}

#[cfg(target_os = "linux")]
fn keep_size(file: &File, length: u64) -> Result<(), Errno> {
    fs::fallocate(file, fs::FallocateFlags::KEEP_SIZE, 0, length)
}

#[cfg(not(target_os = "linux"))]
fn keep_size(_: &File, _: u64) -> Result<(), Errno> {
    Err(Errno::OPNOTSUPP)
}

fn fill(mut file: &File, length: usize) -> Result<(), NoRoom> {
    let zeros = [0; 4096];
    let mut left = length;
    let mut write = || -> std::io::Result<()> {
        while left > 0 {
            let count = left.min(zeros.len());
            file.write_all(&zeros[..count])?;
            left -= count;
        }
        // Some file systems report only then that there is no space.
        file.sync_data()
    };
    write().map_err(|error| (super::errno_of(&error), "write"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    #[test]
    fn takes_space_and_changes_nothing_that_is_there() {
        let file = tempfile::tempfile().expect("a file");
        file.write_all_at(b"{}", 0).expect("written");
        reserve_behind(&file, 100_000).expect("room");
        assert_eq!(file.metadata().expect("there").len(), 2);
        assert!(file.metadata().expect("there").blocks() * 512 >= 100_000);
    }

    #[test]
    fn is_written_where_it_cannot_be_reserved() {
        let file = tempfile::tempfile().expect("a file");
        fill(&file, 10_000).expect("room");
        assert_eq!(file.metadata().expect("there").len(), 10_000);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        assert_eq!(fill(&full, 10_000), Err((Errno::NOSPC, "write")));
    }
}
