//! Launches a CLI or a plain command once everything is decided: queues it, prepares and starts it on a spawner's
//! thread, and reports the result.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rustix::io::Errno;

use super::exhausted::no_descriptor;
use super::failure::{self, Concerned, Subject, about};
use super::host::{Host, c_path, c_string};
use super::identity::Target;
use super::options::{ChildOptions, Stdio, aborted};
use super::prepare::PreparedLaunch;
use super::running::{Begun, Process, ProcessListener, discard};
use super::spawner::{self, LIMIT, SpawnerJob};
use super::start::Start;
use crate::error::{Error, ErrorCode, Result};
use crate::provider::Provider;
use crate::sys::clone::{self, Access, Child, Execution, Started, StepFailure, Strings};
use crate::sys::{Step, identity, stdio};

/// Standard streams; none for `/dev/null`, or where nobody is at our end.
pub type Streams = [Option<OwnedFd>; 3];

/// Something to be run as a target.
pub trait Launch: Send + 'static {
    fn options(&self) -> &ChildOptions;

    fn target(&self) -> &Target;

    /// The row of a CLI. Errors about a command, which has none, speak of no provider.
    fn provider(&self) -> Option<&'static Provider>;

    /// Finds the program and lays everything out, on a spawner's thread.
    ///
    /// # Errors
    /// Why there can be no child.
    fn prepare(&self, host: &Host) -> Result<PreparedLaunch>;

    /// A better explanation of an `execve` that the kernel refused, where there is one.
    fn doubt(&self, _: StepFailure, _: &Host) -> Option<Error> {
        None
    }
}

impl Launch for Start {
    fn options(&self) -> &ChildOptions {
        &self.child
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn provider(&self) -> Option<&'static Provider> {
        Some(self.env.provider)
    }

    fn prepare(&self, host: &Host) -> Result<PreparedLaunch> {
        Self::prepare(self, &host.access_check(self.provider()), &host.proofs)
    }

    /// A refused `execve` contradicts the proof: it is proved again, and the new refusal says more than an errno.
    fn doubt(&self, failure: StepFailure, host: &Host) -> Option<Error> {
        host.proofs.forget();
        let is_stale = matches!(
            failure.errno,
            libc::EACCES | libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENOEXEC | libc::ELIBBAD
        );
        if is_stale { self.locate(&host.access_check(self.provider()), &host.proofs).err() } else { None }
    }
}

/// Queues a launch. Its outcome is an event of the process: also that the kernel lacks a call (`UNSUPPORTED`), or that the
/// system has no thread or no descriptor for it (`SPAWN_FAILED`). Gives our ends of its streams too.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a descriptor in `stdio` that is not open.
pub fn begin(launch: impl Launch, listener: Arc<dyn ProcessListener>) -> Result<(Arc<Process>, Streams)> {
    let streams = streams(&launch.options().stdio)?;
    let process = Process::new(launch.options().stop, listener);
    if launch.options().aborted {
        process.stop();
    }
    let ours = match streams {
        Ok((ours, theirs)) => {
            queue(launch, theirs, &process);
            ours
        }
        Err(error) => {
            process.failed(about(error, launch.provider()));
            Streams::default()
        }
    };
    Ok((process, ours))
}

/// Our ends of the streams, and the child's; within, the error of a system that has no descriptor left.
fn streams(wanted: &[Stdio]) -> Result<Result<(Streams, Streams)>> {
    let (mut ours, mut theirs) = (Streams::default(), Streams::default());
    for ((wanted, theirs), ours) in wanted.iter().zip(&mut theirs).zip(&mut ours) {
        let made = match *wanted {
            Stdio::Pipe => stdio::stream().map(|ends| (*ours, *theirs) = (Some(ends.0), Some(ends.1))),
            Stdio::Ignore => Ok(()),
            Stdio::Descriptor { number } => match stdio::copy_of(number) {
                Err(Errno::BADF) => return Err(wanted.not_open()),
                copy => copy.map(|copy| *theirs = Some(copy)),
            },
        };
        if let Err(errno) = made {
            return Ok(Err(no_descriptor(errno.raw_os_error())));
        }
    }
    Ok(Ok((ours, theirs)))
}

/// Carries out `launch`, with the child's ends of its streams, and reports it to `process`.
pub fn queue(launch: impl Launch, streams: Streams, process: &Arc<Process>) {
    let (uid, provider) = (launch.target().uid(), launch.provider());
    let (of_run, of_refusal) = (Arc::clone(process), Arc::clone(process));
    let run = move |host: &Host| {
        if catch_unwind(AssertUnwindSafe(|| carry_out(&launch, &streams, &of_run, host))).is_err() {
            let error = Error::new(ErrorCode::Internal, "The start failed because of a defect in this package.");
            of_run.failed(about(error, provider));
        }
    };
    let refuse = move |error: Error| of_refusal.failed(about(error, provider));
    if let Err(error) = spawner::submit(SpawnerJob { uid, limit: LIMIT, run: Box::new(run), refuse: Box::new(refuse) })
    {
        process.failed(about(error, provider));
    }
}

