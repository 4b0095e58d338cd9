//! The credential of a launch: which one is used, whether it has a valid shape, and whether it may still be used.

mod expiry;
mod finding;
mod generation;
pub mod key_check;
pub mod login_tokens;
mod paste_mistakes;
pub mod payload;
mod revocation;
mod select;
mod server;
mod shape;
mod source;
pub mod store;

pub use expiry::{Clocks, Expiry, check_expiry};
pub use finding::{Finding, KeyFindingCode, KeyVerdict, MAX_CREDENTIAL_BYTES};
pub use generation::{Generation, Generations, Offer, StoredCredential};
pub use login_tokens::LoginTokens;
pub use revocation::is_revoked;
pub use select::{Credential, Fallbacks, Terms, admit, select};
pub use server::ServerCredentials;
pub use shape::{Validation, check, check_for_any, examine, validate};
pub use source::{ApiKeySource, CredentialOwner, CredentialSource};
