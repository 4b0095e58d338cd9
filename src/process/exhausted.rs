//! The messages for a start that failed because this process or the machine has run out of a resource.

use crate::error::{Error, ErrorCode};
use crate::sys::Step;

/// What to do about a resource that is used up, by the kernel's error number, whichever step needed it.
pub fn used_up(errno: i32) -> Option<&'static str> {
    match errno {
        libc::EMFILE => Some(
            "This process has no file descriptor left: raise its limit (ulimit -n, or LimitNOFILE= in its systemd \
            unit), or find the descriptors that it never closes.",
        ),
        libc::ENFILE => Some("The machine has reached its limit of open files: raise fs.file-max."),
        libc::EAGAIN => Some(
            "The user or a cgroup has reached its limit of processes: check ulimit -u, pids.max and \
                kernel.pid_max.",
        ),
        libc::ENOMEM => Some("The machine or a cgroup has no memory left: check memory.max of the cgroup."),
        _ => None,
    }
}

/// The error of a stream or pipe that could not be made.
pub fn no_descriptor(errno: i32) -> Error {
    let reason = std::io::Error::from_raw_os_error(errno);
    let remedy = used_up(errno).unwrap_or("Check the limits of this process and of the machine.");
    let message = format!("The descriptors of the child's streams could not be created: {reason}. {remedy}");
    Error::new(ErrorCode::SpawnFailed, message).step(Step::Stdio.name()).errno(errno, "pipe2")
}
