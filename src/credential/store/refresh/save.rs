//! Saves the new tokens in the file, even if others write to it at the same time, and tries again later if that fails.

use std::sync::Arc;

use super::super::credential_store::{EXPIRY_TOLERANCE, Obtained};
use super::super::document::Document;
use super::super::file::{Content, Directory, Next, Replaced};
use super::super::fleet::SpentTokens;
use super::super::login::{no_place, with_tokens};
use super::super::profile::StoredExpiry;
use super::{Basis, How, Refresh, Refreshed, Written};
use crate::credential::{Clocks, Expiry};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};

/// How often tokens are put into a file that others write without the lock.
const MAX_TRIES: usize = 5;

impl Refresh<'_> {
    pub(super) fn write(
        &self,
        directory: &Directory,
        next: Next,
        old: &Content,
        new: &Document,
        got: &Obtained,
    ) -> Written {
        match directory.finish(next, old, new) {
            Ok(Some(replaced)) => self.is_replaced(replaced),
            Ok(None) => self.write_beside(directory, got),
            Err(error) => Written::Failed(error),
        }
    }

    /// After each replacement: what a crash of the machine may undo is reported with each call and tried again, until it
    /// was done.
    pub(super) fn is_replaced(&self, replaced: Replaced) -> Written {
        self.store.state().unsynced = replaced.unsynced;
        Written::Ours
    }

    /// Somebody wrote the file without the lock while we asked. Where its refresh token is still the one that is used
    /// up (the CLI wrote something else), our tokens go into what is there now; where it is another, that login counts.
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
        if got.is_in(&theirs) {
            return Ok((content.document, Written::Ours));
        }
        if theirs.refresh_token().map(Secret::expose_secret) != Some(got.in_file.expose_secret()) {
            return Ok((content.document, Written::Theirs));
        }
        let document = with_tokens(&content.document, &self.source.profile, &got.tokens, got.at.wall)?;
        let next = directory.prepare(&content, document.bytes().len());
        let written = match next.and_then(|next| directory.finish(next, &content, &document)) {
            Ok(Some(replaced)) => self.is_replaced(replaced),
            Ok(None) => Written::Failed(self.busy()),
            Err(error) => Written::Failed(error),
        };
        Ok((document, written))
    }

    /// Takes over the login of a person who logged in again.
    pub(super) fn adopt(&self, directory: &Directory, spent: &SpentTokens) -> Result<Refreshed> {
        self.store.state().unsaved = None;
        let content = directory.read()?;
        let login = self.login(&content.document)?;
        let publish = self.publish(&content.document, spent)?;
        self.store.take(&login, None);
        Ok(Refreshed { publish, ..Refreshed::by(How::Elsewhere) })
    }

    /// Tokens that an earlier refresh could not write are written now, as the file's refresh token is used up. What
    /// still cannot be written is returned, with why; where somebody has logged in again meanwhile, that login counts.
    pub(super) fn save_what_was_not(&self, directory: &Directory) -> Result<Option<(Document, Error)>> {
        // Whatever fails here, they stay.
        let Some(got) = self.store.state().unsaved.clone() else { return Ok(None) };
        let (document, written) = self.put(directory, &got)?;
        let Written::Failed(why) = written else {
            self.store.state().unsaved = None;
            return Ok(None);
        };
        Ok(Some((document, why)))
    }

    /// What a process had written whole, and nobody can put in the place of the file. It stays on the disk, and is what
    /// counts, unless this process has something newer.
    pub(super) fn keep_what_is_stuck(
        &self,
        directory: &Directory,
        document: Document,
        why: Error,
    ) -> Result<Option<(Document, Error)>> {
        let newer = self.store.state().unsaved.clone();
        let stuck = self.login(&document)?;
        if newer.is_some_and(|got| !got.is_in(&stuck)) {
            return self.save_what_was_not(directory);
        }
        self.keep_what_was_left(directory, &document)?;
        Ok(Some((document, why)))
    }

    /// Takes over the tokens that a killed process has left in its own document, unless this one has newer.
    pub(super) fn keep_what_was_left(&self, directory: &Directory, document: &Document) -> Result<()> {
        let in_file = self.login(&directory.read()?.document)?.refresh.ok_or_else(|| self.no_refresh_token())?;
        let got = Obtained { tokens: self.tokens_of(document)?, at: Clocks::now(), in_file };
        self.store.state().unsaved.get_or_insert_with(|| Arc::new(got));
        Ok(())
    }

    /// Tries again what a crash of the machine may still undo of an earlier replacement.
    pub(super) fn sync_what_was_not(&self, directory: &Directory) {
        if self.store.state().unsynced.is_some() {
            self.store.state().unsynced = directory.sync().err();
        }
    }

    /// Writes the time at which a token of ours expires once more, where the clock stood wrong when it was written:
    /// others believe the file.
    pub(super) fn correct_expiry(&self, directory: &Directory, basis: &Basis) -> Result<()> {
        let StoredExpiry::Document(path, unit) = &self.source.profile.expiry else { return Ok(()) };
        let now = Clocks::now();
        let expiry = {
            let state = self.store.state();
            state.obtained.and(state.expires_at)
        };
        let Some(expiry) = expiry else { return Ok(()) };
        let told = basis.content.document.time(path, *unit).unwrap_or(f64::MAX);
        let ours = expiry.milliseconds(now);
        if basis.unsaved.is_some() || told - ours <= EXPIRY_TOLERANCE {
            return Ok(());
        }
        let number = format!("{}", (ours / unit).round());
        let profile = &self.source.profile;
        let corrected = basis.content.document.with(&[(path, number.as_bytes())]).map_err(|_| no_place(profile))?;
        if let Some(replaced) = directory.replace(&basis.content, &corrected)? {
            self.is_replaced(replaced);
            self.store.set_expiry(Expiry::at(ours, now));
        }
        Ok(())
    }

    fn busy(&self) -> Error {
        let message = "Another program keeps writing the file of the stored login without its lock. Stop that program, or try again later.";
        Error::new(ErrorCode::CredentialFileUnusable, message).provider(self.source.profile.provider.id)
    }
}
