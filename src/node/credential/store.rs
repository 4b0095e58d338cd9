//! `CredentialStore`.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use napi::Env;
use napi::bindgen_prelude::{ClassInstance, PromiseRaw};
use napi_derive::napi;

use crate::credential::StoredCredential;
use crate::credential::store::{Call, Fleet, Location, Overrides, Profile, Refreshed, Store, StoreSettings};
use crate::error::{Error, ErrorCode, Result};
use crate::net::jobs::{LOGINS, Turn};
use crate::node::boundary_error::OrThrow;
use crate::node::credential::key::pasted_kind;
use crate::node::net::{self, HttpSettings};
use crate::node::secret::handle::NativeSecret;
use crate::node::secret::lockbox::NativeLockbox;
use crate::node::state::{Disposable, disposable};
use crate::provider::{self, CredentialKind};

const DISPOSED: &str = "This CredentialStore was disposed of. Open it again.";

/// A credential store, which Rust holds until it is disposed of.
#[napi]
pub struct NativeCredentialStore {
    /// Empty until a login was opened.
    held: Disposable<Mutex<Option<Arc<Store>>>>,
    provider: &'static str,
}

/// Where a login is, and how it is refreshed.
#[napi(object, object_to_js = false)]
pub struct LoginOptions {
    pub dir: String,
    /// The uid that the file must belong to.
    pub owner: Option<u32>,
    pub refresh_ahead_ms: u32,
    pub http: HttpSettings,
    pub overrides: Overrides,
}

/// What the hosts of a fleet share of one login.
#[napi(object, object_to_js = false)]
pub struct FleetEntry {
    pub name: String,
    /// The value of `publish` after the last refresh on any host.
    pub published: Option<String>,
}

/// A store of a single credential.
#[napi(catch_unwind)]
pub fn store_of(
    env: &Env,
    provider: String,
    kind: Option<String>,
    secret: ClassInstance<'_, NativeSecret>,
) -> napi::Result<NativeCredentialStore> {
    let provider = provider::find(&provider).or_throw(env)?;
    let kind = pasted_kind(kind.as_deref()).or_throw(env)?;
    let store = secret.secret().and_then(|secret| Store::of(provider, kind, secret)).or_throw(env)?;
    Ok(NativeCredentialStore::new(provider.id, Some(store)))
}

/// Creates a store, whose method `open` reads the login.
#[napi(catch_unwind)]
pub fn login_store(env: &Env, provider: String) -> napi::Result<NativeCredentialStore> {
    let provider = provider::find(&provider).or_throw(env)?;
    Ok(NativeCredentialStore::new(provider.id, None))
}

