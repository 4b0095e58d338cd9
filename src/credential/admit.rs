//! Whether a credential that was chosen earlier may be used for a start now.

use super::{Clocks, Credential, Expiry, revocation};
use crate::error::{Error, ErrorCode, Result};

/// Refuses a credential that is not good any more. Looked at when an environment is built,
/// when a start is asked for, and again just before its process is made.
///
/// # Errors
/// `CREDENTIAL_REVOKED`, `CREDENTIAL_SUPERSEDED`, `CREDENTIAL_EXPIRED`.
pub fn admit(credential: &Credential) -> Result<()> {
    credential.fingerprint.map_or(Ok(()), revocation::check)?;
    if credential.generation.as_ref().is_none_or(super::Generation::is_newest) {
        return check_expiry(credential.expires_at);
    }
    let message =
        "The credential store has a newer credential than this environment. Build a new one with buildProviderEnv().";
    Err(Error::new(ErrorCode::CredentialSuperseded, message).name("credentialStore"))
}

/// Refuses what was good until then.
///
/// # Errors
/// `CREDENTIAL_EXPIRED`.
pub fn check_expiry(expires_at: Option<Expiry>) -> Result<()> {
    if expires_at.is_none_or(|at| !at.is_over(Clocks::now())) {
        return Ok(());
    }
    let message = "The stored access token has expired. Await credentialStore.fresh() before each buildProviderEnv().";
    Err(Error::new(ErrorCode::CredentialExpired, message).name("credentialStore"))
}
