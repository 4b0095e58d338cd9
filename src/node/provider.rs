//! Describes an environment for a badge, even after it was disposed of.

use napi::Env;
use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::credential::CredentialSource;
use crate::node::boundary_error::OrThrow;
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::provider::{self, CredentialKind};

/// The facts about an environment that a badge shows.
#[napi(object, object_from_js = false)]
pub struct ProviderDescription {
    pub provider: &'static str,
    pub name: &'static str,
    pub vendor: &'static str,
    pub model_family: &'static str,
    pub credential_kind: CredentialKind,
    pub credential_source: CredentialSource,
    pub billed_to: &'static str,
    pub fingerprint: Option<String>,
}

/// Returns what may be shown of an environment, even after it was disposed of.
#[napi(catch_unwind)]
pub fn describe(node: &Env, env: ClassInstance<'_, NativeProviderEnv>) -> napi::Result<ProviderDescription> {
    let row = provider::find(env.provider()).or_throw(node)?;
    let credential = env.credential();
    Ok(ProviderDescription {
        provider: row.id,
        name: row.name,
        vendor: row.vendor().api.vendor,
        model_family: row.output.model_family,
        credential_kind: credential.kind,
        credential_source: credential.source,
        billed_to: env.billed_to(),
        fingerprint: credential.fingerprint.clone(),
    })
}
