//! What the portable start needs: everything decided, for `child_process` to carry out.

use std::os::fd::IntoRawFd;

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use super::boundary_error::IntoNapi;
use super::env::NativeProviderEnv;
use super::launch_options::{NativeIdentity, NativeStart};
use crate::error::Result;
use crate::launch::locate::{Locate, locate};

/// A start for `child_process`.
#[napi(object, object_from_js = false)]
pub struct NativePortable {
    pub program: String,
    pub args: Vec<String>,
    pub cwd: Option<String>,
    /// Names and values by turns, secrets among them.
    pub env: Vec<String>,
    /// The reading end of the credential's pipe; -1 for none. It belongs to the caller now.
    pub credential: i32,
}

/// Decides a start. Finding the program happens on this thread.
#[napi(catch_unwind)]
pub fn prepare_portable(
    env: ClassInstance<'_, NativeProviderEnv>,
    options: NativeStart,
    ids: NativeIdentity,
) -> napi::Result<NativePortable> {
    prepare(&env, options, ids).into_napi()
}

fn prepare(env: &NativeProviderEnv, mut options: NativeStart, ids: NativeIdentity) -> Result<NativePortable> {
    let start = options.take_start(env, ids)?;
    let program = locate(Locate {
        provider: start.env.provider,
        command: start.command.clone(),
        path: start.env.plain("PATH").unwrap_or_default().to_owned(),
        package_roots: start.package_roots.clone(),
        target: start.target.clone(),
    })?;
    let args = start.arguments()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let variables = start.env.variables(start.delivery);
    let own = variables.flat_map(|variable| [variable.name.to_owned(), text(variable.value)]);
    let extra = start.extra.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
    Ok(NativePortable {
        program: program.path.to_string_lossy().into_owned(),
        args,
        cwd: start.directory.clone(),
        env: own.chain(extra).collect(),
        credential: start.credential_pipe()?.map_or(-1, IntoRawFd::into_raw_fd),
    })
}
