//! Credentials that change while the worker runs: a key that is rotated, a login whose tokens are refreshed once for all.

mod document;
mod file;
mod fleet;
mod jwt;
mod login;
mod profile;
mod refresh;
mod step;
mod store;
mod token_request;

pub use document::Document;
pub use file::Location;
pub use fleet::Fleet;
pub use login::Login;
pub use profile::{Overrides, Profile};
pub use refresh::{Attempt, Call, How, Refreshed};
pub use step::Step;
pub use store::{Settings, Store};
