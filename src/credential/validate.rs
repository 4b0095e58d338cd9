//! What a settings page says of a key before it is saved: the finding in words, and never any of the key.

use super::finding::{Finding, FindingCode, Verdict};
use super::shape;
use crate::error::Result;
use crate::provider::{self, CredentialKind, KeyUse, Provider};
use crate::secret::Fingerprint;

/// What was found of a key.
#[derive(Debug)]
pub struct Validation {
    /// What was found.
    pub finding: Finding,
    /// Whose launch it is for.
    pub provider: &'static Provider,
    /// What a log may show of it; none for what is no credential here.
    pub fingerprint: Option<Fingerprint>,
}

/// Looks at a key that somebody wants to use with a provider, as a credential of this kind.
///
/// # Errors
/// `UNKNOWN` for the provider; `INTERNAL` when there is no fingerprint to be had. A bad key is no error.
pub fn validate(provider: &str, kind: CredentialKind, key: &[u8]) -> Result<Validation> {
    let provider = provider::find(provider)?;
    let mut finding = shape::examine(provider, kind, key);
    if finding.verdict() != Verdict::Invalid && !takes(provider, kind) {
        finding.code = FindingCode::KindNotTaken;
    }
    let usable = finding.verdict() != Verdict::Invalid;
    let fingerprint = usable.then(|| Fingerprint::of(key)).transpose()?;
    Ok(Validation { finding, provider, fingerprint })
}

fn takes(provider: &Provider, kind: CredentialKind) -> bool {
    provider.slots().any(|slot| slot.kind == kind)
}

impl Validation {
    /// What the key's own shape says that it is, whatever it was given as.
    #[must_use]
    pub fn kind(&self) -> Option<CredentialKind> {
        match self.finding.class?.usable_as {
            KeyUse::Credential(kind) => Some(kind),
            KeyUse::NotForLaunch | KeyUse::Unknown => None,
        }
    }
}