/// Creates the child and reports the result to `process`.
fn carry_out(launch: &impl Launch, streams: &Streams, process: &Arc<Process>, host: &Host) {
    let made = if process.is_aborted() { Err(aborted()) } else { make(launch, streams, host) };
    match made {
        Ok(begun) => process.started(begun),
        Err(error) => process.failed(about(error, launch.provider())),
    }
}

fn make(launch: &impl Launch, streams: &Streams, host: &Host) -> Result<Begun> {
    if matches!(launch.target(), Target::Same { uid, gid } if (*uid, *gid) != identity::own()) {
        let message = "This process has changed its uid or gid since the start was requested. Try again.";
        return Err(Error::new(ErrorCode::PrivilegeFailed, message));
    }
    let mut prepared = launch.prepare(host)?;
    let started = execute(launch, &prepared, streams, host)?;
    if let Some(brokered) = &mut prepared.brokered {
        brokered.forget_token();
        if let Err(error) = brokered.bind(started.pid) {
            discard(&started);
            return Err(error);
        }
    }
    let name = prepared.name.to_string_lossy().into_owned();
    Ok(Begun {
        started,
        argv: [name].into_iter().chain(prepared.arguments).collect(),
        untested: prepared.untested,
        delivery: prepared.delivery,
        brokered: prepared.brokered,
    })
}

fn execute(launch: &impl Launch, prepared: &PreparedLaunch, streams: &Streams, host: &Host) -> Result<Started> {
    let (path, name) = (c_path(&prepared.program)?, c_path(&prepared.name)?);
    let arguments: Vec<CString> =
        prepared.arguments.iter().map(|text| c_string(text.as_bytes())).collect::<Result<_>>()?;
    let arguments: Vec<&CStr> = [&*name].into_iter().chain(arguments.iter().map(|text| &**text)).collect();
    let environment = Strings::new(prepared.environment.bytes(), prepared.environment.offsets())
        .ok_or_else(|| Error::new(ErrorCode::Internal, "The environment block is not well-formed."))?;
    let directory = prepared.directory.as_deref().map(c_path).transpose()?;
    let mut null = None;
    let stdio = stdio::or_null(streams, &mut null).map_err(|errno| no_descriptor(errno.raw_os_error()))?;
    let needs: Vec<(CString, Option<CString>)> = prepared
        .needs
        .iter()
        .map(|need| Ok((c_path(&need.path)?, need.made_in.as_deref().map(c_path).transpose()?)))
        .collect::<Result<_>>()?;
    let access: Vec<Access<'_>> = needs
        .iter()
        .map(|(path, made_in)| Access { path, mode: libc::W_OK | libc::X_OK, otherwise: made_in.as_deref() })
        .collect();
    let explain = |failure: StepFailure| explain(launch, prepared, failure, host);
    let credential = prepared.credential.as_ref().map(AsFd::as_fd);
    let child = Child {
        program: Some(Execution { path: &path, arguments: &arguments, environment, stdio, credential }),
        directory: directory.as_deref(),
        attributes: host.attributes(launch.options().attributes).map_err(explain)?,
        identity: launch.target().identity(),
        may_be_root: launch.target().uid() == 0,
        access: &access,
    };
    clone::start(&child, &host.stack, &host.in_flight).map_err(explain)
}

/// The error of a step that failed.
fn explain(launch: &impl Launch, prepared: &PreparedLaunch, failure: StepFailure, host: &Host) -> Error {
    if failure.step == Step::Execute
        && let Some(error) = launch.doubt(failure, host)
    {
        return error;
    }
    let (options, provider) = (launch.options(), launch.provider());
    let name = prepared.name.to_string_lossy();
    let subject = Subject { name: provider.map_or(&*name, |row| row.name), target: launch.target() };
    let access = host.access_check(provider);
    let limits = options.attributes.limits();
    let item = failure.detail as usize;
    let concerned = match failure.step {
        Step::Execute => Concerned::Path(&name, &prepared.program),
        Step::WorkingDirectory => match (options.cwd.as_deref(), prepared.directory.as_deref()) {
            (Some(given), Some(real)) => Concerned::Path(given, real),
            _ => Concerned::Nothing,
        },
        Step::Limits => limits.get(item).map_or(Concerned::Nothing, |limit| Concerned::Limit(*limit)),
        // Without an errno it was ended in the middle of it: that says nothing of the directory.
        Step::StateDirectory if failure.errno != 0 => match prepared.needs.get(item) {
            Some(need) => return failure::state_directory(&subject, need, failure.errno, &access),
            None => Concerned::Nothing,
        },
        _ => Concerned::Nothing,
    };
    failure::error(&subject, failure, concerned, &access)
}
