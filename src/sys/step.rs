//! The steps of a start, in order. Their names are public: an error names the step at which a start failed.

/// Declares the steps in their order, each with its name and the system call that an error names, so that a step is written
/// once. `sys::child` says what it does, and `process::failure` what to do when it fails; both match on every step.
macro_rules! steps {
    ($($(#[$doc:meta])* $step:ident = $name:literal by $syscall:literal,)*) => {
        /// One of the things that happen between the request for a child and its first instruction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Step {
            $($(#[$doc])* $step,)*
        }

        impl Step {
            /// Every step; its position is its number.
            pub const ALL: &'static [Self] = &[$(Self::$step,)*];

            /// Its public name, which an error and docs/errors.md give.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$step => $name,)*
                }
            }

            /// The system call that an error names for it.
            #[must_use]
            pub const fn syscall(self) -> &'static str {
                match self {
                    $(Self::$step => $syscall,)*
                }
            }
        }
    };
}

steps! {
    /// `clone`: the new process.
    Clone = "clone" by "clone",
    /// `setsid`: its own session and process group.
    Session = "session" by "setsid",
    /// `dup3`: the standard streams and the credential's pipe.
    Stdio = "stdio" by "dup3",
    /// `close_range`: no other descriptor is inherited. Before all that a tenant can delay or make fail: while a child
    /// ends, whoever runs as its uid can take the descriptors that it still has (`pidfd_getfd`).
    CloseDescriptors = "close-descriptors" by "close_range",
    /// `keyctl`: its own session keyring. Before the drop: it counts against the worker's quota.
    SessionKeyring = "session-keyring" by "keyctl",
    /// `sched_setscheduler` and its kin: no better place than others when processors, disks and timers are shared out.
    Scheduling = "scheduling" by "sched_setscheduler",
    /// `/proc/self/oom_score_adj`: not spared when memory runs out. Before the drop, which gives up the right to set the
    /// floor.
    OomScore = "oom-score" by "write",
    /// `umask`: the mask of the modes of new files.
    Umask = "umask" by "umask",
    /// `prlimit64`: the resource limits.
    Limits = "limits" by "prlimit64",
    /// `setgroups`: the supplementary groups.
    Groups = "groups" by "setgroups",
    /// `setresgid`: the group.
    Group = "group" by "setresgid",
    /// `setresuid`: the user.
    User = "user" by "setresuid",
    /// `capset`: no capability is left, whatever the securebits say.
    Capabilities = "capabilities" by "capset",
    /// Proof that the ids are the target's and that root cannot be regained.
    VerifyDrop = "verify-drop" by "setresuid",
    /// `chdir`: the working directory, entered as the target and without a symlink on the way.
    WorkingDirectory = "working-directory" by "chdir",
    /// `PR_SET_NO_NEW_PRIVS`: no setuid program gives it more than it has.
    NoNewPrivileges = "no-new-privileges" by "prctl",
    /// `PR_SET_PDEATHSIG`: dies with the worker. After the drop, which would clear it.
    ParentDeathSignal = "parent-death-signal" by "prctl",
    /// `getppid`: the worker did not die before that.
    ParentCheck = "parent-check" by "getppid",
    /// `faccessat`: a directory that the CLI needs, as the target.
    StateDirectory = "state-directory" by "faccessat",
    /// `rt_sigaction`, `rt_sigprocmask`: no handler, no mask is inherited.
    Signals = "signals" by "rt_sigaction",
    /// `execve`: the program takes the child's place.
    Execute = "execute" by "execve",
}

impl Step {
    /// The step that a number was cast from; [`Step::Clone`] for a number that none was.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self::ALL.get(number as usize).copied().unwrap_or(Self::Clone)
    }
}
