//! Builds the environment of a coding-agent CLI from nothing, per tenant, and starts the CLI unprivileged.
//!
//! One folder is one slice, from the ground up: [`error`] depends on nothing here; [`sys`] is the one place with unsafe code;
//! [`secret`] is the type of secrets, stored, sealed and redacted; [`provider`] is the table of facts about the CLIs; [`net`]
//! is connections that carry a secret, requests and the threads that wait for them; [`credential`] reads a request and chooses its key; [`environment`]
//! makes the plan and the block; [`process`] finds the program, plans the start and carries it out; [`usage`] reads what
//! its output says that it used; [`doctor`] reads what a diagnosis looks at; `node` is the boundary to JavaScript, and the
//! only one that knows of it. The order is a table in `scripts/check-dependencies.mjs`.

#[cfg(target_os = "linux")]
#[cfg(target_os = "linux")]
#[cfg(target_os = "linux")]
pub mod broker;
pub mod credential;
pub mod doctor;
pub mod environment;
pub mod error;
pub mod net;
pub mod process;
pub mod provider;
pub mod secret;
pub mod sys;
pub mod usage;
mod words;

#[cfg(feature = "node")]
mod node;
