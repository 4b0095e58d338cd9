//! The only place with unsafe code, which calls the kernel directly. Every function that it exports is safe.
//!
//! `child` runs between `clone` and `execve`, in memory shared with the process that serves every tenant; `clone`
//! makes that moment safe for both; `memory` reaches into the process's initial environment; `guarded` is where secrets
//! live; `wiping_allocator` wipes what libraries free on the threads that ask for it.
#![allow(unsafe_code, reason = "the place for it")]

pub mod attributes;
pub mod guarded;
pub mod harden;
pub mod identity;
pub mod memory;
#[cfg(target_os = "linux")]
pub mod peer;
pub mod real_path;
pub mod regular_file;
pub mod stdio;
pub mod thread_stack;
pub mod wiping_allocator;

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
pub mod clone;
#[cfg(target_os = "linux")]
pub mod dumpable;
#[cfg(target_os = "linux")]
pub mod support;
#[cfg(target_os = "linux")]
pub mod wait;

mod step;

pub use step::Step;
