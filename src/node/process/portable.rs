//! What the portable start needs: everything decided, for `child_process` to carry out.

use std::os::fd::IntoRawFd;

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Either};
use napi_derive::napi;

use crate::error::{Error, Result};
use crate::node::boundary_error::{NativeError, OrThrow};
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::node::environment::variable::NativeVariable;
use crate::node::process::options::{NativeIdentity, NativeStart, not_open};
use crate::node::state;
use crate::process::authority;
use crate::process::locate::{Locate, locate};
use crate::process::program::Program;
use crate::process::start::Start;
use crate::sys::stdio;

/// A start for `child_process`.
#[napi(object, object_from_js = false)]
pub struct NativePortable<'env> {
    pub program: String,
    pub args: Vec<String>,
    pub cwd: Option<String>,
    /// With the secrets.
    pub env: Vec<NativeVariable<'env>>,
    /// The reading end of the credential's pipe; -1 for none. It belongs to the caller now.
    pub credential: i32,
    /// Whether stdout is to be read for usage.
    pub watch: bool,
    /// What to say of a version that nobody has tried.
    pub untested: Option<String>,
}

/// Decides a start; or gives the error of one that fails. What its arguments alone tell is thrown, as by the native
/// start. Finding the program happens on this thread.
#[napi(catch_unwind)]
pub fn prepare_portable<'env>(
    node: &'env Env,
    env: ClassInstance<'_, NativeProviderEnv>,
    mut options: NativeStart,
    ids: NativeIdentity,
) -> napi::Result<Either<NativePortable<'env>, NativeError>> {
    let start = options.take_start(&env, ids).or_throw(node)?;
    let watch = options.watches(&start).or_throw(node)?;
    if let Some(closed) = options.stdio.iter().find(|number| **number >= 0 && !stdio::is_open(**number)) {
        return Err(not_open(*closed)).or_throw(node);
    }
    let (program, args) = match find(&start) {
        Ok(found) => found,
        Err(error) => return Ok(failed(error, &start)),
    };
    let mut variables = NativeVariable::list(node, start.env.variables(start.delivery))?;
    for (name, value) in start.variables_beside() {
        variables.push(NativeVariable::new(node, name, &value)?);
    }
    let authority = match authority::prove_by_mode(&start.env, &start.target) {
        Ok(authority) => authority,
        Err(error) => return Ok(failed(error, &start)),
    };
    if let Some((name, path)) = authority {
        variables.push(NativeVariable::new(node, name, &path)?);
    }
    // Last: from here on nothing fails, and the caller closes it.
    let credential = match start.admit_last(&program).and_then(|()| start.credential_pipe(&program)) {
        Ok(credential) => credential.map_or(-1, IntoRawFd::into_raw_fd),
        Err(error) => return Ok(failed(error, &start)),
    };
    let untested = program.untested(start.env.provider);
    let program = program.path.to_string_lossy().into_owned();
    Ok(Either::A(NativePortable { program, args, cwd: start.directory, env: variables, credential, watch, untested }))
}

fn find(start: &Start) -> Result<(Program, Vec<String>)> {
    let program = locate(Locate {
        provider: start.env.provider,
        command: start.command.clone(),
        path: start.env.plain("PATH").unwrap_or_default().to_owned(),
        package_roots: start.package_roots.clone(),
        target: start.target.clone(),
    })?;
    Ok((program, start.arguments(None)?))
}

fn failed<T>(error: Error, start: &Start) -> Either<T, NativeError> {
    Either::B((&error.provider(start.env.provider.id)).into())
}

/// Remembers a process group that `child_process` has made: it ends with this Node environment.
#[napi(catch_unwind)]
pub fn add_group(leader: i32) {
    state::add_group(leader);
}

/// Forgets a process group whose leader has ended.
#[napi(catch_unwind)]
pub fn forget_group(leader: i32) {
    state::remove_group(leader);
}
