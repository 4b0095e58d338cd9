//! `CredentialStore`.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::credential::StoredCredential;
use crate::credential::store::{Call, Fleet, Location, Overrides, Profile, Settings, Store};
use crate::error::{Error, ErrorCode, Result};
use crate::net::jobs::{LOGINS, Turn};
use crate::node::boundary_error::IntoNapi;
use crate::node::net::{self, NativeHttpSettings};
use crate::node::secret::handle::NativeSecret;
use crate::node::secret::lockbox::NativeLockbox;
use crate::node::state::{self, Slot};
use crate::provider::{self, CredentialKind};

/// A store, held in Rust until it is disposed of.
#[napi]
pub struct NativeCredentialStore {
    /// Empty until a login was opened.
    slot: Arc<Slot<Mutex<Option<Arc<Store>>>>>,
    provider: &'static str,
}

/// Where a login is, and how it is kept fresh.
#[napi(object, object_to_js = false)]
pub struct NativeLoginOptions {
    pub dir: String,
    pub owner: Option<u32>,
    pub refresh_ahead_ms: u32,
    pub http: NativeHttpSettings,
    pub token_url: Option<String>,
    pub client_id: Option<String>,
    pub file: Option<String>,
    pub body: Option<String>,
    pub access_token: Option<String>,
    pub refresh_token: Option<String>,
    pub expires_at: Option<String>,
    pub expires_at_unit: Option<String>,
}

/// What a fleet shares.
#[napi(object, object_to_js = false)]
pub struct NativeFleet {
    pub name: String,
    pub published: Option<String>,
}

/// A store of one credential.
#[napi(catch_unwind)]
pub fn store_of(
    provider: String,
    kind: String,
    secret: ClassInstance<'_, NativeSecret>,
) -> napi::Result<NativeCredentialStore> {
    let provider = provider::find(&provider).into_napi()?;
    let kind =
        if kind == CredentialKind::OauthToken.as_str() { CredentialKind::OauthToken } else { CredentialKind::ApiKey };
    let store = secret.secret().and_then(|secret| Store::of(provider, kind, secret)).into_napi()?;
    Ok(NativeCredentialStore::new(provider.id, Some(store)))
}

/// A store whose login [`NativeCredentialStore::open`] reads.
#[napi(catch_unwind)]
pub fn login_store(provider: String) -> napi::Result<NativeCredentialStore> {
    let provider = provider::find(&provider).into_napi()?;
    Ok(NativeCredentialStore::new(provider.id, None))
}

#[napi]
impl NativeCredentialStore {
    /// Reads the login; the job's number.
    #[napi(catch_unwind)]
    pub fn open(&self, options: NativeLoginOptions) -> napi::Result<u32> {
        self.start_opening(options).into_napi()
    }

    /// Does what is asked of a login, by its name in JavaScript; the job's number.
    #[napi(catch_unwind)]
    pub fn refresh(
        &self,
        call: String,
        fleet: Option<NativeFleet>,
        lockbox: Option<ClassInstance<'_, NativeLockbox>>,
    ) -> napi::Result<u32> {
        self.start_refreshing(&call, fleet, lockbox.as_deref()).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn rotate(&self, secret: ClassInstance<'_, NativeSecret>) -> napi::Result<()> {
        let secret = secret.secret();
        secret.and_then(|secret| self.store()?.rotate(secret)).into_napi()
    }

    #[napi(getter, catch_unwind)]
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    #[napi(getter, catch_unwind)]
    pub fn kind(&self) -> napi::Result<&'static str> {
        Ok(self.store().into_napi()?.kind().as_str())
    }

    #[napi(getter, catch_unwind)]
    pub fn fingerprint(&self) -> napi::Result<String> {
        Ok(self.store().and_then(|store| store.fingerprint()).into_napi()?.to_string())
    }

    #[napi(getter, catch_unwind)]
    pub fn generation(&self) -> napi::Result<f64> {
        Ok(self.store().into_napi()?.generation() as f64)
    }

    #[napi(getter, catch_unwind)]
    pub fn expires_at(&self) -> napi::Result<Option<f64>> {
        Ok(self.store().into_napi()?.expires_at())
    }

