//! Secrets: their type, stored secrets that a lockbox opens, secrets that are sealed for a worker, and redaction.

mod bytes;
pub(crate) mod json_string;
pub mod lockbox;
mod parts;
pub mod redaction;
pub mod sealed;

pub use bytes::{Fingerprint, Secret};
pub use secrecy::ExposeSecret;
