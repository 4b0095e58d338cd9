//! `buildProviderEnv` and the handle of an environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use napi::bindgen_prelude::{BufferSlice, ClassInstance};
use napi::{Env, JsString};
use napi_derive::napi;

use crate::credential;
use crate::credential::payload::{self, Payload};
use crate::environment::{self, BASE_NAMES, Delivery, EnvNames, EnvPlan, EnvRequest, ExecLimits, Means, Variable};
use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::IntoNapi;
use crate::node::credential::server::NativeServerCredentials;
use crate::node::credential::store::NativeCredentialStore;
use crate::node::environment::wire_buffer::{self, Consumed};
use crate::node::secret::handle::NativeSecret;
use crate::node::secret::recipient::NativeRecipient;
use crate::node::state::{self, Slot};
use crate::process::arguments::{self, ArgumentContext, Place};
use crate::process::authority;
use crate::process::identity::Target;
use crate::process::options::WorkspaceTrust;
use crate::process::program;
use crate::provider::{self, CommandLine, PROVIDERS};
use crate::sys::identity;
use crate::usage::Owner;

/// An environment, held in Rust until it is disposed of.
#[napi]
pub struct NativeProviderEnv {
    slot: Arc<Slot<EnvPlan>>,
    /// What stays to be told after `dispose()`.
    facts: Facts,
    names: EnvNames,
    owner: Owner,
}

struct Facts {
    provider: &'static str,
    kind: &'static str,
    source: &'static str,
    credential_owner: &'static str,
    fingerprint: Option<String>,
    generation: Option<f64>,
    billed_to: &'static str,
    api_key_source: &'static str,
    user_env_key_count: usize,
    rejected: Vec<String>,
    workspace_dir: Option<String>,
    base_url: Option<String>,
}

/// Builds an environment from a frame, or from a JSON payload and a frame of options. Both are wiped.
#[napi(
    catch_unwind,
    ts_args_type = "frame: Uint8Array, json: Uint8Array | undefined, server: NativeServerCredentials | undefined, handles: Array<NativeSecret>, recipient: NativeRecipient | undefined, store: NativeCredentialStore | undefined, requireProtection: boolean"
)]
pub fn build_provider_env(
    frame: BufferSlice<'_>,
    json: Option<BufferSlice<'_>>,
    server: Option<ClassInstance<'_, NativeServerCredentials>>,
    handles: Vec<ClassInstance<'_, NativeSecret>>,
    recipient: Option<ClassInstance<'_, NativeRecipient>>,
    store: Option<ClassInstance<'_, NativeCredentialStore>>,
    require_protection: bool,
) -> napi::Result<NativeProviderEnv> {
    let (frame, json) = (Consumed(frame), json.map(Consumed));
    let (server, recipient, store) = (server.as_deref(), recipient.as_deref(), store.as_deref());
    let held = Held { handles: &handles, server, recipient, store, require_protection };
    build(&frame.0, json.as_ref().map(|json| &*json.0), &held).into_napi()
}

/// Refuses a payload that has members, and none that is read.
#[napi(catch_unwind)]
pub fn refuse_payload() -> napi::Result<()> {
    Err(payload::no_known_field()).into_napi()
}

/// What the facade hands over besides, by its handle.
struct Held<'a> {
    handles: &'a [ClassInstance<'a, NativeSecret>],
    server: Option<&'a NativeServerCredentials>,
    recipient: Option<&'a NativeRecipient>,
    store: Option<&'a NativeCredentialStore>,
    require_protection: bool,
}

fn build(frame: &[u8], json: Option<&[u8]>, held: &Held<'_>) -> Result<NativeProviderEnv> {
    let mut payload = Payload::default();
    let mut request = EnvRequest::default();
    let handles = held.handles.iter().map(|handle| handle.secret()).collect::<Result<Vec<_>>>()?;
    wire_buffer::read(frame, &handles, &mut payload, &mut request)?;
    if let Some(json) = json {
        payload = Payload::from_message(json, &request.payload_path)?;
    }
    let recipient = held.recipient.map(NativeRecipient::recipient).transpose()?;
    let server = held.server.map(NativeServerCredentials::credentials).transpose()?;
    // A payload with a credential of its own runs whatever has become of the store.
    let has_own = payload.api_key.is_some() || payload.oauth_access_token.is_some();
    let store = held
        .store
        .filter(|_| !has_own && !request.require_credential)
        .map(NativeCredentialStore::credential)
        .transpose()?;
    let means = Means {
        store,
        server: server.as_deref(),
        recipient: recipient.as_deref(),
        require_protection: held.require_protection,
        limits: ExecLimits::for_stack(identity::stack_limit()),
        now: SystemTime::now(),
    };
    let plan = environment::build(payload, request, &means)?;
    let facts = Facts {
        provider: plan.provider.id,
        kind: plan.credential.kind.as_str(),
        source: plan.credential.source.as_str(),
        credential_owner: plan.credential.owner.as_str(),
        fingerprint: plan.credential.fingerprint.map(|fingerprint| fingerprint.to_string()),
        // A count of refreshes: JavaScript holds it exactly.
        generation: plan.credential.generation.as_ref().map(|generation| generation.number as f64),
        billed_to: plan.credential.billed_to(),
        api_key_source: plan.credential.api_key_source().as_str(),
        user_env_key_count: plan.user_env_key_count,
        rejected: plan.rejected_user_env_keys.clone(),
        workspace_dir: plan.workspace_dir.clone(),
        base_url: plan.base_url.clone(),
    };
    let names = plan.names.clone();
    Ok(NativeProviderEnv { slot: state::register(Slot::new(plan)), facts, names, owner: Owner::new_environment() })
}

