//! Prepares the portable start: everything is decided here, and `child_process` carries it out.

use std::os::fd::{IntoRawFd, OwnedFd};

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Either};
use napi_derive::napi;

use super::start_of;
use crate::error::Result;
use crate::node::boundary_error::{NativeError, OrThrow};
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::node::environment::variable::NativeVariable;
use crate::node::state;
use crate::process::authority;
use crate::process::inquiry::Locate;
use crate::process::options::{ChildOptions, CliOptions, Stdio};
use crate::process::program::Program;
use crate::process::start::Start;
use crate::sys::stdio::is_open;

/// A start for `child_process`.
#[napi(object, object_from_js = false)]
pub struct NativePortable<'env> {
    pub program: String,
    pub args: Vec<String>,
    pub cwd: Option<String>,
    /// The variables, with the secrets.
    pub env: Vec<NativeVariable<'env>>,
    /// The reading end of the credential pipe, if there is one. It belongs to the caller now.
    pub credential: Option<i32>,
    /// Whether stdout has to be read for usage.
    pub watch: bool,
    /// The warning about an untested version.
    pub untested: Option<String>,
}

/// Prepares a start, or returns the error of one that fails. Errors in the options are thrown, as by the native start.
/// The program is searched on this thread.
#[napi(catch_unwind)]
pub fn prepare_portable<'env>(
    node: &'env Env,
    env: ClassInstance<'_, NativeProviderEnv>,
    child: ChildOptions,
    cli: CliOptions,
) -> napi::Result<Either<NativePortable<'env>, NativeError>> {
    let (start, watch) = start_of(&env, child, cli).or_throw(node)?;
    let is_closed = |stream: &&Stdio| matches!(stream, Stdio::Descriptor { number } if !is_open(*number));
    if let Some(closed) = start.child.stdio.iter().find(is_closed) {
        return Err(closed.not_open()).or_throw(node);
    }
    let Prepared { program, args, authority, credential } = match prepare(&start) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Either::B((&error.provider(start.env.provider.id)).into())),
    };
    let mut variables = NativeVariable::list(node, start.env.variables(start.delivery))?;
    for (name, value) in start.variables_beside() {
        variables.push(NativeVariable::new(node, name, &value)?);
    }
    if let Some((name, path)) = authority {
        variables.push(NativeVariable::new(node, name, &path)?);
    }
    let untested = program.untested(start.env.provider);
    Ok(Either::A(NativePortable {
        program: program.path.to_string_lossy().into_owned(),
        args,
        cwd: start.child.cwd,
        env: variables,
        // Last: the caller closes it.
        credential: credential.map(IntoRawFd::into_raw_fd),
        watch,
        untested,
    }))
}

struct Prepared {
    program: Program,
    args: Vec<String>,
    authority: Option<(&'static str, String)>,
    credential: Option<OwnedFd>,
}

fn prepare(start: &Start) -> Result<Prepared> {
    let wanted = Locate {
        provider: start.env.provider,
        target: start.target.clone(),
        command: start.child.command.clone(),
        path: start.env.plain("PATH").unwrap_or_default().to_owned(),
        package_roots: start.cli.package_roots.clone(),
    };
    let program = wanted.find()?;
    let args = start.arguments(None)?;
    let authority = authority::prove_by_mode(&start.env, &start.target)?;
    start.admit_last(&program)?;
    let credential = start.credential_pipe(&program)?;
    Ok(Prepared { program, args, authority, credential })
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
