//! The plan of an environment: built from nothing, by the rules, with one credential.

use std::borrow::Cow;

use super::block::EnvBlock;
use super::limits::ExecLimits;
use super::request::EnvRequest;
use super::rules;
use crate::credential::{self, Credential, ServerCredentials};
use crate::error::{Error, ErrorCode, Result};
use crate::payload::Payload;
use crate::provider::{BaseUrl, CredentialSlot, Provider, WhenUnused};
use crate::secret::Secret;

/// How the child gets its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// On a pipe whose number an environment variable names.
    Fd,
    /// In the environment.
    Env,
}

/// Everything that is decided of a child's environment before its start.
#[derive(Debug)]
pub struct EnvPlan {
    /// Whose CLI it is for.
    pub provider: &'static Provider,
    /// The launch's credential.
    pub credential: Credential,
    /// `USER_*` variables that were set.
    pub user_env_key_count: usize,
    /// Names of `userEnvKeys` that were left out.
    pub rejected_user_env_keys: Vec<String>,
    /// The endpoint, where it is not the vendor's.
    pub base_url: Option<String>,
    /// The workspace's directory.
    pub workspace_dir: Option<String>,
    entries: Vec<Entry>,
}

/// One variable but the credential's.
#[derive(Debug)]
struct Entry {
    name: Cow<'static, str>,
    value: Value,
    origin: Origin,
}

#[derive(Debug)]
enum Value {
    Plain(Cow<'static, str>),
    Secret(Secret),
}

/// Where a variable comes from, in the order in which a later one takes an earlier one's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Base,
    Inherit,
    Set,
    Ours,
}

/// A variable as it goes into the child.
#[derive(Clone, Copy)]
pub struct Variable<'plan> {
    /// Its name.
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

impl EnvPlan {
    /// Decides an environment.
    ///
    /// # Errors
    /// See `buildProviderEnv` in `index.d.ts`.
    pub fn new(
        mut payload: Payload,
        mut request: EnvRequest,
        server: Option<&ServerCredentials>,
        limits: ExecLimits,
    ) -> Result<Self> {
        rules::apply_defaults(&mut request);
        let provider = payload.provider;
        let state_dir = take_state_dir(provider, &mut request)?;
        let credential = credential::select(&mut payload, server, state_dir.is_some())?;
        let user_env_key_count = payload.user_env_keys.len();
        let rejected_user_env_keys = std::mem::take(&mut payload.rejected_user_env_keys);

        let mut entries = Vec::with_capacity(request.base.len() + user_env_key_count + request.set.len() + 16);
        add_extras(&mut entries, &mut request)?;
        add_workspace(&mut entries, &request)?;
        if let Some(dir) = state_dir {
            entries.push(Entry::ours(provider.state_directory.variable, Value::Plain(dir.into())));
        }
        add_base_url(&mut entries, provider, request.base_url.as_deref())?;
        add_blanks(&mut entries, provider);
        add_payload(&mut entries, payload);
        unique(&mut entries)?;
        require(provider, &entries)?;

        let plan = Self {
            provider,
            credential,
            user_env_key_count,
            rejected_user_env_keys,
            base_url: request.base_url,
            workspace_dir: request.workspace.dir,
            entries,
        };
        plan.check_size(limits)?;
        Ok(plan)
    }

    /// The delivery that `auto` stands for.
    #[must_use]
    pub fn auto_delivery(&self) -> Delivery {
        let by_fd = self
            .credential
            .slot
            .is_some_and(|slot| slot.descriptor_variable.is_some());
        if by_fd { Delivery::Fd } else { Delivery::Env }
    }

    /// The slot's variables that hold the credential itself with this delivery.
    #[must_use]
    pub fn credential_variables(&self, delivery: Delivery) -> &'static [&'static str] {
        match (self.credential.slot, delivery) {
            (Some(slot), Delivery::Env) => slot.variables,
            _ => &[],
        }
    }

    /// The variable that names the credential's descriptor with this delivery.
    #[must_use]
    pub fn descriptor_variable(&self, delivery: Delivery) -> Option<&'static str> {
        match delivery {
            Delivery::Fd => self
                .credential
                .slot
                .and_then(|slot: &CredentialSlot| slot.descriptor_variable),
            Delivery::Env => None,
        }
    }

    /// Every variable of the child, in no order that matters: the kernel and `getenv` ask for none.
    pub fn variables(&self, delivery: Delivery) -> impl Iterator<Item = Variable<'_>> {
        let carriers = self.credential_variables(delivery);
        let key = self.credential.secret.as_deref().map_or(&[][..], Secret::expose);
        let entries = self
            .entries
            .iter()
            .filter(|entry| !carriers.contains(&&*entry.name))
            .map(Entry::variable);
        let credential = carriers.iter().map(move |name| Variable {
            name,
            value: key,
            is_secret: true,
        });
        let descriptor = self.descriptor_variable(delivery).map(|name| Variable {
            name,
            value: EnvBlock::CREDENTIAL_DESCRIPTOR_TEXT.as_bytes(),
            is_secret: false,
        });
        entries.chain(credential).chain(descriptor)
    }

    /// The value of a variable that is set whatever the delivery, and is no secret.
    #[must_use]
    pub fn plain(&self, name: &str) -> Option<&str> {
        let index = self.entries.binary_search_by(|entry| (*entry.name).cmp(name)).ok()?;
        match &self.entries[index].value {
            Value::Plain(text) => Some(text),
            Value::Secret(_) => None,
        }
    }

    /// Builds the block for `execve`.
    ///
    /// # Errors
    /// `ENV_TOO_LARGE`.
    pub fn block(&self, delivery: Delivery, limits: ExecLimits, extra: &[(&str, &str)]) -> Result<EnvBlock> {
        EnvBlock::new(self, delivery, limits, extra)
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

impl Entry {
    fn ours(name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        Self {
            name: name.into(),
            value,
            origin: Origin::Ours,
        }
    }

    fn variable(&self) -> Variable<'_> {
        let (value, is_secret) = match &self.value {
            Value::Plain(text) => (text.as_bytes(), false),
            Value::Secret(secret) => (secret.expose(), true),
        };
        Variable {
            name: &self.name,
            value,
            is_secret,
        }
    }
}

