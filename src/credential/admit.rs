//! Whether a credential that was chosen earlier may be used for a start now.

use super::{Credential, revocation};
use crate::error::{Error, ErrorCode, Result};

/// Refuses a credential that is not good any more. Looked at when an environment is built,
/// when a start is asked for, and again just before its process is made.
///
/// # Errors
/// `CREDENTIAL_REVOKED`, `CREDENTIAL_SUPERSEDED`.
pub fn admit(credential: &Credential) -> Result<()> {
    credential.fingerprint.map_or(Ok(()), revocation::check)?;
    if credential.generation.as_ref().is_none_or(super::Generation::is_newest) {
        return Ok(());
    }
    let message =
        "The credential store has a newer credential than this environment. Build a new one with buildProviderEnv().";
    Err(Error::new(ErrorCode::CredentialSuperseded, message).name("credentialStore"))
}
