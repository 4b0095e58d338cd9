//! Finds a provider's program and proves that the target can run it.
//!
//! Found on the child's `PATH`, in the provider's npm package, or at `command`; resolved to the native executable
//! behind an npm launcher; looked into, as the kernel would at `execve`; then every directory of its real path, the file
//! and what runs it (a loader, interpreters) are examined as the target. The first candidate that passes is the program.
//! Among those on the `PATH`, and among packages, a native program of an unknown version gives way to a known one. When none
//! passes, the error is about the first, and names the others.

mod binfmt_misc;
mod candidates;
mod elf;
mod fault;
mod found;
mod image;
mod package;
mod proof;
mod rejection;
mod shebang;
mod survey;
mod told_version;
mod trust;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

pub use candidates::{FoundBy, Search};
pub use found::Program;
use found::Proved;
use image::{Look, MAX_LOOKS, Needs};
pub use package::installed_version;
pub use proof::Proofs;
use rejection::Rejection;
pub use survey::{Candidate, survey};
pub use told_version::Doubt;
use told_version::Told;

use super::access::{AccessCheck, Check, checks_along};
use super::identity::Target;
use crate::error::Result;
use crate::provider::{Provider, Standing};
use crate::sys::real_path::real_path;

/// Finds the program and proves it.
///
/// # Errors
/// `PROGRAM_NOT_FOUND`; `PROGRAM_UNREACHABLE` with the first component in the way as its path.
pub fn resolve(
    provider: &'static Provider,
    search: &Search<'_>,
    target: &Target,
    access: &dyn AccessCheck,
    proofs: &Proofs,
) -> Result<Program> {
    let mut refusals = Vec::new();
    let mut unknown: Option<Program> = None;
    // For all candidates together.
    let looks = Cell::new(MAX_LOOKS);
    for (found_at, found_by) in candidates::all(provider, search) {
        // A package does not take the place of what somebody has put on the PATH, perhaps unreadable, without a word.
        if unknown.as_ref().is_some_and(|program| program.found_by != found_by) {
            break;
        }
        let program = match proofs.known(&found_at, target, search.path) {
            Some(program) => program,
            None => match prove(provider, search, (&found_at, found_by), target, access, &looks) {
                Ok(proved) => proofs.remember(proved, target, search.path),
                Err(refusal) => {
                    refusals.push(refusal);
                    continue;
                }
            },
        };
        if !program.gives_way() {
            return Ok(program);
        }
        unknown = unknown.or(Some(program));
    }
    unknown.ok_or_else(|| rejection::of_all(refusals).unwrap_or_else(|| rejection::not_found(provider, search)))
}

/// Resolves one candidate and checks everything that a start of it needs.
fn prove(
    provider: &'static Provider,
    search: &Search<'_>,
    (found_at, found_by): (&Path, FoundBy),
    target: &Target,
    access: &dyn AccessCheck,
    looks: &Cell<usize>,
) -> std::result::Result<Proved, Rejection> {
    let path = leads_to(provider, found_at).map_err(|error| Rejection::unresolvable(provider, found_at, &error))?;
    let ask = |checks: &[Check]| match access.first_obstacle(target, checks) {
        Ok(None) => Ok(()),
        Ok(Some(obstacle)) => {
            Err(Rejection::unreachable(provider, &path, target, &checks[obstacle.index], obstacle.errno))
        }
        Err(error) => Err(Rejection::unasked(&path, error)),
    };
    let can_use = |checks: &[Check]| ask(checks).is_ok();
    let found = Look { path: search.path, can_use: &can_use, looks }.at(&path);
    let Needs { interpreter, checks } = match found {
        Ok(needs) => needs,
        // Whether it may be run at all comes first, as at `execve`.
        Err(fault) => {
            let steps: Vec<Check> = checks_along(&path, Access::EXEC_OK).collect();
            return Err(ask(&steps).err().unwrap_or_else(|| Rejection::unrunnable(provider, &path, fault)));
        }
    };
    ask(&checks)?;
    let Told { version, doubt, manifests } = told_version::of(provider, &path, found_at, target);
    if provider.cli.versions.standing(version.as_deref()) == Standing::Older {
        return Err(Rejection::outdated(provider, &path, version.as_deref().unwrap_or_default()));
    }
    if let Some(Doubt::NotUnderstood(file)) = &doubt {
        return Err(Rejection::not_understood(provider, &path, file));
    }
    let program = Program { path, found_at: found_at.into(), found_by, interpreter, version, doubt };
    Ok(Proved { program, checks, manifests })
}

/// The real path of a candidate, or of the native executable behind it.
fn leads_to(provider: &'static Provider, found_at: &Path) -> std::io::Result<PathBuf> {
    let real = real_path(found_at)?;
    Ok(package::native_behind(provider, &real).unwrap_or(real))
}

#[cfg(test)]
mod tests;
