//! A command that is no CLI, run as a target with the drop of a start: what only the target's own rights may do.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::child::{c_path, c_string, concerned_limit, identity, limits};
use super::exhausted::no_descriptor;
use super::failure::{self, Concerned};
use super::host::Host;
use super::identity::Target;
use super::options::Limits;
use super::queue::queue;
use super::running::Process;
use super::start::no_directory;
use super::target_reach::TargetReach;
use crate::error::{Error, ErrorCode, Result};
use crate::provider;
use crate::sys::clone::{self, Child, Failure, Program, Started, Strings};
use crate::sys::real_path::real_path;
use crate::sys::support::{self, SessionKeyring};
use crate::sys::{Step, stdio};

/// Where a command without a slash is looked for, and all of its environment: what root has in its own is not the
/// target's to see, and a `PATH` of somebody else's names somebody else's programs. lib/run-command.js has the same, for
/// where there is no native start.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command, with everything that the caller decided.
#[derive(Debug)]
pub struct Command {
    /// An absolute path, or a name that is looked for on [`PATH`].
    pub program: String,
    /// Its arguments, without its name.
    pub arguments: Vec<String>,
    /// Its working directory.
    pub directory: String,
    /// Whom it becomes.
    pub target: Target,
    /// Its standard streams; none for `/dev/null`.
    pub stdio: [Option<OwnedFd>; 3],
}

impl Command {
    /// Refuses what cannot be run, while the caller can still be thrown at.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE`.
    pub fn check(&self) -> Result<()> {
        let texts = self.arguments.iter().map(|text| ("args", text));
        for (name, text) in texts.chain([("command", &self.program), ("cwd", &self.directory)]) {
            if text.contains('\0') || (name != "args" && text.is_empty()) {
                let message = format!("options.{name} must be text without a NUL byte, and not empty.");
                return Err(Error::new(ErrorCode::InvalidArgValue, message).name(name));
            }
        }
        Ok(())
    }

    /// Queues it. Its outcome is an event of `process`, as that of a start.
    pub fn queue(self, process: &Arc<Process>) {
        queue(self.target.uid(), process, |error| error, move |process, host| self.carry_out(process, host));
    }

    /// Makes the child and tells `process` how it went.
    fn carry_out(&self, process: &Arc<Process>, host: &Host) {
        if process.is_aborted() {
            return process.failed(Error::new(ErrorCode::Aborted, "The command was stopped before it began."));
        }
        match self.execute(host) {
            Ok((started, argv)) => process.started(started, argv, None),
            Err(error) => process.failed(error),
        }
    }

    fn execute(&self, host: &Host) -> Result<(Started, Vec<String>)> {
        let program = self.locate()?;
        let path = c_path(&program)?;
        let name = c_string(&self.program)?;
        let arguments: Vec<CString> = self.arguments.iter().map(|text| c_string(text)).collect::<Result<_>>()?;
        let argv: Vec<&core::ffi::CStr> =
            [name.as_c_str()].into_iter().chain(arguments.iter().map(|text| &**text)).collect();
        let real_directory = real_path(Path::new(&self.directory))
            .map_err(|error| no_directory(&self.program, &self.directory, &error))?;
        let directory = c_path(&real_directory)?;
        let variables = format!("PATH={PATH}\0");
        let environment = Strings::new(variables.as_bytes(), &[0])
            .ok_or_else(|| Error::new(ErrorCode::Internal, "The environment of a command is not well-formed."))?;
        let mut null = None;
        let streams = stdio::or_null(&self.stdio, &mut null).map_err(|errno| no_descriptor(errno.raw_os_error()))?;
        let new_identity = identity(&self.target);
        let fail = |failure: Failure| {
            let concerned = match failure.step {
                Step::Execute => Concerned::Path(&self.program, &program),
                Step::WorkingDirectory => Concerned::Path(&self.directory, &real_directory),
                Step::Limits => concerned_limit(Limits::default(), failure.detail),
                _ => Concerned::Nothing,
            };
            // Of whom it would speak is not heard: where it cannot be asked, nothing is said.
            let reach = TargetReach { host, provider: provider::default_provider() };
            failure::of(&self.program, &self.target, failure, concerned, &reach)
        };
        let oom_score = host.oom_score(None).map_err(fail)?;
        let child = Child {
            program: Some(Program { path: &path, arguments: &argv, environment, stdio: streams, credential: None }),
            directory: Some(&directory),
            own_keyring: support::session_keyring() == SessionKeyring::Own,
            priority: None,
            oom_score: oom_score.as_deref().map(str::as_bytes),
            umask: None,
            limits: &limits(Limits::default()),
            identity: new_identity.as_ref(),
            may_be_root: self.target.uid() == 0,
            access: &[],
        };
        let started = clone::start(&child, &host.stack, &host.in_flight).map_err(fail)?;
        Ok((started, [self.program.clone()].into_iter().chain(self.arguments.iter().cloned()).collect()))
    }

    /// The kernel says at `execve` whether the target may run it.
    fn locate(&self) -> Result<PathBuf> {
        if self.program.starts_with('/') {
            return Ok(self.program.clone().into());
        }
        let candidates = PATH.split(':').map(|directory| Path::new(directory).join(&self.program));
        let runs = |path: &PathBuf| path.is_file() && accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok();
        let found = if self.program.contains('/') { None } else { candidates.into_iter().find(runs) };
        found.ok_or_else(|| {
            let message = format!("{} was not found. Give its absolute path, or a name on {PATH}.", self.program);
            Error::new(ErrorCode::ProgramNotFound, message).path(&*self.program).errno(libc::ENOENT, "execve")
        })
    }
}
