//! The boundary for credentials: validating, checking and revoking keys, the server's own keys, and credential stores.

pub mod key;
mod key_check;
pub mod server;
pub mod store;
