//! `takeServerCredentials` and its handle.

use std::sync::Arc;

use napi::Env;
use napi_derive::napi;

use crate::credential::ServerCredentials;
use crate::error::Result;
use crate::node::boundary_error::OrThrow;
use crate::node::environment::process_env;
use crate::node::state::{Disposable, disposable};
use crate::secret::Secret;
use crate::sys::memory;

/// The server's own keys, which any environment may be built with until they are disposed of.
#[napi]
pub struct NativeServerCredentials {
    held: Disposable<ServerCredentials>,
    names: Vec<&'static str>,
}

/// Copies the server's keys out of the environment and wipes their values there. The facade then unsets the names
/// and calls `wipeInitialEnvironment`.
#[napi(catch_unwind)]
pub fn take_server_credentials(env: &Env, require_protection: bool) -> napi::Result<NativeServerCredentials> {
    take(require_protection).or_throw(env)
}

fn take(require_protection: bool) -> Result<NativeServerCredentials> {
    // Looked at first: keys that could not be wiped are not taken.
    process_env::can_be_wiped()?;
    let keys = ServerCredentials::from_variables(|name| memory::with_variable(name, Secret::copy_of))?;
    if require_protection {
        keys.require_protection()?;
    }
    let mut names = Vec::new();
    for name in ServerCredentials::variables() {
        if !names.contains(&name) && memory::with_variable(name, |_| ()).is_some() {
            memory::wipe_value(name);
            names.push(name);
        }
    }
    let disposed = "options.serverCredentials was disposed of. Call takeServerCredentials() again, or omit the option.";
    Ok(NativeServerCredentials { held: Disposable::new(keys, disposed), names })
}

/// All variables that can hold a server's key.
#[napi(catch_unwind)]
pub fn server_variables() -> Vec<&'static str> {
    ServerCredentials::variables().collect()
}

#[napi]
impl NativeServerCredentials {
    #[napi(getter, catch_unwind)]
    pub fn names(&self) -> Vec<&'static str> {
        self.names.clone()
    }

    #[napi(getter, catch_unwind)]
    pub fn providers(&self) -> Vec<&'static str> {
        let keys = self.held.get().ok();
        keys.map(|keys| keys.providers().map(|(id, _)| id).collect()).unwrap_or_default()
    }

    #[napi(catch_unwind)]
    pub fn fingerprint(&self, env: &Env, provider: String) -> napi::Result<Option<String>> {
        let Ok(keys) = self.held.get() else { return Ok(None) };
        let found = keys.providers().find(|(id, _)| *id == provider).map(|(_, secret)| Secret::fingerprint(secret));
        Ok(found.transpose().or_throw(env)?.map(|fingerprint| fingerprint.to_string()))
    }
}

disposable!(NativeServerCredentials);

impl NativeServerCredentials {
    /// The keys.
    ///
    /// # Errors
    /// `DISPOSED`.
    pub fn credentials(&self) -> Result<Arc<ServerCredentials>> {
        self.held.get().map_err(|error| error.name("serverCredentials"))
    }
}
