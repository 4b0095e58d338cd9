//! The native start, in which this package creates the process itself.

use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Function, Unknown};
use napi_derive::napi;

use super::events::{EventArguments, ToJs};
use crate::error::Result;
use crate::node::boundary_error::OrThrow;
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::node::state;
use crate::node::usage::meter::NativeUsageMeter;
use crate::process::command::Command;
use crate::process::launch::{Launch, begin};
use crate::process::options::{ChildOptions, CliOptions};
use crate::process::portable::MissingProtection;
use crate::process::running::Process;
use crate::process::start::Start;
use crate::sys::support::{self, SessionKeyring};
use crate::usage::Meter;

/// Starts processes for one copy of the facade, which receives the events of all of them. One environment can have
/// several copies of the facade, for example in two bundles, or in a test runner that loads modules again.
#[napi]
pub struct NativeSpawner {
    listener: Arc<ToJs>,
}

#[napi]
impl NativeSpawner {
    /// `callback` is called with the id of a process for each of its events.
    #[napi(constructor, catch_unwind, ts_args_type = "callback: (id: number, event: ProcessEvent) => void")]
    pub fn new(callback: Function<'_, EventArguments, Unknown<'static>>) -> napi::Result<Self> {
        let callback = callback.build_threadsafe_function::<EventArguments>().weak::<true>().build()?;
        Ok(Self { listener: Arc::new(ToJs::new(callback)) })
    }

    /// Queues the start of a CLI. Its result and its end are events; only errors in its options are thrown.
    #[napi(catch_unwind)]
    pub fn spawn(
        &self,
        node: &Env,
        env: ClassInstance<'_, NativeProviderEnv>,
        child: ChildOptions,
        cli: CliOptions,
    ) -> napi::Result<NativeProcess> {
        let start = env.plan().and_then(|plan| Start::new(plan, child, cli));
        let begun = start.and_then(|start| {
            let meter = start.meter(env.owner());
            self.begin(start, meter)
        });
        begun.or_throw(node)
    }

    /// Queues a command that is not a CLI, in the same way as a start.
    #[napi(catch_unwind)]
    pub fn run_command(&self, node: &Env, child: ChildOptions) -> napi::Result<NativeProcess> {
        Command::new(child).and_then(|command| self.begin(command, None)).or_throw(node)
    }
}

impl NativeSpawner {
    fn begin(&self, launch: impl Launch, meter: Option<Meter>) -> Result<NativeProcess> {
        let (process, streams) = begin(launch, Arc::<ToJs>::clone(&self.listener))?;
        state::add_process(Arc::clone(&process));
        Ok(NativeProcess { process, streams, meter: meter.map(NativeUsageMeter::around) })
    }
}

/// A process that has been queued.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct BegunProcess {
    /// The id that its events carry.
    pub id: f64,
    /// What has to read its stdout for usage; null where nothing does.
    pub meter: Option<NativeUsageMeter>,
    /// The descriptors of our ends of its three standard streams; null for a stream without one.
    #[napi(ts_type = "Array<number | null>")]
    pub streams: Vec<Option<i32>>,
}

/// A process that is being started, is running, or has ended.
#[napi]
pub struct NativeProcess {
    process: Arc<Process>,
    /// Our ends, until they are taken. What nobody takes is closed with this object.
    streams: [Option<OwnedFd>; 3],
    /// What reads its stdout for usage, until the facade takes it.
    meter: Option<NativeUsageMeter>,
}

#[napi]
impl NativeProcess {
    /// Returns in one call what the facade needs immediately. The descriptors then belong to the caller: a second call
    /// returns none.
    #[napi(catch_unwind)]
    pub fn begun(&mut self) -> BegunProcess {
        let streams = std::mem::take(&mut self.streams);
        let streams = streams.into_iter().map(|stream| stream.map(IntoRawFd::into_raw_fd)).collect();
        BegunProcess { id: self.process.id as f64, meter: self.meter.take(), streams }
    }

    /// Sends a signal to its process group; 0 only checks. False if the group no longer exists.
    #[napi(catch_unwind)]
    pub fn signal(&self, signal: i32) -> bool {
        self.process.signal(signal).is_ok()
    }

    /// Stops it: sends its signal, waits for the grace period, then sends SIGKILL.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.process.stop();
    }

    /// Records that it has ended, so that it is not killed with this Node environment.
    #[napi(catch_unwind)]
    pub fn forget(&mut self) {
        state::remove_process(self.process.id);
        self.streams = Default::default();
    }
}

/// The name of the first call that the native start needs and that is not available here; none if it works.
#[napi(catch_unwind)]
pub fn missing_for_native_start() -> Option<&'static str> {
    support::native_start().err()
}

/// The default protections that the native start cannot provide here.
#[napi(catch_unwind)]
pub fn missing_from_native_start() -> Vec<MissingProtection> {
    let inherits_keyring = support::session_keyring() == SessionKeyring::Inherited;
    if inherits_keyring { vec![MissingProtection::SessionKeyring] } else { Vec::new() }
}
