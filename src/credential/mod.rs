//! The credential of a launch: which of those offered is used, and whether it can be one at all.

mod admit;
mod generation;
mod select;
mod server;
mod shape;

pub use admit::admit;
pub use generation::{Generation, Generations, StoredCredential};
pub use select::{ApiKeySource, Credential, CredentialSource, Fallbacks, select};
pub use server::ServerCredentials;
pub use shape::{MAX_CREDENTIAL_BYTES, check};
