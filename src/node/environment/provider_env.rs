//! `buildProviderEnv` and the handle of an environment.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, ClassInstance};
use napi_derive::napi;

use crate::credential::payload::{self, Payload};
use crate::credential::{self, ApiKeySource, CredentialOwner, CredentialSource};
use crate::environment::{self, BASE_NAMES, BuildContext, Delivery, EnvNames, EnvPlan, EnvRequest, ExecLimits};
use crate::error::{Error, ErrorCode, ErrorDetails, Result};
use crate::node::boundary_error::OrThrow;
use crate::node::credential::server::NativeServerCredentials;
use crate::node::credential::store::NativeCredentialStore;
use crate::node::environment::variable::EnvVariable;
use crate::node::environment::wire_buffer::{self, Consumed};
use crate::node::process::grant::NativeGrant;
use crate::node::secret::handle::NativeSecret;
use crate::node::secret::recipient::NativeRecipient;
use crate::node::state::{Disposable, disposable};
use crate::process::access::OwnAccess;
use crate::process::arguments::{self, ArgumentContext, TextSource};
use crate::process::authority;
use crate::process::brokered::{self, Brokered};
use crate::process::identity::Target;
use crate::process::program;
use crate::provider::{self, CommandLine, CredentialKind, PROVIDERS};
use crate::usage::Owner;

/// An environment. Its getters still work after `dispose()`.
#[napi]
pub struct NativeProviderEnv {
    held: Disposable<EnvPlan>,
    provider: &'static str,
    billed_to: &'static str,
    facts: EnvFacts,
    names: EnvNames,
    owner: Owner,
}

/// What may be shown of an environment.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Clone)]
pub struct EnvFacts {
    pub credential: CredentialInfo,
    pub api_key_source: ApiKeySource,
    pub user_env_key_count: u32,
    pub rejected_user_env_keys: Vec<String>,
    pub workspace_dir: Option<String>,
}

/// What may be shown of an environment's credential.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Clone)]
pub struct CredentialInfo {
    pub kind: CredentialKind,
    pub source: CredentialSource,
    pub owner: CredentialOwner,
    pub fingerprint: Option<String>,
    /// The number of refreshes, which JavaScript can represent exactly.
    pub generation: Option<f64>,
}

/// The objects from which an environment is built. They are in a separate object, because most calls have none of them.
#[napi(object, object_to_js = false)]
pub struct HeldInputs<'env> {
    /// The secrets, which records refer to by their index in this list.
    pub handles: Vec<ClassInstance<'env, NativeSecret>>,
    pub server: Option<ClassInstance<'env, NativeServerCredentials>>,
    pub recipient: Option<ClassInstance<'env, NativeRecipient>>,
    pub store: Option<ClassInstance<'env, NativeCredentialStore>>,
}

/// Builds an environment from the options and the payload in a wire buffer, whose records begin with a `WireTag`. The
/// payload may also be UTF-8 JSON, or part of it. Both are wiped.
#[napi(catch_unwind, ts_args_type = "wire: Uint8Array, json: Uint8Array | undefined, held: HeldInputs | undefined")]
pub fn build_provider_env(
    env: &Env,
    wire: BufferSlice<'_>,
    json: Option<BufferSlice<'_>>,
    held: Option<HeldInputs<'_>>,
) -> napi::Result<NativeProviderEnv> {
    let (wire, json) = (Consumed(wire), json.map(Consumed));
    let nothing = HeldInputs { handles: Vec::new(), server: None, recipient: None, store: None };
    build(&wire.0, json.as_ref().map(|json| &*json.0), held.unwrap_or(nothing)).or_throw(env)
}

/// Refuses a payload that has members, but none of the known fields.
#[napi(catch_unwind)]
pub fn refuse_payload(env: &Env) -> napi::Result<()> {
    Err(payload::no_known_field()).or_throw(env)
}

fn build(wire: &[u8], json: Option<&[u8]>, held: HeldInputs<'_>) -> Result<NativeProviderEnv> {
    let mut payload = Payload::default();
    let mut request = EnvRequest::default();
    let handles = held.handles.iter().map(|handle| handle.secret()).collect::<Result<Vec<_>>>()?;
    wire_buffer::read(wire, &handles, &mut payload, &mut request)?;
    if let Some(json) = json {
        payload = Payload::from_message(json, &request.payload_path)?;
    }
    let recipient = held.recipient.map(|recipient| recipient.recipient()).transpose()?;
    let server = held.server.map(|server| server.credentials()).transpose()?;
    // A payload with its own credential runs whatever has become of the store.
    let has_own = payload.api_key.is_some() || payload.oauth_access_token.is_some();
    let store = held.store.filter(|_| !has_own && !request.require_credential);
    let context = BuildContext {
        store: store.map(|store| store.credential()).transpose()?,
        server: server.as_deref(),
        recipient: recipient.as_deref(),
        limits: ExecLimits::of_this_process(),
        now: SystemTime::now(),
    };
    Ok(NativeProviderEnv::new(environment::build(payload, request, &context)?))
}

