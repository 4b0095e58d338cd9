//! Starting processes and finding their programs.

pub mod grant;
mod options;
mod portable;
mod program;

// The native start is Linux's; elsewhere the facade carries out what `portable` has decided.
#[cfg(target_os = "linux")]
mod events;
#[cfg(target_os = "linux")]
mod native;
