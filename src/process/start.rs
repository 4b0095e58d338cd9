//! A start as the caller decided it: what values alone can decide or refuse.

use std::sync::Arc;

use super::arguments::{self, ArgumentContext, TextSource};
use super::identity::{Target, decide};
use super::options::{self, ChildOptions, CliOptions, DeliveryRequest};
use crate::credential;
use crate::environment::{Delivery, EnvPlan, WORKSPACE_ID};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{BaseUrl, CommandLine};
use crate::sys::identity;
use crate::usage::{self, Meter, Owner, RunEnvironment};

/// A CLI's start, with everything that the caller decided.
#[derive(Debug)]
pub struct Start {
    pub env: Arc<EnvPlan>,
    /// How the credential is passed, unless the program needs another way: see [`Start::settle`].
    delivery: Delivery,
    pub target: Target,
    /// What was requested; `cwd` is the workspace's where none was, and the arguments are in `command_line`.
    pub child: ChildOptions,
    /// The caller's arguments, without ours.
    pub command_line: CommandLine,
    /// What was requested in addition.
    pub cli: CliOptions,
    /// Whether its stdout is read for usage.
    watches: bool,
}

impl Start {
    /// Decides a start, and refuses what would be refused on the spawner's thread too, while the caller can still be
    /// thrown at.
    ///
    /// # Errors
    /// `CREDENTIAL_REVOKED`; `PRIVILEGE_REFUSED`; `UNSUPPORTED` for a delivery that there is not, a mode that leaves the
    /// credential unused, and a claim that must be seen and cannot; `ERR_INVALID_ARG_VALUE` for arguments, paths or names
    /// that cannot be.
    pub fn new(env: Arc<EnvPlan>, mut child: ChildOptions, cli: CliOptions) -> Result<Self> {
        let delivery = options::delivery(&env, cli.delivery.unwrap_or_default())?;
        let target = decide(&child.ids, identity::own())?;
        child.cwd = child.cwd.or_else(|| env.workspace_dir.clone());
        let command_line = CommandLine::parse(&env.provider.arguments.grammar, std::mem::take(&mut child.args));
        let watches = cli.watch.unwrap_or_else(|| usage::asks_for_output(env.provider.output, &command_line));
        let start = Self { env, delivery, target, child, command_line, cli, watches };
        start.check()?;
        Ok(start)
    }

    fn check(&self) -> Result<()> {
        self.admit()?;
        let ChildOptions { command, cwd, .. } = &self.child;
        arguments::check_all(&self.env, &self.command_line, &self.context(self.delivery, &[], None))?;
        self.check_mode(self.delivery)?;
        for (name, text) in [("cwd", cwd), ("command", command)] {
            if text.as_deref().is_some_and(|text| text.is_empty() || text.contains('\0')) {
                let message = format!("options.{name} must be a path without a NUL byte.");
                return Err(Error::new(ErrorCode::InvalidArgValue, message).name(name));
            }
        }
        // This process may have another working directory by the time that the start is carried out.
        if cwd.as_deref().is_some_and(|directory| !directory.starts_with('/')) {
            let message = "options.cwd must be an absolute path.";
            return Err(Error::new(ErrorCode::InvalidArgValue, message).name("cwd"));
        }
        let texts = self
            .command_line
            .arguments()
            .iter()
            .enumerate()
            .map(|(index, text)| (TextSource::Argument(index), text.as_str()));
        // Both are seen by every user of the machine too: the one as the program's name, the other in our overrides.
        let paths = [("command", command), ("cwd", cwd)];
        let paths = paths.into_iter().filter_map(|(name, text)| Some((TextSource::Option(name), text.as_deref()?)));
        arguments::check_visible(&self.env, texts.chain(paths))?;
        if self.cli.must_claim { usage::require_claims(self.env.provider, self.watches) } else { Ok(()) }
    }

    pub(super) fn context<'a>(
        &self,
        delivery: Delivery,
        directories: &'a [String],
        endpoint: Option<&'a str>,
    ) -> ArgumentContext<'a> {
        ArgumentContext { delivery, endpoint, trusted: self.cli.trusted, directories }
    }

    fn check_mode(&self, delivery: Delivery) -> Result<()> {
        arguments::check_mode(&self.env, &self.command_line, delivery, self.child.is_on_terminal())
    }

    /// The delivery to a program of this version: `auto` is the broker only for those that are known to reach it.
    ///
    /// # Errors
    /// `UNSUPPORTED` for a mode that leaves the credential unused then.
    pub(super) fn settle(&self, version: Option<&str>) -> Result<Delivery> {
        let since = self.env.provider.vendor().broker.since;
        let is_auto = self.cli.delivery.unwrap_or_default() == DeliveryRequest::Auto;
        if self.delivery != Delivery::Broker || !is_auto || since.is_none_or(|since| since.is_reached_by(version)) {
            return Ok(self.delivery);
        }
        let direct = self.env.names.direct_delivery();
        self.check_mode(direct).map(|()| direct)
    }

    /// Refuses a credential that no launch may use any more.
    ///
    /// # Errors
    /// `CREDENTIAL_REVOKED`.
    pub(super) fn admit(&self) -> Result<()> {
        credential::admit(&self.env.credential).map_err(|error| error.provider(self.env.provider.id))
    }

    /// What reads its stdout for usage, if anything does. Its threads are `otherwise`'s if nothing says whose it is.
    #[must_use]
    pub fn meter(&self, otherwise: &Owner) -> Option<Meter> {
        let (plan, provider) = (&*self.env, self.env.provider);
        let credential = &plan.credential;
        let base_url = match provider.vendor().base_url {
            BaseUrl::Variable(name) => plan.plain(name),
            BaseUrl::Override => None,
        };
        let environment = || RunEnvironment {
            provider,
            credential: credential.kind,
            is_servers: credential.is_servers(),
            login_directory: credential.directory.as_deref(),
            fingerprint: credential.fingerprint,
            workspace_id: plan.plain(WORKSPACE_ID).unwrap_or_default(),
            state_directory: plan.directory(provider.state_directory.variable, provider.state_directory.below_home),
            time_zone: plan.plain("TZ").unwrap_or_default(),
            base_url: base_url.unwrap_or_default(),
        };
        self.watches.then(|| Meter::new(provider, environment().expected(&self.command_line, otherwise)))
    }
}
