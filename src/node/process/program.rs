//! `resolveProgram`.

use std::path::PathBuf;

use napi_derive::napi;

use crate::error::Result;
use crate::node::boundary_error::IntoNapi;
use crate::node::process::options::NativeIdentity;
use crate::process::identity;
use crate::process::locate::{Locate, locate};
use crate::provider::{self, Standing};
use crate::sys;

/// A found program.
#[napi(object)]
pub struct NativeProgram {
    pub path: String,
    pub found_at: String,
    pub found_by: String,
    pub interpreter: Option<String>,
    pub version: Option<String>,
    /// Whether it is in the range of versions that were tested; none where the version is unknown.
    pub tested: Option<bool>,
    /// What to say where it is behind that range.
    pub untested: Option<String>,
}

/// Finds a provider's program for a target.
#[napi(catch_unwind)]
pub fn resolve_program(
    provider: String,
    command: Option<String>,
    path: String,
    package_roots: Vec<String>,
    ids: NativeIdentity,
) -> napi::Result<NativeProgram> {
    resolve(&provider, command, path, package_roots, ids).into_napi()
}

fn resolve(
    provider: &str,
    command: Option<String>,
    path: String,
    package_roots: Vec<String>,
    ids: NativeIdentity,
) -> Result<NativeProgram> {
    let provider = provider::find(provider)?;
    let target = identity::decide(&ids.into(), sys::identity::own())?;
    let package_roots = package_roots.into_iter().map(PathBuf::from).collect();
    let program = locate(Locate { provider, command, path, package_roots, target })?;
    let tested = match provider.cli.versions.standing(program.version.as_deref()) {
        Standing::Unknown => None,
        standing => Some(standing == Standing::Tested),
    };
    let untested = program.untested(provider);
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    Ok(NativeProgram {
        path: text(program.path),
        found_at: text(program.found_at),
        found_by: program.found_by.as_str().into(),
        interpreter: program.interpreter.map(text),
        version: program.version,
        tested,
        untested,
    })
}

/// The real path of a file, in one walk; none where there is none.
#[napi(catch_unwind)]
pub fn real_path(path: String) -> Option<String> {
    let real = sys::real_path::real_path(std::path::Path::new(&path)).ok()?;
    Some(real.to_string_lossy().into_owned())
}
