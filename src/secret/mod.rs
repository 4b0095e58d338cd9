//! Secrets: their type, stored secrets that a lockbox opens, secrets that are sealed for a worker, and redaction.

mod binding;
mod bytes;
pub(crate) mod json_string;
pub mod lockbox;
pub mod redaction;
pub mod sealed;

pub use bytes::{Fingerprint, Secret};
pub use secrecy::ExposeSecret;
