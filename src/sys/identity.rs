//! Who this process is.

/// The effective ids of this process.
#[must_use]
pub fn own() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// The soft `RLIMIT_STACK`, in bytes; none for no limit.
#[must_use]
pub fn stack_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Stack).current
}
