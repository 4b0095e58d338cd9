//! Checks whether this kernel and sandbox support the calls that a start needs, by trying each once.

use std::os::fd::AsFd;
use std::sync::OnceLock;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

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
        // A signal interrupts even a call that waits for nothing.
        rustix::io::retry_on_intr(|| poll(&mut polled, Some(&instant))).map_err(|_| "poll")?;
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
    Own,
    /// This kernel has no keyrings, so there is none to share.
    None,
    /// A sandbox refuses `keyctl`, as Docker's default profile does: it keeps the worker's.
    Inherited,
}

/// `KEYCTL_CAPABILITIES`: asks, and changes nothing (keyctl(2), Linux 5.8).
const KEYCTL_CAPABILITIES: i64 = 31;

/// Asks once whether a child can get its own session keyring.
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
