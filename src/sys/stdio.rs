//! The ends of a child's standard streams and of the credential pipe.

use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// The child's descriptor of its credential's pipe: the first after the standard streams.
pub const CREDENTIAL_DESCRIPTOR: u8 = 3;

/// Our end and the child's end of a stream: a pair of connected sockets, as `child_process` makes. Both block; libuv makes ours
/// non-blocking when it opens it.
///
/// # Errors
/// The kernel's.
#[cfg(target_os = "linux")]
pub fn stream() -> Result<(OwnedFd, OwnedFd), Errno> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

/// `/dev/null`, for reading and writing.
///
/// # Errors
/// The kernel's.
pub fn null() -> Result<OwnedFd, Errno> {
    rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
}

/// A child's standard streams, with `/dev/null` for those that it has not: opened only where there is such a one.
///
/// # Errors
/// The kernel's.
pub fn or_null<'a>(
    streams: &'a [Option<OwnedFd>; 3],
    null: &'a mut Option<OwnedFd>,
) -> Result<[BorrowedFd<'a>; 3], Errno> {
    if let [Some(stdin), Some(stdout), Some(stderr)] = streams {
        return Ok([stdin, stdout, stderr].map(AsFd::as_fd));
    }
    let null = &*null.insert(self::null()?);
    Ok(streams.each_ref().map(|stream| stream.as_ref().unwrap_or(null).as_fd()))
}

/// Asks the kernel about a descriptor of this process.
///
/// # Errors
/// `EBADF` when no such descriptor is open; what `ask` says.
fn asked_of<T>(number: i32, ask: impl FnOnce(BorrowedFd<'_>) -> Result<T, Errno>) -> Result<T, Errno> {
    if number < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: not -1, and borrowed only for a question to the kernel, which is EBADF when the number is not open.
    ask(unsafe { BorrowedFd::borrow_raw(number) })
}

/// A copy of a descriptor of this process, so that its owner may close it before the start.
///
/// # Errors
/// `EBADF` when no such descriptor is open.
pub fn copy_of(number: i32) -> Result<OwnedFd, Errno> {
    asked_of(number, |theirs| rustix::io::fcntl_dupfd_cloexec(theirs, 3))
}

/// Whether a descriptor of this process is open.
#[must_use]
pub fn is_open(number: i32) -> bool {
    asked_of(number, |descriptor| rustix::io::fcntl_getfd(descriptor)).is_ok()
}

/// Whether a descriptor of this process is open, and a terminal.
#[must_use]
pub fn is_terminal(number: i32) -> bool {
    asked_of(number, |stream| Ok(stream.is_terminal())) == Ok(true)
}

/// The reading end of a pipe that holds `bytes` and nothing else: its writing end is closed.
///
/// # Errors
/// The kernel's; `EMSGSIZE` when the pipe would not hold it all.
pub fn pipe_holding(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let (reader, writer) = pipe()?;
    rustix::io::ioctl_fionbio(&writer, true)?;
    let written = rustix::io::write(&writer, bytes)?;
    if written != bytes.len() {
        return Err(Errno::MSGSIZE);
    }
    drop(writer);
    Ok(reader)
}

/// Makes another the owner of a pipe, who can then open it by its name below /proc.
///
/// # Errors
/// The kernel's, without `CAP_CHOWN`.
#[cfg(target_os = "linux")]
pub fn give(pipe: &OwnedFd, uid: u32, gid: u32) -> Result<(), Errno> {
    use rustix::fs::{Gid, Uid, fchown};
    fchown(pipe, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
}

#[cfg(target_os = "linux")]
fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
}

/// Without `pipe2`, a process that the host starts between the calls inherits the pipe; `docs/hardening.md` says so.
#[cfg(not(target_os = "linux"))]
fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (reader, writer) = rustix::pipe::pipe()?;
    for end in [&reader, &writer] {
        rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok((reader, writer))
}
