//! A start as the caller requested it, and the parts that are the same for the native and the portable start.

use std::borrow::Cow;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::access::{self, OwnAccess};
use super::arguments::{self, ArgumentContext, Place};
use super::exhausted::{no_descriptor, used_up};
use super::identity::{Target, decide};
use super::options::{self, ChildOptions, CliOptions};
use super::program::Program;
use super::redirection::{self, Beside};
use super::temporary;
use crate::credential;
use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::CommandLine;
use crate::secret::ExposeSecret;
#[cfg(target_os = "linux")]
use crate::sys::identity::Identity;
use crate::sys::real_path::real_path;
use crate::sys::{Step, identity, stdio};

/// A CLI's start, with everything that the caller decided.
#[derive(Debug)]
pub struct Start {
    pub env: Arc<EnvPlan>,
    /// How the credential is passed.
    pub delivery: Delivery,
    pub target: Target,
    /// What was asked for; `cwd` is the workspace's where none was, and the arguments are in `command_line`.
    pub child: ChildOptions,
    /// The caller's arguments.
    pub command_line: CommandLine,
    /// What was asked for in addition.
    pub cli: CliOptions,
}

impl Start {
    /// Decides a start, and refuses what would be refused on the spawner's thread too, while the caller can still be
    /// thrown at.
    ///
    /// # Errors
    /// `CREDENTIAL_REVOKED`; `PRIVILEGE_REFUSED`; `UNSUPPORTED` for a delivery that there is not, and a mode that leaves the
    /// credential unused; `ERR_INVALID_ARG_VALUE` for arguments, paths or names that cannot be.
    pub fn new(env: Arc<EnvPlan>, mut child: ChildOptions, cli: CliOptions) -> Result<Self> {
        let delivery = options::delivery(&env, cli.delivery.as_deref())?;
        let target = decide(&child.ids, identity::own())?;
        child.cwd = child.cwd.or_else(|| env.workspace_dir.clone());
        let command_line = CommandLine::parse(&env.provider.arguments.grammar, std::mem::take(&mut child.args));
        let start = Self { env, delivery, target, child, command_line, cli };
        start.check()?;
        Ok(start)
    }

    fn check(&self) -> Result<()> {
        self.admit()?;
        let ChildOptions { command, cwd, .. } = &self.child;
        arguments::check_all(&self.env, &self.command_line, &self.context(&[]))?;
        arguments::check_mode(&self.env, &self.command_line, self.delivery, self.child.is_on_terminal())?;
        for (name, text) in [("cwd", cwd), ("command", command)] {
            if text.as_deref().is_some_and(|text| text.is_empty() || text.contains('\0')) {
                let message = format!("options.{name} must be a path without a NUL byte.");
                return Err(Error::new(ErrorCode::InvalidArgValue, message).name(name));
            }
        }
        // This process may have another working directory by the time that the start is carried out.
        if cwd.as_deref().is_some_and(|directory| !directory.starts_with('/')) {
            let message = "options.cwd must be an absolute path.";
            return Err(Error::new(ErrorCode::InvalidArgValue, message).name("cwd"));
        }
        let texts = self
            .command_line
            .arguments()
            .iter()
            .enumerate()
            .map(|(index, text)| (Place::Argument(index), text.as_str()));
        // Both are seen by every user of the machine too: the one as the program's name, the other in our overrides.
        let paths = [("command", command), ("cwd", cwd)];
        let paths = paths.into_iter().filter_map(|(name, text)| Some((Place::Option(name), text.as_deref()?)));
        arguments::check_visible(&self.env, texts.chain(paths))
    }

