//! What the facade reads of the options of a start: names, bounds and defaults.

use napi_derive::napi;

use crate::process::options;
use crate::sys::stdio;

/// How long a child may take from the signal that asks it to end to SIGKILL, where its caller does not say.
#[napi]
pub const DEFAULT_GRACE_MS: u32 = options::DEFAULT_GRACE_MS;

/// The child's descriptor of its credential's pipe.
#[napi]
pub const CREDENTIAL_DESCRIPTOR: u8 = stdio::CREDENTIAL_DESCRIPTOR;

/// Where a command that is not a CLI is searched, and its whole environment.
#[napi]
pub const COMMAND_PATH: &str = options::COMMAND_PATH;

/// An option that is a whole number from 0.
#[napi(object, object_from_js = false)]
pub struct NumberOption {
    pub name: &'static str,
    pub max: u32,
}

/// The numbers among the options that go to the child as they are.
#[napi(catch_unwind)]
pub fn attribute_numbers() -> Vec<NumberOption> {
    options::NUMBERS.into_iter().map(|(name, max)| NumberOption { name, max }).collect()
}

/// The names of what `limits` may hold.
#[napi(catch_unwind)]
pub fn limit_names() -> Vec<&'static str> {
    options::limit_names().collect()
}
