//! What a caller asks of a start, checked as far as values alone can tell.

use crate::credential::Credential;
use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};

/// Whether the files of the workspace may configure the CLI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkspaceTrust {
    /// They must not.
    #[default]
    Untrusted,
    /// They may.
    Trusted,
}

/// The resource limits of a child; absent ones stay as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// `RLIMIT_CORE`, bytes; 0 when absent.
    pub core_bytes: Option<u64>,
    /// `RLIMIT_NOFILE`
    pub open_files: Option<u64>,
    /// `RLIMIT_NPROC`
    pub processes: Option<u64>,
    /// `RLIMIT_AS`, bytes.
    pub memory_bytes: Option<u64>,
    /// `RLIMIT_CPU`, seconds.
    pub cpu_seconds: Option<u64>,
}

/// Chooses the delivery that a caller asked for by name.
///
/// # Errors
/// `UNSUPPORTED` when this credential cannot be handed over so; `ERR_INVALID_ARG_VALUE` for another word.
pub fn delivery(plan: &EnvPlan, asked: Option<&str>) -> Result<Delivery> {
    let auto = plan.names.auto_delivery();
    match asked {
        None | Some("auto") => Ok(auto),
        Some("env") => Ok(Delivery::Env),
        Some("fd") if auto == Delivery::Fd => Ok(Delivery::Fd),
        Some("fd") => Err(no_descriptor(plan, &plan.credential)),
        Some("broker") => Err(unsupported(plan, "This version has no broker. Use delivery \"auto\".".into())),
        Some(_) => {
            let message = "options.delivery must be one of: auto, fd, env, broker.";
            Err(Error::new(ErrorCode::InvalidArgValue, message).name("delivery"))
        }
    }
}

fn no_descriptor(plan: &EnvPlan, credential: &Credential) -> Error {
    let message = format!(
        "{} cannot read its {} from a descriptor. Use delivery \"auto\".",
        plan.provider.name,
        credential.kind.as_str()
    );
    unsupported(plan, message)
}

fn unsupported(plan: &EnvPlan, message: String) -> Error {
    Error::new(ErrorCode::Unsupported, message).provider(plan.provider.id).name("delivery")
}