#[napi]
impl NativeProviderEnv {
    #[napi(getter, catch_unwind)]
    pub fn provider(&self) -> &'static str {
        self.facts.provider
    }

    #[napi(getter, catch_unwind)]
    pub fn kind(&self) -> &'static str {
        self.facts.kind
    }

    #[napi(getter, catch_unwind)]
    pub fn source(&self) -> &'static str {
        self.facts.source
    }

    #[napi(getter, catch_unwind)]
    pub fn credential_owner(&self) -> &'static str {
        self.facts.credential_owner
    }

    #[napi(getter, catch_unwind)]
    pub fn fingerprint(&self) -> Option<String> {
        self.facts.fingerprint.clone()
    }

    #[napi(getter, catch_unwind)]
    pub fn generation(&self) -> Option<f64> {
        self.facts.generation
    }

    #[napi(getter, catch_unwind)]
    pub fn api_key_source(&self) -> &'static str {
        self.facts.api_key_source
    }

    #[napi(getter, catch_unwind)]
    pub fn user_env_key_count(&self) -> u32 {
        u32::try_from(self.facts.user_env_key_count).unwrap_or(u32::MAX)
    }

    #[napi(getter, catch_unwind)]
    pub fn rejected_user_env_keys(&self) -> Vec<String> {
        self.facts.rejected.clone()
    }

    #[napi(getter, catch_unwind)]
    pub fn workspace_dir(&self) -> Option<String> {
        self.facts.workspace_dir.clone()
    }

    #[napi(getter, catch_unwind)]
    pub fn base_url(&self) -> Option<String> {
        self.facts.base_url.clone()
    }

    #[napi(getter, catch_unwind)]
    pub fn disposed(&self) -> bool {
        self.slot.get().is_none()
    }

    /// The names that the child gets with the delivery `auto`, sorted; also after `dispose()`.
    #[napi(catch_unwind)]
    pub fn names(&self) -> Vec<String> {
        let names = self.names.sorted(self.names.auto_delivery());
        names.into_iter().map(str::to_owned).collect()
    }

    /// The value of a variable that holds no secret.
    #[napi(catch_unwind)]
    pub fn get(&self, name: String) -> napi::Result<Option<String>> {
        let plan = self.plan().into_napi()?;
        let secret = [Delivery::Env, plan.names.auto_delivery()]
            .into_iter()
            .any(|delivery| plan.variables(delivery).any(|variable| variable.name == name && variable.is_secret));
        if secret {
            let message = format!("{name} holds a secret. Only exposeSecrets() hands it out.");
            return Err(Error::new(ErrorCode::EnvForbidden, message).name(name)).into_napi();
        }
        let mut variables = plan.variables(plan.names.auto_delivery());
        let found = variables.find(|variable| variable.name == name);
        Ok(found.map(|variable| String::from_utf8_lossy(variable.value).into_owned()))
    }

    /// Names and values by turns, as the delivery `env` hands them over, with the secrets.
    #[napi(catch_unwind, ts_return_type = "Array<string>")]
    pub fn expose_secrets<'env>(&self, env: &'env Env) -> napi::Result<Vec<JsString<'env>>> {
        let plan = self.plan().into_napi()?;
        credential::admit(&plan.credential).map_err(|error| error.provider(plan.provider.id)).into_napi()?;
        to_strings(env, plan.variables(Delivery::Env))
    }

    /// Names and values by turns, without the secrets.
    #[napi(catch_unwind, ts_return_type = "Array<string>")]
    pub fn plain<'env>(&self, env: &'env Env) -> napi::Result<Vec<JsString<'env>>> {
        let plan = self.plan().into_napi()?;
        let delivery = plan.names.auto_delivery();
        to_strings(env, plan.variables(delivery).filter(|variable| !variable.is_secret))
    }

    /// The configuration overrides of a start with delivery `env`, as `key=value`.
    #[napi(catch_unwind)]
    pub fn config_overrides(&self, directories: Vec<String>, trusted: bool) -> napi::Result<Vec<String>> {
        let plan = self.plan().into_napi()?;
        let trust = if trusted { WorkspaceTrust::Trusted } else { WorkspaceTrust::Untrusted };
        let visible = directories.iter().map(|text| (Place::Option("cwd"), text.as_str()));
        arguments::check_visible(&plan, visible).into_napi()?;
        let directories = arguments::with_project_roots(plan.provider, directories);
        let context = ArgumentContext { delivery: Delivery::Env, trust, directories: &directories };
        Ok(arguments::overrides(&plan, &CommandLine::default(), &context)
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect())
    }

    /// The variable of the file of further roots of trust, and its proved path, for a CLI that runs as this process; empty
    /// where there is none.
    #[napi(catch_unwind)]
    pub fn authority(&self) -> napi::Result<Vec<String>> {
        let plan = self.plan().into_napi()?;
        let (uid, gid) = identity::own();
        let proved = authority::prove_by_mode(&plan, &Target::Same { uid, gid }).into_napi()?;
        Ok(proved.map_or_else(Vec::new, |(name, path)| vec![name.to_owned(), path]))
    }

    /// The variables that a start with delivery `env` adds, names and values by turns.
    #[napi(catch_unwind)]
    pub fn guard_variables(&self, trusted: bool) -> napi::Result<Vec<&'static str>> {
        let plan = self.plan().into_napi()?;
        let trust = if trusted { WorkspaceTrust::Trusted } else { WorkspaceTrust::Untrusted };
        let context = ArgumentContext { delivery: Delivery::Env, trust, directories: &[] };
        Ok(arguments::guards(&plan, &context).flat_map(|(name, value)| [name, value]).collect())
    }

    /// Wipes it.
    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeProviderEnv {
    /// Who pays.
    pub fn billed_to(&self) -> &'static str {
        self.facts.billed_to
    }

    /// Whose threads its runs go on with, where neither workspace nor credential tells.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The plan, unless it was disposed of.
    pub fn plan(&self) -> Result<Arc<EnvPlan>> {
        self.slot.get().ok_or_else(|| {
            let message = "This ProviderEnv was disposed of. Build a new one with buildProviderEnv().";
            Error::new(ErrorCode::Disposed, message).provider(self.facts.provider)
        })
    }
}

