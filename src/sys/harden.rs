//! Hardens the worker itself. This changes process-wide state, so it happens only if the caller requests it by name.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Less than any core file, and the one value for which the kernel does not dump into a pipe either: 0 is ignored when
/// `core_pattern` names a program (core(5); `do_coredump`).
pub const NO_CORE: u64 = 1;

/// What was achieved, as the kernel reports it afterwards.
#[derive(Debug, Default)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false))]
pub struct Hardening {
    /// No process of the same uid can read this one's memory, environment or descriptors, or trace it; and it leaves
    /// no core dump.
    pub non_dumpable: bool,
    /// No core dump of this process, nor of what it starts without its own limit.
    pub no_core_dumps: bool,
    pub refusals: Vec<RefusedStep>,
}

/// A step that the system refused.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false))]
pub struct RefusedStep {
    pub protection: &'static str,
    pub syscall: &'static str,
    /// Positive, as the kernel returns it.
    pub errno: i32,
}

/// Makes the process non-dumpable and disables its core dumps. Neither can be undone by this crate, and the limit by
/// nobody without `CAP_SYS_RESOURCE`. Idempotent.
#[must_use]
pub fn harden() -> Hardening {
    let mut refusals = Vec::new();
    let mut refuse = |protection, syscall, errno: rustix::io::Errno| {
        refusals.push(RefusedStep { protection, syscall, errno: errno.raw_os_error() });
    };
    if let Err(errno) = forbid_dumping() {
        refuse("nonDumpable", "prctl", errno);
    }
    if let Err(errno) = limit_core_dumps() {
        refuse("noCoreDumps", "setrlimit", errno);
    }
    Hardening { non_dumpable: is_not_dumpable(), no_core_dumps: writes_no_core(), refusals }
}

/// Soft and hard: else whoever runs code in the worker has them back with one call. A hard limit that was lower already
/// stays.
fn limit_core_dumps() -> Result<(), rustix::io::Errno> {
    if getrlimit(Resource::Core).maximum == Some(0) {
        return Ok(());
    }
    setrlimit(Resource::Core, Rlimit { current: Some(NO_CORE), maximum: Some(NO_CORE) })
}

/// By the limit alone, whatever starts from here: 0 keeps the kernel from writing a file, not from feeding a program.
fn writes_no_core() -> bool {
    let feeds_a_program =
        || std::fs::read_to_string("/proc/sys/kernel/core_pattern").is_ok_and(|text| text.starts_with('|'));
    match getrlimit(Resource::Core).current {
        Some(NO_CORE) => true,
        Some(0) => !feeds_a_program(),
        _ => false,
    }
}

#[cfg(target_os = "linux")]
fn forbid_dumping() -> Result<(), rustix::io::Errno> {
    super::dumpable::forbid()
}

#[cfg(target_os = "linux")]
fn is_not_dumpable() -> bool {
    use rustix::process::{DumpableBehavior, dumpable_behavior};
    dumpable_behavior() == Ok(DumpableBehavior::NotDumpable)
}

/// Elsewhere there is no such flag.
#[cfg(not(target_os = "linux"))]
fn forbid_dumping() -> Result<(), rustix::io::Errno> {
    Err(rustix::io::Errno::NOSYS)
}

#[cfg(not(target_os = "linux"))]
fn is_not_dumpable() -> bool {
    false
}
