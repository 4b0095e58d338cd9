//! One refresh of a stored login: under the lock, from what is in the file then, once for all processes.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::document::Document;
use super::file::{Content, Directory, Moment};
use super::fleet::{Fleet, Lineage};
use super::login::{Login, with_tokens};
use super::store::{LoginSource, Store, now};
use super::token_request;
use crate::error::{Error, ErrorCode, Result};
use crate::http;
use crate::secret::Secret;

/// A step of a refresh, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The lock is ours.
    Locked,
    /// The file was read again.
    Read,
    /// Before the request.
    Asking,
    /// The endpoint has given new tokens, and the old refresh token is used up.
    Answered,
    /// The new file exists and is empty.
    Created,
    /// The new file is on the disk.
    Written,
    /// It has taken the place of the old one.
    Replaced,
}

/// Who got the tokens that the store has now.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Nobody: the old ones are good.
    NotNeeded,
    /// This call.
    Here,
    /// Another process, another host, the CLI or a person.
    Elsewhere,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refreshed {
    /// Who got the tokens.
    pub how: How,
    /// Whether the file has them.
    pub persisted: bool,
    /// Why there are no new ones, while the old ones are still good; or why the file does not have them.
    pub failure: Option<serde_json::Value>,
    /// What is to be left for the fleet.
    pub publish: Option<String>,
}

impl Refreshed {
    fn by(how: How) -> Self {
        Self { how, persisted: true, failure: None, publish: None }
    }
}

impl Store {
    /// Refreshes the tokens if they are about to expire, or whatever their expiry if `force`; unless somebody else has
    /// done so since this store last looked. It blocks: to be called on a thread of [`crate::jobs`].
    ///
    /// # Errors
    /// Only where the old token is no good any more: `LOGIN_REQUIRED`, `REFRESH_FAILED`, `CREDENTIAL_FILE_UNUSABLE`,
    /// `UNSEAL_FAILED`; and `UNSUPPORTED` for a store of one credential.
    pub fn refresh(&self, force: bool, fleet: Option<&Fleet<'_>>) -> Result<Refreshed> {
        let Some(source) = &self.login else {
            let message = "A store of one credential is not refreshed. Use rotate().";
            return Err(Error::new(ErrorCode::Unsupported, message).provider(self.provider.id));
        };
        let refresh = Refresh { store: self, source, fleet, force };
        match refresh.run() {
            Ok(refreshed) => Ok(refreshed),
            Err(error) if self.expires_at().is_some_and(|at| at <= now()) => Err(error),
            Err(error) => {
                Ok(Refreshed { failure: serde_json::to_value(error.details()).ok(), ..Refreshed::by(How::NotNeeded) })
            }
        }
    }
}

struct Refresh<'a> {
    store: &'a Store,
    source: &'a LoginSource,
    fleet: Option<&'a Fleet<'a>>,
    force: bool,
}

/// What is to be refreshed from, and what the fleet should hear of it.
struct Basis {
    content: Content,
    lineage: Lineage,
    /// The fleet's is older, or there is none.
    is_news: bool,
}

