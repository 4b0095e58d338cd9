//! Carries out one start, on the spawner's thread: everything is laid out, then the child is made.

use std::ffi::{CString, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::authority;
use super::child::{c_path, c_string, concerned_limit, identity, limits};
use super::exhausted::no_descriptor;
use super::failure::{self, Concerned};
use super::host::Host;
use super::identity::Target;
use super::program::{self, Program, Search};
use super::queue::queue;
use super::running::Process;
use super::start::Start;
use super::target_reach::TargetReach;
use crate::environment::ExecLimits;
use crate::error::{Error, ErrorCode, Result};
use crate::provider::Made;
use crate::sys::clone::{self, Access, Child, Failure, Started, Strings};
use crate::sys::support::SessionKeyring;
use crate::sys::{Step, identity as ids, stdio, support};

impl Start {
    /// Queues it. Its outcome is an event of `process`: also that the kernel lacks a call (`UNSUPPORTED`), or that the
    /// system has no thread for it (`SPAWN_FAILED`).
    pub fn queue(self, process: &Arc<Process>) {
        let (uid, provider) = (self.target.uid(), self.env.provider.id);
        let about = move |error: Error| error.provider(provider);
        queue(uid, process, about, move |process, host| carry_out(self, process, host));
    }
}

/// Makes the child and tells `process` how it went.
fn carry_out(start: Start, process: &Arc<Process>, host: &Host) {
    let provider = start.env.provider;
    if process.is_aborted() {
        let error = Error::new(ErrorCode::Aborted, "The start was aborted before it began.");
        return process.failed(error.provider(provider.id));
    }
    match make(start, host) {
        Ok((started, argv, untested)) => process.started(started, argv, untested),
        Err(error) => process.failed(error.provider(provider.id)),
    }
}

/// The child, what it was given, ours included, and its version where that is newer than those that were tested.
fn make(start: Start, host: &Host) -> Result<(Started, Vec<String>, Option<String>)> {
    let program = resolve(&start, host)?;
    match execute(&start, &program, host) {
        Ok((started, arguments)) => {
            let path = program.path.to_string_lossy().into_owned();
            let argv = [path].into_iter().chain(arguments).collect();
            Ok((started, argv, program.untested(start.env.provider)))
        }
        Err(Refusal::Kernel(failure)) => Err(explain(&start, &program, failure, host)),
        Err(Refusal::Other(error)) => Err(error),
    }
}

fn resolve(start: &Start, host: &Host) -> Result<Program> {
    let path = start.env.plain("PATH").unwrap_or_default();
    let search = Search { command: start.command.as_deref(), path, package_roots: &start.package_roots };
    let provider = start.env.provider;
    program::resolve(provider, &search, &start.target, &TargetReach { host, provider }, &host.proofs)
}

enum Refusal {
    Kernel(Failure),
    Other(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Makes the child; it, and the arguments that it was given, ours among them.
fn execute(start: &Start, program: &Program, host: &Host) -> std::result::Result<(Started, Vec<String>), Refusal> {
    let provider = start.env.provider;
    let path = c_path(&program.path)?;
    if let Target::Same { uid, gid } = start.target
        && (uid, gid) != ids::own()
    {
        let message = "This process has changed its ids since the start was asked for. Ask again.";
        return Err(Error::new(ErrorCode::PrivilegeFailed, message).provider(provider.id).into());
    }
    let real_directory = start.real_directory()?;
    let given = start.arguments(real_directory.as_deref())?;
    let arguments: Vec<CString> = given.iter().map(|text| c_string(text)).collect::<Result<_>>()?;
    let argv: Vec<&core::ffi::CStr> =
        [path.as_c_str()].into_iter().chain(arguments.iter().map(|text| &**text)).collect();
    let directory = real_directory.as_deref().map(c_path).transpose()?;

    let exec_limits = ExecLimits::for_stack(ids::stack_limit());
    let beside = start.variables_beside();
    let authority = authority::prove(&start.env, &start.target, &TargetReach { host, provider })?;
    let authority = authority.as_ref().map(|(name, path)| (*name, path.as_str()));
    let extra: Vec<(&str, &str)> = beside.iter().map(|(name, value)| (*name, &**value)).chain(authority).collect();
    let block = start.env.block(start.delivery, exec_limits, &extra)?;
    let argument_bytes: usize = argv.iter().map(|text| text.count_bytes() + 1).sum();
    for text in &argv {
        exec_limits.check_string("one of options.args", text.count_bytes() + 1)?;
    }
    exec_limits.check_total(block.bytes().len() + argument_bytes, block.offsets().len() + argv.len() + 2)?;
    let environment = Strings::new(block.bytes(), block.offsets())
        .ok_or_else(|| Error::new(ErrorCode::Internal, "The environment block is not well-formed."))?;

    let credential = start.credential_pipe(program)?;
    let mut null = None;
    let streams = stdio::or_null(&start.stdio, &mut null).map_err(|errno| no_descriptor(errno.raw_os_error()))?;
    let needs = needs(start)?;
    let access: Vec<Access<'_>> = needs.iter().map(Need::as_access).collect();
    let new_identity = identity(&start.target);
    let oom_score = host.oom_score(start.oom_score_adj).map_err(Refusal::Kernel)?;
    let child = Child {
        program: Some(clone::Program {
            path: &path,
            arguments: &argv,
            environment,
            stdio: streams,
            credential: credential.as_ref().map(AsFd::as_fd),
        }),
        directory: directory.as_deref(),
        own_keyring: support::session_keyring() == SessionKeyring::Own,
        priority: start.priority,
        oom_score: oom_score.as_deref().map(str::as_bytes),
        umask: start.umask,
        limits: &limits(start.limits),
        identity: new_identity.as_ref(),
        may_be_root: start.target.uid() == 0,
        access: &access,
    };
    // Last: a start can wait in the queue for longer than a credential is good.
    start.admit_last(program)?;
    let started = clone::start(&child, &host.stack, &host.in_flight).map_err(|failure| match failure.step {
        // Without an errno it was ended in the middle of it: that says nothing of the directory.
        Step::StateDirectory if failure.errno != 0 => {
            let need = &needs[(failure.detail as usize).min(needs.len().saturating_sub(1))];
            let asks = TargetReach { host, provider };
            Refusal::Other(failure::state_directory(provider, &start.target, &need.concerned(), failure.errno, &asks))
        }
        _ => Refusal::Kernel(failure),
    })?;
    Ok((started, given))
}

/// A refused `execve` contradicts the proof: it is proved anew, and the fresh refusal says more than an errno.
fn explain(start: &Start, program: &Program, failure: Failure, host: &Host) -> Error {
    let provider = start.env.provider;
    let path = program.path.to_string_lossy();
    if failure.step == Step::Execute {
        host.proofs.forget();
        let stale = matches!(
            failure.errno,
            libc::EACCES | libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENOEXEC | libc::ELIBBAD
        );
        if let (true, Err(error)) = (stale, resolve(start, host)) {
            return error;
        }
    }
    let real_directory = start.real_directory().ok().flatten();
    let concerned = match failure.step {
        Step::Execute => Concerned::Path(&path, &program.path),
        Step::WorkingDirectory => match (&start.directory, &real_directory) {
            (Some(given), Some(real)) => Concerned::Path(given, real),
            (Some(given), None) => Concerned::Path(given, Path::new(given)),
            (None, _) => Concerned::Nothing,
        },
        Step::Limits => concerned_limit(start.limits, failure.detail),
        _ => Concerned::Nothing,
    };
    failure::error(provider, &start.target, failure, concerned, &TargetReach { host, provider })
}

/// A directory that the CLI needs, with the name of the variable that says so.
struct Need {
    variable: &'static str,
    path: CString,
    otherwise: Option<CString>,
}

impl Need {
    /// What the child was asked for last: where the directory would be made, where it was missing.
    fn concerned(&self) -> failure::Directory {
        let path = |text: &CString| PathBuf::from(OsStr::from_bytes(text.as_bytes()));
        let made_in = self.otherwise.as_ref().map(path);
        failure::Directory { variable: self.variable, path: path(&self.path), made_in }
    }

    fn as_access(&self) -> Access<'_> {
        Access { path: &self.path, mode: libc::W_OK | libc::X_OK, otherwise: self.otherwise.as_deref() }
    }
}

fn needs(start: &Start) -> Result<Vec<Need>> {
    let is_named = |variable| start.env.plain(variable).is_some();
    let rows = start.env.provider.directory_needs.iter();
    let rows = rows.filter(|row| !row.only_when_named || is_named(row.variable));
    rows.map(|row| {
        let mut path = start.env.directory(row.variable, row.otherwise);
        if !row.below.is_empty() {
            path.push(row.below);
        }
        let is_made = match row.made {
            Made::Never => false,
            Made::WhenDefault => !is_named(row.variable),
            Made::Always => true,
        };
        let otherwise = is_made.then(|| nearest(&path)).flatten().map(c_path).transpose()?;
        Ok(Need { variable: row.variable, path: c_path(&path)?, otherwise })
    })
    .collect()
}

/// The nearest directory above one that is missing; what this process may not look at counts as there, and the child is
/// asked. None where the directory itself is.
fn nearest(path: &Path) -> Option<&Path> {
    let is_there = |path: &&Path| {
        std::fs::symlink_metadata(path).map_or_else(|error| error.kind() != std::io::ErrorKind::NotFound, |_| true)
    };
    (!is_there(&path)).then(|| path.ancestors().skip(1).find(is_there)).flatten()
}
