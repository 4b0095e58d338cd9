//! A credential store: the newest credential of one provider for one tenant, and its source.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::Location;
use super::login::Login;
use super::pause::Pauses;
use super::profile::Profile;
use super::token_request::{DEFAULT_LIFETIME, IssuedTokens};
use crate::credential::{self, Clocks, Expiry, Generations, LoginTokens, Offer, StoredCredential};
use crate::error::{Error, ErrorCode, Result};
use crate::net::http;
use crate::provider::{CredentialKind, Provider, Stored};
use crate::secret::{ExposeSecret, Fingerprint, Secret};

/// The newest credential of one provider for one tenant.
#[derive(Debug)]
pub struct Store {
    pub provider: &'static Provider,
    pub(super) login: Option<LoginSource>,
    generations: Generations,
    state: Mutex<StoreState>,
}

/// How much later than it is a file may say that a token of ours expires, in milliseconds.
pub(super) const EXPIRY_TOLERANCE: f64 = 60_000.0;

/// Where a login is, and how it is refreshed.
#[derive(Debug)]
pub(super) struct LoginSource {
    pub location: Location,
    pub profile: Profile,
    pub settings: StoreSettings,
    /// What is revoked with one of its tokens: by the path that the caller gave, and by the real one.
    pub known_tokens: Arc<[Arc<LoginTokens>]>,
}

#[derive(Debug)]
pub struct StoreSettings {
    /// How long before its expiry a token is refreshed, in milliseconds.
    pub refresh_ahead: f64,
    /// Requests; the timeout is that of a whole refresh, the wait for the lock included.
    pub http: http::RequestSettings,
}

/// Tokens that the endpoint gave, until the file has them.
#[derive(Debug)]
pub(super) struct Obtained {
    pub tokens: IssuedTokens,
    pub at: Clocks,
    /// The refresh token that the file had then, which is used up.
    pub in_file: Secret,
}

impl Obtained {
    /// Whether this login has these very tokens.
    pub(super) fn is_in(&self, login: &Login) -> bool {
        let has = |token: &Secret, theirs: Option<&Secret>| {
            theirs.is_some_and(|it| it.expose_secret() == token.expose_secret())
        };
        let IssuedTokens { access, refresh, .. } = &self.tokens;
        access.as_ref().map_or(true, |access| has(access, Some(&login.credential)))
            && refresh.as_ref().is_none_or(|refresh| has(refresh, login.refresh.as_ref()))
    }
}

#[derive(Debug)]
pub(super) struct StoreState {
    pub kind: CredentialKind,
    pub credential: Arc<Secret>,
    pub expires_at: Option<Expiry>,
    pub refreshed_at: Option<f64>,
    /// Why nothing can be launched with the credential before it was refreshed.
    pub unusable: Option<Error>,
    /// Whether the file has a refresh token.
    pub can_refresh: bool,
    /// When this process got it from the endpoint.
    pub obtained: Option<Clocks>,
    /// Until when a token that does not say so itself counts as fresh, by the clock that nobody sets.
    fresh_until: Option<f64>,
    /// Tokens that are in this process alone, as the file could not be written.
    pub unsaved: Option<Arc<Obtained>>,
    /// Why a crash of the machine may undo what was written.
    pub unsynced: Option<Error>,
    pub pauses: Pauses,
}

impl StoreState {
    fn new(kind: CredentialKind, credential: Arc<Secret>) -> Self {
        Self {
            kind,
            credential,
            expires_at: None,
            refreshed_at: None,
            unusable: None,
            can_refresh: false,
            obtained: None,
            fresh_until: None,
            unsaved: None,
            unsynced: None,
            pauses: Pauses::default(),
        }
    }

    /// What running launches are given of it.
    fn offer(&self) -> Offer {
        Offer {
            kind: self.kind,
            secret: Arc::clone(&self.credential),
            expires_at: self.expires_at,
            is_usable: self.unusable.is_none(),
        }
    }

    /// Whether it is known to have expired, or to be none.
    pub(super) fn is_over(&self, now: Clocks) -> bool {
        self.unusable.is_some() || self.expires_at.is_some_and(|expiry| expiry.is_over(now))
    }

    /// How long it is good for, in milliseconds.
    pub(super) fn left(&self, now: Clocks) -> f64 {
        if self.unusable.is_some() { 0.0 } else { self.expires_at.map_or(f64::MAX, |expiry| expiry.left(now)) }
    }

    /// Whether there is nothing to refresh, or no reason to: it is good for `ahead` milliseconds.
    pub(super) fn is_fresh(&self, ahead: f64, now: Clocks) -> bool {
        if self.unusable.is_some() {
            return false;
        }
        match self.expires_at {
            Some(expiry) => expiry.left(now) > self.ahead(ahead),
            None if !self.can_refresh => true,
            None => {
                let is_assumed = self.fresh_until.is_some_and(|until| until > now.boot);
                is_assumed || super::login::is_recent(self.refreshed_at, now)
            }
        }
    }

    /// A token that does not say until when it is good counts as fresh for a while.
    pub(super) fn assume_fresh(&mut self, now: Clocks) {
        self.fresh_until = Some(now.boot + DEFAULT_LIFETIME * 1000.0);
    }

