//! One refresh of a stored login: under the lock, from what is in the file then, once for all processes.

use std::time::Instant;

use serde::Serialize;

use super::document::Document;
use super::file::{Content, Digest, Directory, Moment};
use super::fleet::{Fleet, Lineage};
use super::login::{Login, check_place, with_tokens};
use super::store::{LoginSource, Store, Unsaved, now};
use super::token_request::{self, Tokens};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// A step of a refresh, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The lock is ours.
    Locked,
    /// The file was read again.
    Read,
    /// The new file exists and is empty.
    Created,
    /// Before the request.
    Asking,
    /// The endpoint has given new tokens, and the old refresh token is used up.
    Answered,
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

/// How often tokens are put into a file that others write without the lock.
const MAX_TRIES: usize = 5;

/// What came of that.
enum Beside {
    Written(Digest),
    Theirs,
    Failed(Error),
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
        let directory = self.source.location.open()?;
        // Before anything is made there: what is no login of the owner's has no lock either.
        directory.read()?;
        let _lock = directory.lock(Instant::now() + self.source.settings.http.timeout)?;
        self.observe(Step::Locked);
        directory.recover(|document| Login::of(document, &self.source.profile).is_ok())?;
        let unsaved = self.save_what_was_not(&directory)?;
        let basis = self.basis(&directory, unsaved)?;
        self.observe(Step::Read);
        let login = self.login(&basis.content.document)?;
        // Other bytes are not yet another login: the CLI writes more into its file than tokens.
        let is_new = self.store.state().credential.expose() != login.credential.expose();
        let is_wanted = self.force && !is_new;
        if login.is_fresh(now(), self.ahead(&login)) && !is_wanted {
            let how = if is_new { How::Elsewhere } else { How::NotNeeded };
            let publish = if basis.is_news { self.publish(&basis.content.document, &basis.lineage)? } else { None };
            self.store.take(login, basis.content.digest, None);
            return Ok(Refreshed { publish, ..Refreshed::by(how) });
        }
        self.ask(&directory, basis, login)
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
        directory.replace(&content, &merged)?;
        Ok(Basis { content: directory.read()?, lineage: published.lineage, is_news: false })
    }

    /// Our document with another one's tokens.
    fn merged(&self, ours: &Document, theirs: &Document) -> Result<Document> {
        let profile = &self.source.profile;
        let login = self.login(theirs)?;
        let extra = profile.extra_tokens.iter().map(|(_, path)| theirs.secret(path)).collect();
        let now = now();
        let expires_in = login.expires_at.map(|at| (at - now) / 1000.0);
        let tokens = Tokens { access: login.credential, refresh: login.refresh, expires_in, extra };
        with_tokens(ours, profile, &tokens, now)
    }

    fn ask(&self, directory: &Directory, mut basis: Basis, login: Login) -> Result<Refreshed> {
        let profile = &self.source.profile;
        let digest = basis.content.digest;
        let Some(refresh) = &login.refresh else {
            let may_wait = login.is_fresh(now(), 0.0);
            self.store.take(login, digest, None);
            return if may_wait { Ok(Refreshed::by(How::NotNeeded)) } else { Err(self.no_refresh_token()) };
        };
        // All that can be refused is refused before the refresh token is used up.
        check_place(&basis.content.document, profile, &login)?;
        let next = directory.prepare(&basis.content)?;
        self.observe(Step::Created);
        let spent = Secret::copy_of(refresh.expose());
        let scopes = profile.scopes.as_ref().and_then(|path| basis.content.document.words(path));
        let scopes = scopes.map(|all| all.join(" "));
        self.observe(Step::Asking);
        // With all the time there is, whatever the wait for the lock took: an answer that nobody awaits costs the login.
        let tokens = match token_request::send(profile, &spent, scopes.as_deref(), &self.source.settings.http) {
            Ok(tokens) => tokens,
            Err(error) => {
                directory.discard(next);
                // What the file has may be newer than what the store has, and good for a while yet.
                self.store.take(login, digest, None);
                return Err(error);
            }
        };
        self.observe(Step::Answered);
        let obtained_at = now();
        let document = with_tokens(&basis.content.document, profile, &tokens, obtained_at)?;
        basis.lineage.add(&spent);
        // Nothing between the answer and the disk may fail without a trace.
        let mut written = directory.finish(next, &basis.content, &document, self.moments());
        if matches!(written, Ok(None)) {
            match self.write_beside(directory, &spent, &tokens, obtained_at) {
                Beside::Written(digest) => written = Ok(Some(digest)),
                Beside::Theirs => return self.adopt(directory, &basis.lineage),
                Beside::Failed(error) => written = Err(error),
            }
        }
        let mut failure = written.as_ref().err().and_then(|error| serde_json::to_value(error.details()).ok());
        let persisted = failure.is_none();
        self.store.take(self.login(&document)?, written.ok().flatten().unwrap_or(digest), Some(obtained_at));
        let publish = self.publish(&document, &basis.lineage).unwrap_or_else(|error| {
            failure = serde_json::to_value(error.details()).ok();
            None
        });
        if !persisted {
            self.store.state().unsaved = Some(Unsaved { spent, document });
        }
        Ok(Refreshed { how: How::Here, persisted, failure, publish })
    }

    /// Somebody wrote the file without the lock while we asked. Where its refresh token is still the one that we have used
    /// up (the CLI wrote something else), our tokens go into what is there now; where it is another, that login counts.
    fn write_beside(&self, directory: &Directory, spent: &Secret, tokens: &Tokens, obtained_at: f64) -> Beside {
        for _ in 0..MAX_TRIES {
            let tried = || -> Result<Beside> {
                let content = directory.read()?;
                let theirs = self.login(&content.document)?;
                if theirs.refresh_token().map(Secret::expose) != Some(spent.expose()) {
                    return Ok(Beside::Theirs);
                }
                let document = with_tokens(&content.document, &self.source.profile, tokens, obtained_at)?;
                Ok(directory.replace(&content, &document)?.map_or(Beside::Failed(self.busy()), Beside::Written))
            };
            match tried() {
                Ok(Beside::Failed(_)) => {}
                Ok(done) => return done,
                Err(error) => return Beside::Failed(error),
            }
        }
        Beside::Failed(self.busy())
    }

    /// A person logged in again.
    fn adopt(&self, directory: &Directory, lineage: &Lineage) -> Result<Refreshed> {
        let content = directory.read()?;
        let login = self.login(&content.document)?;
        let publish = self.publish(&content.document, lineage)?;
        self.store.take(login, content.digest, None);
        Ok(Refreshed { publish, ..Refreshed::by(How::Elsewhere) })
    }

    /// Tokens that an earlier refresh could not write are written now, as the file's refresh token is used up. What still
    /// cannot be written is returned; where somebody has logged in again meanwhile, that login counts.
    fn save_what_was_not(&self, directory: &Directory) -> Result<Option<Document>> {
        // Only a copy is taken out: whatever fails here, they stay.
        let Some((spent, document)) = self
            .store
            .state()
            .unsaved
            .as_ref()
            .map(|unsaved| (Secret::copy_of(unsaved.spent.expose()), unsaved.document.duplicate()))
        else {
            return Ok(None);
        };
        let content = directory.read()?;
        let ours = self.login(&content.document)?.refresh_token().map(Secret::expose) == Some(spent.expose());
        if !ours {
            self.store.state().unsaved = None;
            return Ok(None);
        }
        let merged = self.merged(&content.document, &document)?;
        let Ok(Some(digest)) = directory.replace(&content, &merged) else { return Ok(Some(merged)) };
        let mut state = self.store.state();
        (state.unsaved, state.digest) = (None, Some(digest));
        Ok(None)
    }

    fn busy(&self) -> Error {
        let message = "The file of the stored login is written by somebody else all the time, without its lock.";
        Error::new(ErrorCode::CredentialFileUnusable, message).provider(self.source.profile.provider.id)
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
                Moment::Written => Step::Written,
                Moment::Replaced => Step::Replaced,
            });
        }
    }
}
