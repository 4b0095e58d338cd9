//! What a child is made with, whatever it runs: texts as the kernel takes them, its identity, its limits.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::failure::Concerned;
use super::identity::Target;
use super::options::Limits;
use crate::error::{Error, ErrorCode, Result};
use crate::sys::clone::{Identity, Limit};
use crate::sys::harden::NO_CORE;

/// Every limit that is set.
pub fn limits(limits: Limits) -> Vec<Limit> {
    named_limits(limits).map(|(limit, _)| limit).collect()
}

/// Each limit that is set, with its option.
#[allow(clippy::unnecessary_cast, reason = "the type of RLIMIT_* is another one on musl")]
fn named_limits(limits: Limits) -> impl Iterator<Item = (Limit, &'static str)> {
    let rows = [
        (libc::RLIMIT_CORE, "limits.coreBytes", Some(limits.core_bytes.filter(|bytes| *bytes > 0).unwrap_or(NO_CORE))),
        (libc::RLIMIT_NOFILE, "limits.openFiles", limits.open_files),
        (libc::RLIMIT_NPROC, "limits.processes", limits.processes),
        (libc::RLIMIT_AS, "limits.memoryBytes", limits.memory_bytes),
        (libc::RLIMIT_CPU, "limits.cpuSeconds", limits.cpu_seconds),
        // Else a worker that may raise its priority hands that on (getrlimit(2)). Anybody may lower these two.
        (libc::RLIMIT_NICE, "limits", Some(0)),
        (libc::RLIMIT_RTPRIO, "limits", Some(0)),
    ];
    let set = |(resource, option, value): (_, _, Option<u64>)| {
        Some((Limit { resource: resource as u32, value: value? }, option))
    };
    rows.into_iter().filter_map(set)
}

/// What an error about a limit concerns; `index` is its place in [`limits`].
pub fn concerned_limit(limits: Limits, index: u32) -> Concerned<'static> {
    let limit = named_limits(limits).nth(index as usize);
    limit.map_or(Concerned::Nothing, |(limit, option)| Concerned::Limit(limit, option))
}

/// Whom the child becomes; none where it stays who this process is.
pub fn identity(target: &Target) -> Option<Identity> {
    match target {
        Target::Same { .. } => None,
        Target::Other { uid, gid, groups } => Some(Identity { uid: *uid, gid: *gid, groups: groups.clone() }),
    }
}

/// A path for the kernel.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a NUL byte.
pub fn c_path(path: &Path) -> Result<CString> {
    c_bytes(path.as_os_str().as_bytes())
}

/// An argument for the kernel.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a NUL byte.
pub fn c_string(text: &str) -> Result<CString> {
    c_bytes(text.as_bytes())
}

fn c_bytes(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Error::new(ErrorCode::InvalidArgValue, "A path or argument has a NUL byte."))
}
