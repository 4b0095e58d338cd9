//! What is said of a start for which this process or the machine has nothing left.

use crate::error::{Error, ErrorCode};
use crate::sys::Step;

/// What to do about a resource that is used up, by the kernel's error number, whichever step asked for it.
pub fn used_up(errno: i32) -> Option<&'static str> {
    match errno {
        libc::EMFILE => Some(
            "This process has no descriptor left: raise its limit (ulimit -n, LimitNOFILE= of a unit), or look for \
             descriptors that are never closed.",
        ),
        libc::ENFILE => Some("The machine has no open file left: raise fs.file-max."),
        libc::EAGAIN => {
            Some("The user or a cgroup has no room for another process: see ulimit -u, pids.max and kernel.pid_max.")
        }
        libc::ENOMEM => Some("The machine or a cgroup has no memory left: see memory.max of the cgroup."),
        _ => None,
    }
}

/// The error of a stream or pipe that could not be made.
pub fn no_descriptor(errno: i32) -> Error {
    let reason = std::io::Error::from_raw_os_error(errno);
    let remedy = used_up(errno).unwrap_or("Look at the limits of this process and of the machine.");
    let message = format!("There is no descriptor for the child's streams: {reason}. {remedy}");
    Error::new(ErrorCode::SpawnFailed, message).step(Step::Stdio.name()).errno(errno, "pipe2")
}
