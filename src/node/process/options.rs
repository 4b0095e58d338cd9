//! The options of a start as the facade hands them over, and as the core takes them.

use std::path::PathBuf;
use std::time::Duration;

use napi_derive::napi;

use crate::error::{Error, ErrorCode, Result};
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::process::identity::{self, IdentityRequest};
use crate::process::options::{self, Limits, WorkspaceTrust};
use crate::process::start::Start;
use crate::provider::CommandLine;
use crate::sys;
use crate::usage;

/// Ids.
#[napi(object, object_to_js = false)]
pub struct NativeIdentity {
    pub uid: Option<f64>,
    pub gid: Option<f64>,
    pub groups: Option<Vec<f64>>,
    pub allow_root: Option<bool>,
}

impl From<NativeIdentity> for IdentityRequest {
    fn from(ids: NativeIdentity) -> Self {
        Self { uid: ids.uid, gid: ids.gid, groups: ids.groups, allow_root: ids.allow_root.unwrap_or(false) }
    }
}

/// Limits.
#[napi(object, object_to_js = false)]
pub struct NativeLimits {
    pub core_bytes: Option<f64>,
    pub open_files: Option<f64>,
    pub processes: Option<f64>,
    pub memory_bytes: Option<f64>,
    pub cpu_seconds: Option<f64>,
}

/// Everything else. The facade has checked the types.
#[napi(object, object_to_js = false)]
pub struct NativeStart {
    pub args: Vec<String>,
    pub command: Option<String>,
    pub package_roots: Vec<String>,
    pub cwd: Option<String>,
    pub priority: Option<u32>,
    pub oom_score_adj: Option<u32>,
    pub umask: Option<u32>,
    pub limits: Option<NativeLimits>,
    pub delivery: Option<String>,
    pub trusted: bool,
    /// Names and values by turns.
    pub extra: Vec<String>,
    pub kill_signal: i32,
    pub kill_grace_ms: f64,
    pub timeout_ms: Option<f64>,
    pub kill_group_on_exit: bool,
    /// Whether stdout is read for usage; by the arguments when it is not said.
    pub watch: Option<bool>,
    /// Whether a claim of another credential must be seen.
    pub must_claim: bool,
    /// Whether the caller's AbortSignal has fired already.
    pub aborted: bool,
    /// A descriptor of this process, or -1 for a new stream, or -2 for none.
    pub stdio: Vec<i32>,
}

impl NativeStart {
    /// The core's start, without streams.
    ///
    /// # Errors
    /// `DISPOSED`, `PRIVILEGE_REFUSED`, `UNSUPPORTED`, `ERR_INVALID_ARG_VALUE`.
    pub fn take_start(&mut self, env: &NativeProviderEnv, ids: NativeIdentity) -> Result<Start> {
        let plan = env.plan()?;
        let delivery = options::delivery(&plan, self.delivery.as_deref())?;
        let target = identity::decide(&ids.into(), sys::identity::own())?;
        let trust = if self.trusted { WorkspaceTrust::Trusted } else { WorkspaceTrust::Untrusted };
        let directory = self.cwd.take().or_else(|| plan.workspace_dir.clone());
        let extra = self.extra.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        let command_line = CommandLine::parse(&plan.provider.arguments.grammar, std::mem::take(&mut self.args));
        let start = Start {
            env: plan,
            delivery,
            extra,
            command: self.command.take(),
            package_roots: self.package_roots.drain(..).map(PathBuf::from).collect(),
            command_line,
            trust,
            directory,
            target,
            priority: self.priority,
            oom_score_adj: self.oom_score_adj,
            umask: self.umask,
            limits: self.limits.as_ref().map(core_limits).unwrap_or_default(),
            stdio: [None, None, None],
            on_terminal: self.stdio.first().is_some_and(|number| sys::stdio::is_terminal(*number)),
        };
        start.check()?;
        Ok(start)
    }

    /// Whether stdout is read for usage.
    ///
    /// # Errors
    /// `UNSUPPORTED`, `ERR_INVALID_ARG_VALUE` where a claim must be seen, and there will be none.
    pub fn watches(&self, start: &Start) -> Result<bool> {
        let provider = start.env.provider;
        let watches = self.watch.unwrap_or_else(|| usage::asks_for_output(provider.output, &start.command_line));
        if self.must_claim {
            usage::require_claims(provider, watches)?;
        }
        Ok(watches)
    }
}

fn core_limits(limits: &NativeLimits) -> Limits {
    let whole = |value: Option<f64>| value.map(|value| value as u64);
    Limits {
        core_bytes: whole(limits.core_bytes),
        open_files: whole(limits.open_files),
        processes: whole(limits.processes),
        memory_bytes: whole(limits.memory_bytes),
        cpu_seconds: whole(limits.cpu_seconds),
    }
}

/// The error of a descriptor in `stdio` that is not open.
pub fn not_open(number: i32) -> Error {
    let message = format!("options.stdio names descriptor {number}, which is not open in this process.");
    Error::new(ErrorCode::InvalidArgValue, message).name("stdio")
}

/// Milliseconds of JavaScript; the facade has checked that they are a finite number from 0.
///
/// # Errors
/// `ERR_INVALID_ARG_VALUE` for more than a duration holds.
pub fn duration(name: &str, milliseconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(milliseconds / 1000.0).map_err(|_| {
        let message = format!("options.{name} must be a number of milliseconds from 0.");
        Error::new(ErrorCode::InvalidArgValue, message).name(name)
    })
}
