//! The boundary to Node: convert in, call the core, convert out. Nothing is decided here.
//!
//! The facade in `lib/` is its only caller. Errors cross as objects, which `lib/internal/errors.ts` makes the errors of that callers see.
#![allow(unsafe_code, reason = "napi's own expansion, and its one call without a safe face, in `async_context`")]
#![allow(
    missing_debug_implementations,
    reason = "nothing in Rust prints them; the facade redacts their JavaScript faces"
)]
#![cfg_attr(test, allow(dead_code, reason = "napi registers nothing in a test build"))]

mod async_context;
mod boundary_error;
#[cfg(target_os = "linux")]
mod broker;
mod credential;
mod doctor;
mod environment;
mod net;
mod process;
mod provider;
mod secret;
mod state;
mod tear_down;
mod usage;