#[napi]
impl NativeProviderEnv {
    #[napi(getter, catch_unwind)]
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    #[napi(getter, catch_unwind)]
    pub fn facts(&self) -> EnvFacts {
        self.facts.clone()
    }

    /// The names that the child gets without the broker, sorted. They stay available after `dispose()`.
    #[napi(catch_unwind)]
    pub fn names(&self) -> Vec<String> {
        let names = self.names.sorted(self.names.direct_delivery());
        names.into_iter().map(str::to_owned).collect()
    }

    /// The value of a variable that does not hold a secret.
    #[napi(catch_unwind)]
    pub fn get(&self, env: &Env, name: String) -> napi::Result<Option<String>> {
        let plan = self.plan().or_throw(env)?;
        let secret = [Delivery::Env, plan.names.direct_delivery()]
            .into_iter()
            .any(|delivery| plan.variables(delivery).any(|variable| variable.name == name && variable.is_secret));
        if secret {
            let message = format!("{name} holds a secret. Only exposeSecrets() returns it.");
            return Err(Error::new(ErrorCode::EnvForbidden, message).name(name)).or_throw(env);
        }
        let mut variables = plan.variables(plan.names.direct_delivery());
        let found = variables.find(|variable| variable.name == name);
        Ok(found.map(|variable| String::from_utf8_lossy(variable.value).into_owned()))
    }

    /// The variables that the delivery `env` passes, with the secrets.
    #[napi(catch_unwind)]
    pub fn expose_secrets<'env>(&self, env: &'env Env) -> napi::Result<Vec<EnvVariable<'env>>> {
        let plan = self.plan().or_throw(env)?;
        credential::admit(&plan.credential).map_err(|error| error.provider(plan.provider.id)).or_throw(env)?;
        EnvVariable::list(env, plan.variables(Delivery::Env))
    }

    /// The variables that the delivery `auto` passes, without the secrets.
    #[napi(catch_unwind)]
    pub fn plain<'env>(&self, env: &'env Env) -> napi::Result<Vec<EnvVariable<'env>>> {
        let plan = self.plan().or_throw(env)?;
        let delivery = plan.names.direct_delivery();
        EnvVariable::list(env, plan.variables(delivery).filter(|variable| !variable.is_secret))
    }

    /// Why the broker cannot add this credential here; null if it can.
    #[napi(catch_unwind)]
    pub fn broker_support(&self, env: &Env) -> napi::Result<Option<ErrorDetails>> {
        let plan = self.plan().or_throw(env)?;
        Ok(brokered::support(&plan).err().map(|error| error.details().clone()))
    }

    /// A grant for a launch that an SDK makes as the user of this process.
    #[napi(catch_unwind)]
    pub fn grant(&self, env: &Env) -> napi::Result<NativeGrant> {
        let plan = self.plan().or_throw(env)?;
        credential::admit(&plan.credential).map_err(|error| error.provider(plan.provider.id)).or_throw(env)?;
        let ca_file = authority::prove(&plan, &Target::own(), &OwnAccess).or_throw(env)?.map(|(_, path)| path);
        Brokered::for_own_user(&plan, ca_file.as_deref()).map(NativeGrant::around).or_throw(env)
    }

    /// The variables that a start with delivery `broker` passes, with its secrets and its token.
    #[napi(catch_unwind)]
    pub fn brokered_variables<'env>(
        &self,
        env: &'env Env,
        grant: ClassInstance<'_, NativeGrant>,
    ) -> napi::Result<Vec<EnvVariable<'env>>> {
        let plan = self.plan().or_throw(env)?;
        let of_grant = |brokered: &Brokered| {
            let of_grant: Vec<(&str, Cow<'_, str>)> = brokered.variables(&plan).collect();
            let is_own = |name: &str| of_grant.iter().all(|(replaced, _)| *replaced != name);
            let own = plan.variables(Delivery::Broker).filter(|variable| is_own(variable.name));
            let mut all = EnvVariable::list(env, own)?;
            for (name, value) in &of_grant {
                all.push(EnvVariable::new(env, name, value)?);
            }
            Ok(all)
        };
        grant.with(of_grant).or_throw(env)?
    }

    /// Whether it holds secrets beside the credential: a session cookie, or values of the tenant's.
    #[napi(catch_unwind)]
    pub fn has_other_secrets(&self, env: &Env) -> napi::Result<bool> {
        let plan = self.plan().or_throw(env)?;
        let mut variables = plan.variables(Delivery::Broker);
        Ok(variables.any(|variable| variable.is_secret && !variable.value.is_empty()))
    }

    /// The configuration overrides of a start with delivery `env`, as `key=value`; with a grant, of one with delivery
    /// `broker`.
    #[napi(catch_unwind)]
    pub fn config_overrides(
        &self,
        env: &Env,
        directories: Vec<String>,
        trusted: bool,
        grant: Option<ClassInstance<'_, NativeGrant>>,
    ) -> napi::Result<Vec<String>> {
        let plan = self.plan().or_throw(env)?;
        let visible = directories.iter().map(|text| (TextSource::Option("cwd"), text.as_str()));
        arguments::check_visible(&plan, visible).or_throw(env)?;
        let directories = arguments::with_project_roots(plan.provider, directories);
        let address = |grant: ClassInstance<'_, NativeGrant>| grant.with(|brokered| brokered.endpoint().to_owned());
        let endpoint = grant.map(address).transpose().or_throw(env)?;
        let delivery = if endpoint.is_some() { Delivery::Broker } else { Delivery::Env };
        let context = ArgumentContext { delivery, endpoint: endpoint.as_deref(), trusted, directories: &directories };
        Ok(arguments::overrides(&plan, &CommandLine::default(), &context)
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect())
    }

    /// The variable of the file of additional trusted roots, with its proved path, for a CLI that runs as this process;
    /// none if no such file was given.
    #[napi(catch_unwind)]
    pub fn authority<'env>(&self, env: &'env Env) -> napi::Result<Option<EnvVariable<'env>>> {
        let plan = self.plan().or_throw(env)?;
        let proved = authority::prove(&plan, &Target::own(), &OwnAccess).or_throw(env)?;
        proved.map(|(name, path)| EnvVariable::new(env, name, &path)).transpose()
    }

    /// The variables that a start with delivery `env` adds, or one with delivery `broker`.
    #[napi(catch_unwind)]
    pub fn guard_variables<'env>(
        &self,
        env: &'env Env,
        trusted: bool,
        by_broker: bool,
    ) -> napi::Result<Vec<EnvVariable<'env>>> {
        let plan = self.plan().or_throw(env)?;
        let delivery = if by_broker { Delivery::Broker } else { Delivery::Env };
        let context = ArgumentContext { delivery, endpoint: None, trusted, directories: &[] };
        arguments::guards(&plan, &context).map(|(name, value)| EnvVariable::new(env, name, value)).collect()
    }
}

