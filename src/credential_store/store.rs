//! A store: the newest credential of one provider for one tenant, and where it comes from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::Location;
use super::login::Login;
use super::profile::Profile;
use super::step::Step;
use super::token_request::Tokens;
use crate::credential::{self, Generations, StoredCredential};
use crate::error::{Error, ErrorCode, Result};
use crate::http;
use crate::provider::{CredentialKind, Provider, Stored};
use crate::secret::{Fingerprint, Secret};

/// A store.
#[derive(Debug)]
pub struct Store {
    /// Whose CLI it is for.
    pub provider: &'static Provider,
    pub(super) login: Option<LoginSource>,
    generations: Generations,
    state: Mutex<State>,
}

/// Where a login is, and how it is kept fresh.
#[derive(Debug)]
pub(super) struct LoginSource {
    pub location: Location,
    pub profile: Profile,
    pub settings: Settings,
}

/// How a login is kept fresh.
#[derive(Debug)]
pub struct Settings {
    /// How long before its expiry a token is refreshed, in milliseconds.
    pub refresh_ahead: f64,
    /// Requests; the timeout is that of a whole refresh, the wait for the lock included.
    pub http: http::Settings,
    /// Is told of each step; a test ends the process in one.
    pub observe: fn(Step),
}

/// Tokens that the endpoint gave.
#[derive(Debug)]
pub(super) struct Obtained {
    pub tokens: Tokens,
    /// When, in milliseconds since 1970.
    pub at: f64,
    /// The refresh token that the file had then, which is used up.
    pub in_file: Secret,
}

#[derive(Debug)]
pub(super) struct State {
    pub kind: CredentialKind,
    pub credential: Arc<Secret>,
    pub expires_at: Option<f64>,
    /// When this process got it from the endpoint, in milliseconds since 1970.
    pub obtained_at: Option<f64>,
    /// What could not be written yet.
    pub unsaved: Option<Arc<Obtained>>,
}

impl Store {
    /// A store of one credential, which only [`Store::rotate`] changes.
    ///
    /// # Errors
    /// What [`credential::check`] finds; `UNSUPPORTED` for a kind that the provider does not take.
    pub fn of(provider: &'static Provider, kind: CredentialKind, credential: Arc<Secret>) -> Result<Self> {
        if !provider.slots.iter().any(|slot| slot.kind == kind) {
            let taken: Vec<&str> = provider.slots.iter().map(|slot| slot.kind.as_str()).collect();
            let message = format!(
                "{} takes no {} from this package. Give an {}, or the login that the CLI has stored: CredentialStore.open().",
                provider.name,
                kind.as_str(),
                taken.join(" or an ")
            );
            return Err(Error::new(ErrorCode::Unsupported, message).provider(provider.id).name("kind"));
        }
        credential::check(provider, kind, "secret", credential.expose())?;
        let state = State { kind, credential, expires_at: None, obtained_at: None, unsaved: None };
        Ok(Self { provider, login: None, generations: Generations::default(), state: Mutex::new(state) })
    }

    /// A store of a login in a file. It blocks.
    ///
    /// # Errors
    /// `LOGIN_REQUIRED`, `CREDENTIAL_FILE_UNUSABLE`, `UNSUPPORTED`.
    pub fn open(location: Location, profile: Profile, settings: Settings) -> Result<Self> {
        let content = location.open()?.read()?;
        let login = Login::of(&content.document, &profile)?;
        let state = State {
            kind: login.kind,
            credential: Arc::new(login.credential),
            expires_at: login.expires_at,
            obtained_at: None,
            unsaved: None,
        };
        Ok(Self {
            provider: profile.provider,
            login: Some(LoginSource { location, profile, settings }),
            generations: Generations::default(),
            state: Mutex::new(state),
        })
    }

