//! Starting and signalling processes.

use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;
use rustix::io::Errno;

use crate::error::Result;
use crate::node::boundary_error::OrThrow;
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::node::process::events::NativeProcessListener;
use crate::node::process::options::{NativeIdentity, NativeStart, duration, not_open};
use crate::node::state;
use crate::process::command::Command;
use crate::process::exhausted::no_descriptor;
use crate::process::identity;
use crate::process::running::{Process, StopPolicy};
use crate::sys::{self, stdio};

/// A process that is being started.
#[napi(object, object_from_js = false)]
pub struct NativeProcess {
    pub id: f64,
    /// For which of the three there is a stream to take.
    pub stdio: Vec<bool>,
    /// Whether stdout is to be read for usage.
    pub watch: bool,
}

const STREAM: i32 = -1;
const NONE: i32 = -2;

/// Queues a start. Its outcome and its end are events; only what its arguments tell is thrown.
#[napi(catch_unwind)]
pub fn spawn(
    node: &Env,
    listener: ClassInstance<'_, NativeProcessListener>,
    env: ClassInstance<'_, NativeProviderEnv>,
    options: NativeStart,
    ids: NativeIdentity,
) -> napi::Result<NativeProcess> {
    spawn_inner(&listener, &env, options, ids).or_throw(node)
}

fn spawn_inner(
    listener: &NativeProcessListener,
    env: &NativeProviderEnv,
    mut options: NativeStart,
    ids: NativeIdentity,
) -> Result<NativeProcess> {
    let mut start = options.take_start(env, ids)?;
    let watch = options.watches(&start)?;
    let policy = StopPolicy {
        signal: options.kill_signal,
        grace: duration("killGraceMs", options.kill_grace_ms)?,
        timeout: options.timeout_ms.map(|ms| duration("timeoutMs", ms)).transpose()?,
        kill_group_on_exit: options.kill_group_on_exit,
    };
    let streams = streams(&options.stdio)?;
    let process = Process::new(policy, listener.for_process());
    if options.aborted {
        process.stop();
    }
    let ours = match streams {
        Ok((ours, theirs)) => {
            start.stdio = theirs;
            start.queue(&process);
            ours
        }
        Err(error) => {
            process.failed(error.provider(start.env.provider.id));
            Streams::default()
        }
    };
    Ok(remember(process, ours, watch))
}

/// A command that is no CLI, to be run as a target. The facade has checked the types.
#[napi(object, object_to_js = false)]
pub struct NativeCommand {
    pub command: String,
    pub args: Vec<String>,
    pub cwd: String,
    pub kill_grace_ms: f64,
    pub timeout_ms: Option<f64>,
    /// As of a start.
    pub stdio: Vec<i32>,
}

/// Queues a command. Its outcome and its end are events; only what its arguments tell is thrown.
#[napi(catch_unwind)]
pub fn run_command(
    env: &Env,
    listener: ClassInstance<'_, NativeProcessListener>,
    options: NativeCommand,
    ids: NativeIdentity,
) -> napi::Result<NativeProcess> {
    run_command_inner(&listener, options, ids).or_throw(env)
}

fn run_command_inner(
    listener: &NativeProcessListener,
    options: NativeCommand,
    ids: NativeIdentity,
) -> Result<NativeProcess> {
    let target = identity::decide(&ids.into(), sys::identity::own())?;
    let policy = StopPolicy {
        signal: libc::SIGTERM,
        grace: duration("killGraceMs", options.kill_grace_ms)?,
        timeout: options.timeout_ms.map(|ms| duration("timeoutMs", ms)).transpose()?,
        kill_group_on_exit: true,
    };
    let streams = streams(&options.stdio)?;
    let mut command = Command {
        program: options.command,
        arguments: options.args,
        directory: options.cwd,
        target,
        stdio: Streams::default(),
    };
    command.check()?;
    let process = Process::new(policy, listener.for_process());
    let ours = match streams {
        Ok((ours, theirs)) => {
            command.stdio = theirs;
            command.queue(&process);
            ours
        }
        Err(error) => {
            process.failed(error);
            Streams::default()
        }
    };
    Ok(remember(process, ours, false))
}

type Streams = [Option<OwnedFd>; 3];

/// Our ends and the child's of its streams, as the facade wants them; within, the error of a system that has none left.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for a descriptor that is not open.
fn streams(wanted: &[i32]) -> Result<Result<(Streams, Streams)>> {
    let (mut ours, mut theirs) = (Streams::default(), Streams::default());
    for ((wanted, theirs), ours) in wanted.iter().zip(&mut theirs).zip(&mut ours) {
        let made = match *wanted {
            STREAM => stdio::stream().map(|ends| (*ours, *theirs) = (Some(ends.ours), Some(ends.theirs))),
            NONE => Ok(()),
            number => match stdio::copy_of(number) {
                Err(Errno::BADF) => return Err(not_open(number)),
                copy => copy.map(|copy| *theirs = Some(copy)),
            },
        };
        if let Err(errno) = made {
            return Ok(Err(no_descriptor(errno.raw_os_error())));
        }
    }
    Ok(Ok((ours, theirs)))
}

fn remember(process: Arc<Process>, ours: Streams, watch: bool) -> NativeProcess {
    let id = process.id as f64;
    let stdio = ours.iter().map(Option::is_some).collect();
    state::add_process(process, ours);
    NativeProcess { id, stdio, watch }
}

/// Our end of a stream, which belongs to the caller from now on; -1 when it was taken before. One that is never taken
/// is closed with the process or the Node environment.
#[napi(catch_unwind)]
pub fn take_stream(id: f64, index: u32) -> i32 {
    state::take_stream(id as u64, index as usize).map_or(-1, IntoRawFd::into_raw_fd)
}

/// Signals a process group; 0 asks only. False when there is none any more.
#[napi(catch_unwind)]
pub fn signal(id: f64, signal: i32) -> bool {
    state::process(id as u64).is_some_and(|process| process.signal(signal).is_ok())
}

/// Stops a process group: its signal, the grace, SIGKILL.
#[napi(catch_unwind)]
pub fn stop(id: f64) {
    if let Some(process) = state::process(id as u64) {
        process.stop();
    }
}

/// Forgets a process that has ended.
#[napi(catch_unwind)]
pub fn forget(id: f64) {
    state::remove_process(id as u64);
}

/// The name of the first call that the native start lacks here; none when it works.
#[napi(catch_unwind)]
pub fn missing_for_native_start() -> Option<&'static str> {
    sys::support::native_start().err()
}

/// The default protections that the native start cannot give here.
#[napi(catch_unwind)]
pub fn missing_from_native_start() -> Vec<&'static str> {
    use crate::sys::support::{SessionKeyring, session_keyring};
    if session_keyring() == SessionKeyring::Inherited { vec!["session-keyring"] } else { Vec::new() }
}
