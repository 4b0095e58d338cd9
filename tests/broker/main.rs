//! The broker by its public API: real TLS upstreams on loopback, real Unix sockets, real processes of other uids.
#![cfg(target_os = "linux")]

mod api;
mod attacks;
mod client;
mod failures;
mod forwarding;
mod limits;
mod memory;
mod other_process;
mod peers;
mod rotation;
mod setting;
mod web_socket;