impl Refresh<'_> {
    fn run(&self) -> Result<Refreshed> {
        let deadline = Instant::now() + self.source.settings.http.timeout;
        let directory = self.source.location.open()?;
        let _lock = directory.lock(deadline)?;
        self.observe(Step::Locked);
        directory.recover(|document| Login::of(document, &self.source.profile).is_ok())?;
        let unsaved = self.save_what_was_not(&directory);
        let basis = self.basis(&directory, unsaved)?;
        self.observe(Step::Read);
        let login = self.login(&basis.content.document)?;
        let is_new = self.store.state().digest != Some(basis.content.digest);
        let is_wanted = self.force && !is_new;
        if login.is_fresh(now(), self.ahead(&login)) && !is_wanted {
            let how = if is_new { How::Elsewhere } else { How::NotNeeded };
            let publish = if basis.is_news { self.publish(&basis.content.document, &basis.lineage)? } else { None };
            self.store.take(login, basis.content.digest, None);
            return Ok(Refreshed { publish, ..Refreshed::by(how) });
        }
        self.ask(&directory, basis, login, deadline)
    }

    /// The newest of what the file has and what the fleet has; the file has it then as well.
    fn basis(&self, directory: &Directory, unsaved: Option<Document>) -> Result<Basis> {
        let mut content = directory.read()?;
        if let Some(document) = unsaved {
            content.document = document;
        }
        let Some(published) = self.fleet.map(Fleet::read).transpose()?.flatten() else {
            return Ok(Basis { content, lineage: Lineage::default(), is_news: self.fleet.is_some() });
        };
        let (ours, theirs) = (self.login(&content.document), self.login(&published.document)?);
        let overtaken = match &ours {
            Err(_) => true,
            Ok(ours) => {
                let token = |login| Login::refresh_token(login).map(Secret::expose);
                if token(ours) == token(&theirs) {
                    return Ok(Basis { content, lineage: published.lineage, is_news: false });
                }
                let used = ours.refresh.as_ref().is_some_and(|token| published.lineage.has(token));
                used || theirs.expires_at > ours.expires_at
            }
        };
        if !overtaken {
            let mut lineage = published.lineage;
            theirs.refresh.iter().for_each(|token| lineage.add(token));
            return Ok(Basis { content, lineage, is_news: true });
        }
        let merged = self.merged(&content.document, &published.document)?;
        directory.replace(&content, &merged, |_| ())?;
        Ok(Basis { content: directory.read()?, lineage: published.lineage, is_news: false })
    }

    /// Our document with another one's tokens.
    fn merged(&self, ours: &Document, theirs: &Document) -> Result<Document> {
        let profile = &self.source.profile;
        let login = self.login(theirs)?;
        let extra = profile.extra_tokens.iter().map(|(_, path)| theirs.secret(path)).collect();
        let now = now();
        let expires_in = login.expires_at.map(|at| (at - now) / 1000.0);
        let tokens = token_request::Tokens { access: login.credential, refresh: login.refresh, expires_in, extra };
        with_tokens(ours, profile, &tokens, now)
    }

    fn ask(&self, directory: &Directory, mut basis: Basis, login: Login, deadline: Instant) -> Result<Refreshed> {
        let profile = &self.source.profile;
        let digest = basis.content.digest;
        let Some(refresh) = &login.refresh else {
            let may_wait = login.is_fresh(now(), 0.0);
            self.store.take(login, digest, None);
            return if may_wait { Ok(Refreshed::by(How::NotNeeded)) } else { Err(self.no_refresh_token()) };
        };
        let settings = http::Settings {
            timeout: deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)),
            proxy: self.source.settings.http.proxy.clone(),
            roots: self.source.settings.http.roots.clone(),
        };
        let scopes = profile.scopes.as_ref().and_then(|path| basis.content.document.words(path));
        self.observe(Step::Asking);
        let tokens = match token_request::send(profile, refresh, scopes.map(|all| all.join(" ")).as_deref(), &settings)
        {
            Ok(tokens) => tokens,
            Err(error) => {
                // What the file has may be newer than what the store has, and good for a while yet.
                self.store.take(login, digest, None);
                return Err(error);
            }
        };
        self.observe(Step::Answered);
        let obtained_at = now();
        let document = with_tokens(&basis.content.document, profile, &tokens, obtained_at)?;
        basis.lineage.add(refresh);
        // Nothing between the answer and the disk may fail without a trace: the old refresh token is used up.
        let written = directory.replace(&basis.content, &document, self.moments());
        if matches!(written, Ok(None)) {
            return self.adopt(directory);
        }
        let failure = written.as_ref().err().and_then(|error| serde_json::to_value(error.details()).ok());
        self.store.take(self.login(&document)?, written.ok().flatten().unwrap_or(digest), Some(obtained_at));
        let publish = self.publish(&document, &basis.lineage);
        let persisted = failure.is_none();
        if !persisted {
            self.store.state().unsaved = Some((digest, document));
        }
        Ok(Refreshed { how: How::Here, persisted, failure, publish: publish? })
    }

    /// Somebody wrote the file without the lock while we asked: a person who logged in again, or the CLI.
    fn adopt(&self, directory: &Directory) -> Result<Refreshed> {
        let content = directory.read()?;
        let login = self.login(&content.document)?;
        let publish = self.publish(&content.document, &Lineage::default())?;
        self.store.take(login, content.digest, None);
        Ok(Refreshed { publish, ..Refreshed::by(How::Elsewhere) })
    }

    /// Tokens that an earlier refresh could not write are written now, as the file's refresh token is used up. What still
    /// cannot be written is returned.
    fn save_what_was_not(&self, directory: &Directory) -> Option<Document> {
        let (base, document) = self.store.state().unsaved.take()?;
        let content = directory.read().ok().filter(|content| content.digest == base)?;
        let Ok(written) = directory.replace(&content, &document, |_| ()) else {
            let copy = document.duplicate();
            self.store.state().unsaved = Some((base, document));
            return Some(copy);
        };
        let mut state = self.store.state();
        state.digest = written.or(state.digest);
        None
    }

    fn login(&self, document: &Document) -> Result<Login> {
        Login::of(document, &self.source.profile)
    }

    fn publish(&self, document: &Document, lineage: &Lineage) -> Result<Option<String>> {
        self.fleet.map(|fleet| fleet.write(document, lineage)).transpose()
    }

    /// A token that lives for less than the time that it should be refreshed ahead would be refreshed with every call.
    fn ahead(&self, login: &Login) -> f64 {
        let ahead = self.source.settings.refresh_ahead;
        let state = self.store.state();
        let obtained = state.obtained_at.filter(|_| state.credential.expose() == login.credential.expose());
        match (obtained, login.expires_at) {
            (Some(from), Some(until)) => ahead.min((until - from) / 2.0),
            _ => ahead,
        }
    }

    fn no_refresh_token(&self) -> Error {
        let name = self.source.profile.provider.name;
        let message = format!(
            "The stored access token has expired, and there is no refresh token. Log in again with the CLI of {name}."
        );
        Error::new(ErrorCode::LoginRequired, message).provider(self.source.profile.provider.id)
    }

    fn observe(&self, step: Step) {
        (self.source.settings.observe)(step);
    }

    fn moments(&self) -> impl Fn(Moment) {
        let observe = self.source.settings.observe;
        move |moment| {
            observe(match moment {
                Moment::Created => Step::Created,
                Moment::Written => Step::Written,
                Moment::Replaced => Step::Replaced,
            });
        }
    }
}
