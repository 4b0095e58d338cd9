//! One refresh of a stored login: under the lock, from the current content of the file, and once for all processes.

mod memory;
mod save;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::credential_store::{LoginSource, Obtained, Store};
use super::document::Document;
use super::file::{Content, Directory, Recovered};
use super::fleet::{Fleet, SpentTokens};
use super::in_flight;
use super::login::{Login, check_place, with_tokens};
use super::pause::TokenRefusal;
use super::token_request::{self, IssuedTokens};
use crate::credential::Clocks;
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};

/// The requests about a login. Each one does more than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "kebab-case"))]
pub enum Call {
    /// To look at what there is. No new tokens are requested.
    Reload,
    /// New tokens, if the old ones are about to expire.
    Fresh,
    /// New tokens, unless somebody else has got some since this store last looked.
    Refresh,
}

/// Where the store's tokens come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "kebab-case"))]
pub enum How {
    /// Nobody: the old ones are good, or nobody was to be asked.
    NotNeeded,
    Here,
    /// Another process, another host, the CLI or a person.
    Elsewhere,
}

/// The result of a refresh.
#[derive(Debug)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false, use_nullable = true))]
pub struct Refreshed {
    pub how: How,
    /// Whether this call asked the endpoint.
    pub asked: bool,
    /// Whether the file has what this store has.
    pub persisted: bool,
    /// Whether there is anything to launch with; otherwise the caller gets `failure`, once `publish` is left.
    pub serves: bool,
    /// Why there are no new ones, while the old ones are still good; or why the file does not have what this store has.
    #[cfg_attr(feature = "node", napi(ts_type = "ErrorDetails"))]
    pub failure: Option<Error>,
    /// The sealed text that the next holder of the fleet's lock is to get.
    pub publish: Option<String>,
}

enum Written {
    Ours,
    /// Somebody has logged in again, and that counts.
    Theirs,
    /// They are in this process alone.
    Failed(Error),
}

impl Refreshed {
    fn by(how: How) -> Self {
        Self { how, asked: false, persisted: true, serves: true, failure: None, publish: None }
    }

    fn because(self, error: Option<&Error>) -> Self {
        Self { failure: error.cloned(), ..self }
    }
}

impl Store {
    /// The beginning of a call by this thread: its time is counted from now on.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        let timeout = self.login.as_ref().map_or(Duration::ZERO, |source| source.settings.http.timeout);
        Attempt {
            deadline: Instant::now() + timeout,
            wait: FIRST_WAIT,
            has_waited: false,
            thread: thread::current().id(),
        }
    }

    /// Does what is asked, unless somebody else has done so since this store last looked. While somebody else has the lock it
    /// gives a time to come again at; it blocks for the request, on a thread of [`crate::net::jobs`].
    ///
    /// # Errors
    /// Only where the old token is no good any more: `LOGIN_REQUIRED`, `REFRESH_FAILED`, `CREDENTIAL_FILE_UNUSABLE`,
    /// `UNSEAL_FAILED`, `BUSY`; and `UNSUPPORTED` for a store of one credential.
    pub fn try_refresh(
        &self,
        call: Call,
        fleet: Option<&Fleet<'_>>,
        attempt: &mut Attempt,
    ) -> ControlFlow<Result<Refreshed>, Instant> {
        let Some(source) = &self.login else {
            let message = "A store of a single credential cannot be refreshed. Use rotate().";
            return ControlFlow::Break(Err(Error::new(ErrorCode::Unsupported, message).provider(self.provider.id)));
        };
        let (has_waited, thread) = (attempt.has_waited, attempt.thread);
        let refresh = Refresh { store: self, source, fleet, call, has_waited, thread, has_asked: Cell::new(false) };
        let result = if Instant::now() >= attempt.deadline {
            // Before the file is looked at: what comes too late was not given a thread.
            let error = refresh.too_late();
            let (mut state, now) = (self.state(), Clocks::now());
            let left = state.left(now);
            state.pauses.waited(&error, left, now);
            Err(error)
        } else {
            refresh.run()
        };
        let refreshed = match result {
            Ok(Some(refreshed)) => refreshed,
            Ok(None) => match refresh.answer_without_lock() {
                None => {
                    attempt.has_waited = true;
                    return ControlFlow::Continue(attempt.next_look());
                }
                Some(error) => Refreshed::by(How::NotNeeded).because(Some(&error)),
            },
            Err(error) if self.state().is_over(Clocks::now()) => return ControlFlow::Break(Err(error)),
            Err(error) => Refreshed::by(How::NotNeeded).because(Some(&error)),
        };
        // Whatever else there is to report: this holds until it is done.
        let unsynced = self.state().unsynced.clone().filter(|_| refreshed.failure.is_none());
        let refreshed = if unsynced.is_some() { refreshed.because(unsynced.as_ref()) } else { refreshed };
        ControlFlow::Break(Ok(Refreshed {
            persisted: self.is_persisted(),
            asked: refresh.has_asked.get(),
            ..refreshed
        }))
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
    /// Whether somebody else had the lock when this call wanted it.
    has_waited: bool,
    /// The thread of JavaScript that asks: its end waits for the answer.
    thread: ThreadId,
}

