//! Finds a provider's program and proves that the target can run it.
//!
//! Found on the child's `PATH`, in the provider's npm package, or at `command`; resolved to the native executable
//! behind an npm launcher; then every directory of its real path, the file and a script's interpreter are asked for
//! as the target. The first candidate that passes is the program. When none does, the error is about the first.

mod candidates;
pub(crate) mod file;
mod package;
mod proof;
mod script;
mod survey;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

pub use candidates::{FoundBy, Search};
pub use proof::Proofs;
pub use survey::{Candidate, survey};

use super::identity::Target;
use super::reach::{Check, Reach, checks_along, explain};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::Provider;
use crate::sys::real_path::real_path;

/// A program that the target can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Absolute, without symlinks.
    pub path: PathBuf,
    /// Where it was found first.
    pub found_at: PathBuf,
    /// How.
    pub found_by: FoundBy,
    /// A script's interpreter.
    pub interpreter: Option<PathBuf>,
    /// Its version, where a package or a file name tells.
    pub version: Option<String>,
}

impl Program {
    /// Whether it is known to be of this version or a newer one.
    #[must_use]
    pub fn is_at_least(&self, since: [u64; 3]) -> bool {
        is_at_least(self.version.as_deref(), since)
    }

    /// Whether the kernel keeps what runs it from other processes of this uid, which may not read it: `would_dump`
    /// (fs/exec.c), proc(5). A script's interpreter is what runs. An ACL's entries are within the group's bits: acl(5).
    #[must_use]
    pub fn is_hidden_from(&self, uid: u32) -> bool {
        let metadata = self.interpreter.is_none().then(|| std::fs::metadata(&self.path).ok()).flatten();
        uid != 0 && metadata.is_some_and(|file| file.uid() != uid && file.mode() & 0o044 == 0)
    }
}

/// Whether a version is known to be this one or a newer one.
#[must_use]
pub fn is_at_least(version: Option<&str>, since: [u64; 3]) -> bool {
    version.and_then(numbers).is_some_and(|version| version >= since)
}

/// `2.1.330` of `2.1.330-x`.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let plain = version.split(['-', '+']).next()?;
    let mut parts = plain.split('.').map(str::parse::<u64>);
    let three = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
    parts.next().is_none().then_some(three)
}

/// Finds the program and proves it.
///
/// # Errors
/// `PROGRAM_NOT_FOUND`; `PROGRAM_UNREACHABLE` with the first component in the way as its path.
pub fn resolve(
    provider: &'static Provider,
    search: &Search<'_>,
    target: &Target,
    reach: &dyn Reach,
    proofs: &Proofs,
) -> Result<Program> {
    let mut first_refusal = None;
    for (found_at, found_by) in candidates::all(provider, search) {
        if let Some(program) = proofs.known(&found_at, target, search.path) {
            return Ok(program);
        }
        match prove(provider, search, &found_at, found_by, target, reach) {
            Ok((program, checks)) => {
                proofs.remember(&program, &checks, target, search.path);
                return Ok(program);
            }
            Err(refusal) => first_refusal = first_refusal.or(Some(refusal)),
        }
    }
    Err(first_refusal.unwrap_or_else(|| not_found(provider, search)))
}

/// Resolves one candidate and asks for all that a start of it needs.
fn prove(
    provider: &'static Provider,
    search: &Search<'_>,
    found_at: &Path,
    found_by: FoundBy,
    target: &Target,
    reach: &dyn Reach,
) -> Result<(Program, Vec<Check>)> {
    let (path, interpreter, checks) = needs(provider, search, found_at)?;
    if let Some(obstacle) = reach.first_obstacle(target, &checks)? {
        return Err(unreachable(provider, &path, target, &checks[obstacle.index], obstacle.errno));
    }
    let version = package::version_of(provider, &path);
    Ok((Program { path, found_at: found_at.into(), found_by, interpreter, version }, checks))
}