/// The state directory given for this provider; one given for another is that provider's business.
fn take_state_dir(provider: &Provider, request: &mut EnvRequest) -> Result<Option<String>> {
    let row = &provider.state_directory;
    for (id, dir) in request.workspace.state_dirs.drain(..) {
        if id == provider.id {
            rules::check_path(&format!("workspace.{}", row.option), &dir)?;
            return Ok(Some(dir));
        }
    }
    Ok(None)
}

/// Base, `inherit` and `set`.
fn add_extras(entries: &mut Vec<Entry>, request: &mut EnvRequest) -> Result<()> {
    let base = request
        .base
        .drain(..)
        .map(|(name, value)| (name, value, Origin::Base, "base"));
    let mut extras: Vec<_> = base.collect();
    for (name, value) in request.inherit.drain(..) {
        rules::check_extra_name("inherit", &name)?;
        extras.extend(value.map(|value| (name, value, Origin::Inherit, "inherit")));
    }
    for (name, value) in request.set.drain(..) {
        rules::check_extra_name("set", &name)?;
        extras.push((name, value, Origin::Set, "set"));
    }
    for (name, value, origin, option) in extras {
        if value.contains('\0') {
            let message =
                format!("The value of {name} in options.{option} has a NUL byte, which no environment can hold.");
            return Err(Error::new(ErrorCode::EnvForbidden, message).name(name));
        }
        entries.push(Entry {
            name: name.into(),
            value: Value::Plain(value.into()),
            origin,
        });
    }
    Ok(())
}

fn add_workspace(entries: &mut Vec<Entry>, request: &EnvRequest) -> Result<()> {
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
            entries.push(Entry::ours(*name, Value::Plain(value.to_owned().into())));
        }
    }
    Ok(())
}

fn add_base_url(entries: &mut Vec<Entry>, provider: &Provider, base_url: Option<&str>) -> Result<()> {
    let Some(url) = base_url else {
        return Ok(());
    };
    rules::check_base_url(url)?;
    if let BaseUrl::Variable(name) = provider.base_url {
        entries.push(Entry::ours(name, Value::Plain(url.to_owned().into())));
    }
    Ok(())
}

/// Blanks every credential variable of the provider that its CLI lets be blank; [`EnvPlan::variables`] leaves out
/// those that the credential itself takes.
fn add_blanks(entries: &mut Vec<Entry>, provider: &'static Provider) {
    let slots = provider.slots.iter().flat_map(|slot| slot.variables.iter().copied());
    let blank = provider
        .credential_names
        .iter()
        .filter(|row| row.unused == WhenUnused::Blank);
    for name in slots.chain(blank.map(|row| row.name)) {
        entries.push(Entry::ours(name, Value::Plain("".into())));
    }
}

fn add_payload(entries: &mut Vec<Entry>, payload: Payload) {
    let cookie = payload
        .session_cookie
        .map_or_else(|| Value::Plain("".into()), Value::Secret);
    entries.push(Entry::ours(rules::SESSION_COOKIE, cookie));
    for (name, secret) in payload.user_env_keys {
        entries.push(Entry::ours(
            format!("{}{name}", rules::USER_PREFIX),
            Value::Secret(secret),
        ));
    }
}

/// Sorts by name and lets `set` and `inherit` replace base names; any other name that stands twice is refused.
fn unique(entries: &mut Vec<Entry>) -> Result<()> {
    entries.sort_by(|one, other| one.name.cmp(&other.name).then(other.origin.cmp(&one.origin)));
    for pair in entries.windows(2) {
        let clash = pair[0].name == pair[1].name && pair[0].origin == Origin::Ours;
        if clash {
            let message = format!(
                "{:?} is set by this package and cannot be given again. Leave it out.",
                pair[0].name
            );
            return Err(Error::new(ErrorCode::EnvForbidden, message).name(&*pair[0].name));
        }
    }
    entries.dedup_by(|later, kept| later.name == kept.name);
    Ok(())
}

fn require(provider: &'static Provider, entries: &[Entry]) -> Result<()> {
    for name in provider.required_variables {
        if !entries.iter().any(|entry| entry.name == *name) {
            let message = format!(
                "{} needs {name}, and this process has none. Give options.workspace.home.",
                provider.name
            );
            return Err(Error::new(ErrorCode::StateDirUnusable, message)
                .provider(provider.id)
                .name(*name));
        }
    }
    Ok(())
}
