//! Starts a process: the pure plan, the program, and the process itself.

pub mod access;
pub mod arguments;
pub mod authority;
#[cfg(target_os = "linux")]
pub mod brokered;
#[cfg(not(target_os = "linux"))]
#[path = "brokered_elsewhere.rs"]
pub mod brokered;
pub mod exhausted;
pub mod group;
pub mod identity;
pub mod inquiry;
pub mod options;
pub mod portable;
mod prepare;
pub mod program;
pub mod redirection;
pub mod start;

#[cfg(target_os = "linux")]
pub mod command;
#[cfg(target_os = "linux")]
mod descendants;
#[cfg(target_os = "linux")]
mod failure;
#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
pub mod launch;
#[cfg(target_os = "linux")]
mod reaper;
#[cfg(target_os = "linux")]
pub mod running;
#[cfg(target_os = "linux")]
mod spawner;
#[cfg(target_os = "linux")]
mod thread;
#[cfg(target_os = "linux")]
mod watchdog;