/// What a candidate leads to, its interpreter, and all that the target must be able to use.
fn needs(
    provider: &'static Provider,
    search: &Search<'_>,
    found_at: &Path,
) -> Result<(PathBuf, Option<PathBuf>, Vec<Check>)> {
    let path = leads_to(provider, found_at).map_err(|error| unresolvable(provider, found_at, &error))?;
    let interpreter = script::interpreter(&path, search.path);
    let (interpreter, loader) = match interpreter {
        script::Interpreter::None => (None, None),
        script::Interpreter::Found { program, loader } => (Some(program), loader),
        script::Interpreter::Missing(name) => return Err(no_interpreter(provider, &path, &name)),
    };
    // The kernel reads a program for us; a script is read by its interpreter, as the target.
    let access = if interpreter.is_some() { Access::READ_OK | Access::EXEC_OK } else { Access::EXEC_OK };
    let mut checks: Vec<Check> = checks_along(&path, access).collect();
    for tool in [&loader, &interpreter].into_iter().flatten() {
        checks.extend(checks_along(&real_path(tool).unwrap_or_else(|_| tool.clone()), Access::EXEC_OK));
    }
    Ok((path, interpreter, checks))
}

/// The real path of a candidate, or of the native executable behind it.
fn leads_to(provider: &'static Provider, found_at: &Path) -> std::io::Result<PathBuf> {
    let real = real_path(found_at)?;
    Ok(package::native_behind(provider, &real).unwrap_or(real))
}

fn not_found(provider: &'static Provider, search: &Search<'_>) -> Error {
    let (message, wanted) = match search.command {
        Some(command) if command.contains('/') && !command.starts_with('/') => {
            (format!("options.command is {command}; it must be an absolute path, or a name without a slash."), command)
        }
        Some(command) if command.contains('/') => {
            (format!("There is no executable file at {command}, which options.command names."), command)
        }
        Some(command) => (format!("{command}, which options.command names, is not on the child's PATH."), command),
        None => {
            let command = provider.command;
            let message = format!(
                "{} is not installed: no {command} on the child's PATH, and no npm package of it. Install it \
                 system-wide, or name it with options.command.",
                provider.name
            );
            (message, command)
        }
    };
    Error::new(ErrorCode::ProgramNotFound, message).provider(provider.id).path(wanted).errno(libc::ENOENT, "spawn")
}

fn unresolvable(provider: &'static Provider, found_at: &Path, error: &std::io::Error) -> Error {
    let message =
        format!("{} was found, but does not lead to a file. Reinstall {}.", found_at.display(), provider.name);
    Error::new(ErrorCode::ProgramUnreachable, message)
        .provider(provider.id)
        .path(found_at.to_string_lossy())
        .errno(error.raw_os_error().unwrap_or(libc::ENOENT), "spawn")
}

fn no_interpreter(provider: &'static Provider, path: &Path, name: &str) -> Error {
    let message = format!(
        "{} is a script for {name}, which is not on the child's PATH. Install it system-wide, or install the native {}.",
        path.display(),
        provider.name
    );
    Error::new(ErrorCode::ProgramUnreachable, message)
        .provider(provider.id)
        .path(path.to_string_lossy())
        .name(name)
        .errno(libc::ENOENT, "spawn")
}

fn unreachable(provider: &'static Provider, path: &Path, target: &Target, check: &Check, errno: i32) -> Error {
    let metadata = std::fs::metadata(&check.path).ok();
    let message = format!(
        "{} cannot be run as {target}: {}. Install {} system-wide (say, below /usr/local), not under a home.",
        path.display(),
        explain(check, metadata.as_ref()),
        provider.name,
    );
    Error::new(ErrorCode::ProgramUnreachable, message)
        .provider(provider.id)
        .path(check.path.to_string_lossy())
        .errno(errno, "spawn")
}

#[cfg(test)]
mod tests;
