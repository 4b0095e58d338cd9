//! Who is at the other end of a Unix socket.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

/// A pidfd of the process that connected (`SO_PEERPIDFD` of unix(7)), which refers to that process even after its pid is used
/// again. It needs Linux 6.5.
///
/// # Errors
/// The kernel's: `ENOPROTOOPT` if it does not know the option, `ESRCH` or `EINVAL` if the process was reaped.
pub fn peer_pidfd(socket: impl AsFd) -> Result<OwnedFd, Errno> {
    let mut descriptor: libc::c_int = -1;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERPIDFD);
    let socket = socket.as_fd().as_raw_fd();
    // SAFETY: getsockopt(2) writes at most `length` bytes, the size of `descriptor`, which outlives the call.
    let done = unsafe { libc::getsockopt(socket, level, option, (&raw mut descriptor).cast(), &mut length) };
    if done != 0 || descriptor < 0 {
        return Err(std::io::Error::last_os_error().raw_os_error().map_or(Errno::NOPROTOOPT, Errno::from_raw_os_error));
    }
    // SAFETY: getsockopt(2) succeeded, so this is an open descriptor, which the kernel made for this call; nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_peer_is_this_process() {
        let (one, _other) = UnixStream::pair().expect("a pair");
        match peer_pidfd(&one) {
            Ok(pidfd) => {
                let info = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
                let info = std::fs::read_to_string(info).expect("Linux");
                assert!(info.contains(&format!("Pid:\t{}\n", std::process::id())), "{info}");
            }
            Err(errno) => assert_eq!(errno, Errno::NOPROTOOPT, "older than Linux 6.5"),
        }
        assert_eq!(peer_pidfd(std::fs::File::open("/dev/null").expect("there")).err(), Some(Errno::NOTSOCK));
    }
}
