//! The credential of a launch: which of those offered is used, whether it can be one at all, and whether it still may.

mod admit;
mod expiry;
mod finding;
mod generation;
pub mod key_check;
pub mod login_tokens;
mod owner;
pub mod payload;
mod revocation;
mod select;
mod server;
mod shape;
mod slips;
mod source;
pub mod store;
mod validate;

pub use admit::{admit, check_expiry};
pub use expiry::{Clocks, Expiry, now};
pub use finding::{Finding, FindingCode, MAX_CREDENTIAL_BYTES, Verdict};
pub use generation::{Generation, Generations, StoredCredential};
pub use login_tokens::LoginTokens;
pub use owner::CredentialOwner;
pub use select::{Credential, Fallbacks, Terms, select};
pub use server::ServerCredentials;
pub use shape::{check, check_for_any, examine};
pub use source::{ApiKeySource, CredentialSource};
pub use validate::{Validation, validate};