    /// A token that lives for less than the time that it should be refreshed ahead would be refreshed with every call.
    fn ahead(&self, ahead: f64) -> f64 {
        match (self.obtained, self.expires_at) {
            (Some(from), Some(expiry)) => ahead.min(expiry.left(from) / 2.0),
            _ => ahead,
        }
    }
}

impl Store {
    /// Makes a store of one credential, which only [`Store::rotate`] changes.
    ///
    /// # Errors
    /// What [`credential::check`] finds; `UNSUPPORTED` for a kind that the provider does not take.
    pub fn of(provider: &'static Provider, kind: CredentialKind, credential: Arc<Secret>) -> Result<Self> {
        if !provider.credential_inputs().any(|input| input.kind == kind) {
            let taken: Vec<&str> = provider.credential_inputs().map(|input| input.kind.as_str()).collect();
            let message = format!(
                "This package cannot pass an {1} to {0}. Pass an {2}, or open the login that the CLI has stored with CredentialStore.open().",
                provider.name,
                kind.as_str(),
                taken.join(" or an ")
            );
            return Err(Error::new(ErrorCode::Unsupported, message).provider(provider.id).name("kind"));
        }
        credential::check(provider, kind, "secret", credential.expose_secret())?;
        let state = StoreState::new(kind, credential);
        let generations = Generations::new(Arc::default(), state.offer());
        Ok(Self { provider, login: None, generations, state: Mutex::new(state) })
    }

    /// Opens a store of the login in a file. It blocks.
    ///
    /// # Errors
    /// `LOGIN_REQUIRED`, `CREDENTIAL_FILE_UNUSABLE`, `UNSUPPORTED`.
    pub fn open(location: Location, profile: Profile, settings: StoreSettings) -> Result<Self> {
        let directory = location.open()?;
        let content = directory.read()?;
        let login = Login::of(&content.document, &profile)?;
        // A tenant may make another symlink of the one, or another directory of the other.
        let paths = [location.path(), directory.real_path()?];
        let known_tokens: Arc<[_]> = paths.iter().map(|path| LoginTokens::of(path)).collect();
        add_to(&known_tokens, &login)?;
        let state = StoreState {
            expires_at: login.expires_at,
            refreshed_at: login.refreshed_at,
            unusable: login.unusable,
            can_refresh: login.refresh.is_some(),
            ..StoreState::new(login.kind, Arc::new(login.credential))
        };
        Ok(Self {
            provider: profile.provider,
            generations: Generations::new(Arc::clone(&known_tokens), state.offer()),
            login: Some(LoginSource { location, profile, settings, known_tokens }),
            state: Mutex::new(state),
        })
    }

    /// Puts another credential in the place of the one there is. From when it returns on, nothing that begins uses the
    /// old one.
    ///
    /// # Errors
    /// What [`credential::check`] finds; `UNSUPPORTED` for a login in a file.
    pub fn rotate(&self, credential: Arc<Secret>) -> Result<()> {
        if self.login.is_some() {
            let message = "A login in a file cannot be rotated by hand. Log in again with the CLI, then call reload().";
            return Err(Error::new(ErrorCode::Unsupported, message).provider(self.provider.id));
        }
        let mut state = self.state();
        credential::check(self.provider, state.kind, "secret", credential.expose_secret())?;
        state.credential = credential;
        // With the state locked: whoever reads it sees the number that belongs to it.
        self.generations.next(state.offer());
        Ok(())
    }

    /// The credential that a launch gets now.
    ///
    /// # Errors
    /// `CREDENTIAL_EXPIRED`; what [`credential::check`] finds, where the login was not refreshed since it was opened.
    pub fn credential(&self) -> Result<StoredCredential> {
        let state = self.state();
        if let Some(why) = &state.unusable {
            return Err(why.clone());
        }
        credential::check_expiry(state.expires_at).map_err(|error| error.provider(self.provider.id))?;
        Ok(StoredCredential {
            provider: self.provider.id,
            kind: state.kind,
            secret: Arc::clone(&state.credential),
            expires_at: state.expires_at,
            generation: self.generations.newest(),
            // A key is passed as any other; only tokens stay where they are.
            directory: self.directory().filter(|_| state.kind == CredentialKind::OauthToken),
        })
    }

    /// The state directory that the CLI itself must read the login from.
    #[must_use]
    pub fn directory(&self) -> Option<String> {
        let login = self.login.as_ref().filter(|login| login.profile.stored == Stored::CliReadsTheFile)?;
        Some(login.location.directory.display().to_string())
    }

