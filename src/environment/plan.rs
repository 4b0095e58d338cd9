//! The plan of an environment, which is built from nothing, according to the rules, with one credential.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::{EnvBlock, ExecLimits};
use super::layout::{Draft, Layout, Origin, Values};
use super::rules::{self, EnvRequest};
use crate::credential::payload::{Input, Payload};
use crate::credential::{self, Credential, Fallbacks, Terms};
use crate::error::{Error, ErrorCode, Result};
use crate::net::http;
use crate::provider::{BaseUrl, BrokerClient, CredentialInput, FixedWhen, Provider, WhenUnused};
use crate::secret::{ExposeSecret, Secret};
use crate::sys::stdio::CREDENTIAL_DESCRIPTOR;

/// What the variable that names the credential's descriptor says. It has one digit.
const CREDENTIAL_DESCRIPTOR_TEXT: &[u8] = &[b'0' + CREDENTIAL_DESCRIPTOR];

/// How the child gets its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "lowercase"))]
pub enum Delivery {
    /// On a pipe whose number an environment variable names.
    Fd,
    /// In the environment, where every process of the same uid can read it.
    Env,
    /// Not at all: the broker of this process adds it to the CLI's requests.
    Broker,
}

/// Everything that is decided of a child's environment before its start.
#[derive(Debug)]
pub struct EnvPlan {
    /// Whose CLI it is for.
    pub provider: &'static Provider,
    pub credential: Credential,
    /// `USER_*` variables that were set.
    pub user_env_key_count: usize,
    /// Names of `userEnvKeys` that were left out.
    pub rejected_user_env_keys: Vec<String>,
    /// The endpoint, if it is not the vendor's.
    pub base_url: Option<String>,
    pub workspace_dir: Option<String>,
    /// A file of further roots of trust, which is to be proved before a start.
    pub ca_file: Option<String>,
    /// Which variables there are; outlives the plan.
    pub names: EnvNames,
    /// The values of all variables but the credential's.
    values: Values,
}

/// The names of an environment.
#[derive(Clone, Debug)]
pub struct EnvNames {
    layout: Arc<Layout>,
    input: Option<&'static CredentialInput>,
    client: &'static BrokerClient,
}

/// A variable as it goes into the child.
#[derive(Clone, Copy)]
pub struct Variable<'plan> {
    pub name: &'plan str,
    /// Its value, secret or not.
    pub value: &'plan [u8],
    /// Whether the value is a secret.
    pub is_secret: bool,
}

impl std::fmt::Debug for Variable<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

impl EnvNames {
    /// The delivery that `auto` stands for without the broker.
    #[must_use]
    pub fn direct_delivery(&self) -> Delivery {
        let by_fd = self.input.is_some_and(|input| input.descriptor_variable.is_some());
        if by_fd { Delivery::Fd } else { Delivery::Env }
    }

    /// The variables that hold the credential itself with this delivery, or the token that stands in for it.
    #[must_use]
    pub fn credential_variables(&self, delivery: Delivery) -> &'static [&'static str] {
        match (self.input, delivery) {
            (Some(input), Delivery::Env) => input.variables,
            (Some(_), Delivery::Broker) => self.client.token_variables,
            _ => &[],
        }
    }

    /// The variable that names the credential's descriptor with this delivery.
    #[must_use]
    pub fn descriptor_variable(&self, delivery: Delivery) -> Option<&'static str> {
        match delivery {
            Delivery::Fd => self.input.and_then(|input| input.descriptor_variable),
            Delivery::Env | Delivery::Broker => None,
        }
    }

    /// The names with this delivery, sorted.
    #[must_use]
    pub fn sorted(&self, delivery: Delivery) -> Vec<&str> {
        let carriers = self.credential_variables(delivery);
        let others = self.layout.iter().map(|(name, _)| name).filter(|name| !carriers.contains(name));
        let mut names: Vec<&str> =
            others.chain(carriers.iter().copied()).chain(self.descriptor_variable(delivery)).collect();
        names.sort_unstable();
        names
    }
}

