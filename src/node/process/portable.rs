//! What the portable start needs: everything decided, for `child_process` to carry out.

use std::os::fd::IntoRawFd;

use napi::bindgen_prelude::{ClassInstance, Either};
use napi::{Env, JsString};
use napi_derive::napi;

use super::start_of;
use crate::error::{Error, Result};
use crate::node::boundary_error::{IntoNapi, to_json, to_napi};
use crate::node::environment::provider_env::{NativeProviderEnv, to_strings};
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
    /// Names and values by turns, secrets among them.
    #[napi(ts_type = "Array<string>")]
    pub env: Vec<JsString<'env>>,
    /// The reading end of the credential's pipe, where it has one. It belongs to the caller now.
    pub credential: Option<i32>,
    /// Whether stdout is to be read for usage.
    pub watch: bool,
    /// What to say of a version that nobody has tried.
    pub untested: Option<String>,
}

/// Decides a start; or gives, as JSON, the error of one that fails. What its options alone tell is thrown, as by the native
/// start. Finding the program happens on this thread.
#[napi(catch_unwind)]
pub fn prepare_portable<'env>(
    node: &'env Env,
    env: ClassInstance<'_, NativeProviderEnv>,
    child: ChildOptions,
    cli: CliOptions,
) -> napi::Result<Either<NativePortable<'env>, String>> {
    let (start, watch) = start_of(&env, child, cli).into_napi()?;
    let is_closed = |stream: &&Stdio| matches!(stream, Stdio::Descriptor { number } if !is_open(*number));
    if let Some(closed) = start.child.stdio.iter().find(is_closed) {
        return Err(to_napi(&closed.not_open()));
    }
    let failed = |error: Error| Ok(Either::B(to_json(&error.provider(start.env.provider.id))));
    let (program, args) = match find(&start) {
        Ok(found) => found,
        Err(error) => return failed(error),
    };
    let mut variables = to_strings(node, start.env.variables(start.delivery))?;
    for (name, value) in start.variables_beside() {
        variables.extend([node.create_string(name)?, node.create_string(&*value)?]);
    }
    match authority::prove_by_mode(&start.env, &start.target) {
        Ok(None) => {}
        Ok(Some((name, path))) => variables.extend([node.create_string(name)?, node.create_string(&path)?]),
        Err(error) => return failed(error),
    }
    // Last: from here on nothing fails, and the caller closes it.
    let credential = match start.admit_last(&program).and_then(|()| start.credential_pipe(&program)) {
        Ok(credential) => credential.map(IntoRawFd::into_raw_fd),
        Err(error) => return failed(error),
    };
    let untested = program.untested(start.env.provider);
    let program = program.path.to_string_lossy().into_owned();
    let cwd = start.child.cwd;
    Ok(Either::A(NativePortable { program, args, cwd, env: variables, credential, watch, untested }))
}

fn find(start: &Start) -> Result<(Program, Vec<String>)> {
    let program = Locate {
        provider: start.env.provider,
        target: start.target.clone(),
        command: start.child.command.clone(),
        path: start.env.plain("PATH").unwrap_or_default().to_owned(),
        package_roots: start.cli.package_roots.clone(),
    };
    Ok((program.find()?, start.arguments(None)?))
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
