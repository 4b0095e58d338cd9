//! `memoryProtection`, `requireLocked` and `hardenWorker`.

use napi::Env;
use napi_derive::napi;

use crate::node::boundary_error::OrThrow;
use crate::secret::Secret;
use crate::sys::{guarded, harden};

/// The protections of the memory of secrets.
#[napi(object, object_from_js = false)]
pub struct NativeMemoryProtection {
    pub guard_pages: bool,
    pub locked: bool,
    pub excluded_from_core_dumps: bool,
    pub wiped_on_fork: bool,
    pub allocations: f64,
    pub allocated_bytes: f64,
    pub mapped_bytes: f64,
    pub locked_bytes: f64,
    /// Missing if there is no limit.
    pub lock_limit_bytes: Option<f64>,
    pub refusals: Vec<NativeRefusedProtection>,
}

/// A protection that the system refused.
#[napi(object, object_from_js = false)]
pub struct NativeRefusedProtection {
    pub protection: &'static str,
    pub syscall: &'static str,
    /// Positive, as the kernel returns it.
    pub errno: i32,
}

#[napi(object, object_from_js = false)]
pub struct NativeHardening {
    pub non_dumpable: bool,
    pub no_core_dumps: bool,
    pub refusals: Vec<NativeRefusedProtection>,
}

/// Returns the current protections of the memory of secrets.
#[napi(catch_unwind)]
pub fn memory_protection() -> NativeMemoryProtection {
    let report = guarded::report();
    let refusals = report.refusals.iter().map(|refusal| NativeRefusedProtection {
        protection: refusal.protection.name,
        syscall: refusal.protection.syscall,
        errno: refusal.errno,
    });
    NativeMemoryProtection {
        guard_pages: report.guard_pages,
        locked: report.locked,
        excluded_from_core_dumps: report.excluded_from_core_dumps,
        wiped_on_fork: report.wiped_on_fork,
        allocations: report.allocations as f64,
        allocated_bytes: report.allocated_bytes as f64,
        mapped_bytes: report.mapped_bytes as f64,
        locked_bytes: report.locked_bytes as f64,
        lock_limit_bytes: guarded::lock_limit().map(|bytes| bytes as f64),
        refusals: refusals.collect(),
    }
}

/// Throws if the memory of a new secret would lack a protection.
#[napi(catch_unwind)]
pub fn require_protection(env: &Env) -> napi::Result<()> {
    Secret::copy_of(&[0]).require_protection().or_throw(env)
}

/// Makes the process non-dumpable and disables its core dumps.
#[napi(catch_unwind)]
pub fn harden_worker() -> NativeHardening {
    let hardening = harden::harden();
    let refusals = hardening.refusals.iter().map(|refusal| NativeRefusedProtection {
        protection: refusal.protection,
        syscall: refusal.syscall,
        errno: refusal.errno,
    });
    NativeHardening {
        non_dumpable: hardening.non_dumpable,
        no_core_dumps: hardening.no_core_dumps,
        refusals: refusals.collect(),
    }
}
