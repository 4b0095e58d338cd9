//! Selects the credential of a launch, in this order: payload API key → payload OAuth token → credential store → server
//! key → config directory → refusal.

use std::sync::Arc;

use super::{
    ApiKeySource, CredentialOwner, CredentialSource, Expiry, Generation, ServerCredentials, StoredCredential,
    check_expiry, revocation, shape,
};
use crate::credential::payload::Payload;
use crate::error::{Error, ErrorCode, Result};
use crate::provider::{CredentialInput, CredentialKind, PayloadField, Provider};
use crate::secret::{Fingerprint, Secret};

/// The one credential of a launch.
#[derive(Debug)]
pub struct Credential {
    pub kind: CredentialKind,
    pub source: CredentialSource,
    pub owner: CredentialOwner,
    /// How it is passed; none for a config directory.
    pub input: Option<&'static CredentialInput>,
    /// The credential itself; none for a config directory.
    pub secret: Option<Arc<Secret>>,
    pub fingerprint: Option<Fingerprint>,
    /// Which of its store's it is; none for one that comes from none.
    pub generation: Option<Generation>,
    /// Until when it is good; none: it does not expire, or nobody says when.
    pub expires_at: Option<Expiry>,
    /// The state directory that the CLI itself reads it from; none where it is passed.
    pub directory: Option<String>,
}

/// Where a credential may come from when the payload has none.
#[derive(Debug, Default)]
pub struct Fallbacks<'a> {
    pub store: Option<StoredCredential>,
    pub server: Option<&'a ServerCredentials>,
}

/// What a caller says of a launch's credential. Never the payload, which a tenant may have written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// Whose the payload's and the store's are.
    pub owner: CredentialOwner,
    /// Whether the payload must have one: nothing takes its place.
    pub require: bool,
    /// Whether there is a config directory, which may hold a login.
    pub has_config_dir: bool,
}

impl Credential {
    /// The older word of workers for where it comes from.
    #[must_use]
    pub const fn api_key_source(&self) -> ApiKeySource {
        match (self.owner, self.kind) {
            (_, CredentialKind::ConfigDir) => ApiKeySource::None,
            (CredentialOwner::Server, _) => ApiKeySource::Server,
            (CredentialOwner::Workspace, CredentialKind::ApiKey) => ApiKeySource::User,
            (CredentialOwner::Workspace, CredentialKind::OauthToken) => ApiKeySource::Oauth,
        }
    }

    /// Who pays: the server, a subscription, or the workspace by use. A login in a config directory counts as a
    /// subscription, though the CLI may keep a key there that is billed by use.
    #[must_use]
    pub const fn billed_to(&self) -> &'static str {
        match (self.owner, self.kind) {
            (CredentialOwner::Server, _) => "server",
            (_, CredentialKind::OauthToken | CredentialKind::ConfigDir) => "subscription",
            (_, CredentialKind::ApiKey) => "workspace",
        }
    }

    /// Whether it is the server's, which its tenant must not get at.
    #[must_use]
    pub fn is_servers(&self) -> bool {
        self.owner == CredentialOwner::Server
    }

    fn new(
        input: &'static CredentialInput,
        source: CredentialSource,
        given: CredentialOwner,
        secret: Arc<Secret>,
    ) -> Result<Self> {
        let fingerprint = Some(secret.fingerprint()?);
        Ok(Self {
            kind: input.kind,
            source,
            owner: CredentialOwner::of(source, given),
            input: Some(input),
            secret: Some(secret),
            fingerprint,
            generation: None,
            expires_at: None,
            directory: None,
        })
    }

    fn from_store(provider: &'static Provider, stored: StoredCredential, given: CredentialOwner) -> Result<Self> {
        if stored.provider != provider.id {
            let message = format!(
                "options.credentialStore is not for {}, which the payload selects. Pass a store for that provider, or \
                select the store's provider in the payload.",
                provider.name
            );
            return Err(Error::new(ErrorCode::InvalidArgValue, message).provider(provider.id).name("credentialStore"));
        }
        let by_directory = stored.directory.is_some();
        let owner = CredentialOwner::of(CredentialSource::Store, given);
        if by_directory && owner == CredentialOwner::Server {
            let message = format!(
                "{} reads this login from a directory of the tenant, so it cannot be kept from the tenant as the \
                server's credential. Pass a key of the server, or omit options.credentialOwner.",
                provider.name
            );
            return Err(Error::new(ErrorCode::Unsupported, message).provider(provider.id).name("credentialOwner"));
        }
        let input = provider.credential_inputs().find(|input| input.kind == stored.kind && !by_directory);
        if input.is_none() && !by_directory {
            let message = format!(
                "{} cannot use an {} from a store. Pass a store that holds a kind of credential that \
                it accepts.",
                provider.name,
                stored.kind.as_str()
            );
            return Err(Error::new(ErrorCode::Unsupported, message).provider(provider.id).name("credentialStore"));
        }
        Ok(Self {
            kind: stored.kind,
            source: CredentialSource::Store,
            owner,
            input,
            fingerprint: Some(stored.secret.fingerprint()?),
            secret: Some(stored.secret),
            generation: Some(stored.generation),
            expires_at: stored.expires_at,
            directory: stored.directory,
        })
    }
}

