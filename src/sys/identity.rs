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

/// What the kernel shows in the place of an owner who has no number in this user namespace: user_namespaces(7).
#[cfg(target_os = "linux")]
const OVERFLOW_ID: u32 = 65534;

/// Whether an owner is shown as this uid because he has no number in this user namespace: then no target can be him.
#[must_use]
#[cfg(target_os = "linux")]
pub fn is_from_outside(uid: u32) -> bool {
    if uid != OVERFLOW_ID {
        return false;
    }
    let Ok(map) = std::fs::read_to_string("/proc/self/uid_map") else { return false };
    let numbers = |line: &str| -> Option<(u32, u32)> {
        let mut words = line.split_ascii_whitespace();
        Some((words.next()?.parse().ok()?, words.nth(1)?.parse().ok()?))
    };
    !map.lines().filter_map(numbers).any(|(first, length)| uid.checked_sub(first).is_some_and(|offset| offset < length))
}

#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn is_from_outside(_: u32) -> bool {
    false
}
