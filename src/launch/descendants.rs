//! Everything that a process started and that has left its group: commands of an agent run in sessions of their own.
//!
//! Found as children of children, and held by pidfd, so that a number that is reused meanwhile is nobody else's death.
//! A process that has cut the line to its parent (a daemon that forked twice) is not found: only a cgroup holds that.

use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// More than this in one tree is a fork bomb; the group's SIGKILL and `RLIMIT_NPROC` are for that.
const MAX_DESCENDANTS: usize = 4096;

/// Processes held by descriptor.
#[derive(Debug, Default)]
pub struct Descendants {
    found: Vec<(i32, OwnedFd)>,
}

impl Descendants {
    /// Adds every process below `root` that is not held yet. Without `CONFIG_PROC_CHILDREN` there are none.
    pub fn collect(&mut self, root: i32) {
        let mut parents = vec![root];
        while let Some(parent) = parents.pop() {
            for child in children_of(parent) {
                if self.found.len() >= MAX_DESCENDANTS {
                    return;
                }
                if self.hold(child, parent) {
                    parents.push(child);
                }
            }
        }
    }

    /// Kills them all.
    pub fn kill(&mut self) {
        for (_, pidfd) in self.found.drain(..) {
            // Gone already: what was wanted.
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }

    /// Opens the child, then makes sure that the number still belongs to a child of `parent`.
    fn hold(&mut self, child: i32, parent: i32) -> bool {
        if self.found.iter().any(|(known, _)| *known == child) {
            return true;
        }
        let pidfd = Pid::from_raw(child).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let Some(pidfd) = pidfd.filter(|_| children_of(parent).contains(&child)) else {
            return false;
        };
        self.found.push((child, pidfd));
        true
    }
}

/// `/proc/PID/task/TID/children` of every thread (proc_pid_task(5)).
fn children_of(pid: i32) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}