    /// Puts another credential in the place of the one there is. From when it returns on, nothing that begins uses the old one.
    ///
    /// # Errors
    /// What [`credential::check`] finds; `UNSUPPORTED` for a login in a file.
    pub fn rotate(&self, credential: Arc<Secret>) -> Result<()> {
        if self.login.is_some() {
            let message = "A login in a file is not rotated by hand. Log in again with the CLI, and reload().";
            return Err(Error::new(ErrorCode::Unsupported, message).provider(self.provider.id));
        }
        let mut state = self.state();
        credential::check(self.provider, state.kind, "secret", credential.expose())?;
        state.credential = credential;
        // With the state locked: whoever reads it sees the number that belongs to it.
        self.generations.next();
        Ok(())
    }

    /// What a launch gets.
    ///
    /// # Errors
    /// `CREDENTIAL_EXPIRED`.
    pub fn credential(&self) -> Result<StoredCredential> {
        let state = self.state();
        credential::check_expiry(state.expires_at).map_err(|error| error.provider(self.provider.id))?;
        Ok(StoredCredential {
            provider: self.provider.id,
            kind: state.kind,
            secret: Arc::clone(&state.credential),
            expires_at: state.expires_at,
            generation: self.generations.newest(),
            // A key is handed over as any other; only tokens stay where they are.
            directory: self.directory().filter(|_| state.kind == CredentialKind::OauthToken),
        })
    }

    /// The state directory that the CLI itself must read the login from.
    #[must_use]
    pub fn directory(&self) -> Option<String> {
        let login = self.login.as_ref().filter(|login| login.profile.stored == Stored::CliReadsTheFile)?;
        Some(login.location.directory.display().to_string())
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        self.login.as_ref().map(|login| login.location.path().display().to_string())
    }

    /// What the credential is.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        self.state().kind
    }

    /// Until when it is good, in milliseconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> Option<f64> {
        self.state().expires_at
    }

    /// Whether the file has all that this store has got.
    #[must_use]
    pub fn is_persisted(&self) -> bool {
        self.state().unsaved.is_none()
    }

    /// The number of the newest credential.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generations.newest().number
    }

    /// What a log may show of it.
    ///
    /// # Errors
    /// As [`Secret::fingerprint`].
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        self.state().credential.fingerprint()
    }

    /// Takes what a file holds, or will hold. A credential of the same bytes is no new one.
    pub(super) fn take(&self, login: Login, obtained_at: Option<f64>) {
        let mut state = self.state();
        let is_same = state.credential.expose() == login.credential.expose();
        state.kind = login.kind;
        state.expires_at = login.expires_at;
        if !is_same {
            state.credential = Arc::new(login.credential);
            state.obtained_at = obtained_at;
            self.generations.next();
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::find;

    #[test]
    fn a_rotated_credential_makes_the_old_one_old() {
        let secret = |text: &str| Arc::new(Secret::copy_of(text.as_bytes()));
        let claude = find("claude").expect("a row");
        let store = Store::of(claude, CredentialKind::ApiKey, secret("sk-ant-api03-one")).expect("a store");
        let old = store.credential().expect("good");
        assert!(old.generation.is_newest());
        assert_eq!(store.rotate(secret("sk-proj-x")).expect_err("foreign").code(), ErrorCode::KeyWrongProvider);
        assert!(old.generation.is_newest(), "a refused key changes nothing");
        store.rotate(secret("sk-ant-api03-two")).expect("rotated");
        let new = store.credential().expect("good");
        assert!(!old.generation.is_newest() && new.generation.is_newest());
        assert_eq!((new.secret.expose(), new.generation.number), (&b"sk-ant-api03-two"[..], 2));
        let codex = Store::of(find("codex").expect("a row"), CredentialKind::OauthToken, secret("opaque"));
        let error = codex.expect_err("no slot");
        assert_eq!((error.code(), &error.details().names[..]), (ErrorCode::Unsupported, &["kind".to_owned()][..]));
        assert!(error.to_string().contains("Give an api-key, or") && error.to_string().contains("open()"), "{error}");
    }
}