impl Attempt {
    fn next_look(&mut self) -> Instant {
        let time = Instant::now() + self.wait;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        time.min(self.deadline)
    }
}

struct Refresh<'a> {
    store: &'a Store,
    source: &'a LoginSource,
    fleet: Option<&'a Fleet<'a>>,
    call: Call,
    has_waited: bool,
    thread: ThreadId,
    /// Whether this call has asked the endpoint.
    has_asked: Cell<bool>,
}

/// What is to be refreshed from, and what the fleet should hear of it.
struct Basis {
    content: Content,
    spent: SpentTokens,
    /// Whether the fleet has an older login, or none.
    is_news: bool,
    /// The document is not the file's: it has tokens that still cannot be written, and this is why.
    unsaved: Option<Error>,
}

impl Refresh<'_> {
    /// Runs the call; none while somebody else has the lock.
    fn run(&self) -> Result<Option<Refreshed>> {
        match self.run_with_the_file() {
            // Nobody else has the tokens that are in this process alone, so they need no lock.
            Err(error) if error.code() == ErrorCode::CredentialFileUnusable => {
                self.run_without_the_file(error).map(Some)
            }
            result => result,
        }
    }

    fn run_with_the_file(&self) -> Result<Option<Refreshed>> {
        let directory = self.source.location.open()?;
        // Before anything is made there: what is no login of the owner's has no lock either.
        directory.read()?;
        let Some(_lock) = directory.try_lock()? else { return Ok(None) };
        self.store.state().pauses.locked();
        self.sync_what_was_not(&directory);
        let unsaved = match directory.recover(|document| Login::of(document, &self.source.profile).is_ok())? {
            Recovered::Stuck(document, why) => self.keep_what_is_stuck(&directory, document, why)?,
            Recovered::Overtaken(document, left) => {
                self.keep_what_was_left(&directory, &document)?;
                let unsaved = self.save_what_was_not(&directory)?;
                if unsaved.is_none() {
                    directory.remove(&left);
                }
                unsaved
            }
            Recovered::Finished(replaced) => {
                self.is_replaced(replaced);
                self.save_what_was_not(&directory)?
            }
            Recovered::Nothing | Recovered::Undone => self.save_what_was_not(&directory)?,
        };
        let basis = self.basis(&directory, unsaved)?;
        let login = self.login(&basis.content.document)?;
        // Other bytes are not yet another login: the CLI writes more into its file than tokens.
        let is_new = self.store.take(&login, None);
        let is_wanted = self.call == Call::Refresh && !is_new;
        // What somebody else has got while this call waited for the lock is fresh, also where it does not say until
        // when.
        if is_new && self.has_waited && login.expires_at.is_none() {
            self.store.state().assume_fresh(Clocks::now());
        }
        if self.call == Call::Reload || (self.store.is_fresh() && !is_wanted) {
            let how = if is_new { How::Elsewhere } else { How::NotNeeded };
            let publish = if basis.is_news { self.publish(&basis.content.document, &basis.spent)? } else { None };
            let uncorrected = self.correct_expiry(&directory, &basis).err();
            let failure = basis.unsaved.or(uncorrected);
            let refreshed = Refreshed { publish, ..Refreshed::by(how) };
            return Ok(Some(refreshed.because(failure.as_ref())));
        }
        self.ask(&directory, basis, login).map(Some)
    }

    /// The newest of what the file has and what the fleet has; the file has it then as well.
    fn basis(&self, directory: &Directory, unsaved: Option<(Document, Error)>) -> Result<Basis> {
        let mut content = directory.read()?;
        let unsaved = unsaved.map(|(document, why)| {
            content.document = document;
            why
        });
        let Some(published) = self.fleet.map(Fleet::read).transpose()?.flatten() else {
            return Ok(Basis { content, spent: SpentTokens::default(), is_news: self.fleet.is_some(), unsaved });
        };
        let (ours, theirs) = (self.login(&content.document), self.login(&published.document)?);
        let overtaken = match &ours {
            Err(_) => true,
            Ok(ours) => {
                let token = |login| Login::refresh_token(login).map(Secret::expose_secret);
                if token(ours) == token(&theirs) {
                    return Ok(Basis { content, spent: published.spent, is_news: false, unsaved });
                }
                let used = ours.refresh.as_ref().is_some_and(|token| published.spent.has(token));
                let until = |login: &Login| login.expires_at.map(crate::credential::Expiry::told);
                used || until(&theirs) > until(ours)
            }
        };
        if !overtaken {
            let mut spent = published.spent;
            theirs.refresh.iter().for_each(|token| spent.add(token));
            return Ok(Basis { content, spent, is_news: true, unsaved });
        }
        let merged = with_tokens(
            &content.document,
            &self.source.profile,
            &self.tokens_of(&published.document)?,
            Clocks::now().wall,
        )?;
        if let Some(replaced) = directory.replace(&content, &merged)? {
            self.is_replaced(replaced);
            self.store.state().unsaved = None;
        }
        Ok(Basis { content: directory.read()?, spent: published.spent, is_news: false, unsaved: None })
    }

    fn tokens_of(&self, document: &Document) -> Result<IssuedTokens> {
        let login = self.login(document)?;
        let extra = self.source.profile.extra_tokens.iter().map(|(_, path)| document.secret(path)).collect();
        let now = Clocks::now();
        let expires_in = login.expires_at.map(|expiry| expiry.left(now) / 1000.0);
        Ok(IssuedTokens { access: Ok(login.credential), refresh: login.refresh, expires_in, extra })
    }

    fn ask(&self, directory: &Directory, mut basis: Basis, login: Login) -> Result<Refreshed> {
        let profile = &self.source.profile;
        let Some(refresh) = &login.refresh else {
            let is_over = self.store.state().is_over(Clocks::now());
            return if is_over { Err(self.no_refresh_token()) } else { Ok(Refreshed::by(How::NotNeeded)) };
        };
        if let Some(why) = basis.unsaved.take() {
            return self.ask_from_memory(directory, basis, &login, why);
        }
        // All that can be refused is refused before the refresh token is used up.
        let room = check_place(&basis.content.document, profile, &login)
            .map_err(|error| error.path(self.source.location.path().display().to_string()))?;
        let next = directory.prepare(&basis.content, room)?;
        let spent = Secret::copy_of(refresh.expose_secret());
        let scopes = self.scopes(&basis.content.document);
        let (tokens, _underway) = match self.request(&spent, scopes.as_deref()) {
            Ok(tokens) => tokens,
            Err(error) => {
                directory.discard(next);
                return Err(error);
            }
        };
        basis.spent.add(&spent);
        let got = Obtained { tokens, at: Clocks::now(), in_file: spent };
        // From here to the disk nothing may fail without a trace.
        let (document, written) = match with_tokens(&basis.content.document, profile, &got.tokens, got.at.wall) {
            Ok(document) => {
                let written = self.write(directory, next, &basis.content, &document, &got);
                (Some(document), written)
            }
            Err(error) => {
                directory.discard(next);
                (None, Written::Failed(error))
            }
        };
        let (is_saved, mut failure) = match written {
            Written::Ours => (true, None),
            Written::Theirs => return self.adopt(directory, &basis.spent),
            Written::Failed(error) => (false, Some(error)),
        };
        if let Some(login) = Login::obtained(profile, &got.tokens, got.at) {
            self.store.take(&login, Some(got.at));
        }
        let refused = got.tokens.access.as_ref().err().cloned();
        self.store.state().unsaved = (!is_saved).then(|| Arc::new(got));
        let publish = document.and_then(|document| {
            self.publish(&document, &basis.spent).unwrap_or_else(|error| {
                failure = Some(error);
                None
            })
        });
        Ok(self.answered(refused, failure, publish))
    }

    /// What is reported about an answer, which may have had no access token that counts.
    fn answered(&self, refused: Option<Error>, failure: Option<Error>, publish: Option<String>) -> Refreshed {
        let (how, serves) = match refused {
            None => (How::Here, true),
            Some(_) => (How::NotNeeded, !self.store.state().is_over(Clocks::now())),
        };
        Refreshed { publish, serves, ..Refreshed::by(how) }.because(refused.or(failure).as_ref())
    }

    /// Asks the endpoint, unless what it said last still counts. Until what is returned is dropped, the end of the
    /// process waits for it.
    fn request(&self, refresh: &Secret, scopes: Option<&str>) -> Result<(IssuedTokens, in_flight::Underway)> {
        if let Some(error) = self.known_answer(refresh) {
            return Err(error);
        }
        let underway = in_flight::begin(self.thread).ok_or_else(|| self.ending())?;
        self.has_asked.set(true);
        // With all the time there is, whatever the wait for the lock took: an answer that nobody awaits costs the
        // login.
        match token_request::send(&self.source.profile, refresh, scopes, &self.source.settings.http) {
            Ok(tokens) => {
                if let Err(why) = &tokens.access {
                    self.pause(&why.clone().into(), refresh);
                }
                Ok((tokens, underway))
            }
            Err(refusal) if refusal.is_ours => {
                self.has_asked.set(false);
                Err(refusal.error)
            }
            Err(refusal) => {
                self.pause(&refusal, refresh);
                Err(refusal.error)
            }
        }
    }

    fn pause(&self, refusal: &TokenRefusal, asked_with: &Secret) {
        let (mut state, now) = (self.store.state(), Clocks::now());
        let left = state.left(now);
        state.pauses.refused(refusal, asked_with, left, now);
    }

    /// The error that is reported instead of asking once more.
    fn known_answer(&self, refresh: &Secret) -> Option<Error> {
        let (state, now) = (self.store.state(), Clocks::now());
        state.pauses.answer(refresh, self.call == Call::Refresh, state.left(now), now)
    }

    /// The error that is reported instead of waiting for the lock once more.
    fn answer_without_lock(&self) -> Option<Error> {
        let (state, now) = (self.store.state(), Clocks::now());
        if self.call != Call::Fresh || state.is_over(now) {
            return None;
        }
        state.pauses.answer_without_lock(now)
    }

    fn too_late(&self) -> Error {
        let message = "The stored login could not be read or refreshed within options.timeoutMs: another process holds its lock, or too many calls are waiting. Try again later, or end that process, which releases the lock. Deleting the lock file does not release it.";
        Error::new(ErrorCode::RefreshFailed, message).provider(self.source.profile.provider.id)
    }

    fn scopes(&self, document: &Document) -> Option<String> {
        let scopes = self.source.profile.scopes.as_ref().and_then(|path| document.words(path));
        scopes.map(|all| all.join(" "))
    }

    fn login(&self, document: &Document) -> Result<Login> {
        Login::of(document, &self.source.profile)
    }

    fn publish(&self, document: &Document, spent: &SpentTokens) -> Result<Option<String>> {
        let publish = |fleet: &Fleet<'_>| fleet.write(document, &self.source.profile.members(), spent);
        self.fleet.map(publish).transpose()
    }

    fn no_refresh_token(&self) -> Error {
        let name = self.source.profile.provider.name;
        let message = format!(
            "The stored access token has expired, and the login has no refresh token. Log in again with the CLI of \
            {name}."
        );
        Error::new(ErrorCode::LoginRequired, message).provider(self.source.profile.provider.id)
    }

    fn ending(&self) -> Error {
        let message =
            "This process is about to exit and would lose the token endpoint's answer. No token was requested.";
        Error::new(ErrorCode::Busy, message).provider(self.source.profile.provider.id)
    }
}
