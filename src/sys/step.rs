//! The steps of a start, in order. Their names are public: an error names the step at which a start failed.

/// A step of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Step {
    /// `clone`: the new process.
    Clone,
    /// `setsid`: a session and process group of its own.
    Session,
    /// `dup3`: the standard streams and the credential's pipe.
    Stdio,
    /// `close_range`: no other descriptor is inherited. Before all that a tenant can delay or make fail: while a child
    /// ends, whoever runs as its uid can take the descriptors that it still has (`pidfd_getfd`).
    CloseDescriptors,
    /// `keyctl`: a session keyring of its own. Before the drop: it counts against the worker's quota.
    SessionKeyring,
    /// `sched_setscheduler` and its kin: no better place than others when processors, disks and timers are shared out.
    Scheduling,
    /// `/proc/self/oom_score_adj`: not spared when memory runs out. Before the drop, which gives up the right to set the
    /// floor.
    OomScore,
    /// `umask`.
    Umask,
    /// `prlimit64`: the resource limits.
    Limits,
    /// `setgroups`: the supplementary groups.
    Groups,
    /// `setresgid`: the group.
    Group,
    /// `setresuid`: the user.
    User,
    /// `capset`: no capability is left, whatever the securebits say.
    Capabilities,
    /// Proof that the ids are the target's and that root cannot be regained.
    VerifyDrop,
    /// `chdir`: the working directory, entered as the target and without a symlink on the way.
    WorkingDirectory,
    /// `PR_SET_NO_NEW_PRIVS`.
    NoNewPrivileges,
    /// `PR_SET_PDEATHSIG`: dies with the worker. After the drop, which would clear it.
    ParentDeathSignal,
    /// `getppid`: the worker did not die before that.
    ParentCheck,
    /// `faccessat`: a directory that the CLI needs, as the target.
    StateDirectory,
    /// `rt_sigaction`, `rt_sigprocmask`: no handler, no mask is inherited.
    Signals,
    /// `execve`.
    Execute,
}

impl Step {
    /// Every step, in order; its position is its number.
    pub const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Clone, "clone", "clone"),
        (Self::Session, "session", "setsid"),
        (Self::Stdio, "stdio", "dup3"),
        (Self::CloseDescriptors, "close-descriptors", "close_range"),
        (Self::SessionKeyring, "session-keyring", "keyctl"),
        (Self::Scheduling, "scheduling", "sched_setscheduler"),
        (Self::OomScore, "oom-score", "write"),
        (Self::Umask, "umask", "umask"),
        (Self::Limits, "limits", "prlimit64"),
        (Self::Groups, "groups", "setgroups"),
        (Self::Group, "group", "setresgid"),
        (Self::User, "user", "setresuid"),
        (Self::Capabilities, "capabilities", "capset"),
        (Self::VerifyDrop, "verify-drop", "setresuid"),
        (Self::WorkingDirectory, "working-directory", "chdir"),
        (Self::NoNewPrivileges, "no-new-privileges", "prctl"),
        (Self::ParentDeathSignal, "parent-death-signal", "prctl"),
        (Self::ParentCheck, "parent-check", "getppid"),
        (Self::StateDirectory, "state-directory", "faccessat"),
        (Self::Signals, "signals", "rt_sigaction"),
        (Self::Execute, "execute", "execve"),
    ];

    /// The step of a number that [`Step`] was cast to.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self::ALL.get(number as usize).map_or(Self::Clone, |row| row.0)
    }

    /// As an error names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The system call behind it.
    #[must_use]
    pub fn syscall(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_numbers() {
        for (number, row) in Step::ALL.iter().enumerate() {
            assert_eq!(row.0 as usize, number, "{}", row.1);
            assert_eq!(Step::from_number(row.0 as u32), row.0);
        }
    }
}