impl EnvPlan {
    /// Decides which variables the child gets, and checks that the kernel will take them.
    ///
    /// # Errors
    /// See `buildProviderEnv` in `index.d.ts`.
    pub fn new(
        mut payload: Payload<'_>,
        mut request: EnvRequest<'_>,
        fallbacks: Fallbacks<'_>,
        limits: ExecLimits,
    ) -> Result<Self> {
        rules::apply_defaults(&mut request);
        let provider = payload.provider;
        let state_dir = state_dir(provider, &request)?;
        let terms = Terms {
            owner: request.credential_owner,
            require: request.require_credential,
            has_config_dir: state_dir.is_some(),
        };
        let credential = credential::select(&mut payload, fallbacks, terms)?;
        let state_dir = stored_dir(provider, &credential, state_dir)?.map(str::to_owned);

        let path = rules::child_path(last_path(&request));
        let mut draft = Draft::new(request.base.len() + payload.user_env_keys.len() + request.set.len() + 32);
        add_extras(&mut draft, &request)?;
        draft.extra(Origin::Base, "PATH", &path);
        add_workspace(&mut draft, &request)?;
        if let Some(dir) = &state_dir {
            draft.plain(provider.state_directory.variable, dir);
        }
        add_base_url(&mut draft, provider, request.base_url)?;
        if let Some(file) = request.ca_file {
            rules::check_path("caFile", file)?;
            draft.plain(provider.authority.variable, file);
        }
        add_fixed(&mut draft, provider, &credential, request.base_url.is_some())?;
        add_blanks(&mut draft, provider);
        draft.secret("", rules::SESSION_COOKIE, payload.session_cookie.as_ref().map_or(&[], Input::expose_secret));
        for (name, value) in &payload.user_env_keys {
            draft.secret(rules::USER_PREFIX, name, value.expose_secret());
        }
        require(provider, &draft)?;
        let (layout, values) = draft.finish()?;

        let plan = Self {
            provider,
            user_env_key_count: payload.user_env_keys.len(),
            rejected_user_env_keys: payload.rejected_user_env_keys,
            base_url: request.base_url.map(str::to_owned),
            workspace_dir: request.workspace.dir.map(str::to_owned),
            ca_file: request.ca_file.map(str::to_owned),
            names: EnvNames { layout: Arc::new(layout), input: credential.input, client: &provider.vendor().broker },
            credential,
            values,
        };
        plan.check_size(limits)?;
        Ok(plan)
    }

    /// Every variable of the child, in no order that matters: the kernel and `getenv` ask for none. With delivery `broker`
    /// it lacks what the launch's grant decides, and no value is the credential.
    pub fn variables(&self, delivery: Delivery) -> impl Iterator<Item = Variable<'_>> {
        let carriers = if delivery == Delivery::Env { self.names.credential_variables(delivery) } else { &[] };
        let key = self.credential.secret.as_deref().map_or(&[][..], Secret::expose_secret);
        let entries = self.names.layout.iter().filter(move |(name, _)| !carriers.contains(name));
        let entries = entries.map(move |(name, entry)| Variable {
            name,
            value: self.values.of(entry),
            is_secret: entry.is_secret,
        });
        let credential = carriers.iter().map(move |name| Variable { name, value: key, is_secret: true });
        let descriptor = self.names.descriptor_variable(delivery).map(|name| Variable {
            name,
            value: CREDENTIAL_DESCRIPTOR_TEXT,
            is_secret: false,
        });
        entries.chain(credential).chain(descriptor)
    }

    /// Every secret of a launch: the credential, the cookie and the tenant's own values.
    pub fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        let key = self.credential.secret.as_deref().map(Secret::expose_secret);
        let values =
            self.names.layout.iter().filter(|(_, entry)| entry.is_secret).map(|(_, entry)| self.values.of(entry));
        key.into_iter().chain(values)
    }

    /// Refuses this environment where the kernel refused a protection of the memory that its secrets are in.
    ///
    /// # Errors
    /// `MEMORY_UNPROTECTED`.
    pub fn require_protection(&self) -> Result<()> {
        self.values.secret.require_protection()?;
        self.credential.secret.as_deref().map_or(Ok(()), Secret::require_protection)
    }

    /// The value of a variable that is set whatever the delivery, and is no secret.
    #[must_use]
    pub fn plain(&self, name: &str) -> Option<&str> {
        let entry = self.names.layout.find(name).filter(|entry| !entry.is_secret)?;
        std::str::from_utf8(self.values.of(entry)).ok()
    }

    /// The directory that a variable names; if it is not set, this one, relative to `HOME`.
    #[must_use]
    pub fn directory(&self, variable: &str, otherwise: &str) -> PathBuf {
        let home = || Path::new(self.plain("HOME").unwrap_or("/"));
        self.plain(variable).map_or_else(|| home().join(otherwise), PathBuf::from)
    }

    /// Whether it runs on a credential of the server's, wherever that came from.
    #[must_use]
    pub fn has_server_credential(&self) -> bool {
        self.credential.is_servers()
    }

    /// Builds the block for `execve`.
    ///
    /// # Errors
    /// `ENV_TOO_LARGE`.
    pub fn block(&self, delivery: Delivery, limits: ExecLimits, extra: &[(&str, &str)]) -> Result<EnvBlock> {
        let own = self.variables(delivery).map(|variable| (variable.name, variable.value));
        EnvBlock::new(own, limits, extra)
    }

    fn check_size(&self, limits: ExecLimits) -> Result<()> {
        let mut total = 0;
        let mut count = 0;
        for variable in self.variables(Delivery::Env) {
            let bytes = variable.name.len() + variable.value.len() + 2;
            limits.check_string(variable.name, bytes)?;
            total += bytes;
            count += 1;
        }
        limits.check_total(total, count)
    }
}

