//! `memoryProtection`, `requireLocked` and `hardenWorker`.

use napi_derive::napi;

use crate::sys::guarded;
use crate::sys::harden::{self, Hardening, RefusedStep};

/// What the memory that secrets live in has: the core's report, in numbers that JavaScript holds exactly.
#[napi(object, object_from_js = false)]
pub struct MemoryProtection {
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
    pub refusals: Vec<RefusedStep>,
}

/// Returns the current protections of the memory of secrets.
#[napi(catch_unwind)]
pub fn memory_protection() -> MemoryProtection {
    let report = guarded::report();
    let refusals = report.refusals.iter().map(|refusal| RefusedStep {
        protection: refusal.protection.name,
        syscall: refusal.protection.syscall,
        errno: refusal.errno,
    });
    MemoryProtection {
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

/// Makes the process non-dumpable and disables its core dumps.
#[napi(catch_unwind)]
pub fn harden_worker() -> Hardening {
    harden::harden()
}
