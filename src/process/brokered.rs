//! A start with delivery `broker`: its grant, and what its child is given to reach the broker.

use std::borrow::Cow;
use std::sync::Arc;

use super::identity::Target;
use super::program::Program;
use crate::broker::{Address, Broker, Grant, LaunchRequest, PeerRule, Process};
use crate::environment::{EnvPlan, WORKSPACE_ID};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{BrokerClient, BrokerValue, BrokerVariable, BrokerWhen, Provider, Transport};
use crate::secret::ExposeSecret;

/// The grant of one launch. The token opens nothing once this is dropped.
#[derive(Debug)]
pub struct Brokered {
    grant: Grant,
    /// What the variables of the grant say, as text: an address, or a token.
    address: String,
}

/// Why there is no broker for this credential here; none if there can be one.
///
/// # Errors
/// `UNSUPPORTED`.
pub fn support(plan: &EnvPlan) -> Result<()> {
    if plan.credential.input.is_none() {
        let message = format!(
            "{} reads this login from a directory of its own, so there is nothing for the broker to add. Use delivery \
             \"auto\".",
            plan.provider.name
        );
        return Err(Error::new(ErrorCode::Unsupported, message).provider(plan.provider.id).name("delivery"));
    }
    Broker::check_support(client(plan).transport).map_err(|error| error.provider(plan.provider.id).name("delivery"))
}

/// Why launches of this provider as this uid have no broker here; none if they can have one.
///
/// # Errors
/// `UNSUPPORTED` if deliveries without the broker remain; otherwise why a start would fail.
pub fn check(provider: &Provider, uid: u32) -> Result<()> {
    let transport = provider.vendor().broker.transport;
    Broker::check_support(transport)?;
    if transport == Transport::Socket { Broker::check_sockets(uid) } else { Ok(()) }
}

fn client(plan: &EnvPlan) -> &'static BrokerClient {
    &plan.provider.vendor().broker
}

impl Brokered {
    /// Requests the launch's grant. `ca_file` is proved.
    ///
    /// # Errors
    /// As [`Broker::of_process`] and [`Broker::grant_launch`].
    pub fn new(plan: &EnvPlan, target: &Target, program: &Program, ca_file: Option<&str>) -> Result<Self> {
        // Something else than the CLI itself, such as a script, may have a child connect.
        let is_cli = program.version.is_some() || client(plan).transport == Transport::Socket;
        Self::for_plan(plan, PeerRule { uid: target.uid(), only_started_process: is_cli }, ca_file)
    }

    /// The grant of a launch that an SDK makes as the user of this process: any process of that user that has the token may
    /// call.
    ///
    /// # Errors
    /// As [`Brokered::new`].
    pub fn for_own_user(plan: &EnvPlan, ca_file: Option<&str>) -> Result<Self> {
        Self::for_plan(plan, PeerRule { uid: Target::own().uid(), only_started_process: false }, ca_file)
    }

    fn for_plan(plan: &EnvPlan, peer: PeerRule, ca_file: Option<&str>) -> Result<Self> {
        support(plan)?;
        let credential = &plan.credential;
        let secret = credential.secret.as_ref().ok_or_else(no_secret)?;
        let grant = Broker::of_process()?.grant_launch(LaunchRequest {
            provider: plan.provider,
            workspace: plan.plain(WORKSPACE_ID).unwrap_or_default().into(),
            owner: credential.owner,
            kind: credential.kind,
            secret: Arc::clone(secret),
            fingerprint: credential.fingerprint,
            generation: credential.generation.clone(),
            base_url: plan.base_url.clone(),
            ca_file: ca_file.map(str::to_owned),
            peer,
        })?;
        let address = match grant.address() {
            Address::Tcp(url) => url.clone(),
            Address::Unix(path) => path.to_string_lossy().into_owned(),
        };
        Ok(Self { grant, address })
    }

    /// The base URL for a CLI that is told of it by an argument.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.address
    }

    /// The variables by which the CLI finds the broker, and the token if there is one.
    pub fn variables<'a>(&'a self, plan: &EnvPlan) -> impl Iterator<Item = (&'static str, Cow<'a, str>)> {
        let client = client(plan);
        let (kind, has_base_url) = (plan.credential.kind, plan.base_url.is_some());
        let applies = move |row: &&BrokerVariable| match row.when {
            BrokerWhen::Always => true,
            BrokerWhen::Credential(of) => of == kind,
            BrokerWhen::VendorEndpoint => !has_base_url,
        };
        let value = |value| match value {
            BrokerValue::Text(text) => text,
            BrokerValue::Address => &*self.address,
        };
        let rows = client.variables.iter().filter(applies);
        let rows = rows.map(move |row| (row.name, Cow::Borrowed(value(row.value))));
        // It is made of characters of base64url.
        let token = self.grant.token().and_then(|token| std::str::from_utf8(token.expose_secret()).ok());
        rows.chain(client.token_variables.iter().filter_map(move |name| Some((*name, Cow::Borrowed(token?)))))
    }

    /// Forgets the token, which the process has.
    pub fn forget_token(&mut self) {
        self.grant.forget_token();
    }

    /// Has the broker answer this process, and none other if the grant is for one process. If the process has ended
    /// already, so does the grant.
    ///
    /// # Errors
    /// `INTERNAL` if there is no descriptor for the process.
    pub fn bind(&self, pid: i32) -> Result<()> {
        match Process::open(pid) {
            Ok(process) => {
                self.grant.bind(process);
                Ok(())
            }
            Err(error) if error.details().errno == Some(libc::ESRCH) => {
                self.grant.end();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

#[cold]
fn no_secret() -> Error {
    Error::new(ErrorCode::Internal, "A credential that is passed has no bytes.")
}
