//! Runs a command that is not a CLI as the target user, with the same privilege drop as a start.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::host::Host;
use super::identity::{Target, decide};
use super::launch::Launch;
use super::options::{COMMAND_PATH, ChildOptions};
use super::prepare::{PreparedLaunch, real_directory};
use crate::environment::{EnvBlock, ExecLimits};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::Provider;
use crate::sys::identity;

/// A command, with everything that the caller decided.
#[derive(Debug)]
pub struct Command {
    child: ChildOptions,
    name: String,
    target: Target,
}

impl Command {
    /// Decides it, and refuses what cannot be run while the caller can still be thrown at.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE`; what [`decide`] refuses.
    pub fn new(mut child: ChildOptions) -> Result<Self> {
        let target = decide(&child.ids, identity::own())?;
        let name = child.command.clone().unwrap_or_default();
        let directory = &*child.cwd.get_or_insert_with(|| "/".into());
        let texts = child.args.iter().map(|text| ("args", text));
        for (option, text) in texts.chain([("command", &name), ("cwd", directory)]) {
            if text.contains('\0') || (option != "args" && text.is_empty()) {
                let message = format!("options.{option} must be a string that is not empty and contains no NUL byte.");
                return Err(Error::new(ErrorCode::InvalidArgValue, message).name(option));
            }
        }
        Ok(Self { child, name, target })
    }

    /// The kernel says at `execve` whether the target may run it.
    fn locate(&self) -> Result<PathBuf> {
        if self.name.starts_with('/') {
            return Ok(self.name.clone().into());
        }
        let candidates = COMMAND_PATH.split(':').map(|directory| Path::new(directory).join(&self.name));
        let runs = |path: &PathBuf| path.is_file() && accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok();
        let found = if self.name.contains('/') { None } else { candidates.into_iter().find(runs) };
        found.ok_or_else(|| {
            let message = format!(
                "{} was not found. Pass its absolute path, or the name of a program on \
                {COMMAND_PATH}.",
                self.name
            );
            Error::new(ErrorCode::ProgramNotFound, message).path(&*self.name).errno(libc::ENOENT, "execve")
        })
    }
}

impl Launch for Command {
    fn options(&self) -> &ChildOptions {
        &self.child
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn provider(&self) -> Option<&'static Provider> {
        None
    }

    fn prepare(&self, _: &Host) -> Result<PreparedLaunch> {
        let limits = ExecLimits::of_this_process();
        Ok(PreparedLaunch {
            program: self.locate()?,
            name: self.name.clone().into(),
            arguments: self.child.args.clone(),
            environment: EnvBlock::new([("PATH", COMMAND_PATH.as_bytes())].into_iter(), limits, &[])?,
            directory: self.child.cwd.as_deref().map(|given| real_directory(&self.name, given)).transpose()?,
            delivery: None,
            credential: None,
            brokered: None,
            needs: Vec::new(),
            untested: None,
        })
    }
}
