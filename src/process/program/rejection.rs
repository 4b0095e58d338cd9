//! The errors that explain why a candidate, or all of them, cannot be used as the program.

use std::path::{Path, PathBuf};

use super::super::access::{Check, explain};
use super::super::identity::Target;
use super::candidates::Search;
use super::fault::Fault;
use crate::environment::absolute_path_entries;
use crate::error::{Error, ErrorCode};
use crate::provider::Provider;

/// So many more candidates an error names; a `PATH` may have thousands.
const MAX_NAMED: usize = 3;

/// Why a candidate was passed over.
#[derive(Debug)]
pub struct Rejection {
    /// The whole error, for where it is the only one or the first.
    pub error: Error,
    path: PathBuf,
    /// As a clause, for where it is one of several.
    why: String,
    /// Whether the check itself failed, so that the other candidates say nothing either.
    is_final: bool,
}

impl Rejection {
    pub fn unresolvable(provider: &'static Provider, found_at: &Path, error: &std::io::Error) -> Self {
        let errno = error.raw_os_error().unwrap_or(libc::ENOENT);
        let advice = format!("Reinstall {}.", provider.name);
        let message = format!("{} was found, but it does not lead to a file. {advice}", found_at.display());
        Self::new(found_at, "does not lead to a file", cannot_run(provider, message, found_at, errno))
    }

    /// What the kernel would not run, whoever asks.
    pub fn unrunnable(provider: &'static Provider, path: &Path, fault: Fault) -> Self {
        let install =
            || format!("Reinstall {} system-wide, or name another program in options.command.", provider.name);
        let remedy = fault.remedy.map_or_else(install, str::to_owned);
        let message = format!("{} cannot be run: {}. {remedy}", path.display(), fault.why);
        let error = cannot_run(provider, message, path, fault.errno);
        Self::new(path, &fault.why, fault.name.into_iter().fold(error, Error::name))
    }

    /// What the target cannot reach.
    pub fn unreachable(provider: &'static Provider, path: &Path, target: &Target, check: &Check, errno: i32) -> Self {
        let metadata = std::fs::metadata(&check.path).ok();
        let why = explain(check, metadata.as_ref());
        let message = format!(
            "{} cannot be run as {target}: {why}. Install {} system-wide (for example below /usr/local), not in a home \
            directory.",
            path.display(),
            provider.name,
        );
        Self::new(path, &why, cannot_run(provider, message, &check.path, errno))
    }

    /// A version without a protection that every start promises.
    pub fn outdated(provider: &'static Provider, path: &Path, version: &str) -> Self {
        let (name, oldest) = (provider.name, provider.cli.versions.oldest);
        let message = format!(
            "{} is {name} {version}, which is not supported: versions before {oldest} {}. Install {oldest} or newer.",
            path.display(),
            provider.cli.versions.older
        );
        let error = Error::new(ErrorCode::ProgramOutdated, message).provider(provider.id).path(path.to_string_lossy());
        Self::new(path, &format!("version {version}, older than {oldest}"), error)
    }

    /// A version that a file states in a form that cannot be parsed.
    pub fn not_understood(provider: &'static Provider, path: &Path, file: &Path) -> Self {
        let name = provider.name;
        let message = format!(
            "{} was not started: {} should state its version but does not state a valid one, so it may be older than \
            {}. Reinstall {name}.",
            path.display(),
            file.display(),
            provider.cli.versions.oldest
        );
        let error = Error::new(ErrorCode::ProgramOutdated, message).provider(provider.id).path(path.to_string_lossy());
        Self::new(path, &format!("{} does not state a valid version", file.display()), error)
    }

    /// The target could not be asked.
    pub fn unasked(path: &Path, error: Error) -> Self {
        Self { is_final: true, ..Self::new(path, "could not be checked", error) }
    }

    fn new(path: &Path, why: &str, error: Error) -> Self {
        Self { error, path: path.into(), why: why.to_owned(), is_final: false }
    }
}

/// The error of candidates none of which can be run: the first one's, with the others; none where there were none.
pub fn of_all(refusals: Vec<Rejection>) -> Option<Error> {
    let mut refusals = refusals.into_iter();
    let first = refusals.next()?;
    if first.is_final || refusals.len() == 0 {
        return Some(first.error);
    }
    let more = refusals.len().saturating_sub(MAX_NAMED);
    let named: Vec<String> =
        refusals.take(MAX_NAMED).map(|refusal| format!("{} ({})", refusal.path.display(), refusal.why)).collect();
    let rest = if more == 0 { String::new() } else { format!("; and {more} more") };
    Some(first.error.and_also(&format!("None of the other candidates can be run either: {}{rest}.", named.join("; "))))
}

/// The error of a program that is nowhere.
pub fn not_found(provider: &'static Provider, search: &Search<'_>) -> Error {
    let name = provider.name;
    let (message, wanted) = match search.command {
        Some(command) if command.contains('/') && !command.starts_with('/') => {
            (format!("options.command must be an absolute path or a name without a slash, but is {command}."), command)
        }
        Some(command) if command.contains('/') => (
            format!(
                "There is no executable file at {command}, which options.command names. Pass the path of an \
                executable file."
            ),
            command,
        ),
        Some(command) => (
            format!(
                "{command}, which options.command names, is not on the child's PATH. Pass its absolute path, or add \
                its directory to PATH.{}",
                plain_files(command, search.path)
            ),
            command,
        ),
        None => {
            let command = provider.cli.command;
            let message = format!(
                "{name} is not installed: there is no {command} on the child's PATH and no npm package of it. Install \
                it system-wide, or name the program in options.command.{}",
                plain_files(command, search.path)
            );
            (message, command)
        }
    };
    Error::new(ErrorCode::ProgramNotFound, message).provider(provider.id).path(wanted).errno(libc::ENOENT, "spawn")
}

/// A file of that name that nobody may execute is no candidate, and no answer to "it is there".
fn plain_files(name: &str, path: &str) -> String {
    let entries = absolute_path_entries(path);
    let mut files = entries.split(':').map(|entry| Path::new(entry).join(name));
    let found = files.find(|file| !entries.is_empty() && file.is_file());
    found.map(|file| format!(" {} exists, but it is not executable.", file.display())).unwrap_or_default()
}

fn cannot_run(provider: &'static Provider, message: String, path: &Path, errno: i32) -> Error {
    Error::new(ErrorCode::ProgramUnreachable, message)
        .provider(provider.id)
        .path(path.to_string_lossy())
        .errno(errno, "spawn")
}