disposable!(NativeProviderEnv);

impl NativeProviderEnv {
    fn new(plan: EnvPlan) -> Self {
        let credential = &plan.credential;
        let facts = EnvFacts {
            credential: CredentialInfo {
                kind: credential.kind,
                source: credential.source,
                owner: credential.owner,
                fingerprint: credential.fingerprint.map(|fingerprint| fingerprint.to_string()),
                generation: credential.generation.as_ref().map(|generation| generation.number as f64),
            },
            api_key_source: credential.api_key_source(),
            user_env_key_count: u32::try_from(plan.user_env_key_count).unwrap_or(u32::MAX),
            rejected_user_env_keys: plan.rejected_user_env_keys.clone(),
            workspace_dir: plan.workspace_dir.clone(),
        };
        Self {
            provider: plan.provider.id,
            billed_to: credential.billed_to(),
            facts,
            names: plan.names.clone(),
            owner: Owner::new_environment(),
            held: Disposable::new(plan, "This ProviderEnv was disposed of. Build a new one with buildProviderEnv()."),
        }
    }

    /// What may be shown of its credential.
    pub fn credential(&self) -> &CredentialInfo {
        &self.facts.credential
    }

    pub fn billed_to(&self) -> &'static str {
        self.billed_to
    }

    /// The owner of the threads that its runs continue, if neither the workspace nor the credential shows it.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// # Errors
    /// `DISPOSED`.
    pub fn plan(&self) -> Result<Arc<EnvPlan>> {
        self.held.get().map_err(|error| error.provider(self.provider))
    }
}

/// The names that the facade reads from `process.env` for every environment.
#[napi(catch_unwind)]
pub fn base_names() -> Vec<&'static str> {
    BASE_NAMES.iter().copied().chain(["HOME", "TMPDIR"]).collect()
}

/// The variables that a provider's SDK adapter passes on.
#[napi(catch_unwind)]
pub fn sdk_variables(provider: String) -> Vec<&'static str> {
    let row = PROVIDERS.iter().find(|row| row.id == provider);
    row.map(|row| row.cli.sdk.variables.to_vec()).unwrap_or_default()
}

/// Refuses an SDK that is known to be too old, according to the variables that it sets or, if they do not show its
/// version, to its package in `node_modules` upwards from these directories.
#[napi(catch_unwind)]
pub fn check_sdk(
    env: &Env,
    provider: String,
    variables: Vec<EnvVariable<'_>>,
    package_roots: Vec<String>,
) -> napi::Result<()> {
    let row = provider::find(&provider).or_throw(env)?;
    let roots: Vec<PathBuf> = package_roots.into_iter().map(PathBuf::from).collect();
    let version = match row.cli.sdk.version_variable {
        Some(name) => EnvVariable::value_of(&variables, name)?,
        None => program::installed_version(row.cli.sdk.package, &roots),
    };
    row.cli.sdk.check(row.id, version.as_deref()).or_throw(env)
}