    /// The path of the login's file; none for a store of one credential.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        self.login.as_ref().map(|login| login.location.path().display().to_string())
    }

    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        self.state().kind
    }

    /// Until when it is good, in milliseconds since 1970, by the wall clock as it is now.
    #[must_use]
    pub fn expires_at(&self) -> Option<f64> {
        self.state().expires_at.map(|expiry| expiry.milliseconds(Clocks::now()))
    }

    /// Whether the credential needs no refresh now.
    pub(super) fn is_fresh(&self) -> bool {
        let ahead = self.login.as_ref().map_or(0.0, |source| source.settings.refresh_ahead);
        self.state().is_fresh(ahead, Clocks::now())
    }

    /// Whether there is something to do: to refresh, to write what could not be written, or to correct what was.
    #[must_use]
    pub fn is_due(&self) -> bool {
        if self.login.is_none() {
            return false;
        }
        let is_fresh = self.is_fresh();
        let (state, now) = (self.state(), Clocks::now());
        let is_wrong = |expiry: Expiry| expiry.is_too_late(now, EXPIRY_TOLERANCE);
        let is_wrong = state.obtained.is_some() && state.expires_at.is_some_and(is_wrong);
        !is_fresh || is_wrong || state.unsaved.is_some() || state.unsynced.is_some()
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

    /// The fingerprint of the newest credential, which a log may show.
    ///
    /// # Errors
    /// As [`Secret::fingerprint`].
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        self.state().credential.fingerprint()
    }

    /// Takes what a file holds, or will hold; with when, where this process has just got it. Returns whether it is a
    /// new credential, which one of the same bytes is not.
    pub(super) fn take(&self, login: &Login, obtained: Option<Clocks>) -> bool {
        // Before anything can be launched with it.
        let added = self.login.as_ref().map_or(Ok(()), |source| add_to(&source.known_tokens, login));
        let mut state = self.state();
        let is_new = state.credential.expose_secret() != login.credential.expose_secret();
        // What is known of a token by both clocks is not given up for what a file says of it by one.
        let told = |expiry: Option<Expiry>| expiry.map(Expiry::told);
        let is_known = state.obtained.is_some() || told(state.expires_at) == told(login.expires_at);
        if is_new || obtained.is_some() || !is_known {
            state.expires_at = login.expires_at;
        }
        state.kind = login.kind;
        state.refreshed_at = login.refreshed_at;
        state.unusable = added.err().or_else(|| login.unusable.clone());
        // An answer may have no refresh token, as the old one stays good.
        state.can_refresh = login.refresh.is_some() || (obtained.is_some() && state.can_refresh);
        if obtained.is_some() {
            state.pauses.granted();
        }
        if is_new || obtained.is_some() {
            state.obtained = obtained;
            state.fresh_until = None;
        }
        if is_new {
            state.credential = Arc::new(Secret::copy_of(login.credential.expose_secret()));
            self.generations.next(state.offer());
        } else {
            self.generations.amend(state.offer());
        }
        is_new
    }

    /// Corrects until when the credential is good.
    pub(super) fn set_expiry(&self, expiry: Expiry) {
        let mut state = self.state();
        state.expires_at = Some(expiry);
        self.generations.amend(state.offer());
    }

    pub(super) fn state(&self) -> MutexGuard<'_, StoreState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is revoked of a login is revoked for the tokens that it has later as well. Keys are no tokens of a login: who
/// puts another one there has changed it, and one that is revoked stays so by itself.
fn add_to(known: &[Arc<LoginTokens>], login: &Login) -> Result<()> {
    if login.kind != CredentialKind::OauthToken {
        return Ok(());
    }
    let token = login.credential.fingerprint()?;
    known.iter().try_for_each(|known| known.add(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::find;

    #[test]
    fn a_token_that_does_not_say_until_when_is_refreshed_but_not_for_ever() {
        let now = Clocks::now();
        let hours = |hours: f64| Clocks { wall: now.wall + hours * 3.6e6, boot: now.boot + hours * 3.6e6 };
        let token = || Arc::new(Secret::copy_of(b"opaque"));
        let mut state = StoreState::new(CredentialKind::OauthToken, token());
        assert!(state.is_fresh(0.0, now), "nothing to refresh it with");
        state.can_refresh = true;
        assert!(!state.is_fresh(0.0, now) && !state.is_over(now));
        state.refreshed_at = Some(now.wall - 60_000.0);
        assert!(state.is_fresh(0.0, now) && !state.is_fresh(0.0, hours(1.0)));
        state.refreshed_at = Some(now.wall + 60_000.0);
        assert!(!state.is_fresh(0.0, now), "a time to come");
        state.assume_fresh(now);
        assert!(state.is_fresh(0.0, now) && !state.is_fresh(0.0, hours(1.1)));
    }

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
        assert_eq!((new.secret.expose_secret(), new.generation.number), (&b"sk-ant-api03-two"[..], 2));
        let (number, offer) = old.generation.newest();
        assert_eq!((offer.secret.expose_secret(), number), (&b"sk-ant-api03-two"[..], 2), "an old one leads to it");
        assert!(old.generation.is_of_same_store(&new.generation));
        let codex = Store::of(find("codex").expect("a row"), CredentialKind::OauthToken, secret("opaque"));
        let error = codex.expect_err("no input");
        assert_eq!((error.code(), &error.details().names[..]), (ErrorCode::Unsupported, &["kind".to_owned()][..]));
        assert!(error.to_string().contains("Pass an api-key, or") && error.to_string().contains("open()"), "{error}");
    }
}