    /// Whether `fresh()` has something to do.
    #[napi(getter, catch_unwind)]
    pub fn due(&self) -> napi::Result<bool> {
        Ok(self.store().into_napi()?.is_due())
    }

    #[napi(getter, catch_unwind)]
    pub fn persisted(&self) -> napi::Result<bool> {
        Ok(self.store().into_napi()?.is_persisted())
    }

    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> napi::Result<Option<String>> {
        Ok(self.store().into_napi()?.path())
    }

    #[napi(getter, catch_unwind)]
    pub fn disposed(&self) -> bool {
        self.slot.get().is_none()
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeCredentialStore {
    fn new(provider: &'static str, store: Option<Store>) -> Self {
        Self { slot: state::register(Slot::new(Mutex::new(store.map(Arc::new)))), provider }
    }

    /// What it has to offer to a launch.
    ///
    /// # Errors
    /// `DISPOSED`, `CREDENTIAL_EXPIRED`.
    pub fn credential(&self) -> Result<StoredCredential> {
        self.store()?.credential()
    }

    fn store(&self) -> Result<Arc<Store>> {
        let slot = self.slot.get().ok_or_else(disposed)?;
        let store = slot.lock().unwrap_or_else(PoisonError::into_inner);
        store.clone().ok_or_else(disposed)
    }

    fn start_opening(&self, options: NativeLoginOptions) -> Result<u32> {
        let slot = self.slot.get().ok_or_else(disposed)?;
        let NativeLoginOptions {
            token_url,
            client_id,
            file,
            body,
            access_token,
            refresh_token,
            expires_at,
            expires_at_unit,
            ..
        } = options;
        let overrides =
            Overrides { token_url, client_id, file, body, access_token, refresh_token, expires_at, expires_at_unit };
        let profile = Profile::new(provider::find(self.provider)?, overrides)?;
        let location = Location::of(&profile, PathBuf::from(options.dir), options.owner);
        let settings = Settings { refresh_ahead: f64::from(options.refresh_ahead_ms), http: options.http.read()? };
        let path = location.path().display().to_string();
        // Beside the one call about this login that may be under way: it reads, and takes no lock.
        let turn = turn(&path, &format!("{path} to be read"), Instant::now() + settings.http.timeout);
        let deadline = turn.deadline;
        let mut wanted = Some((location, profile, settings));
        net::start(&LOGINS, turn, move || {
            ControlFlow::Break(open(wanted.take(), deadline).map(|store| {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(store));
            }))
        })
    }

    fn start_refreshing(&self, call: &str, fleet: Option<NativeFleet>, lockbox: Option<&NativeLockbox>) -> Result<u32> {
        let store = self.store()?;
        let call = Call::named(call)
            .ok_or_else(|| Error::new(ErrorCode::Internal, "The facade asks for what the addon does not know."))?;
        let lockbox = lockbox.map(NativeLockbox::lockbox).transpose()?;
        let mut attempt = store.attempt();
        // One call at a time is about a login.
        let place = store.path().unwrap_or_default();
        net::start(&LOGINS, turn(&place, &place, attempt.deadline), move || {
            let fleet = fleet.as_ref().zip(lockbox.as_deref()).map(|(fleet, lockbox)| Fleet {
                lockbox,
                name: &fleet.name,
                published: fleet.published.as_deref(),
            });
            store.try_refresh(call, fleet.as_ref(), &mut attempt)
        })
    }
}

impl Drop for NativeCredentialStore {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

fn turn(source: &str, endpoint: &str, deadline: Instant) -> Turn {
    Turn { source: source.into(), endpoint: endpoint.into(), deadline, is_abandoned: Arc::default() }
}

fn open(wanted: Option<(Location, Profile, Settings)>, deadline: Instant) -> Result<Store> {
    match wanted {
        Some((location, profile, settings)) if Instant::now() < deadline => Store::open(location, profile, settings),
        _ => Err(Error::new(
            ErrorCode::Busy,
            "Too many logins are read at once: this one had no turn within options.timeoutMs. Try again later.",
        )),
    }
}

fn disposed() -> Error {
    Error::new(ErrorCode::Disposed, "This CredentialStore was disposed of. Open it again.")
}
