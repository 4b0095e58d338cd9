//! Local checks of a credential: its bytes must fit into a header, and its prefix must not belong to a credential of
//! another kind. A launch refuses a credential that fails them; a settings page can show the result before a key is
//! saved.

use super::finding::{Finding, KeyFindingCode, KeyVerdict};
use super::paste_mistakes;
use crate::error::Result;
use crate::provider::{self, CredentialKind, KeyClass, KeyUse, Provider, class_of};
use crate::secret::Fingerprint;

/// Checks a credential before anything is started with it. `origin` is the name of the field or variable it came by.
/// What [`examine`] only warns of passes.
///
/// # Errors
/// `KEY_MALFORMED`, `KEY_WRONG_PROVIDER`; neither repeats any of it.
pub fn check(provider: &'static Provider, kind: CredentialKind, origin: &str, key: &[u8]) -> Result<()> {
    examine(provider, kind, key).error(origin).map_or(Ok(()), Err)
}

/// Looks at a credential. The same rules decide what a settings page says and what a launch refuses.
#[must_use]
pub fn examine(provider: &'static Provider, kind: CredentialKind, key: &[u8]) -> Finding {
    let class = class_of(key);
    let code = impossible(key, class)
        .unwrap_or_else(|| class.map_or(KeyFindingCode::Unfamiliar, |class| judge(provider, kind, key, class)));
    Finding { code, class, provider: Some(provider), kind, length: key.len() }
}

/// What makes the bytes a key of nobody's; none where they can be one.
fn impossible(key: &[u8], class: Option<&KeyClass>) -> Option<KeyFindingCode> {
    let is_plain = key.iter().all(paste_mistakes::is_plain);
    let is_odd = !is_plain && class.is_some_and(|class| class.is_plain);
    paste_mistakes::first_in(key, is_plain).or(is_odd.then_some(KeyFindingCode::ForbiddenCharacters))
}

/// Refuses what can be no credential of any provider: where it is sealed, and nobody knows yet for which it will be used.
///
/// # Errors
/// `KEY_MALFORMED`, which does not repeat any of it.
pub fn check_for_any(kind: CredentialKind, origin: &str, key: &[u8]) -> Result<()> {
    let class = class_of(key);
    let Some(code) = impossible(key, class) else { return Ok(()) };
    let finding = Finding { code, class, provider: None, kind, length: key.len() };
    finding.error(origin).map_or(Ok(()), Err)
}

fn judge(provider: &Provider, kind: CredentialKind, key: &[u8], class: &KeyClass) -> KeyFindingCode {
    belonging(provider, kind, class).unwrap_or_else(|| wholeness(key, class))
}

/// What speaks against keys of this class here; none when they belong here.
fn belonging(provider: &Provider, kind: CredentialKind, class: &KeyClass) -> Option<KeyFindingCode> {
    use KeyFindingCode::{LikelyOtherKind, LikelyOtherProvider, NotForLaunch, OtherVendor, WrongKind, WrongProvider};
    let either = |certain, likely| Some(if class.is_certain { certain } else { likely });
    if class.usable_as == KeyUse::NotForLaunch {
        return Some(NotForLaunch);
    }
    if class.vendor.is_none() {
        return Some(OtherVendor);
    }
    if !provider.takes_keys_of(class) {
        return either(WrongProvider, LikelyOtherProvider);
    }
    match class.usable_as {
        KeyUse::Credential(its) if its != kind => either(WrongKind, LikelyOtherKind),
        KeyUse::Unknown => Some(KeyFindingCode::UnknownKind),
        _ => None,
    }
}

/// Whether a key of this class seems to be there once, and all of it.
fn wholeness(key: &[u8], class: &KeyClass) -> KeyFindingCode {
    let (first, second) = key.split_at(key.len() / 2);
    if first == second {
        return KeyFindingCode::PastedTwice;
    }
    if key.len() < class.shortest { KeyFindingCode::TooShort } else { KeyFindingCode::Fits }
}

/// What a settings page can say of a key before it is saved.
#[derive(Debug)]
pub struct Validation {
    pub finding: Finding,
    pub provider: &'static Provider,
    /// What a log may show of it; none for what is no credential here.
    pub fingerprint: Option<Fingerprint>,
}

/// Looks at a key that somebody wants to use with a provider, as a credential of this kind.
///
/// # Errors
/// `UNKNOWN` for the provider; `INTERNAL` if no fingerprint is available. A bad key is not an error.
pub fn validate(provider: &str, kind: CredentialKind, key: &[u8]) -> Result<Validation> {
    let provider = provider::find(provider)?;
    let mut finding = examine(provider, kind, key);
    if finding.verdict() != KeyVerdict::Invalid && !takes(provider, kind) {
        finding.code = KeyFindingCode::KindNotTaken;
    }
    let usable = finding.verdict() != KeyVerdict::Invalid;
    let fingerprint = usable.then(|| Fingerprint::of(key)).transpose()?;
    Ok(Validation { finding, provider, fingerprint })
}

fn takes(provider: &Provider, kind: CredentialKind) -> bool {
    provider.credential_inputs().any(|input| input.kind == kind)
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

#[cfg(test)]
mod tests;
