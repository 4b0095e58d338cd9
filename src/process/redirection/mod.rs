//! Refuses a start if a file of the tenant would send its credential elsewhere or run commands, and nothing else keeps
//! the CLI from obeying it.
//!
//! A look: it cannot see a file that is made a moment later. What the rows hold by a variable or an argument holds then
//! too, so a row refuses only what neither of them stops.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, statat};
use rustix::io::Errno;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::access::{self, OwnAccess};
use super::exhausted::used_up;
use super::identity::Target;
use super::program::Program;
use crate::environment::forbidden::{self, Reason};
use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result, ordinary_name};
use crate::provider::{Base, ConfigFile, CredentialKind, FileShield, RefusedWhen, Versions};

mod content;
#[cfg(test)]
mod tests;

/// What decides, beside the plan, whether a file redirects a start.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// Whether the workspace's files may configure the CLI.
    pub trusted: bool,
    /// The program's version, where one is known.
    pub version: Option<&'a str>,
    /// How the credential is passed.
    pub delivery: Delivery,
}

/// Looks for the files that this start must not be beside.
///
/// # Errors
/// `STATE_DIR_UNUSABLE` if there is one, or if that is unknown.
pub fn check(plan: &EnvPlan, beside: Beside<'_>) -> Result<()> {
    if beside.delivery == Delivery::Broker {
        // What is sent elsewhere then is worth nothing there. What is left are files that run commands.
        return refuse_files(plan, |when| {
            matches!(when, RefusedWhen::UntrustedWithoutBaseUrl) && !beside.trusted && plan.base_url.is_none()
        });
    }
    check_state_directory(plan)?;
    check_refused_files(plan, beside.trusted)?;
    check_shielded_files(plan, beside.version)
}

/// Files that redirect the server's credential, whatever is in them.
fn check_state_directory(plan: &EnvPlan) -> Result<()> {
    let row = &plan.provider.state_directory;
    if !plan.has_server_credential() || row.redirecting_files.is_empty() {
        return Ok(());
    }
    let path = state_directory(plan);
    let directory = match open(&path, OFlags::DIRECTORY) {
        Ok(directory) => directory,
        Err(Errno::NOENT) if is_missing(&path) => return Ok(()),
        Err(errno) => return Err(unknown(plan, &path, errno, OPEN)),
    };
    for file in row.redirecting_files {
        match statat(&directory, *file, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(unknown(plan, &path, errno, "fstatat")),
            Ok(_) => return Err(redirected(plan, &path.join(file))),
        }
    }
    Ok(())
}

/// Files that no argument and no variable holds.
fn check_refused_files(plan: &EnvPlan, trusted: bool) -> Result<()> {
    // For a trusted workspace, settings are the tenant's to obey with the tenant's own credential.
    let guarded = !trusted || plan.has_server_credential();
    let kind = plan.credential.input.map_or(CredentialKind::ConfigDir, |input| input.kind);
    let applies = |when| match when {
        RefusedWhen::UntrustedWithoutBaseUrl => guarded && plan.base_url.is_none(),
        RefusedWhen::Credential(kinds) => kinds.contains(&kind),
    };
    refuse_files(plan, applies)
}

/// Refuses a start beside a credential that the CLI may take in the place of this launch's, of whatever kind it is.
///
/// # Errors
/// As [`check`].
pub fn check_credential_files(plan: &EnvPlan) -> Result<()> {
    refuse_files(plan, |when| matches!(when, RefusedWhen::Credential(_)))
}

fn refuse_files(plan: &EnvPlan, applies: impl Fn(RefusedWhen) -> bool) -> Result<()> {
    for row in plan.provider.refused_files.iter().filter(|row| applies(row.when)) {
        let Some(path) = place(plan, row.file) else { continue };
        match open(&path, OFlags::NOFOLLOW) {
            Err(Errno::NOENT | Errno::NOTDIR) if is_missing(&path) => {}
            Err(errno) => return Err(untold(plan, &path, errno)),
            Ok(_) => return Err(refused(plan, &path, row.when)),
        }
    }
    Ok(())
}

