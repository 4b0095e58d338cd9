//! The identity of a process, even if its pid is used again: the pid, its start time, and a pidfd.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::error::{Error, ErrorCode, Result};

/// The most descriptors among which a socket is searched for. No CLI has more.
const MAX_DESCRIPTORS: usize = 4096;

/// The process that a launch started.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    /// In clock ticks since boot. With the pid, it identifies one process for ever. None if `/proc` hides it
    /// (`hidepid`).
    start_time: Option<u64>,
    /// Whether this process may list the other's descriptors, which needs its uid or `CAP_SYS_PTRACE` (proc(5)).
    shows_descriptors: bool,
    pidfd: OwnedFd,
}

impl Process {
    /// Identifies a process. The caller must not have reaped it yet, so that the pid is still its own.
    ///
    /// # Errors
    /// `INTERNAL` if there is no such process, or the system has no descriptor for it.
    pub fn open(pid: i32) -> Result<Self> {
        let gone = |errno: i32, syscall| {
            Error::new(ErrorCode::Internal, "The process that the launch started cannot be opened.")
                .errno(errno, syscall)
        };
        let no_process = rustix::io::Errno::SRCH.raw_os_error();
        let number = Pid::from_raw(pid).ok_or_else(|| gone(no_process, "pidfd_open"))?;
        let pidfd =
            pidfd_open(number, PidfdFlags::empty()).map_err(|errno| gone(errno.raw_os_error(), "pidfd_open"))?;
        let shows_descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).is_ok();
        let process = Self { pid, start_time: start_time(pid), shows_descriptors, pidfd };
        if process.is_alive() { Ok(process) } else { Err(gone(no_process, "poll")) }
    }

    /// Whether it has not ended yet; a zombie has.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        is_alive(&self.pidfd)
    }

    /// Whether this is the process that had this pid and this start time. `is_alive`: that process is known to be
    /// alive, so that the pid alone identifies it.
    #[must_use]
    pub(in crate::broker) fn is(&self, pid: i32, start_time: Option<u64>, is_alive: bool) -> bool {
        let is_same = is_alive || (start_time.is_some() && start_time == self.start_time);
        self.pid == pid && is_same && self.is_alive()
    }

    /// Whether one of its descriptors is the socket with this inode. If this process may not list them, every process
    /// of that user passes.
    #[must_use]
    pub(in crate::broker) fn holds_socket(&self, inode: u32) -> bool {
        if !self.shows_descriptors {
            return self.is_alive();
        }
        let wanted = format!("socket:[{inode}]");
        let Ok(descriptors) = std::fs::read_dir(format!("/proc/{}/fd", self.pid)) else { return false };
        let links = descriptors.take(MAX_DESCRIPTORS).flatten();
        let is_held = links
            .filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .any(|link| link.as_os_str() == wanted.as_str());
        // If it is still alive, the pid was its own all the time.
        is_held && self.is_alive()
    }
}

/// Whether the process of a pidfd has not ended yet.
pub(super) fn is_alive(pidfd: &OwnedFd) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut descriptors = [PollFd::new(pidfd, PollFlags::IN)];
    // A signal for this thread, such as SIGCHLD, interrupts even a call that waits for nothing.
    let polled = retry_on_intr(|| poll(&mut descriptors, Some(&at_once)));
    // A pidfd is readable once its process has ended. After another error, nobody knows, so the process counts as ended.
    matches!(polled, Ok(0))
}

/// Field 22 of `/proc/PID/stat` (proc_pid_stat(5)).
pub(super) fn start_time(pid: i32) -> Option<u64> {
    start_time_in(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second field is a name in parentheses, which the process chooses. Field 3 follows the last parenthesis.
fn start_time_in(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_numbers_is_passed_over() {
        let fields = (3..=30).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(start_time_in(&format!("7 (a) 1 2 (b) {fields}")), Some(22));
        assert_eq!(start_time_in("7 (a) S 1"), None);
    }

    #[test]
    fn a_process_is_told_from_one_that_has_ended() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().expect("a child");
        let pid = i32::try_from(child.id()).expect("a pid");
        let process = Process::open(pid).expect("alive");
        let since = start_time(pid).expect("alive");
        assert!(process.is(pid, Some(since), false) && !process.is(pid, Some(since + 1), false));
        assert!(
            process.is(pid, None, true) && !process.is(pid, None, false) && !process.is(pid + 1, Some(since), true)
        );
        child.kill().expect("ours");
        child.wait().expect("ours");
        assert!(!process.is_alive() && !process.is(pid, Some(since), true));
        assert!(Process::open(pid).is_err());
    }
}