/// The state directory given for this provider; one given for another is that provider's business.
fn state_dir<'a>(provider: &Provider, request: &EnvRequest<'a>) -> Result<Option<&'a str>> {
    let row = &provider.state_directory;
    let Some((_, dir)) = request.workspace.state_dirs.iter().find(|(id, _)| *id == provider.id) else {
        return Ok(None);
    };
    rules::check_path(&format!("workspace.{}", row.option), dir)?;
    Ok(Some(dir))
}

/// Where the CLI itself reads a stored login from its state directory, that is the state directory.
fn stored_dir<'a>(provider: &Provider, credential: &'a Credential, given: Option<&'a str>) -> Result<Option<&'a str>> {
    let Some(stored) = credential.directory.as_deref() else { return Ok(given) };
    if given.is_none_or(|given| given.trim_end_matches('/') == stored.trim_end_matches('/')) {
        return Ok(Some(stored));
    }
    let option = provider.state_directory.option;
    let message = format!(
        "{} reads its login from its state directory, but options.workspace.{option} is not the directory of \
        options.credentialStore. Pass the same directory, or omit the option.",
        provider.name
    );
    Err(Error::new(ErrorCode::InvalidArgValue, message).provider(provider.id).name(format!("workspace.{option}")))
}

/// The `PATH` that counts: `set` before `inherit` before this process's.
fn last_path<'a>(request: &EnvRequest<'a>) -> &'a str {
    let base = request.base.iter().map(|(name, value)| (*name, Some(*value)));
    let set = request.set.iter().map(|(name, value)| (*name, Some(*value)));
    let all = base.chain(request.inherit.iter().copied()).chain(set);
    all.filter(|(name, _)| *name == "PATH").filter_map(|(_, value)| value).next_back().unwrap_or_default()
}

/// Base, `inherit` and `set`, each taking the place of those before.
fn add_extras<'a>(draft: &mut Draft<'a>, request: &EnvRequest<'a>) -> Result<()> {
    for (name, value) in &request.base {
        rules::check_extra_value("base", name, value)?;
        draft.extra(Origin::Base, name, value);
    }
    for (name, value) in &request.inherit {
        rules::check_extra_name("inherit", name)?;
        if let Some(value) = value {
            rules::check_extra_value("inherit", name, value)?;
            draft.extra(Origin::Extra, name, value);
        }
    }
    for (name, value) in &request.set {
        rules::check_extra_name("set", name)?;
        rules::check_extra_value("set", name, value)?;
        draft.extra(Origin::Extra, name, value);
    }
    Ok(())
}

fn add_workspace<'a>(draft: &mut Draft<'a>, request: &EnvRequest<'a>) -> Result<()> {
    for rule in rules::WORKSPACE_RULES {
        let Some(value) = (rule.value)(&request.workspace) else {
            continue;
        };
        if rule.is_path {
            rules::check_path(rule.option, value)?;
        } else {
            rules::check_no_nul(rule.option, value)?;
        }
        for name in rule.variables {
            draft.plain(name, value);
        }
    }
    Ok(())
}

fn add_base_url<'a>(draft: &mut Draft<'a>, provider: &Provider, base_url: Option<&'a str>) -> Result<()> {
    let Some(url) = base_url else {
        return Ok(());
    };
    http::check_base_url(url)?;
    if let BaseUrl::Variable(name) = provider.vendor().base_url {
        draft.plain(name, url);
    }
    Ok(())
}

fn add_fixed(
    draft: &mut Draft<'_>,
    provider: &'static Provider,
    credential: &Credential,
    has_base_url: bool,
) -> Result<()> {
    let applies = |when| match when {
        FixedWhen::CredentialHandedOver => credential.input.is_some(),
        FixedWhen::BaseUrl => has_base_url,
    };
    for row in provider.fixed_variables.iter().filter(|row| applies(row.when)) {
        if !draft.fixed(row.name, row.value) {
            let message = format!(
                "{} must be {:?} {}, but options.set or options.inherit gives it another value. Omit it, or pass {:?}.",
                row.name, row.value, row.why, row.value
            );
            return Err(Error::new(ErrorCode::EnvForbidden, message).name(row.name));
        }
    }
    Ok(())
}

/// Blanks every credential variable of the provider that its CLI lets be blank; [`EnvPlan::variables`] leaves out
/// those that the credential itself takes.
fn add_blanks(draft: &mut Draft<'_>, provider: &'static Provider) {
    let inputs = provider.credential_inputs().flat_map(|input| input.variables.iter().copied());
    let blank = provider.credential_names.iter().filter(|row| row.unused == WhenUnused::Blank);
    for name in inputs.chain(blank.map(|row| row.name)) {
        draft.plain(name, "");
    }
}

fn require(provider: &'static Provider, draft: &Draft<'_>) -> Result<()> {
    let Some(name) = provider.required_variables.iter().find(|name| !draft.has(name)) else {
        return Ok(());
    };
    let message =
        format!("{} needs {name}, which this process does not have. Pass options.workspace.home.", provider.name);
    Err(Error::new(ErrorCode::StateDirUnusable, message).provider(provider.id).name(*name))
}
