//! Takes a secret out of the process's environment, in steps between which the facade unsets the name.

use napi::Env;
use napi_derive::napi;

use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::OrThrow;
use crate::sys::memory;

/// Overwrites a variable's value where libc keeps it. The facade then unsets the name.
#[napi(catch_unwind)]
pub fn wipe_variable(name: String) {
    memory::wipe_value(&name);
}

/// Wipes every `name=…` of these names in the process's initial environment, once they are unset.
#[napi(catch_unwind)]
pub fn wipe_initial_environment(env: &Env, names: Vec<String>) -> napi::Result<()> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    wipe_initial(&names).or_throw(env)
}

/// Refuses where the initial environment cannot be wiped: a key that would stay in it is not taken.
///
/// # Errors
/// `UNSUPPORTED`.
pub fn can_be_wiped() -> Result<()> {
    wipe_initial(&[])
}

fn wipe_initial(names: &[&str]) -> Result<()> {
    memory::wipe_initial_block(names).map_err(|why| {
        let message = format!("The process's initial environment cannot be wiped: {why}. No key was taken.");
        Error::new(ErrorCode::Unsupported, message)
    })
}
