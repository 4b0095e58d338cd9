//! Waits for a child with its pidfd, and reads its exit status.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    Code(i32),
    Signal(i32),
    /// Somebody else waited for it: a `waitpid(-1)` elsewhere in the process, or ignored SIGCHLD.
    Unknown,
}

/// The name of a real-time signal as `kill -l` has it; none for the others, which the platform's tables name. The first
/// one is the C library's to choose: it keeps those below for its threads.
#[must_use]
pub fn real_time_name(signal: i32) -> Option<String> {
    const FIRST_OF_KERNEL: i32 = 32;
    let first = libc::SIGRTMIN();
    match signal - first {
        0 => Some("SIGRTMIN".to_owned()),
        1.. => Some(format!("SIGRTMIN+{}", signal - first)),
        _ if signal >= FIRST_OF_KERNEL => Some(format!("SIG{signal}")),
        _ => None,
    }
}

/// Waits until the process has ended and takes its status.
#[must_use]
pub fn wait(pidfd: &OwnedFd) -> ExitStatus {
    loop {
        if let Some(status) = take_status(pidfd, WaitIdOptions::EXITED) {
            return status;
        }
    }
}

/// Takes the status of a process that has ended, if it is available at once: a tracer may hold it.
#[must_use]
pub fn try_wait(pidfd: &OwnedFd) -> Option<ExitStatus> {
    take_status(pidfd, WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
}

fn take_status(pidfd: &OwnedFd, options: WaitIdOptions) -> Option<ExitStatus> {
    match waitid(WaitId::PidFd(pidfd.as_fd()), options) {
        Ok(Some(status)) => Some(exit_status(&status)),
        Ok(None) | Err(Errno::INTR) => None,
        Err(_) => Some(ExitStatus::Unknown),
    }
}

fn exit_status(status: &WaitIdStatus) -> ExitStatus {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, Some(signal)) => ExitStatus::Signal(signal),
        (None, None) => ExitStatus::Unknown,
    }
}

/// Whether the process is stopped (SIGSTOP and the like). Does not take the state away from anybody.
#[must_use]
pub fn is_stopped(pidfd: BorrowedFd<'_>) -> bool {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::PidFd(pidfd), options), Ok(Some(_)))
}
