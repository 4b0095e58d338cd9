//! One refresh of a stored login: under the lock, from what is in the file then, once for all processes.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::document::Document;
use super::file::{Content, Directory, Moment, Next};
use super::fleet::{Fleet, Lineage};
use super::login::{Login, check_place, with_tokens};
use super::step::Step;
use super::store::{LoginSource, Obtained, Store};
use super::token_request::{self, Tokens};
use crate::credential::now;
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// What is asked of a login: each is more than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// To look at what there is. Nobody is asked for new tokens.
    Reload,
    /// New tokens, if the old ones are about to expire.
    Fresh,
    /// New tokens, unless somebody else has got some since this store last looked.
    Refresh,
}

impl Call {
    /// By its name in JavaScript.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [("reload", Self::Reload), ("fresh", Self::Fresh), ("refresh", Self::Refresh)]
            .into_iter()
            .find_map(|(known, call)| (known == name).then_some(call))
    }
}

/// Who got the tokens that the store has now.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Nobody: the old ones are good, or nobody was to be asked.
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
    /// Why there are no new ones, while the old ones are still good; or why the file does not have what this store has.
    pub failure: Option<serde_json::Value>,
    /// What is to be left for the fleet.
    pub publish: Option<String>,
}

impl Refreshed {
    fn by(how: How) -> Self {
        Self { how, persisted: true, failure: None, publish: None }
    }

    fn because(self, error: Option<&Error>) -> Self {
        Self { failure: error.and_then(|error| serde_json::to_value(error.details()).ok()), ..self }
    }
}

impl Store {
    /// Does what is asked, unless somebody else has done so since this store last looked. It blocks, also while somebody
    /// else has the lock: threads of [`crate::jobs`] have [`Store::try_refresh`].
    ///
    /// # Errors
    /// As [`Store::try_refresh`].
    pub fn refresh(&self, call: Call, fleet: Option<&Fleet<'_>>) -> Result<Refreshed> {
        let mut attempt = self.attempt();
        loop {
            match self.try_refresh(call, fleet, &mut attempt) {
                ControlFlow::Break(done) => return done,
                ControlFlow::Continue(time) => std::thread::sleep(time.saturating_duration_since(Instant::now())),
            }
        }
    }

    /// The beginning of a call: its time is counted from now on.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        let timeout = self.login.as_ref().map_or(Duration::ZERO, |source| source.settings.http.timeout);
        Attempt { deadline: Instant::now() + timeout, wait: FIRST_WAIT }
    }

    /// As [`Store::refresh`], which gives a time to come again at while somebody else has the lock. It blocks for the
    /// request.
    ///
    /// # Errors
    /// Only where the old token is no good any more: `LOGIN_REQUIRED`, `REFRESH_FAILED`, `CREDENTIAL_FILE_UNUSABLE`,
    /// `UNSEAL_FAILED`; and `UNSUPPORTED` for a store of one credential.
    pub fn try_refresh(
        &self,
        call: Call,
        fleet: Option<&Fleet<'_>>,
        attempt: &mut Attempt,
    ) -> ControlFlow<Result<Refreshed>, Instant> {
        let Some(source) = &self.login else {
            let message = "A store of one credential is not refreshed. Use rotate().";
            return ControlFlow::Break(Err(Error::new(ErrorCode::Unsupported, message).provider(self.provider.id)));
        };
        let refreshed = match (Refresh { store: self, source, fleet, call }).run(attempt.deadline) {
            Ok(Some(refreshed)) => refreshed,
            Ok(None) => return ControlFlow::Continue(attempt.next_look()),
            Err(error) if self.expires_at().is_some_and(|at| at <= now()) => return ControlFlow::Break(Err(error)),
            Err(error) => Refreshed::by(How::NotNeeded).because(Some(&error)),
        };
        ControlFlow::Break(Ok(Refreshed { persisted: self.is_persisted(), ..refreshed }))
    }
}

/// How long to wait between looks at a lock that somebody else has, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// How far a call has come that waits for the lock.
#[derive(Debug)]
pub struct Attempt {
    /// The last moment to have the lock.
    pub deadline: Instant,
    wait: Duration,
}

impl Attempt {
    fn next_look(&mut self) -> Instant {
        let time = Instant::now() + self.wait;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        time.min(self.deadline)
    }
}

