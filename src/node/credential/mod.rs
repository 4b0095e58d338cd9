//! Keys that are looked at, checked and revoked, the server's own, and stores of credentials.

pub mod key;
mod key_check;
pub mod server;
pub mod store;
