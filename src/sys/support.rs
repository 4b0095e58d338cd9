//! Whether this kernel and sandbox have the calls that a start needs, and waiting for a child by its pidfd.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use super::clone::{self, Child, InFlight, Stack};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this status.
    Code(i32),
    /// By this signal.
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
pub fn wait(pidfd: &OwnedFd) -> Ending {
    loop {
        match waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED) {
            Ok(Some(status)) => return ending(&status),
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return Ending::Unknown,
        }
    }
}

/// Takes the status of a process that has ended, if it is to be had at once: a tracer may hold it.
#[must_use]
pub fn try_wait(pidfd: &OwnedFd) -> Option<Ending> {
    match waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
        Ok(Some(status)) => Some(ending(&status)),
        Ok(None) | Err(Errno::INTR) => None,
        Err(_) => Some(Ending::Unknown),
    }
}

fn ending(status: &WaitIdStatus) -> Ending {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ending::Code(code),
        (None, Some(signal)) => Ending::Signal(signal),
        (None, None) => Ending::Unknown,
    }
}

/// Whether the process is stopped (SIGSTOP and the like). Does not take the state away from anybody.
#[must_use]
pub fn is_stopped(pidfd: BorrowedFd<'_>) -> bool {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::PidFd(pidfd), options), Ok(Some(_)))
}

/// Tries once whether the native start works here. A kernel before 5.9, or a sandbox with a seccomp filter, may lack
/// a call.
///
/// # Errors
/// The name of the first call that is missing.
pub fn native_start() -> Result<(), &'static str> {
    static SUPPORT: OnceLock<Result<(), &'static str>> = OnceLock::new();
    *SUPPORT.get_or_init(|| {
        // A range that holds no descriptor.
        // SAFETY: closes nothing: descriptor numbers end far below.
        let closed = unsafe { libc::syscall(libc::SYS_close_range, u32::MAX - 1, u32::MAX, 0) };
        if closed != 0 {
            return Err("close_range");
        }
        // With 1 a process stays dumpable when a child that shares its memory changes its uid, and that uid could
        // read it (proc_sys_fs(5)).
        if std::fs::read_to_string("/proc/sys/fs/suid_dumpable").is_ok_and(|mode| mode.trim() == "1") {
            return Err("fs.suid_dumpable other than 1");
        }
        let own = rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty());
        let own = own.map_err(|_| "pidfd_open")?;
        let mut polled = [PollFd::new(&own, PollFlags::IN)];
        let instant = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut polled, Some(&instant)).map_err(|_| "poll")?;
        match waitid(WaitId::PidFd(own.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            // Not our child: the call knows pidfds.
            Err(Errno::CHILD) => Ok(()),
            _ => Err("waitid"),
        }
    })
}

/// What becomes of the session keyring of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKeyring {
    /// It gets its own.
    Own,
    /// This kernel has no keyrings.
    None,
    /// A sandbox refuses `keyctl`, as Docker's default profile does: it keeps the worker's.
    Inherited,
}

/// `KEYCTL_CAPABILITIES`: asks, and changes nothing (keyctl(2), Linux 5.8).
const KEYCTL_CAPABILITIES: i64 = 31;

/// Asks once whether a child can get a session keyring of its own.
#[must_use]
pub fn session_keyring() -> SessionKeyring {
    static SUPPORT: OnceLock<SessionKeyring> = OnceLock::new();
    *SUPPORT.get_or_init(|| {
        // SAFETY: a buffer of no length: nothing is written.
        let told = unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_CAPABILITIES, core::ptr::null::<u8>(), 0) };
        let errno = std::io::Error::last_os_error().raw_os_error();
        match (told, errno) {
            (0.., _) => SessionKeyring::Own,
            // A filter can say so too: it does not hide the file.
            (_, Some(libc::ENOSYS)) if !std::path::Path::new("/proc/keys").exists() => SessionKeyring::None,
            _ => SessionKeyring::Inherited,
        }
    })
}

/// Starts a child that only checks paths as somebody else. Must be called on the spawner thread.
///
/// # Errors
/// As [`clone::start`]; at [`super::Step::StateDirectory`], `detail` is the index of the path.
pub fn check_access(
    identity: &clone::Identity,
    access: &[clone::Access<'_>],
    stack: &Stack,
    in_flight: &InFlight,
) -> Result<(), clone::Failure> {
    let child = Child {
        program: None,
        directory: None,
        own_keyring: session_keyring() == SessionKeyring::Own,
        priority: None,
        oom_score: None,
        umask: None,
        limits: &[],
        identity: Some(identity),
        may_be_root: identity.uid == 0,
        access,
    };
    let started = clone::start(&child, stack, in_flight)?;
    let _ = wait(&started.pidfd);
    Ok(())
}
