//! The checks of a diagnosis that may meet a secret: files are read here and wiped, and only names, times and booleans
//! are returned.

mod config_files;
mod keys;
mod stored_login;
mod text;
mod variables;
mod way;

pub use config_files::{Bases, FoundFile, config_files};
pub use stored_login::{LoginKind, LoginState, stored_login};
pub use variables::{FoundVariable, variables};
pub use way::{Parties, Way, way_to};
