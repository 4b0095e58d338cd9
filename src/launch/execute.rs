//! Carries out one start, on the spawner's thread: everything is laid out, then the child is made.

use std::ffi::{CString, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::authority;
use super::failure::{self, Concerned};
use super::identity::Target;
use super::options::Limits;
use super::process::Process;
use super::program::{self, Program, Search};
use super::reach::{Check, Obstacle, OwnReach, Reach};
use super::spawner::Room;
use super::start::{Start, no_descriptor};
use crate::environment::ExecLimits;
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{Made, Provider};
use crate::sys::clone::{self, Access, Child, Failure, Identity, Limit, Started, Strings};
use crate::sys::harden::NO_CORE;
use crate::sys::support::SessionKeyring;
use crate::sys::{Step, identity, stdio, support};

/// Makes the child and tells `process` how it went.
pub(super) fn carry_out(start: Start, process: &Arc<Process>, room: &Room) {
    let provider = start.env.provider;
    if process.is_aborted() {
        let error = Error::new(ErrorCode::Aborted, "The start was aborted before it began.");
        return process.failed(error.provider(provider.id));
    }
    match make(start, room) {
        Ok((started, argv, untested)) => process.started(started, argv, untested),
        Err(error) => process.failed(error.provider(provider.id)),
    }
}

/// The child, what it was given, ours included, and its version where that is newer than those that were tested.
fn make(start: Start, room: &Room) -> Result<(Started, Vec<String>, Option<String>)> {
    let program = resolve(&start, room)?;
    match execute(&start, &program, room) {
        Ok((started, arguments)) => {
            let path = program.path.to_string_lossy().into_owned();
            let argv = [path].into_iter().chain(arguments).collect();
            Ok((started, argv, program.untested(start.env.provider)))
        }
        Err(Refusal::Kernel(failure)) => Err(explain(&start, &program, failure, room)),
        Err(Refusal::Other(error)) => Err(error),
    }
}

fn resolve(start: &Start, room: &Room) -> Result<Program> {
    let path = start.env.plain("PATH").unwrap_or_default();
    let search = Search { command: start.command.as_deref(), path, package_roots: &start.package_roots };
    let provider = start.env.provider;
    program::resolve(provider, &search, &start.target, &TargetReach { room, provider }, &room.proofs)
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
fn execute(start: &Start, program: &Program, room: &Room) -> std::result::Result<(Started, Vec<String>), Refusal> {
    let provider = start.env.provider;
    let path = c_path(&program.path)?;
    if let Target::Same { uid, gid } = start.target
        && (uid, gid) != identity::own()
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

    let exec_limits = ExecLimits::for_stack(identity::stack_limit());
    let beside = start.variables_beside();
    let authority = authority::prove(&start.env, &start.target, &TargetReach { room, provider })?;
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
    let oom_score = oom_score(start.oom_score_adj, room).map_err(Refusal::Kernel)?;
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
    let started = clone::start(&child, &room.stack, &room.in_flight).map_err(|failure| match failure.step {
        // Without an errno it was ended in the middle of it: that says nothing of the directory.
        Step::StateDirectory if failure.errno != 0 => {
            let need = &needs[(failure.detail as usize).min(needs.len().saturating_sub(1))];
            let asks = TargetReach { room, provider };
            Refusal::Other(failure::state_directory(provider, &start.target, &need.concerned(), failure.errno, &asks))
        }
        _ => Refusal::Kernel(failure),
    })?;
    Ok((started, given))
}

/// A refused `execve` contradicts the proof: it is proved anew, and the fresh refusal says more than an errno.
fn explain(start: &Start, program: &Program, failure: Failure, room: &Room) -> Error {
    let provider = start.env.provider;
    let path = program.path.to_string_lossy();
    if failure.step == Step::Execute {
        room.proofs.forget();
        let stale = matches!(
            failure.errno,
            libc::EACCES | libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENOEXEC | libc::ELIBBAD
        );
        if let (true, Err(error)) = (stale, resolve(start, room)) {
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
    failure::error(provider, &start.target, failure, concerned, &TargetReach { room, provider })
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

/// What is to be written, if anything: a child must not be spared, as its worker may be, when memory runs out.
pub(super) fn oom_score(asked: Option<u32>, room: &Room) -> std::result::Result<Option<String>, Failure> {
    if let Some(asked) = asked {
        return Ok(Some(asked.to_string()));
    }
    let mut sign = [0_u8];
    match room.oom_score.as_ref().map(|file| file.read_at(&mut sign, 0)) {
        Some(Ok(_)) => Ok((sign == *b"-").then(|| "0".into())),
        // Without /proc nobody can tell, and nobody can write it.
        None => Ok(None),
        Some(Err(error)) => {
            Err(Failure { step: Step::OomScore, errno: error.raw_os_error().unwrap_or(libc::EIO), detail: 0 })
        }
    }
}

pub(super) fn limits(limits: Limits) -> Vec<Limit> {
    named_limits(limits).map(|(limit, _)| limit).collect()
}

/// Each limit that is set, with its option.
#[allow(clippy::unnecessary_cast, reason = "the type of RLIMIT_* is another one on musl")]
fn named_limits(limits: Limits) -> impl Iterator<Item = (Limit, &'static str)> {
    let rows = [
        (libc::RLIMIT_CORE, "limits.coreBytes", Some(limits.core_bytes.filter(|bytes| *bytes > 0).unwrap_or(NO_CORE))),
        (libc::RLIMIT_NOFILE, "limits.openFiles", limits.open_files),
        (libc::RLIMIT_NPROC, "limits.processes", limits.processes),
        (libc::RLIMIT_AS, "limits.memoryBytes", limits.memory_bytes),
        (libc::RLIMIT_CPU, "limits.cpuSeconds", limits.cpu_seconds),
        // Else a worker that may raise its priority hands that on (getrlimit(2)). Anybody may lower these two.
        (libc::RLIMIT_NICE, "limits", Some(0)),
        (libc::RLIMIT_RTPRIO, "limits", Some(0)),
    ];
    let set = |(resource, option, value): (_, _, Option<u64>)| {
        Some((Limit { resource: resource as u32, value: value? }, option))
    };
    rows.into_iter().filter_map(set)
}

/// `index` is of [`limits`].
pub(super) fn concerned_limit(limits: Limits, index: u32) -> Concerned<'static> {
    let limit = named_limits(limits).nth(index as usize);
    limit.map_or(Concerned::Nothing, |(limit, option)| Concerned::Limit(limit, option))
}

pub(super) fn identity(target: &Target) -> Option<Identity> {
    match target {
        Target::Same { .. } => None,
        Target::Other { uid, gid, groups } => Some(Identity { uid: *uid, gid: *gid, groups: groups.clone() }),
    }
}

pub(super) fn c_path(path: &Path) -> Result<CString> {
    c_bytes(path.as_os_str().as_bytes())
}

pub(super) fn c_string(text: &str) -> Result<CString> {
    c_bytes(text.as_bytes())
}

fn c_bytes(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Error::new(ErrorCode::InvalidArgValue, "A path or argument has a NUL byte."))
}

/// Asks as the target: as this process where it is the target, else by a child that becomes it.
pub(super) struct TargetReach<'a> {
    pub room: &'a Room,
    pub provider: &'static Provider,
}

impl Reach for TargetReach<'_> {
    fn first_obstacle(&self, target: &Target, checks: &[Check]) -> Result<Option<Obstacle>> {
        let Some(identity) = identity(target) else {
            return OwnReach.first_obstacle(target, checks);
        };
        let paths: Vec<CString> = checks.iter().map(|check| c_path(&check.path)).collect::<Result<_>>()?;
        let access: Vec<Access<'_>> = checks
            .iter()
            .zip(&paths)
            .map(|(check, path)| Access { path, mode: check.access.bits().cast_signed(), otherwise: None })
            .collect();
        match support::check_access(&identity, &access, &self.room.stack, &self.room.in_flight) {
            Ok(()) => Ok(None),
            Err(failure) if failure.step == Step::StateDirectory && failure.errno != 0 => {
                Ok(Some(Obstacle { index: failure.detail as usize, errno: failure.errno }))
            }
            Err(failure) => Err(failure::error(self.provider, target, failure, Concerned::Nothing, &OwnReach)),
        }
    }
}
