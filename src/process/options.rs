//! The options of a start as the facade passes them. They are turned into a `Start` or a `Command`, and what the child
//! needs into `sys::clone::Child`.

use std::time::Duration;

use super::identity::IdentityRequest;
use crate::credential::Credential;
use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::sys::attributes::Attributes;
use crate::sys::stdio::is_terminal;

/// The options of any child, a CLI or a command. The facade has checked the types and the ranges.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct ChildOptions {
    /// An absolute path, or a name to look up on the child's `PATH`. Default: the provider's CLI.
    pub command: Option<String>,
    /// The arguments without the program's name.
    pub args: Vec<String>,
    /// The working directory. Default: the workspace of a CLI, or that of this process.
    pub cwd: Option<String>,
    pub ids: IdentityRequest,
    pub attributes: Attributes,
    pub stop: StopPolicy,
    /// The three standard streams, in the order of their numbers.
    pub stdio: Vec<Stdio>,
    /// Whether it was aborted before it began.
    pub aborted: bool,
}

impl ChildOptions {
    /// Whether its first stream is a terminal.
    pub(super) fn is_on_terminal(&self) -> bool {
        matches!(self.stdio.first(), Some(Stdio::Descriptor { number }) if is_terminal(*number))
    }
}

/// The additional options of a CLI.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct CliOptions {
    /// Directories from which packages are searched, upwards.
    pub package_roots: Vec<String>,
    /// `auto`, `fd`, `env` or `broker`. Default: `auto`.
    pub delivery: Option<String>,
    /// Whether the workspace's own files may configure the CLI.
    pub trusted: bool,
    /// Variables that an SDK adds. They are not secret.
    pub extra: Vec<ExtraVariable>,
    /// Whether stdout is read for usage. Default: depends on the arguments.
    pub watch: Option<bool>,
    /// Whether a claim of another credential by the CLI must be detected.
    pub must_claim: bool,
}

/// A variable that is not secret.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct ExtraVariable {
    pub name: String,
    pub value: String,
}

/// One of a child's standard streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "node",
    napi_derive::napi(discriminant = "type", discriminant_case = "lowercase", object_to_js = false)
)]
pub enum Stdio {
    /// A stream to this process.
    Pipe,
    /// `/dev/null`.
    Ignore,
    /// A descriptor of this process.
    Descriptor { number: i32 },
}

impl Stdio {
    /// The error of a descriptor that is not open.
    #[must_use]
    pub fn not_open(self) -> Error {
        let number = if let Self::Descriptor { number } = self { number } else { -1 };
        let message = format!("options.stdio names the descriptor {number}, which is not open in this process.");
        Error::new(ErrorCode::InvalidArgValue, message).name("stdio")
    }
}

/// How a child is stopped.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct StopPolicy {
    /// The number of the signal that asks it to end.
    pub kill_signal: i32,
    /// The time until SIGKILL, in milliseconds.
    pub kill_grace_ms: f64,
    /// The time limit of the run, in milliseconds. Default: none.
    pub timeout_ms: Option<f64>,
    /// Whether the rest of its process group is killed when it has ended by itself.
    pub kill_group_on_exit: bool,
}

impl StopPolicy {
    pub(super) fn grace(&self) -> Duration {
        duration(self.kill_grace_ms)
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout_ms.map(duration)
    }
}

/// What no duration holds is forever.
fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX)
}

/// Where a command that is no CLI is looked for, and all of its environment: what root has in its own is not the target's to
/// see, and a `PATH` of somebody else's names somebody else's programs.
pub const COMMAND_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to find.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct ProgramQuery {
    /// The id of its provider.
    pub provider: String,
    /// An absolute path or a name. Default: the provider's CLI.
    pub command: Option<String>,
    /// The child's `PATH`.
    pub path: String,
    /// Directories from which packages are searched, upwards.
    pub package_roots: Vec<String>,
    /// The user who will run it.
    pub ids: IdentityRequest,
}

/// Chooses the delivery that a caller asked for by name.
///
/// # Errors
/// `UNSUPPORTED` when this credential cannot be passed so; `ERR_INVALID_ARG_VALUE` for another word.
pub fn delivery(plan: &EnvPlan, asked: Option<&str>) -> Result<Delivery> {
    let auto = plan.names.auto_delivery();
    match asked {
        None | Some("auto") => Ok(auto),
        Some("env") => Ok(Delivery::Env),
        Some("fd") if auto == Delivery::Fd => Ok(Delivery::Fd),
        Some("fd") => Err(no_descriptor(plan, &plan.credential)),
        Some("broker") => Err(unsupported(plan, "This version has no broker. Pass delivery: \"auto\".".into())),
        Some(_) => {
            let message = "options.delivery must be one of: auto, fd, env, broker.";
            Err(Error::new(ErrorCode::InvalidArgValue, message).name("delivery"))
        }
    }
}

fn no_descriptor(plan: &EnvPlan, credential: &Credential) -> Error {
    let message = format!(
        "{} cannot read its {} from a descriptor. Pass delivery: \"auto\".",
        plan.provider.name,
        credential.kind.as_str()
    );
    unsupported(plan, message)
}

fn unsupported(plan: &EnvPlan, message: String) -> Error {
    Error::new(ErrorCode::Unsupported, message).provider(plan.provider.id).name("delivery")
}
