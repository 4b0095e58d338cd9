//! Secrets, lockboxes, recipients and redactors as JavaScript holds them.

pub mod handle;
pub mod lockbox;
mod memory;
pub mod recipient;
mod redactor;