impl Drop for NativeProviderEnv {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

/// Names and values by turns, made by V8 straight from where they are: a Rust string in between would not be wiped.
pub fn to_strings<'env, 'plan>(
    env: &'env Env,
    variables: impl Iterator<Item = Variable<'plan>>,
) -> napi::Result<Vec<JsString<'env>>> {
    let mut strings = Vec::new();
    for variable in variables {
        strings.push(env.create_string(variable.name)?);
        // All input was UTF-8.
        strings.push(env.create_string(std::str::from_utf8(variable.value).unwrap_or_default())?);
    }
    Ok(strings)
}

/// The names that the facade reads from `process.env` for every environment.
#[napi(catch_unwind)]
pub fn base_names() -> Vec<&'static str> {
    BASE_NAMES.iter().copied().chain(["HOME", "TMPDIR"]).collect()
}

/// The variables that a provider's SDK adapter lets pass.
#[napi(catch_unwind)]
pub fn sdk_variables(provider: String) -> Vec<&'static str> {
    let row = PROVIDERS.iter().find(|row| row.id == provider);
    row.map(|row| row.cli.sdk.variables.to_vec()).unwrap_or_default()
}

/// Refuses an SDK that is known to be too old: by the variables that it gave, names and values by turns, or where it tells
/// none, by its package in `node_modules` upwards from these directories.
#[napi(catch_unwind)]
pub fn check_sdk(provider: String, variables: Vec<String>, package_roots: Vec<String>) -> napi::Result<()> {
    let row = provider::find(&provider).into_napi()?;
    let roots: Vec<PathBuf> = package_roots.into_iter().map(PathBuf::from).collect();
    let version = match row.cli.sdk.version_variable {
        Some(name) => variables.chunks_exact(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone()),
        None => program::installed_version(row.cli.sdk.package, &roots),
    };
    row.cli.sdk.check(row.id, version.as_deref()).into_napi()
}

/// The workspace option that sets each provider's state directory, as provider and option by turns.
#[napi(catch_unwind)]
pub fn state_dir_options() -> Vec<&'static str> {
    PROVIDERS.iter().flat_map(|row| [row.id, row.state_directory.option]).collect()
}
