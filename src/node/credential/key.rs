//! `validateKey`, `revoke` and `restore`.

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, ClassInstance, Either};
use napi_derive::napi;

#[cfg(target_os = "linux")]
use crate::broker::Broker;
use crate::credential::{self, KeyFindingCode, KeyVerdict, Validation, login_tokens};
use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::OrThrow;
use crate::node::environment::wire_buffer::Consumed;
use crate::node::secret::handle::NativeSecret;
use crate::provider::{self, CredentialKind};
use crate::secret::{ExposeSecret, Fingerprint};

/// The result of checking a key. It contains no part of the key.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct KeyValidation {
    pub verdict: KeyVerdict,
    pub code: KeyFindingCode,
    #[napi(ts_type = "ProviderId")]
    pub provider: &'static str,
    #[napi(ts_type = "KeyClass")]
    pub class: Option<&'static str>,
    pub class_name: Option<&'static str>,
    pub kind: Option<CredentialKind>,
    #[napi(ts_type = "ProviderId")]
    pub belongs_to: Option<&'static str>,
    pub message: String,
    pub fingerprint: Option<String>,
}

/// Checks a key: bytes, which are wiped, or a secret, which is kept.
#[napi(catch_unwind, ts_args_type = "provider: string, kind: string | undefined, key: Uint8Array | NativeSecret")]
pub fn validate_key(
    env: &Env,
    provider: String,
    kind: Option<String>,
    key: Either<ClassInstance<'_, NativeSecret>, BufferSlice<'_>>,
) -> napi::Result<KeyValidation> {
    // First: bytes are wiped also where something is wrong.
    let key = match key {
        Either::A(handle) => Either::A(handle),
        Either::B(bytes) => Either::B(Consumed(bytes)),
    };
    let kind = pasted_kind(kind.as_deref()).or_throw(env)?;
    let found = match &key {
        Either::A(handle) => {
            handle.secret().and_then(|secret| credential::validate(&provider, kind, secret.expose_secret()))
        }
        Either::B(bytes) => credential::validate(&provider, kind, &bytes.0),
    };
    found.map(to_object).or_throw(env)
}

/// The ids of all classes of keys. The build makes a type of them.
#[napi(catch_unwind)]
pub fn key_classes() -> Vec<&'static str> {
    let mut ids: Vec<&'static str> = provider::key_classes().map(|class| class.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The kind of a credential that somebody pastes, by its name; an API key where nobody says.
pub fn pasted_kind(name: Option<&str>) -> Result<CredentialKind> {
    name.map_or(Ok(CredentialKind::ApiKey), |name| {
        kind_named("options.kind", name, &[CredentialKind::ApiKey, CredentialKind::OauthToken])
    })
}

/// The one of these kinds that has this name.
pub fn kind_named(option: &str, name: &str, kinds: &[CredentialKind]) -> Result<CredentialKind> {
    kinds.iter().copied().find(|kind| kind.as_str() == name).ok_or_else(|| {
        let names: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        let message = format!("{option} must be one of: {}.", names.join(", "));
        Error::new(ErrorCode::InvalidArgValue, message).name(option)
    })
}

fn to_object(found: Validation) -> KeyValidation {
    let finding = &found.finding;
    KeyValidation {
        verdict: finding.verdict(),
        code: finding.code,
        provider: found.provider.id,
        class: finding.class.map(|class| class.id),
        class_name: finding.class.map(|class| class.name),
        kind: found.kind(),
        belongs_to: finding.class.and_then(provider::owner_of).map(|owner| owner.id),
        message: finding.sentence(None),
        fingerprint: found.fingerprint.map(|fingerprint| fingerprint.to_string()),
    }
}

/// Makes every later launch with a credential fail, in all threads, including launches with any other token of the same
/// login, and ends what the broker has in flight with them. Returns the fingerprints of all of them.
#[napi(catch_unwind)]
pub fn revoke(env: &Env, fingerprint: String) -> napi::Result<Vec<String>> {
    let revoked = parse(&fingerprint).and_then(login_tokens::revoke).or_throw(env)?;
    // A running agent that the broker serves loses it too.
    #[cfg(target_os = "linux")]
    if let Some(broker) = Broker::running_in_process() {
        broker.apply_revocations();
    }
    Ok(revoked.iter().map(ToString::to_string).collect())
}

/// Undoes a revocation. False if there was none.
#[napi(catch_unwind)]
pub fn restore(env: &Env, fingerprint: String) -> napi::Result<bool> {
    parse(&fingerprint).map(login_tokens::restore).or_throw(env)
}

/// Its text is not repeated: it may be a key.
fn parse(fingerprint: &str) -> Result<Fingerprint> {
    Fingerprint::parse(fingerprint).ok_or_else(|| {
        let message = "A fingerprint must be 8 hex digits, as in credential.fingerprint.";
        Error::new(ErrorCode::InvalidArgValue, message).name("fingerprint")
    })
}
