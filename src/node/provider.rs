//! What a badge shows of an environment; also after it was disposed of.

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::node::boundary_error::IntoNapi;
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::provider;

/// What a badge shows.
#[napi(object, object_from_js = false)]
pub struct NativeDescription {
    pub provider: &'static str,
    pub name: &'static str,
    pub vendor: &'static str,
    pub model_family: &'static str,
    pub credential_kind: &'static str,
    pub credential_source: &'static str,
    pub billed_to: &'static str,
    pub fingerprint: Option<String>,
}

/// Describes an environment.
#[napi(catch_unwind)]
pub fn describe(env: ClassInstance<'_, NativeProviderEnv>) -> napi::Result<NativeDescription> {
    let row = provider::find(env.provider()).into_napi()?;
    Ok(NativeDescription {
        provider: row.id,
        name: row.name,
        vendor: row.vendor().api.vendor,
        model_family: row.output.model_family,
        credential_kind: env.kind(),
        credential_source: env.source(),
        billed_to: env.billed_to(),
        fingerprint: env.fingerprint(),
    })
}