/// How often tokens are put into a file that others write without the lock.
const MAX_TRIES: usize = 5;

/// What came of that.
enum Written {
    Ours,
    Theirs,
    Failed(Error),
}

struct Refresh<'a> {
    store: &'a Store,
    source: &'a LoginSource,
    fleet: Option<&'a Fleet<'a>>,
    call: Call,
}

/// What is to be refreshed from, and what the fleet should hear of it.
struct Basis {
    content: Content,
    lineage: Lineage,
    /// The fleet's is older, or there is none.
    is_news: bool,
    unsaved: Option<Unsaved>,
}

/// The document is not the file's: it has tokens that still cannot be written.
struct Unsaved {
    /// The used-up refresh token that the file has.
    in_file: Secret,
    why: Error,
}

impl Refresh<'_> {
    /// None while somebody else has the lock.
    fn run(&self, deadline: Instant) -> Result<Option<Refreshed>> {
        // Before the file is looked at: what comes too late was not given a thread.
        if Instant::now() >= deadline {
            return Err(self.too_late());
        }
        let directory = self.source.location.open()?;
        // Before anything is made there: what is no login of the owner's has no lock either.
        directory.read()?;
        let Some(_lock) = directory.try_lock()? else { return Ok(None) };
        self.observe(Step::Locked);
        directory.recover(|document| Login::of(document, &self.source.profile).is_ok())?;
        let unsaved = self.save_what_was_not(&directory)?;
        let basis = self.basis(&directory, unsaved)?;
        self.observe(Step::Read);
        let login = self.login(&basis.content.document)?;
        // Other bytes are not yet another login: the CLI writes more into its file than tokens.
        let is_new = self.store.state().credential.expose() != login.credential.expose();
        let is_wanted = self.call == Call::Refresh && !is_new;
        if self.call == Call::Reload || (login.is_fresh(now(), self.ahead(&login)) && !is_wanted) {
            let how = if is_new { How::Elsewhere } else { How::NotNeeded };
            let publish = if basis.is_news { self.publish(&basis.content.document, &basis.lineage)? } else { None };
            self.store.take(login, None);
            let refreshed = Refreshed { publish, ..Refreshed::by(how) };
            return Ok(Some(refreshed.because(basis.unsaved.map(|unsaved| unsaved.why).as_ref())));
        }
        self.ask(&directory, basis, login).map(Some)
    }

    /// The newest of what the file has and what the fleet has; the file has it then as well.
    fn basis(&self, directory: &Directory, unsaved: Option<(Document, Unsaved)>) -> Result<Basis> {
        let mut content = directory.read()?;
        let unsaved = unsaved.map(|(document, unsaved)| {
            content.document = document;
            unsaved
        });
        let Some(published) = self.fleet.map(Fleet::read).transpose()?.flatten() else {
            return Ok(Basis { content, lineage: Lineage::default(), is_news: self.fleet.is_some(), unsaved });
        };
        let (ours, theirs) = (self.login(&content.document), self.login(&published.document)?);
        let overtaken = match &ours {
            Err(_) => true,
            Ok(ours) => {
                let token = |login| Login::refresh_token(login).map(Secret::expose);
                if token(ours) == token(&theirs) {
                    return Ok(Basis { content, lineage: published.lineage, is_news: false, unsaved });
                }
                let used = ours.refresh.as_ref().is_some_and(|token| published.lineage.has(token));
                used || theirs.expires_at > ours.expires_at
            }
        };
        if !overtaken {
            let mut lineage = published.lineage;
            theirs.refresh.iter().for_each(|token| lineage.add(token));
            return Ok(Basis { content, lineage, is_news: true, unsaved });
        }
        let merged = self.merged(&content.document, &published.document)?;
        if directory.replace(&content, &merged)?.is_some() {
            self.store.state().unsaved = None;
        }
        Ok(Basis { content: directory.read()?, lineage: published.lineage, is_news: false, unsaved: None })
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
        let Some(refresh) = &login.refresh else {
            let may_wait = login.is_fresh(now(), 0.0);
            self.store.take(login, None);
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
                self.store.take(login, None);
                return Err(error);
            }
        };
        self.observe(Step::Answered);
        basis.lineage.add(&spent);
        let in_file = basis.unsaved.take().map_or(spent, |unsaved| unsaved.in_file);
        let got = Obtained { tokens, at: now(), in_file };
        // From here to the disk nothing may fail without a trace.
        let (document, written) = match with_tokens(&basis.content.document, profile, &got.tokens, got.at) {
            Ok(document) => {
                let written = self.write(directory, next, &basis.content, &document, &got);
                (Some(document), written)
            }
            Err(error) => {
                directory.discard(next);
                (None, Written::Failed(error))
            }
        };
        let mut failure = match written {
            Written::Ours => None,
            Written::Theirs => return self.adopt(directory, &basis.lineage),
            Written::Failed(error) => Some(error),
        };
        self.store.take(Login::obtained(profile, &got.tokens, got.at), Some(got.at));
        self.store.state().unsaved = failure.is_some().then(|| Arc::new(got));
        let publish = document.and_then(|document| {
            self.publish(&document, &basis.lineage).unwrap_or_else(|error| {
                failure = Some(error);
                None
            })
        });
        if publish.is_some() {
            self.observe(Step::Publishing);
        }
        Ok(Refreshed { publish, ..Refreshed::by(How::Here) }.because(failure.as_ref()))
    }

    fn write(&self, directory: &Directory, next: Next, old: &Content, new: &Document, got: &Obtained) -> Written {
        match directory.finish(next, old, new, self.moments()) {
            Ok(Some(_)) => Written::Ours,
            Ok(None) => self.write_beside(directory, got),
            Err(error) => Written::Failed(error),
        }
    }

    /// Somebody wrote the file without the lock while we asked. Where its refresh token is still the one that is used up
    /// (the CLI wrote something else), our tokens go into what is there now; where it is another, that login counts.
    fn write_beside(&self, directory: &Directory, got: &Obtained) -> Written {
        let mut last = self.busy();
        for _ in 0..MAX_TRIES {
            match self.put(directory, got) {
                Ok((_, Written::Failed(error))) => last = error,
                Ok((_, done)) => return done,
                Err(error) => return Written::Failed(error),
            }
        }
        Written::Failed(last)
    }

    /// Puts tokens into what is in the file now; with what it has or should have then.
    fn put(&self, directory: &Directory, got: &Obtained) -> Result<(Document, Written)> {
        let content = directory.read()?;
        let theirs = self.login(&content.document)?;
        if theirs.refresh_token().map(Secret::expose) != Some(got.in_file.expose()) {
            return Ok((content.document, Written::Theirs));
        }
        let document = with_tokens(&content.document, &self.source.profile, &got.tokens, got.at)?;
        let next = directory.prepare(&content);
        let written = match next.and_then(|next| directory.finish(next, &content, &document, self.moments())) {
            Ok(Some(_)) => Written::Ours,
            Ok(None) => Written::Failed(self.busy()),
            Err(error) => Written::Failed(error),
        };
        Ok((document, written))
    }

    /// A person logged in again.
    fn adopt(&self, directory: &Directory, lineage: &Lineage) -> Result<Refreshed> {
        self.store.state().unsaved = None;
        let content = directory.read()?;
        let login = self.login(&content.document)?;
        let publish = self.publish(&content.document, lineage)?;
        self.store.take(login, None);
        Ok(Refreshed { publish, ..Refreshed::by(How::Elsewhere) })
    }

    /// Tokens that an earlier refresh could not write are written now, as the file's refresh token is used up. What still
    /// cannot be written is returned; where somebody has logged in again meanwhile, that login counts.
    fn save_what_was_not(&self, directory: &Directory) -> Result<Option<(Document, Unsaved)>> {
        // Whatever fails here, they stay.
        let Some(got) = self.store.state().unsaved.clone() else { return Ok(None) };
        let (document, written) = self.put(directory, &got)?;
        let Written::Failed(why) = written else {
            self.store.state().unsaved = None;
            return Ok(None);
        };
        Ok(Some((document, Unsaved { in_file: Secret::copy_of(got.in_file.expose()), why })))
    }

    fn too_late(&self) -> Error {
        let message = "The stored login could not be read or refreshed within options.timeoutMs: another process holds its lock, or too many calls wait. Try again later.";
        Error::new(ErrorCode::RefreshFailed, message).provider(self.source.profile.provider.id)
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
