//! A start with delivery `broker`: its grant, and the variables by which its child reaches the broker.

use std::borrow::Cow;
use std::sync::Arc;

use super::identity::Target;
use super::program::Program;
use crate::broker::{Address, Broker, Grant, LaunchRequest, PeerRule, Process};
use crate::environment::{EnvPlan, WORKSPACE_ID};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{BrokerClient, BrokerValue, BrokerVariable, BrokerWhen, Provider, Transport};
use crate::secret::ExposeSecret;

/// The grant of one launch, which ends when this is dropped.
#[derive(Debug)]
pub struct Brokered {
    grant: Grant,
    /// The base URL or the path of the socket.
    address: String,
}

/// Checks that the broker can serve this credential on this system.
///
/// # Errors
/// `UNSUPPORTED`.
pub fn support(plan: &EnvPlan) -> Result<()> {
    if plan.credential.input.is_none() {
        let message = format!(
            "{} reads the login in its state directory itself, so the broker has no credential to add. Open the login \
             with CredentialStore.open(), or use delivery \"auto\", with which the agent can read it.",
            plan.provider.name
        );
        return Err(Error::new(ErrorCode::Unsupported, message).provider(plan.provider.id).name("delivery"));
    }
    Broker::check_support(client(plan).transport).map_err(|error| error.provider(plan.provider.id).name("delivery"))
}

/// Checks that the broker can serve launches of this provider as this uid on this system.
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
    /// Requests the launch's grant. The caller has proved that no tenant can change `ca_file`.
    ///
    /// # Errors
    /// Those of [`support`], [`Broker::of_process`] and [`Broker::grant_launch`].
    pub fn new(plan: &EnvPlan, target: &Target, program: &Program, ca_file: Option<&str>) -> Result<Self> {
        // If the program is not the CLI itself, but for example a script, its child connects.
        let is_cli = program.version.is_some() || client(plan).transport == Transport::Socket;
        Self::for_plan(plan, PeerRule { uid: target.uid(), only_started_process: is_cli }, ca_file)
    }

    /// Requests the grant of a launch that an SDK makes as the user of this process. Any process of that user may use
    /// the token, because nobody knows which process the SDK starts.
    ///
    /// # Errors
    /// Those of [`Brokered::new`].
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

    /// The base URL, for a CLI that takes it as an argument.
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
        // It consists of characters of base64url.
        let token = self.grant.token().and_then(|token| std::str::from_utf8(token.expose_secret()).ok());
        rows.chain(client.token_variables.iter().filter_map(move |name| Some((*name, Cow::Borrowed(token?)))))
    }

    /// Drops the token once the process has it.
    pub fn forget_token(&mut self) {
        self.grant.forget_token();
    }

    /// Binds the grant to the process that was started. If it has ended already, the grant ends too.
    ///
    /// # Errors
    /// `INTERNAL` if the system has no descriptor for the process.
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
    Error::new(ErrorCode::Internal, "A credential that the broker should add has no bytes.")
}
