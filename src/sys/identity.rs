//! The ids of this process, and those that a child gets.

/// The ids of a child that becomes somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    pub uid: u32,
    pub gid: u32,
    /// The supplementary groups; where there are none, the child has none.
    pub groups: Vec<u32>,
}

/// The effective ids of this process: the user's, then the group's.
#[must_use]
pub fn own() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// The soft `RLIMIT_STACK`, in bytes; none for no limit.
#[must_use]
pub fn stack_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Stack).current
}