#[napi]
impl NativeCredentialStore {
    /// Reads the login. Before that, there is no credential for a launch.
    #[napi(catch_unwind)]
    pub fn open<'env>(&self, env: &'env Env, options: LoginOptions) -> napi::Result<PromiseRaw<'env, ()>> {
        let (turn, open) = self.opening(options).or_throw(env)?;
        net::start(env, &LOGINS, turn, None, open)
    }

    /// Carries out a request about a login.
    #[napi(catch_unwind)]
    pub fn refresh<'env>(
        &self,
        env: &'env Env,
        call: Call,
        fleet: Option<FleetEntry>,
        lockbox: Option<ClassInstance<'_, NativeLockbox>>,
    ) -> napi::Result<PromiseRaw<'env, Refreshed>> {
        let store = self.store().or_throw(env)?;
        let lockbox = lockbox.as_deref().map(NativeLockbox::lockbox).transpose().or_throw(env)?;
        let mut attempt = store.attempt();
        // One call at a time is about a login.
        let place = store.path().unwrap_or_default();
        net::start(env, &LOGINS, turn(&place, &place, attempt.deadline), None, move || {
            let fleet = fleet.as_ref().zip(lockbox.as_deref()).map(|(fleet, lockbox)| Fleet {
                lockbox,
                name: &fleet.name,
                published: fleet.published.as_deref(),
            });
            store.try_refresh(call, fleet.as_ref(), &mut attempt)
        })
    }

    #[napi(catch_unwind)]
    pub fn rotate(&self, env: &Env, secret: ClassInstance<'_, NativeSecret>) -> napi::Result<()> {
        let secret = secret.secret();
        secret.and_then(|secret| self.store()?.rotate(secret)).or_throw(env)
    }

    #[napi(getter, catch_unwind)]
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    #[napi(getter, catch_unwind)]
    pub fn kind(&self, env: &Env) -> napi::Result<CredentialKind> {
        Ok(self.store().or_throw(env)?.kind())
    }

    #[napi(getter, catch_unwind)]
    pub fn fingerprint(&self, env: &Env) -> napi::Result<String> {
        Ok(self.store().and_then(|store| store.fingerprint()).or_throw(env)?.to_string())
    }

    #[napi(getter, catch_unwind)]
    pub fn generation(&self, env: &Env) -> napi::Result<f64> {
        Ok(self.store().or_throw(env)?.generation() as f64)
    }

    #[napi(getter, catch_unwind)]
    pub fn expires_at(&self, env: &Env) -> napi::Result<Option<f64>> {
        Ok(self.store().or_throw(env)?.expires_at())
    }

    /// Whether `fresh()` has anything to do.
    #[napi(getter, catch_unwind)]
    pub fn due(&self, env: &Env) -> napi::Result<bool> {
        Ok(self.store().or_throw(env)?.is_due())
    }

    #[napi(getter, catch_unwind)]
    pub fn persisted(&self, env: &Env) -> napi::Result<bool> {
        Ok(self.store().or_throw(env)?.is_persisted())
    }

    #[napi(getter, catch_unwind)]
    pub fn path(&self, env: &Env) -> napi::Result<Option<String>> {
        Ok(self.store().or_throw(env)?.path())
    }
}

disposable!(NativeCredentialStore);

impl NativeCredentialStore {
    fn new(provider: &'static str, store: Option<Store>) -> Self {
        Self { held: Disposable::new(Mutex::new(store.map(Arc::new)), DISPOSED), provider }
    }

    /// What it has to offer to a launch.
    ///
    /// # Errors
    /// `DISPOSED`, `CREDENTIAL_EXPIRED`.
    pub fn credential(&self) -> Result<StoredCredential> {
        self.store()?.credential()
    }

    fn store(&self) -> Result<Arc<Store>> {
        let held = self.held.get()?;
        let store = held.lock().unwrap_or_else(PoisonError::into_inner);
        store.clone().ok_or_else(|| Error::new(ErrorCode::Disposed, DISPOSED))
    }

    /// Whom the opening waits for, and what does it.
    fn opening(
        &self,
        options: LoginOptions,
    ) -> Result<(Turn, impl FnMut() -> ControlFlow<Result<()>, Instant> + Send + use<>)> {
        let held = self.held.get()?;
        let profile = Profile::new(provider::find(self.provider)?, options.overrides)?;
        let location = Location::of(&profile, PathBuf::from(options.dir), options.owner);
        let settings = StoreSettings { refresh_ahead: f64::from(options.refresh_ahead_ms), http: options.http.read()? };
        let path = location.path().display().to_string();
        // Beside the one call about this login that may be under way: it reads, and takes no lock.
        let turn = turn(&path, &format!("{path} to be read"), Instant::now() + settings.http.timeout);
        let deadline = turn.deadline;
        let mut wanted = Some((location, profile, settings));
        let open = move || {
            ControlFlow::Break(open(wanted.take(), deadline).map(|store| {
                *held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(store));
            }))
        };
        Ok((turn, open))
    }
}

fn turn(source: &str, endpoint: &str, deadline: Instant) -> Turn {
    Turn { source: source.into(), endpoint: endpoint.into(), deadline, is_abandoned: Arc::default() }
}

fn open(wanted: Option<(Location, Profile, StoreSettings)>, deadline: Instant) -> Result<Store> {
    match wanted {
        Some((location, profile, settings)) if Instant::now() < deadline => Store::open(location, profile, settings),
        _ => Err(Error::new(
            ErrorCode::Busy,
            "Too many logins are being read at once, and this one did not get its turn within options.timeoutMs. Try \
            again later.",
        )),
    }
}
