//! The credential of a launch: which of those offered is used, whether it can be one at all, and whether it still may.

mod finding;
pub mod revocation;
mod select;
mod server;
mod shape;
mod slips;
mod validate;

pub use finding::{Finding, FindingCode, Verdict};
pub use select::{ApiKeySource, Credential, CredentialSource, admit, select};
pub use server::ServerCredentials;
pub use shape::{MAX_CREDENTIAL_BYTES, check, examine};
pub use validate::{Validation, validate};
