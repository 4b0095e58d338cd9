//! The broker by its public API: real TLS upstreams on loopback, real Unix sockets, real processes of other uids.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is measured or skipped, and what a process tells the test"
)]

mod api;
mod attacks;
mod client;
mod failures;
mod forwarding;
mod launches;
mod limits;
mod memory;
mod other_process;
mod peers;
mod policy_limits;
mod rotation;
mod setting;
mod web_socket;