/// Variables in the CLI's own files, as far as its version does not keep them out.
fn check_shielded_files(plan: &EnvPlan, version: Option<&str>) -> Result<()> {
    let Some(shield) = &plan.provider.file_shield else { return Ok(()) };
    // A login in the state directory is the tenant's, who can read it there.
    if plan.credential.input.is_none() {
        return Ok(());
    }
    let holds = shield.since.is_reached_by(version);
    if holds && !plan.has_server_credential() {
        return Ok(());
    }
    for id in shield.files {
        let Some(path) = place(plan, id) else { continue };
        let refused = match refused_beside(shield, version, &path).map_err(|errno| untold(plan, &path, errno))? {
            RefusedStarts::None => false,
            RefusedStarts::ServerCredential => plan.has_server_credential(),
            RefusedStarts::EveryCredential => true,
        };
        if refused {
            return Err(unshielded(plan, &path, shield, holds, version));
        }
    }
    Ok(())
}

/// Refuses the server's credential to a program whose version nobody knows: older ones give it away.
///
/// # Errors
/// `PROGRAM_OUTDATED`.
pub fn check_program(plan: &EnvPlan, program: &Program) -> Result<()> {
    if program.version.is_some() || plan.credential.input.is_none() || !plan.has_server_credential() {
        return Ok(());
    }
    let (provider, path) = (plan.provider, program.path.to_string_lossy());
    let Versions { oldest, older, .. } = &provider.cli.versions;
    let message = format!(
        "{} was not started: it would use the server's key, but the version of {path} is unknown. Versions before \
        {oldest} {older}. {} Or pass the tenant's own key.",
        provider.name,
        program.unknown(provider)
    );
    Err(Error::new(ErrorCode::ProgramOutdated, message).provider(provider.id).path(path))
}

/// Which starts are refused while a file that configures the CLI exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "kebab-case"))]
pub enum RefusedStarts {
    None,
    /// Those on the server's credential: the file sets what the shield lets pass.
    ServerCredential,
    /// All that pass a credential: this version's shield does not hold.
    EveryCredential,
}

/// Judges the file at `path`, as it is now, for a program of this version.
///
/// # Errors
/// If it is unknown what the CLI would find there.
pub fn refused_beside(shield: &FileShield, version: Option<&str>, path: &Path) -> rustix::io::Result<RefusedStarts> {
    let file = match open(path, OFlags::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR) if is_missing(path) => return Ok(RefusedStarts::None),
        Err(errno) => return Err(errno),
    };
    let holds = shield.since.is_reached_by(version);
    let understood = content::read(&file).is_some_and(|text| !sets(&text, &|name| is_harmful(shield, holds, name)));
    Ok(match (understood, holds) {
        (true, _) => RefusedStarts::None,
        (false, true) => RefusedStarts::ServerCredential,
        (false, false) => RefusedStarts::EveryCredential,
    })
}

/// As much of the CLI's own configuration as sets variables.
#[derive(Deserialize)]
struct Variables {
    #[serde(default)]
    env: Option<BTreeMap<String, IgnoredAny>>,
}

/// Whether a variable in a file of the shield can do harm. `holds`: the CLI's version keeps out what does not pass it.
fn is_harmful(shield: &FileShield, holds: bool, name: &str) -> bool {
    shield.passes.contains(&name) || (!holds && forbidden::reason(name).is_some())
}

/// Whether a text sets one of these variables, or is not for us to understand.
fn sets(text: &[u8], harmful: &dyn Fn(&str) -> bool) -> bool {
    let Ok(file) = serde_json::from_slice::<Variables>(text) else { return true };
    file.env.is_some_and(|env| env.keys().any(|name| harmful(name)))
}

fn state_directory(plan: &EnvPlan) -> PathBuf {
    let row = &plan.provider.state_directory;
    plan.directory(row.variable, row.below_home)
}

/// Where a file of the row is; none where a start has no such directory.
fn place(plan: &EnvPlan, id: &str) -> Option<PathBuf> {
    let row: &ConfigFile = plan.provider.config_files.iter().find(|row| row.id == id)?;
    let base = match row.base {
        Base::StateDirectory => state_directory(plan),
        Base::Home => PathBuf::from(plan.plain("HOME")?),
        Base::Workspace => PathBuf::from(plan.workspace_dir.as_deref()?),
        Base::Root => PathBuf::from("/"),
    };
    Some(base.join(row.path))
}

