//! Refreshes from tokens that only this process has because they could not be written. The tokens in the file are used
//! up, so refusing to continue would save nothing.

use std::sync::Arc;

use super::super::credential_store::Obtained;
use super::super::file::Directory;
use super::super::in_flight::Underway;
use super::super::login::{Login, with_tokens};
use super::super::token_request::IssuedTokens;
use super::{Basis, Call, Refresh, Refreshed};
use crate::credential::Clocks;
use crate::error::{Error, Result};
use crate::secret::{ExposeSecret, Secret};

struct Asked {
    /// The refresh token that it has used up.
    spent: Secret,
    /// Why the access token that came does not count.
    refused: Option<Error>,
    _underway: Underway,
}

impl Refresh<'_> {
    /// Under the lock, with a file that takes nothing. What is obtained is written if it takes something afterwards.
    pub(super) fn ask_from_memory(
        &self,
        directory: &Directory,
        mut basis: Basis,
        login: &Login,
        why: Error,
    ) -> Result<Refreshed> {
        let scopes = self.scopes(&basis.content.document);
        let Some(Asked { spent, refused, _underway }) = self.refresh_what_is_unsaved(scopes.as_deref())? else {
            return Err(why);
        };
        [&spent].into_iter().chain(&login.refresh).for_each(|token| basis.spent.add(token));
        let why = match self.save_what_was_not(directory) {
            Ok(saved) => saved.map(|(_, why)| why),
            Err(error) => Some(error),
        };
        // Nothing that fails from here on may have it requested again.
        let got = self.store.state().unsaved.clone();
        let document = match got {
            None => directory.read().map(|content| content.document),
            Some(got) => with_tokens(&basis.content.document, &self.source.profile, &got.tokens, got.at.wall),
        };
        let published = document.and_then(|document| self.publish(&document, &basis.spent));
        let (publish, why) = published.map_or_else(|error| (None, Some(error)), |publish| (publish, why));
        Ok(self.answered(refused, why, publish))
    }

    /// Without the lock, as the directory cannot be reached or takes no lock: nobody else has these tokens. A fleet
    /// hears of them with a later call.
    pub(super) fn run_without_the_file(&self, why: Error) -> Result<Refreshed> {
        let now = Clocks::now();
        let is_wanted = match self.call {
            Call::Reload => false,
            Call::Fresh => !self.store.state().is_fresh(self.source.settings.refresh_ahead, now),
            Call::Refresh => true,
        };
        if !is_wanted || self.store.state().unsaved.is_none() {
            return Err(why);
        }
        match self.refresh_what_is_unsaved(None)? {
            None => Err(why),
            Some(Asked { refused, .. }) => Ok(self.answered(refused, Some(why), None)),
        }
    }

    /// Asks with the refresh token that is in this process alone; none where there is none.
    fn refresh_what_is_unsaved(&self, scopes: Option<&str>) -> Result<Option<Asked>> {
        let Some(old) = self.store.state().unsaved.clone() else { return Ok(None) };
        let copy = |secret: &Secret| Secret::copy_of(secret.expose_secret());
        // Where the endpoint gave no new one, the file's is still good.
        let refresh = copy(old.tokens.refresh.as_ref().unwrap_or(&old.in_file));
        let (mut tokens, _underway) = self.request(&refresh, scopes)?;
        tokens.refresh.get_or_insert_with(|| copy(&refresh));
        let (mut at, refused) = (Clocks::now(), tokens.access.as_ref().err().cloned());
        if refused.is_some() {
            let IssuedTokens { access, expires_in, extra, .. } = &old.tokens;
            let extra = extra.iter().map(|token| token.as_ref().map(copy)).collect();
            let access = access.as_ref().map(copy).map_err(Clone::clone);
            tokens = IssuedTokens { access, expires_in: *expires_in, extra, refresh: tokens.refresh };
            at = old.at;
        }
        let got = Obtained { tokens, at, in_file: copy(&old.in_file) };
        if let Some(login) = Login::obtained(&self.source.profile, &got.tokens, at).filter(|_| refused.is_none()) {
            self.store.take(&login, Some(at));
        }
        self.store.state().unsaved = Some(Arc::new(got));
        Ok(Some(Asked { spent: refresh, refused, _underway }))
    }
}
