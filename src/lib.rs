//! Builds the environment of a coding-agent CLI from nothing, per tenant, and starts the CLI unprivileged.
//!
//! The modules, from the ground up: [`error`] depends on nothing here; [`sys`] is the one room with unsafe code, where
//! secrets live among other things, and [`secret`] is their type; [`lockbox`] opens stored ones, [`sealed`] those on
//! their way to a worker; [`provider`] is the table of facts about the CLIs; [`payload`] reads a request;
//! [`credential`] chooses its key; [`environment`] makes the plan and the block; [`launch`] finds the program, plans the
//! start and carries it out; [`redact`] scrubs its output; [`usage`] reads what it says that it used; [`doctor`] reads
//! what a diagnosis looks at; `node` is the boundary to JavaScript, and the only one that knows of it.

mod bound_text;
pub mod credential;
pub mod credential_store;
pub mod doctor;
pub mod environment;
pub mod error;
pub mod http;
pub mod jobs;
mod json_string;
pub mod key_check;
pub mod launch;
pub mod lockbox;
pub mod payload;
pub mod provider;
pub mod redact;
pub mod sealed;
pub mod secret;
pub mod sys;
mod toml_names;
pub mod usage;
mod wiped_stack;

#[cfg(feature = "node")]
mod node;
