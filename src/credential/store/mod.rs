//! Credentials that change while the worker runs: keys that are rotated, and logins whose tokens are refreshed once for
//! all processes.

mod credential_store;
mod document;
mod file;
mod fleet;
pub mod in_flight;
mod login;
mod pause;
mod profile;
mod refresh;
mod token_request;

pub use credential_store::{Store, StoreSettings};
pub use document::Document;
pub use file::{Location, MAX_FILE_BYTES};
pub use fleet::Fleet;
pub use login::Login;
pub use profile::{ExpiryUnit, Overrides, Profile};
pub use refresh::{Attempt, Call, How, Refreshed};
