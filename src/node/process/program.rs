//! `resolveProgram`.

use std::path::{Path, PathBuf};

use napi::Env;
use napi_derive::napi;

use crate::error::Result;
use crate::node::boundary_error::OrThrow;
use crate::process::inquiry::Locate;
use crate::process::options::ProgramQuery;
use crate::process::program::FoundBy;
use crate::provider::Standing;
use crate::sys;

#[napi(object, object_from_js = false)]
pub struct ResolvedProgram {
    pub path: String,
    pub found_at: String,
    pub found_by: FoundBy,
    pub interpreter: Option<String>,
    pub version: Option<String>,
    /// Whether it is in the range of tested versions; none if the version is unknown.
    pub tested: Option<bool>,
    /// The warning if it is not in that range.
    pub untested: Option<String>,
}

/// Finds a provider's program for a target user.
#[napi(catch_unwind)]
pub fn resolve_program(env: &Env, query: ProgramQuery) -> napi::Result<ResolvedProgram> {
    resolve(query).or_throw(env)
}

fn resolve(query: ProgramQuery) -> Result<ResolvedProgram> {
    let wanted = Locate::new(query)?;
    let provider = wanted.provider;
    let program = wanted.find()?;
    let tested = match provider.cli.versions.standing(program.version.as_deref()) {
        Standing::Unknown => None,
        standing => Some(standing == Standing::Tested),
    };
    let untested = program.untested(provider);
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    Ok(ResolvedProgram {
        path: text(program.path),
        found_at: text(program.found_at),
        found_by: program.found_by,
        interpreter: program.interpreter.map(text),
        version: program.version,
        tested,
        untested,
    })
}

/// The real path of a file, in one walk; none if the file does not exist.
#[napi(catch_unwind)]
pub fn real_path(path: String) -> Option<String> {
    let real = sys::real_path::real_path(Path::new(&path)).ok()?;
    Some(real.to_string_lossy().into_owned())
}
