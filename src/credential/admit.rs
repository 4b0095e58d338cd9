//! Whether a credential that was chosen earlier may be used for a start now.

use super::Credential;
use crate::error::{Error, ErrorCode, Result};

/// Refuses a credential that is not good any more. Looked at when a start is asked for, and again just before it.
///
/// # Errors
/// `CREDENTIAL_SUPERSEDED`.
pub fn admit(credential: &Credential) -> Result<()> {
    if credential.generation.as_ref().is_none_or(super::Generation::is_newest) {
        return Ok(());
    }
    let message =
        "The credential store has a newer credential than this environment. Build a new one with buildProviderEnv().";
    Err(Error::new(ErrorCode::CredentialSuperseded, message).name("credentialStore"))
}
