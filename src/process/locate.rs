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

impl Locate {
    /// What is looked for, and where.
    pub(super) fn search(&self) -> Search<'_> {
        Search { command: self.command.as_deref(), path: &self.path, package_roots: &self.package_roots }
    }

    fn ask(&self, reach: &dyn Reach, proofs: &Proofs) -> Result<Program> {
        program::resolve(self.provider, &self.search(), &self.target, reach, proofs)
    }
}

/// Finds it: the kernel is asked as the target where the native start works, else the mode bits are.
///
/// # Errors
/// What [`program::resolve`] says; `SPAWN_FAILED`.
pub fn locate(wanted: Locate) -> Result<Program> {
    #[cfg(target_os = "linux")]
    if crate::sys::support::native_start().is_ok() {
        use super::spawner::{self, LIMIT_OF_JS};
        use super::target_reach::TargetReach;
        return spawner::answer(wanted.target.uid(), LIMIT_OF_JS, move |host| {
            wanted.ask(&TargetReach { host, provider: wanted.provider }, &host.proofs)
        })?;
    }
    let reach: &dyn Reach = match wanted.target {
        Target::Same { .. } => &OwnReach,
        Target::Other { .. } => &ModeReach,
    };
    wanted.ask(reach, &Proofs::default())
}
