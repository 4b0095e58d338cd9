//! `takeServerCredentials` and its handle.

use std::sync::Arc;

use napi::Env;
use napi_derive::napi;

use crate::credential::ServerCredentials;
use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::OrThrow;
use crate::node::environment::process_env;
use crate::node::state::{self, Slot};
use crate::secret::Secret;
use crate::sys::memory;

/// The server's own keys.
#[napi]
pub struct NativeServerCredentials {
    slot: Arc<Slot<ServerCredentials>>,
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
    Ok(NativeServerCredentials { slot: state::register(Slot::new(keys)), names })
}

/// Every variable that a server's key can stand in.
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
    pub fn disposed(&self) -> bool {
        self.slot.get().is_none()
    }

    #[napi(getter, catch_unwind)]
    pub fn providers(&self) -> Vec<&'static str> {
        let keys = self.slot.get();
        keys.map(|keys| keys.providers().map(|(id, _)| id).collect()).unwrap_or_default()
    }

    #[napi(catch_unwind)]
    pub fn fingerprint(&self, env: &Env, provider: String) -> napi::Result<Option<String>> {
        let Some(keys) = self.slot.get() else { return Ok(None) };
        let found = keys.providers().find(|(id, _)| *id == provider).map(|(_, secret)| Secret::fingerprint(secret));
        Ok(found.transpose().or_throw(env)?.map(|fingerprint| fingerprint.to_string()))
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl Drop for NativeServerCredentials {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

impl NativeServerCredentials {
    /// The keys, unless they were disposed of.
    pub fn credentials(&self) -> Result<Arc<ServerCredentials>> {
        self.slot.get().ok_or_else(|| {
            let message = "options.serverCredentials was disposed of. Take them again, or leave the option out.";
            Error::new(ErrorCode::Disposed, message).name("serverCredentials")
        })
    }
}