/// The call of [`open`], for an error.
const OPEN: &str = if cfg!(target_os = "linux") { "openat2" } else { "open" };

/// Whether the last component, or a directory above it, is what is missing, and not what a link on the way leads to: that
/// can be a number of a process which there will be when the CLI runs.
fn is_missing(path: &Path) -> bool {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return false };
    match open(parent, OFlags::DIRECTORY) {
        Ok(parent) => statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW).err() == Some(Errno::NOENT),
        Err(Errno::NOENT | Errno::NOTDIR) => is_missing(parent),
        Err(_) => false,
    }
}

/// `/proc/self/cwd` and its kin are other directories to the CLI than to this process: proc(5), openat2(2). The kernel
/// follows forty links at most: symlink(7).
#[cfg(target_os = "linux")]
fn open(path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::{CWD, ResolveFlags, openat2};
    openat2(CWD, path, OFlags::PATH | OFlags::CLOEXEC | flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)
}

#[cfg(not(target_os = "linux"))]
fn open(path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | flags, Mode::empty())
}

fn redirected(plan: &EnvPlan, file: &Path) -> Error {
    let what = format!(
        "{} can send that key elsewhere unless you remove it, because the CLI obeys it in every start",
        file.display()
    );
    server_refusal(plan, file, &what)
}

fn unknown(plan: &EnvPlan, directory: &Path, errno: Errno, syscall: &'static str) -> Error {
    let reason = std::io::Error::from(errno);
    let files = plan.provider.state_directory.redirecting_files.join(" or ");
    let what = format!("it is unknown whether a {files} in {} sends that key elsewhere: {reason}", directory.display());
    server_refusal(plan, directory, &what).errno(errno.raw_os_error(), syscall)
}

fn server_refusal(plan: &EnvPlan, path: &Path, what: &str) -> Error {
    let (provider, row) = (plan.provider, &plan.provider.state_directory);
    let message = format!(
        "{} would use the server's key, but {what}. Name another directory in options.workspace.{}, or pass the \
        tenant's own key.",
        provider.name, row.option
    );
    about(plan, path, ErrorCode::StateDirUnusable, message, Some(row.variable))
}

fn refused(plan: &EnvPlan, file: &Path, when: RefusedWhen) -> Error {
    let (provider, option) = (plan.provider, plan.provider.state_directory.option);
    let (more, last) = if plan.has_server_credential() {
        ("or pass options.baseUrl", "")
    } else {
        ("pass options.baseUrl", ", or pass workspaceTrust: \"trusted\"")
    };
    let (what, remedy) = match when {
        RefusedWhen::UntrustedWithoutBaseUrl => (
            "which can run commands and change its settings despite its arguments",
            format!(", name another directory in options.workspace.{option}, {more}{last}"),
        ),
        RefusedWhen::Credential(_) => {
            ("and use the credential in that file instead of this launch's", ", or pass an API key".to_owned())
        }
    };
    let message = format!(
        "{} was not started: it would obey {}, {what}. Remove the file{remedy}.",
        provider.name,
        file.display()
    );
    about(plan, file, ErrorCode::StateDirUnusable, message, variable_of(plan, file))
}

/// Why nothing keeps the variables in the file out, and what would, each as a part of a sentence.
fn why_not_kept_out(plan: &EnvPlan, shield: &FileShield, holds: bool, version: Option<&str>) -> (String, String) {
    let provider = plan.provider;
    let since = shield.since;
    match (holds, version) {
        (true, _) => ("the credential belongs to the server".to_owned(), String::new()),
        (false, None) => (
            "the version of this program is unknown".to_owned(),
            format!(
                ", or start {since} or newer from the npm package of {} or from a copy that is named \
                versions/<version> (docs/hardening.md)",
                provider.name
            ),
        ),
        (false, Some(version)) => (
            format!("version {version} obeys them despite {}", shield.variable),
            format!(", or install version {since} or newer"),
        ),
    }
}

