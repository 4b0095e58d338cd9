//! The options of a start as the facade passes them. They are turned into a `Start` or a `Command`, and what the child
//! needs into `sys::clone::Child`.

use std::time::Duration;

use rustix::process::Resource;

use super::brokered;
use super::identity::IdentityRequest;
use super::program::Search;
use crate::credential::Credential;
use crate::environment::{DEFAULT_PATH, Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::sys::attributes::Attributes;
use crate::sys::stdio::{is_open, is_terminal};

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
    /// How the credential is handed over; absent, as `auto`.
    pub delivery: Option<DeliveryRequest>,
    /// Whether the workspace's own files may configure the CLI.
    pub trusted: bool,
    /// Variables that an SDK adds. They are not secret.
    pub extra: Vec<PlainVariable>,
    /// Whether stdout is read for usage. Default: depends on the arguments.
    pub watch: Option<bool>,
    /// Whether a claim of another credential by the CLI must be detected.
    pub must_claim: bool,
}

/// A variable that is not secret.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
pub struct PlainVariable {
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
    /// A stream that ends in this process.
    Pipe,
    /// The null device: nothing to read, and what is written is lost.
    Ignore,
    /// A descriptor of this process, which the child gets a copy of.
    Descriptor { number: i32 },
}

impl Stdio {
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a descriptor that is not open.
    pub(super) fn check_open(self) -> Result<()> {
        match self {
            Self::Descriptor { number } if !is_open(number) => Err(self.not_open()),
            _ => Ok(()),
        }
    }

    /// The error of a descriptor that is not open.
    #[must_use]
    pub(super) fn not_open(self) -> Error {
        let number = if let Self::Descriptor { number } = self { number } else { -1 };
        let message = format!("options.stdio names the descriptor {number}, which is not open in this process.");
        Error::new(ErrorCode::InvalidArgValue, message).name("stdio")
    }
}

/// The error of a start that was aborted before there was a process.
#[must_use]
pub fn aborted() -> Error {
    Error::new(ErrorCode::Aborted, "The start was aborted before it began.")
}

/// How long a child may take from the signal that asks it to end to SIGKILL, in milliseconds, where its caller does not say.
pub const DEFAULT_GRACE_MS: u32 = 5_000;

/// How a child is stopped, and after which time it is.
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

/// The options among [`Attributes`] that are whole numbers, each with the largest that it takes: setpriority(2),
/// proc_pid_oom_score_adj(5), umask(2).
pub const NUMBERS: [(&str, u32); 3] = [("priority", 19), ("oomScoreAdj", 1000), ("umask", 0o777)];

/// The options of attributes that a caller gave.
pub(super) fn given(attributes: Attributes) -> impl Iterator<Item = &'static str> {
    let Attributes { priority, oom_score_adj, umask, limits } = attributes;
    let numbers: [Option<u32>; NUMBERS.len()] = [priority, oom_score_adj, umask];
    let numbers = NUMBERS.into_iter().zip(numbers).filter_map(|((name, _), value)| value.map(|_| name));
    numbers.chain(limits.map(|_| "limits"))
}

/// The option of each limit that a caller can set, a field of `Limits`.
const LIMITS: [(Resource, &str); 5] = [
    (Resource::Core, "limits.coreBytes"),
    (Resource::Nofile, "limits.openFiles"),
    (Resource::Nproc, "limits.processes"),
    (Resource::As, "limits.memoryBytes"),
    (Resource::Cpu, "limits.cpuSeconds"),
];

/// The names that `limits` may hold.
pub fn limit_names() -> impl Iterator<Item = &'static str> {
    LIMITS.into_iter().filter_map(|(_, option)| option.strip_prefix("limits."))
}

/// The option that sets a limit; for one that no caller sets, the option of all limits.
#[cfg(target_os = "linux")]
pub(super) fn limit_option(resource: Resource) -> &'static str {
    LIMITS.into_iter().find(|(known, _)| *known == resource).map_or("limits", |(_, option)| option)
}

/// Where a command that is no CLI is looked for, and all of its environment: the target must not see what root has in its
/// own, and a `PATH` of somebody else names somebody else's programs.
pub const COMMAND_PATH: &str = DEFAULT_PATH;

/// Which program is to be found, where, and for whom.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct ProgramQuery {
    pub provider: String,
    /// An absolute path or a name. Default: the provider's CLI.
    pub command: Option<String>,
    /// The `PATH` of the child, which this process need not share.
    pub path: String,
    /// Directories from which packages are searched, upwards.
    pub package_roots: Vec<String>,
    pub ids: IdentityRequest,
}

impl ProgramQuery {
    pub(super) fn search(&self) -> Search<'_> {
        Search { command: self.command.as_deref(), path: &self.path, package_roots: &self.package_roots }
    }
}

/// How a caller wants the credential to be handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "lowercase"))]
pub enum DeliveryRequest {
    /// By the broker where there can be one; else on a pipe if the CLI can read it from one, else in the environment.
    #[default]
    Auto,
    /// On a pipe; refused where the CLI cannot read it from one.
    Fd,
    /// In the environment, where every process of the same uid can read it.
    Env,
    /// By the broker of this process, so that no process of the tenant has it.
    Broker,
}

/// Chooses the delivery, as far as the program does not matter.
///
/// # Errors
/// `UNSUPPORTED` when this credential cannot be handed over so.
pub fn delivery(plan: &EnvPlan, asked: DeliveryRequest) -> Result<Delivery> {
    let direct = plan.names.direct_delivery();
    match asked {
        DeliveryRequest::Auto => Ok(if brokered::support(plan).is_ok() { Delivery::Broker } else { direct }),
        DeliveryRequest::Env => Ok(Delivery::Env),
        DeliveryRequest::Fd if direct == Delivery::Fd => Ok(Delivery::Fd),
        DeliveryRequest::Fd => Err(no_descriptor(plan, &plan.credential)),
        DeliveryRequest::Broker => brokered::support(plan).map(|()| Delivery::Broker),
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::sys::attributes::Limits;

    #[test]
    fn each_limit_that_a_caller_can_set_has_its_option() {
        let one = Some(1);
        let all = Limits { core_bytes: one, open_files: one, processes: one, memory_bytes: one, cpu_seconds: one };
        let attributes = Attributes { limits: Some(all), ..Attributes::default() };
        let options = attributes.limits().into_iter().map(|limit| limit_option(limit.resource));
        let set: Vec<&str> = options.filter_map(|option| option.strip_prefix("limits.")).collect();
        assert_eq!(set, limit_names().collect::<Vec<_>>());
    }
}