    fn context<'a>(&self, directories: &'a [String]) -> ArgumentContext<'a> {
        ArgumentContext { delivery: self.delivery, trusted: self.cli.trusted, directories }
    }

    /// Refuses a credential that no launch may use any more, or that a file of the tenant's can send elsewhere: the last
    /// thing before the process is made. It looks at files.
    ///
    /// # Errors
    /// `CREDENTIAL_REVOKED`, and what [`redirection::check_program`] and [`redirection::check`] find.
    pub fn admit_last(&self, program: &Program) -> Result<()> {
        redirection::check(&self.env, Beside { trusted: self.cli.trusted, version: program.version.as_deref() })?;
        redirection::check_program(&self.env, program)?;
        self.admit()
    }

    /// Refuses a credential that no launch may use any more.
    ///
    /// # Errors
    /// `CREDENTIAL_REVOKED`.
    pub fn admit(&self) -> Result<()> {
        credential::admit(&self.env.credential).map_err(|error| error.provider(self.env.provider.id))
    }

    /// The working directory without symlinks, which is the one that is entered and told to the CLI.
    ///
    /// # Errors
    /// `SPAWN_FAILED` when there is none.
    pub fn real_directory(&self) -> Result<Option<PathBuf>> {
        self.child.cwd.as_deref().map(|given| real_directory(self.env.provider.name, given)).transpose()
    }

    /// The CLI's arguments, ours among them, for a child that works in `here`.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE`, see [`arguments::build`].
    pub fn arguments(&self, here: Option<&Path>) -> Result<Vec<String>> {
        let directories = self.directories(here);
        arguments::build(&self.env, &self.command_line, &self.context(&directories))
    }

    /// The variables that are beside the environment's own: those of an SDK, ours that keep the CLI's child processes
    /// from running what files name, and a temporary directory where another has taken the CLI's.
    #[must_use]
    pub fn variables_beside(&self) -> Vec<(&str, Cow<'_, str>)> {
        let context = self.context(&[]);
        let sdk = self.cli.extra.iter().map(|variable| (&*variable.name, Cow::Borrowed(&*variable.value)));
        let guards = arguments::guards(&self.env, &context).map(|(name, value)| (name, Cow::Borrowed(value)));
        let temporary = temporary::variable(&self.env, self.target.uid());
        sdk.chain(guards).chain(temporary.map(|(name, value)| (name, Cow::Owned(value)))).collect()
    }

    /// A pipe that holds the credential, where it is delivered so.
    ///
    /// # Errors
    /// `SPAWN_FAILED` when there is no descriptor for it; what [`redirection::check_credential_files`] finds.
    pub fn credential_pipe(&self, program: &Program) -> Result<Option<OwnedFd>> {
        if self.env.names.descriptor_variable(self.delivery).is_none() {
            return Ok(None);
        }
        let Some(secret) = self.env.credential.secret.as_deref() else {
            return Ok(None);
        };
        let pipe = stdio::pipe_holding(secret.expose_secret()).map_err(|errno| no_descriptor(errno.raw_os_error()))?;
        self.give_to_target(&pipe, program)?;
        Ok(Some(pipe))
    }

    /// The CLI opens the descriptor again by its name below /proc, which only the pipe's owner may. So may then every
    /// process of the same uid, until the CLI has read it, also one that may not trace the CLI (Yama, ptrace(2)): one
    /// that an earlier run left behind. So the pipe stays ours, but for a program that the kernel hides from them, and
    /// for the tenant's own key where the CLI would have none, or another one, without.
    #[cfg(target_os = "linux")]
    fn give_to_target(&self, pipe: &OwnedFd, program: &Program) -> Result<()> {
        let Some(&Identity { uid, gid, .. }) = self.target.identity() else { return Ok(()) };
        let since = self.env.provider.reads_descriptor_since;
        let is_read = since.is_some_and(|since| since.is_reached_by(program.version.as_deref()));
        // Where the CLI may not open it, it looks at files of another tenant's before it reads the descriptor itself. Their
        // owner can make a look last: there is none where it decides nothing.
        let alone = || redirection::check_credential_files(&self.env);
        if !program.is_hidden_from(uid) {
            if self.env.has_server_credential() {
                return alone();
            }
            if is_read && alone().is_ok() {
                return Ok(());
            }
        }
        // CAP_SETUID and CAP_SETGID are enough for a start; this needs CAP_CHOWN.
        stdio::give(pipe, uid, gid).or_else(|_| alone())
    }

    #[cfg(not(target_os = "linux"))]
    fn give_to_target(&self, _: &OwnedFd, _: &Program) -> Result<()> {
        redirection::check_credential_files(&self.env)
    }

    /// The workspace's directory, the working directory and those that the arguments name, by their given and their real
    /// names: Codex compares the real one, except after its own `--cd`.
    fn directories(&self, here: Option<&Path>) -> Vec<String> {
        // getcwd(2) says where we are without symlinks.
        let own = || Some(std::env::current_dir().ok()?.to_string_lossy().into_owned());
        let base = self.child.cwd.clone().or_else(own).unwrap_or_else(|| "/".into());
        let real_base = if self.child.cwd.is_some() { here } else { Some(Path::new(&base)) };
        let in_arguments = arguments::directories_in(&self.env, &self.command_line);
        let in_arguments = in_arguments.map(|path| Path::new(&base).join(path).to_string_lossy().into_owned());
        let mut given: Vec<String> =
            self.env.workspace_dir.clone().into_iter().chain([base.clone()]).chain(in_arguments).collect();
        given.dedup();
        let mut all: Vec<String> = here.map(|path| path.to_string_lossy().into_owned()).into_iter().collect();
        for directory in given {
            // Its real name is known: `here`, or itself.
            let is_base = real_base.is_some() && directory == base;
            let real = if is_base { None } else { real_path(Path::new(&directory)).ok() };
            for name in [Some(directory), real.map(|path| path.to_string_lossy().into_owned())].into_iter().flatten() {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        }
        arguments::with_project_roots(self.env.provider, all)
    }
}

/// A working directory without symlinks. `name` is what is to be started there.
///
/// # Errors
/// `SPAWN_FAILED` when there is none.
pub fn real_directory(name: &str, directory: &str) -> Result<PathBuf> {
    real_path(Path::new(directory)).map_err(|error| no_directory(name, directory, &error))
}

fn no_directory(name: &str, directory: &str, error: &std::io::Error) -> Error {
    let step = Step::WorkingDirectory;
    let errno = error.raw_os_error();
    // It is this process that may not look.
    let asked = || access::closed(&OwnAccess, &Target::own(), Path::new(directory));
    let closed = (errno == Some(libc::EACCES)).then(asked).flatten();
    let remedy = match (errno.and_then(used_up), &closed, errno) {
        (Some(remedy), ..) => remedy.to_owned(),
        (_, Some((_, why)), _) => {
            format!("{why}, which keeps this process out. Name another directory in options.cwd.")
        }
        (.., Some(libc::ENOENT)) => "Create the directory, or name another in options.cwd.".to_owned(),
        _ => "Name another directory in options.cwd.".to_owned(),
    };
    let message = format!("{name} was not started: step {} ({directory}): {error}. {remedy}", step.name());
    let path = closed.map_or_else(|| directory.to_owned(), |(closed, _)| closed.to_string_lossy().into_owned());
    Error::new(ErrorCode::SpawnFailed, message)
        .path(path)
        .step(step.name())
        .errno(error.raw_os_error().unwrap_or(libc::EIO), step.syscall())
}
