//! Everything that a process started and that has left its group: commands of an agent run in groups of their own.
//!
//! Found as children of children, and held by pidfd, so that a number that is reused meanwhile is nobody else's death.
//! A process that has lost its parent is not found: only a cgroup holds that. A tenant decides how many there are, so
//! the look is limited in number and time.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// More than this in one tree is a fork bomb; the group's SIGKILL and `RLIMIT_NPROC` are for that.
const MAX_DESCENDANTS: usize = 4096;
/// Threads of one process whose children are looked at.
const MAX_THREADS: usize = 256;
/// How long one look may take.
const BUDGET: Duration = Duration::from_millis(50);

/// Processes held by descriptor.
#[derive(Debug, Default)]
pub struct Descendants {
    known: HashSet<i32>,
    held: Vec<OwnedFd>,
}

impl Descendants {
    /// Adds every process below `root`, whose number is its own meanwhile. Without `CONFIG_PROC_CHILDREN` there are
    /// none.
    pub fn collect(&mut self, root: i32) {
        let until = Instant::now() + BUDGET;
        let mut parents: Vec<(i32, Option<usize>)> = vec![(root, None)];
        while let Some((parent, holder)) = parents.pop() {
            let room = MAX_DESCENDANTS.saturating_sub(self.held.len());
            if room == 0 || Instant::now() > until {
                return;
            }
            let children = children_of(parent);
            let opened = children.into_iter().filter(|child| !self.known.contains(child)).take(room);
            let opened: Vec<(i32, OwnedFd)> = opened.filter_map(|child| Some((child, open(child)?))).collect();
            // A number may have been reused before it was opened, the parent's too: it counts only if it is still a
            // child now, of a parent that is still itself.
            let still: HashSet<i32> = children_of(parent).into_iter().collect();
            if opened.is_empty() || holder.is_some_and(|index| has_ended(&self.held[index])) {
                continue;
            }
            for (child, pidfd) in opened.into_iter().filter(|(child, _)| still.contains(child)) {
                self.known.insert(child);
                self.held.push(pidfd);
                parents.push((child, Some(self.held.len() - 1)));
            }
        }
    }

    /// Takes over what another look found.
    pub fn add(&mut self, found: Self) {
        self.known.extend(found.known);
        self.held.extend(found.held);
    }

    /// Kills them all.
    pub fn kill(&mut self) {
        for pidfd in self.held.drain(..) {
            // Gone already: what was wanted.
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
        self.known.clear();
    }
}

fn open(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

/// A pidfd is readable when its process has ended (pidfd_open(2)).
fn has_ended(pidfd: &OwnedFd) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&now)) != Ok(0)
}

/// `/proc/PID/task/TID/children` of its threads (proc_pid_task(5)).
fn children_of(pid: i32) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten().take(MAX_THREADS);
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}