/// Chooses the credential of a launch and takes it out of the payload.
///
/// # Errors
/// `CREDENTIAL_MISSING`, `UNSUPPORTED` for a kind that the provider does not take, what [`shape::check`] finds, and
/// what [`admit`] refuses: a revoked credential is never a reason to take the next.
pub fn select(payload: &mut Payload, fallbacks: Fallbacks<'_>, terms: Terms) -> Result<Credential> {
    let credential = choose(payload, fallbacks, terms)?;
    admit(&credential).map_err(|error| error.provider(payload.provider.id))?;
    Ok(credential)
}

/// Refuses a credential that is not good any more. Looked at when an environment is built,
/// when a start is requested, and again just before its process is made.
///
/// # Errors
/// `CREDENTIAL_REVOKED`, `CREDENTIAL_SUPERSEDED`, `CREDENTIAL_EXPIRED`.
pub fn admit(credential: &Credential) -> Result<()> {
    credential.fingerprint.map_or(Ok(()), revocation::check)?;
    if credential.generation.as_ref().is_none_or(Generation::is_newest) {
        return check_expiry(credential.expires_at);
    }
    let message = "The credential store has a newer credential than this environment. Build a new environment with \
        buildProviderEnv().";
    Err(Error::new(ErrorCode::CredentialSuperseded, message).name("credentialStore"))
}

fn choose(payload: &mut Payload, fallbacks: Fallbacks<'_>, terms: Terms) -> Result<Credential> {
    let provider = payload.provider;
    let Terms { owner, require, has_config_dir } = terms;
    for input in provider.credential_inputs() {
        if let Some(secret) = payload.take_credential(input.field) {
            shape::check(provider, input.kind, input.field.as_str(), secret.expose_secret())?;
            return Credential::new(input, CredentialSource::Payload, owner, secret.into_secret());
        }
    }
    // A token that this provider cannot take must not turn into somebody else's bill.
    for field in [PayloadField::ApiKey, PayloadField::OauthAccessToken] {
        if payload.take_credential(field).is_some() {
            return Err(not_taken(provider, field));
        }
    }
    if require {
        return Err(required(provider));
    }
    if let Some(stored) = fallbacks.store {
        return Credential::from_store(provider, stored, owner);
    }
    for input in provider.credential_inputs() {
        if let Some(secret) = fallbacks.server.and_then(|keys| keys.get(provider, input.kind)) {
            return Credential::new(input, CredentialSource::Server, owner, secret);
        }
    }
    if provider.state_directory.is_credential && has_config_dir {
        return Ok(Credential {
            kind: CredentialKind::ConfigDir,
            source: CredentialSource::ConfigDir,
            owner: CredentialOwner::of(CredentialSource::ConfigDir, owner),
            input: None,
            secret: None,
            fingerprint: None,
            generation: None,
            expires_at: None,
            directory: None,
        });
    }
    Err(missing(provider))
}

fn not_taken(provider: &'static Provider, field: PayloadField) -> Error {
    let message = format!(
        "This package cannot pass payload.{1} to {0}. Pass payload.{2} instead.",
        provider.name,
        field.as_str(),
        provider.vendor().inputs[0].field.as_str(),
    );
    Error::new(ErrorCode::Unsupported, message).provider(provider.id).name(field.as_str())
}

fn fields_of(provider: &'static Provider) -> Vec<String> {
    provider.credential_inputs().map(|input| format!("payload.{}", input.field.as_str())).collect()
}

fn required(provider: &'static Provider) -> Error {
    let message = format!(
        "The payload has no credential for {}, and options.requireCredential allows no other: no login, no config \
        directory, no key of the server. Pass {}.",
        provider.name,
        fields_of(provider).join(" or ")
    );
    credential_missing(provider, message)
}

fn missing(provider: &'static Provider) -> Error {
    let mut ways = fields_of(provider);
    ways.push("options.credentialStore".into());
    ways.push("options.serverCredentials with a key for this provider".into());
    if provider.state_directory.is_credential {
        ways.push(format!("options.workspace.{}", provider.state_directory.option));
    }
    let message = format!("There is no credential for {}. Pass one of: {}.", provider.name, ways.join(", "));
    credential_missing(provider, message)
}