/// What is wrong with a file of variables.
enum FileProblem {
    Variable(String),
    /// It is no JSON object.
    NotUnderstood,
    /// It is no regular file, too large, or not for us to read.
    Unread,
}

/// Looks once more, only to word the refusal, which does not change if the file has changed meanwhile.
fn found(file: &Path, shield: &FileShield, holds: bool) -> FileProblem {
    let Some(text) = open(file, OFlags::empty()).ok().and_then(|file| content::read(&file)) else {
        return FileProblem::Unread;
    };
    let env = serde_json::from_slice::<Variables>(&text).ok().and_then(|variables| variables.env);
    let harmful = env.and_then(|env| env.into_keys().find(|name| is_harmful(shield, holds, name)));
    harmful.map_or(FileProblem::NotUnderstood, FileProblem::Variable)
}

fn unshielded(plan: &EnvPlan, file: &Path, shield: &FileShield, holds: bool, version: Option<&str>) -> Error {
    let (why, instead) = why_not_kept_out(plan, shield, holds, version);
    let (what, remedy) = match &found(file, shield, holds) {
        FileProblem::Variable(name) => {
            let does =
                forbidden::reason(name).map_or("can send the credential elsewhere or print it", Reason::describe);
            let name = ordinary_name(name);
            (
                format!("sets {name} in its env member, which {does}"),
                "Remove that variable from the env member, or remove the file",
            )
        }
        FileProblem::NotUnderstood => (
            "cannot be parsed, so the variables that it sets are unknown".to_owned(),
            "Correct the file so that it is one JSON object, or remove it",
        ),
        FileProblem::Unread => (
            "cannot be read as a regular file of at most 4 MiB, so the variables that it sets are unknown".to_owned(),
            "Replace it with a regular file, or remove it",
        ),
    };
    let message = format!(
        "{} was not started: its own configuration {} {what}, and {why}. {remedy}{instead}.",
        plan.provider.name,
        file.display(),
    );
    about(plan, file, ErrorCode::StateDirUnusable, message, variable_of(plan, file))
}

/// The variable that leads to a file of the provider's rows; none where no variable does.
fn variable_of(plan: &EnvPlan, file: &Path) -> Option<&'static str> {
    let mut rows = plan.provider.config_files.iter();
    match rows.find(|row| place(plan, row.id).as_deref() == Some(file))?.base {
        Base::StateDirectory => Some(plan.provider.state_directory.variable),
        Base::Home => Some("HOME"),
        Base::Workspace | Base::Root => None,
    }
}

fn untold(plan: &EnvPlan, file: &Path, errno: Errno) -> Error {
    let own = Target::own();
    let closed = (errno == Errno::ACCESS).then(|| access::closed(&OwnAccess, &own, file.parent()?)).flatten();
    let (code, remedy) = match (used_up(errno.raw_os_error()), &closed) {
        (Some(remedy), _) => (ErrorCode::SpawnFailed, remedy.to_owned()),
        (None, Some((_, why))) => (
            ErrorCode::StateDirUnusable,
            format!(
                "{why}, which keeps this process out. Let this process through, or name another directory in \
                options.workspace."
            ),
        ),
        (None, None) => (
            ErrorCode::StateDirUnusable,
            "Name directories in options.workspace whose paths lead to the same place for every process.".to_owned(),
        ),
    };
    let message = format!(
        "{} was not started: it is unknown what it would find at {}: {}. {remedy}",
        plan.provider.name,
        file.display(),
        std::io::Error::from(errno),
    );
    let concerned = closed.as_ref().map_or(file, |(closed, _)| closed);
    about(plan, concerned, code, message, variable_of(plan, file)).errno(errno.raw_os_error(), OPEN)
}

/// `variable` is what leads to the file.
fn about(plan: &EnvPlan, path: &Path, code: ErrorCode, message: String, variable: Option<&str>) -> Error {
    let error = Error::new(code, message).provider(plan.provider.id).path(path.to_string_lossy().into_owned());
    match variable {
        Some(variable) => error.name(variable),
        None => error,
    }
}
