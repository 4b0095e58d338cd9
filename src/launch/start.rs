//! A start as the caller decided it, and the parts of it that are the same however the child is made.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::{self, ArgumentContext, Place};
use super::identity::Target;
use super::options::{Limits, WorkspaceTrust};
use super::redirection;
use crate::credential;
use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::sys::{Step, stdio};

/// A start, with everything that the caller decided.
#[derive(Debug)]
pub struct Start {
    /// The environment.
    pub env: Arc<EnvPlan>,
    /// How the credential is handed over.
    pub delivery: Delivery,
    /// Variables that are no secret and that an SDK adds.
    pub extra: Vec<(String, String)>,
    /// `command`
    pub command: Option<String>,
    /// Where to look for packages.
    pub package_roots: Vec<PathBuf>,
    /// The caller's arguments.
    pub arguments: Vec<String>,
    /// Whether the workspace's files may configure the CLI.
    pub trust: WorkspaceTrust,
    /// The working directory.
    pub directory: Option<String>,
    /// Whom the child becomes.
    pub target: Target,
    /// `umask`
    pub umask: Option<u32>,
    /// `limits`
    pub limits: Limits,
    /// The child's standard streams; none for `/dev/null`.
    pub stdio: [Option<OwnedFd>; 3],
}

impl Start {
    /// Refuses what would be refused on the spawner's thread too, while the caller can still be thrown at.
    ///
    /// # Errors
    /// `CREDENTIAL_REVOKED`; `ERR_INVALID_ARG_VALUE` for arguments, paths or names that cannot be.
    pub fn check(&self) -> Result<()> {
        self.admit()?;
        let directories = [];
        let context = ArgumentContext { delivery: self.delivery, trust: self.trust, directories: &directories };
        arguments::check_all(&self.env, &self.arguments, &context)?;
        for (name, text) in [("cwd", &self.directory), ("command", &self.command)] {
            if text.as_deref().is_some_and(|text| text.is_empty() || text.contains('\0')) {
                let message = format!("options.{name} must be a path without a NUL byte.");
                return Err(Error::new(ErrorCode::InvalidArgValue, message).name(name));
            }
        }
        let texts = self.arguments.iter().enumerate().map(|(index, text)| (Place::Argument(index), text.as_str()));
        // Both are seen by every user of the machine too: the one as the program's name, the other in our overrides.
        let paths = [("command", &self.command), ("cwd", &self.directory)];
        let paths = paths.into_iter().filter_map(|(name, text)| Some((Place::Option(name), text.as_deref()?)));
        arguments::check_visible(&self.env, texts.chain(paths))
    }

    /// Refuses a credential that no launch may use any more, or that a file of the tenant's can send elsewhere: the last
    /// thing before the process is made. It looks at files.
    ///
    /// # Errors
    /// `CREDENTIAL_REVOKED`, and what [`redirection::check`] finds.
    pub fn admit_last(&self) -> Result<()> {
        redirection::check(&self.env)?;
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
        let Some(directory) = &self.directory else {
            return Ok(None);
        };
        std::fs::canonicalize(directory).map(Some).map_err(|error| {
            let message = format!(
                "{} was not started: step {} ({directory}): {error}. Make the directory, or give another in options.cwd.",
                self.env.provider.name,
                Step::WorkingDirectory.name()
            );
            Error::new(ErrorCode::SpawnFailed, message)
                .provider(self.env.provider.id)
                .path(directory.as_str())
                .step(Step::WorkingDirectory.name())
                .errno(error.raw_os_error().unwrap_or(libc::EIO), Step::WorkingDirectory.syscall())
        })
    }

    /// The CLI's arguments, ours among them, for a child that works in `here`.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE`, see [`arguments::build`].
    pub fn arguments(&self, here: Option<&Path>) -> Result<Vec<String>> {
        let directories = self.directories(here);
        let context = ArgumentContext { delivery: self.delivery, trust: self.trust, directories: &directories };
        arguments::build(&self.env, self.arguments.clone(), &context)
    }

    /// The variables that stand beside the environment's own: those of an SDK, and ours that keep the CLI's child processes
    /// from running what files name.
    #[must_use]
    pub fn variables_beside(&self) -> Vec<(&str, &str)> {
        let context = ArgumentContext { delivery: self.delivery, trust: self.trust, directories: &[] };
        let mut all: Vec<(&str, &str)> = self.extra.iter().map(|(name, value)| (&**name, &**value)).collect();
        for guard in arguments::guards(&self.env, &context) {
            all.push(guard);
        }
        all
    }

    /// A pipe that holds the credential, where it is delivered so.
    ///
    /// # Errors
    /// `SPAWN_FAILED` when there is no descriptor for it.
    pub fn credential_pipe(&self) -> Result<Option<OwnedFd>> {
        if self.env.names.descriptor_variable(self.delivery).is_none() {
            return Ok(None);
        }
        let Some(secret) = self.env.credential.secret.as_deref() else {
            return Ok(None);
        };
        stdio::pipe_holding(secret.expose()).map(Some).map_err(|errno| no_descriptor(errno.raw_os_error()))
    }

    /// The workspace's directory, the working directory and those that the arguments name, by their given and their real
    /// names: Codex compares the real one, except after its own `--cd`.
    fn directories(&self, here: Option<&Path>) -> Vec<String> {
        let base =
            self.directory.clone().or_else(|| Some(std::env::current_dir().ok()?.to_string_lossy().into_owned()));
        let base = base.unwrap_or_else(|| "/".into());
        let in_arguments = arguments::directories_in(&self.env, &self.arguments);
        let in_arguments = in_arguments.map(|path| Path::new(&base).join(path).to_string_lossy().into_owned());
        let given: Vec<String> =
            self.env.workspace_dir.clone().into_iter().chain([base.clone()]).chain(in_arguments).collect();
        let mut all: Vec<String> = here.map(|path| path.to_string_lossy().into_owned()).into_iter().collect();
        for directory in given {
            let real = std::fs::canonicalize(&directory).ok().map(|path| path.to_string_lossy().into_owned());
            for name in [Some(directory), real].into_iter().flatten() {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        }
        all
    }
}

/// The error of a stream or pipe that could not be made.
pub fn no_descriptor(errno: i32) -> Error {
    let reason = std::io::Error::from_raw_os_error(errno);
    let message = format!("There is no descriptor for the child's streams: {reason}. See ulimit -n.");
    Error::new(ErrorCode::SpawnFailed, message).step(Step::Stdio.name()).errno(errno, "pipe2")
}
