//! What the portable start needs: everything decided, for `child_process` to carry out.

use std::os::fd::IntoRawFd;

use napi::bindgen_prelude::ClassInstance;
use napi::{Env, JsString};
use napi_derive::napi;

use super::boundary_error::IntoNapi;
use super::env::{NativeProviderEnv, to_strings};
use super::launch_options::{NativeIdentity, NativeStart};
use crate::error::Result;
use crate::launch::authority;
use crate::launch::locate::{Locate, locate};
use crate::launch::program::Program;
use crate::launch::start::Start;

/// A start for `child_process`.
#[napi(object, object_from_js = false)]
pub struct NativePortable<'env> {
    pub program: String,
    pub args: Vec<String>,
    pub cwd: Option<String>,
    /// Names and values by turns, secrets among them.
    #[napi(ts_type = "Array<string>")]
    pub env: Vec<JsString<'env>>,
    /// The reading end of the credential's pipe; -1 for none. It belongs to the caller now.
    pub credential: i32,
    /// Whether stdout is to be read for usage.
    pub watch: bool,
}

/// Decides a start. Finding the program happens on this thread.
#[napi(catch_unwind)]
pub fn prepare_portable<'env>(
    node: &'env Env,
    env: ClassInstance<'_, NativeProviderEnv>,
    options: NativeStart,
    ids: NativeIdentity,
) -> napi::Result<NativePortable<'env>> {
    let (start, program, watch) = decide(&env, options, ids).into_napi()?;
    let args = start.arguments(None).into_napi()?;
    let mut variables = to_strings(node, start.env.variables(start.delivery))?;
    for (name, value) in start.variables_beside() {
        variables.extend([node.create_string(name)?, node.create_string(&*value)?]);
    }
    if let Some((name, path)) = authority::prove_by_mode(&start.env, &start.target).into_napi()? {
        variables.extend([node.create_string(name)?, node.create_string(&path)?]);
    }
    start.admit_last(&program).into_napi()?;
    // Last: from here on nothing fails, and the caller closes it.
    let credential = start.credential_pipe(&program).into_napi()?.map_or(-1, IntoRawFd::into_raw_fd);
    let program = program.path.to_string_lossy().into_owned();
    Ok(NativePortable { program, args, cwd: start.directory, env: variables, credential, watch })
}

fn decide(env: &NativeProviderEnv, mut options: NativeStart, ids: NativeIdentity) -> Result<(Start, Program, bool)> {
    let start = options.take_start(env, ids)?;
    let watch = options.watches(&start)?;
    let program = locate(Locate {
        provider: start.env.provider,
        command: start.command.clone(),
        path: start.env.plain("PATH").unwrap_or_default().to_owned(),
        package_roots: start.package_roots.clone(),
        target: start.target.clone(),
    })?;
    Ok((start, program, watch))
}
