//! Finds a program for a target, by the surest way that this system has.

use std::path::PathBuf;

use super::identity::Target;
use super::program::{self, Program, Proofs, Search};
use super::reach::{ModeReach, OwnReach, Reach};
use crate::error::Result;
use crate::provider::Provider;

/// A program to find.
#[derive(Debug)]
pub struct Locate {
    /// Whose.
    pub provider: &'static Provider,
    /// `command`
    pub command: Option<String>,
    /// The child's `PATH`.
    pub path: String,
    /// Where to look for packages.
    pub package_roots: Vec<PathBuf>,
    /// For whom.
    pub target: Target,
}

/// Finds it: the kernel is asked as the target where the native start works, else the mode bits are.
///
/// # Errors
/// What [`program::resolve`] says; `SPAWN_FAILED`.
pub fn locate(wanted: Locate) -> Result<Program> {
    #[cfg(target_os = "linux")]
    if crate::sys::support::native_start().is_ok() {
        return super::spawner::locate(wanted);
    }
    let search =
        Search { command: wanted.command.as_deref(), path: &wanted.path, package_roots: &wanted.package_roots };
    let reach: &dyn Reach = match wanted.target {
        Target::Same { .. } => &OwnReach,
        Target::Other { .. } => &ModeReach,
    };
    program::resolve(wanted.provider, &search, &wanted.target, reach, &Proofs::default())
}
