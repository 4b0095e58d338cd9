//! Prepares the portable start: everything is decided here, and `child_process` carries it out.

use std::os::fd::IntoRawFd;

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Either};
use napi_derive::napi;

use crate::environment::Delivery;
use crate::error::ErrorDetails;
use crate::node::boundary_error::OrThrow;
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::node::environment::variable::EnvVariable;
use crate::node::process::grant::NativeGrant;
use crate::node::state;
use crate::node::usage::meter::NativeUsageMeter;
use crate::process::options::{ChildOptions, CliOptions};
use crate::process::portable::{PreparedLaunch, prepare, refuse_unsupported};
use crate::process::start::Start;

/// What `child_process` needs to carry out a start.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct PortableStart<'env> {
    pub program: String,
    pub args: Vec<String>,
    pub cwd: Option<String>,
    /// The whole environment, the secrets among it.
    pub env: Vec<EnvVariable<'env>>,
    /// How the credential is passed; null if nothing is.
    pub delivery: Option<Delivery>,
    /// The reading end of the credential pipe, if there is one. It belongs to the caller now.
    pub credential: Option<i32>,
    /// The grant of delivery `broker`, which is to be bound to the process, and ended with it.
    pub grant: Option<NativeGrant>,
    /// What is to read its stdout for usage; null where nothing does.
    pub meter: Option<NativeUsageMeter>,
    /// The warning about an untested version.
    pub untested: Option<String>,
}

/// Decides and prepares a start; or gives the error of one that fails, where the native start would emit it. What its options
/// alone show is thrown. The caller waits meanwhile.
#[napi(catch_unwind)]
pub fn prepare_portable<'env>(
    node: &'env Env,
    env: ClassInstance<'_, NativeProviderEnv>,
    child: ChildOptions,
    cli: CliOptions,
) -> napi::Result<Either<PortableStart<'env>, ErrorDetails>> {
    let supported = refuse_unsupported(&child, &cli).and_then(|()| env.plan());
    let start = supported.and_then(|plan| Start::new(plan, child, cli)).or_throw(node)?;
    let meter = start.meter(env.owner());
    let prepared = match prepare(start) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Either::B(error.details().clone())),
    };
    let PreparedLaunch {
        program,
        name: _,
        arguments,
        environment,
        directory,
        delivery,
        credential,
        brokered,
        needs: _,
        untested,
    } = prepared;
    let variables = environment.variables().map(|(name, value)| EnvVariable::new(node, name, value));
    let variables = variables.collect::<napi::Result<_>>()?;
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    Ok(Either::A(PortableStart {
        program: text(program),
        args: arguments,
        cwd: directory.map(text),
        env: variables,
        delivery,
        grant: brokered.map(NativeGrant::around),
        // Last: the caller closes it.
        credential: credential.map(IntoRawFd::into_raw_fd),
        meter: meter.map(NativeUsageMeter::around),
        untested,
    }))
}

/// Remembers a process group that `child_process` has created, so that it ends with this Node environment.
#[napi(catch_unwind)]
pub fn add_group(leader: i32) {
    state::add_group(leader);
}

/// Forgets a process group whose leader has ended.
#[napi(catch_unwind)]
pub fn forget_group(leader: i32) {
    state::remove_group(leader);
}
