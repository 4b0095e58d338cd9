//! Secrets: their type, stored ones that a lockbox opens, sealed ones on their way to a worker, and their redaction.

mod binding;
mod bytes;
pub(crate) mod json_string;
pub mod lockbox;
pub mod redaction;
pub mod sealed;

pub use bytes::{Fingerprint, Secret};
pub use secrecy::ExposeSecret;
