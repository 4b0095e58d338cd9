//! The server's own keys, which a launch uses as a fallback only if the caller passes them.

use std::sync::Arc;

use super::shape;
use crate::error::Result;
use crate::provider::{CredentialKind, PROVIDERS, Provider};
use crate::secret::{ExposeSecret, Secret};

/// The server's keys: for each provider and kind at most one.
#[derive(Debug, Default)]
pub struct ServerCredentials {
    keys: Vec<(&'static Provider, CredentialKind, Arc<Secret>)>,
}

impl ServerCredentials {
    /// Every variable that a server's key can be in, in the order in which they are looked at.
    pub fn variables() -> impl Iterator<Item = &'static str> {
        let inputs = PROVIDERS.iter().flat_map(|provider| provider.credential_inputs());
        inputs.flat_map(|input| input.server_variables.iter().copied())
    }

    /// Takes the first value that is there for each provider. `take` removes a variable's value from where it is.
    ///
    /// # Errors
    /// `KEY_MALFORMED`, `KEY_WRONG_PROVIDER`.
    pub fn from_variables(mut take: impl FnMut(&'static str) -> Option<Secret>) -> Result<Self> {
        let mut found = Self::default();
        for provider in PROVIDERS {
            for input in provider.credential_inputs() {
                for variable in input.server_variables {
                    let Some(secret) = take(variable).filter(|secret| !secret.is_empty()) else {
                        continue;
                    };
                    shape::check(provider, input.kind, variable, secret.expose_secret())?;
                    found.add(provider, input.kind, secret);
                }
            }
        }
        Ok(found)
    }

    /// Keeps the first: the order of the variables is the order of precedence.
    fn add(&mut self, provider: &'static Provider, kind: CredentialKind, secret: Secret) {
        if self.get(provider, kind).is_none() {
            self.keys.push((provider, kind, Arc::new(secret)));
        }
    }

    /// The server's key of this kind for a provider; none where no variable had one.
    #[must_use]
    pub fn get(&self, provider: &Provider, kind: CredentialKind) -> Option<Arc<Secret>> {
        let mut keys = self.keys.iter();
        keys.find(|(row, of, _)| row.id == provider.id && *of == kind).map(|(_, _, secret)| Arc::clone(secret))
    }

    /// Refuses them where the kernel refused a protection of the memory that they are in.
    ///
    /// # Errors
    /// `MEMORY_UNPROTECTED`.
    pub fn require_protection(&self) -> Result<()> {
        self.keys.iter().try_for_each(|(_, _, secret)| secret.require_protection())
    }

    /// The providers that there is a key for, each with it.
    pub fn providers(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        self.keys.iter().map(|(provider, _, secret)| (provider.id, &**secret))
    }
}