fn credential_missing(provider: &'static Provider, message: String) -> Error {
    let error = Error::new(ErrorCode::CredentialMissing, message).provider(provider.id);
    provider.credential_inputs().fold(error, |error, input| error.name(input.field.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::payload::Payload;

    fn server() -> ServerCredentials {
        ServerCredentials::from_variables(|name| {
            (name == "ANTHROPIC_API_KEY" || name == "OPENAI_API_KEY").then(|| Secret::copy_of(b"server-key"))
        })
        .expect("well-formed")
    }

    fn chosen(json: &str, server: Option<&ServerCredentials>, dir: bool) -> (&'static str, &'static str, &'static str) {
        let mut payload = Payload::from_message(json.as_bytes(), &[]).expect("valid");
        match select(&mut payload, Fallbacks { store: None, server }, Terms { has_config_dir: dir, ..Terms::default() })
        {
            Ok(credential) => {
                (credential.kind.as_str(), credential.source.as_str(), credential.api_key_source().as_str())
            }
            Err(error) => (error.code().as_str(), "", ""),
        }
    }

    #[test]
    fn precedence() {
        let server = server();
        let keys = Some(&server);
        for (json, server, dir, expected) in [
            (r#"{"apiKey":"a","oauthAccessToken":"b"}"#, keys, true, ("api-key", "payload", "user")),
            (r#"{"oauthAccessToken":"b"}"#, keys, true, ("oauth-token", "payload", "oauth")),
            ("{}", keys, true, ("api-key", "server", "server")),
            ("{}", None, true, ("config-dir", "config-dir", "none")),
            ("{}", None, false, ("ERR_PROVIDER_CREDENTIAL_MISSING", "", "")),
            (r#"{"provider":"codex","apiKey":"a","oauthAccessToken":"b"}"#, keys, true, ("api-key", "payload", "user")),
            (r#"{"provider":"codex","oauthAccessToken":"b"}"#, keys, true, ("ERR_PROVIDER_UNSUPPORTED", "", "")),
            (r#"{"provider":"codex"}"#, keys, true, ("api-key", "server", "server")),
            (r#"{"provider":"codex"}"#, None, true, ("ERR_PROVIDER_CREDENTIAL_MISSING", "", "")),
        ] {
            assert_eq!(chosen(json, server, dir), expected, "{json}");
        }
    }

    #[test]
    fn the_owner_is_what_the_caller_says_of_what_it_hands_in() {
        let server = server();
        let terms = Terms { has_config_dir: true, ..Terms::default() };
        for (json, given, expected) in [
            (r#"{"apiKey":"a"}"#, CredentialOwner::Workspace, ("workspace", "user", "workspace")),
            (r#"{"apiKey":"a"}"#, CredentialOwner::Server, ("server", "server", "server")),
            (r#"{"oauthAccessToken":"a"}"#, CredentialOwner::Workspace, ("workspace", "oauth", "subscription")),
            (r#"{"oauthAccessToken":"a"}"#, CredentialOwner::Server, ("server", "server", "server")),
            ("{}", CredentialOwner::Workspace, ("server", "server", "server")),
        ] {
            let mut payload = Payload::from_message(json.as_bytes(), &[]).expect("valid");
            let fallbacks = Fallbacks { store: None, server: Some(&server) };
            let it = select(&mut payload, fallbacks, Terms { owner: given, ..terms }).expect(json);
            assert_eq!((it.owner.as_str(), it.api_key_source().as_str(), it.billed_to()), expected, "{json} {given:?}");
            assert_eq!(it.is_servers(), expected.0 == "server");
        }
        let mut payload = Payload::from_message(b"{}", &[]).expect("valid");
        let login = select(&mut payload, Fallbacks::default(), Terms { owner: CredentialOwner::Server, ..terms });
        assert_eq!(
            login.map(|login| (login.owner, login.api_key_source())).ok(),
            Some((CredentialOwner::Workspace, ApiKeySource::None))
        );
    }

    #[test]
    fn where_it_is_required_nothing_takes_its_place() {
        let server = server();
        for (json, expected) in [
            (r#"{"apiKey":"a"}"#, None),
            ("{}", Some("apiKey, oauthAccessToken")),
            (r#"{"apiKey":""}"#, Some("apiKey, oauthAccessToken")),
            (r#"{"provider":"codex"}"#, Some("apiKey")),
        ] {
            let store = crate::credential::store::Store::of(
                crate::provider::find("claude").expect("a row"),
                CredentialKind::ApiKey,
                Arc::new(Secret::copy_of(b"stored")),
            );
            let stored = store.expect("a store").credential().expect("good");
            let fallbacks = Fallbacks { store: Some(stored), server: Some(&server) };
            let terms = Terms { has_config_dir: true, require: true, ..Terms::default() };
            let mut payload = Payload::from_message(json.as_bytes(), &[]).expect("valid");
            let error = select(&mut payload, fallbacks, terms).err();
            assert_eq!(error.as_ref().map(|error| error.details().names.join(", ")).as_deref(), expected, "{json}");
            let Some(error) = error else { continue };
            assert_eq!(
                (error.code(), error.details().provider),
                (ErrorCode::CredentialMissing, Some(payload.provider.id))
            );
            assert!(error.to_string().contains("requireCredential"), "{error}");
        }
    }
}
