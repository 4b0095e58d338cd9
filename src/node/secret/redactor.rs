//! `Redactor`: scrubs the worker's own text.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use napi::bindgen_prelude::{Buffer, BufferSlice, ClassInstance};
use napi_derive::napi;

use crate::credential::ServerCredentials;
use crate::environment::EnvPlan;
use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::IntoNapi;
use crate::node::credential::server::NativeServerCredentials;
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::node::secret::handle::NativeSecret;
use crate::node::secret::launch_redaction::{NativeFed, buffer, feed};
use crate::node::state::{self, Slot};
use crate::secret::redaction::{DEFAULT_MIN_LENGTH, Redactor, Stream};
use crate::secret::{ExposeSecret, Secret};

/// The secrets that a redactor is to be made of, until they are disposed of.
#[napi]
pub struct NativeRedactorSources {
    slot: Arc<Slot<Mutex<Vec<Source>>>>,
}

enum Source {
    Env(Arc<EnvPlan>),
    Server(Arc<ServerCredentials>),
    Secret(Arc<Secret>),
}

impl Source {
    fn secrets(&self) -> Box<dyn Iterator<Item = &[u8]> + '_> {
        match self {
            Self::Env(env) => Box::new(env.secrets()),
            Self::Server(keys) => Box::new(keys.providers().map(|(_, secret)| secret.expose_secret())),
            Self::Secret(secret) => Box::new(std::iter::once(secret.expose_secret())),
        }
    }
}

#[napi]
impl NativeRedactorSources {
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::new_without_default, reason = "JavaScript makes it")]
    pub fn new() -> Self {
        Self { slot: state::register(Slot::new(Mutex::default())) }
    }

    #[napi(catch_unwind)]
    pub fn add_env(&self, env: ClassInstance<'_, NativeProviderEnv>) -> napi::Result<()> {
        self.add(env.plan().map(Source::Env)).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn add_server_credentials(&self, keys: ClassInstance<'_, NativeServerCredentials>) -> napi::Result<()> {
        self.add(keys.credentials().map(Source::Server)).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn add_secret(&self, secret: ClassInstance<'_, NativeSecret>) -> napi::Result<()> {
        self.add(secret.secret().map(Source::Secret)).into_napi()
    }

    /// The redactor of all of them.
    #[napi(catch_unwind)]
    pub fn redactor(&self, min_length: Option<u32>) -> napi::Result<NativeRedactor> {
        self.build(min_length).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeRedactorSources {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<Source>) -> T) -> Result<T> {
        let sources = self.slot.get().ok_or_else(disposed)?;
        let mut sources = sources.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(work(&mut sources))
    }

    fn add(&self, source: Result<Source>) -> Result<()> {
        let source = source?;
        self.with(|sources| sources.push(source))
    }

    fn build(&self, min_length: Option<u32>) -> Result<NativeRedactor> {
        let min_length = min_length.map_or(DEFAULT_MIN_LENGTH, |length| length as usize);
        let redactor = self.with(|sources| Redactor::new(sources.iter().flat_map(Source::secrets), min_length))??;
        let skipped = u32::try_from(redactor.skipped()).unwrap_or(u32::MAX);
        Ok(NativeRedactor { slot: state::register(Slot::new(redactor)), skipped, streams: Mutex::default() })
    }
}

impl Drop for NativeRedactorSources {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

/// A redactor of the worker's own text.
#[napi]
pub struct NativeRedactor {
    slot: Arc<Slot<Redactor>>,
    skipped: u32,
    /// They end with it: what they look for is its.
    streams: Mutex<Vec<Weak<Slot<Mutex<Stream>>>>>,
}

#[napi]
impl NativeRedactor {
    #[napi(getter, catch_unwind)]
    pub fn skipped(&self) -> u32 {
        self.skipped
    }

    #[napi(getter, catch_unwind)]
    pub fn disposed(&self) -> bool {
        self.slot.get().is_none()
    }

    /// Scrubs one whole text in place, and says whether there was anything.
    #[napi(catch_unwind, ts_args_type = "text: Uint8Array")]
    pub fn redact(&self, mut text: BufferSlice<'_>) -> napi::Result<bool> {
        Ok(self.get().into_napi()?.scrub(&mut text))
    }

    /// What scrubs one stream.
    #[napi(catch_unwind)]
    pub fn stream(&self) -> napi::Result<NativeRedactorStream> {
        let slot = state::register(Slot::new(Mutex::new(Stream::new(self.get().into_napi()?))));
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&slot));
        Ok(NativeRedactorStream { slot })
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        for stream in self.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Some(slot) = stream.upgrade() {
                state::dispose(&slot);
            }
        }
        state::dispose(&self.slot);
    }
}

impl NativeRedactor {
    fn get(&self) -> Result<Arc<Redactor>> {
        self.slot.get().ok_or_else(disposed)
    }
}

impl Drop for NativeRedactor {
    fn drop(&mut self) {
        self.dispose();
    }
}

/// A stream that a redactor scrubs.
#[napi]
pub struct NativeRedactorStream {
    slot: Arc<Slot<Mutex<Stream>>>,
}

#[napi]
impl NativeRedactorStream {
    /// Scrubs the next chunk in place.
    #[napi(catch_unwind, ts_args_type = "chunk: Uint8Array")]
    pub fn feed(&self, mut chunk: BufferSlice<'_>) -> napi::Result<NativeFed> {
        self.with(|stream| feed(stream, &mut chunk)).into_napi()
    }

    /// What was held back of a stream that has ended.
    #[napi(catch_unwind)]
    pub fn finish(&self) -> napi::Result<Option<Buffer>> {
        self.with(|stream| buffer(stream.finish())).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeRedactorStream {
    fn with<T>(&self, work: impl FnOnce(&mut Stream) -> T) -> Result<T> {
        let stream = self.slot.get().ok_or_else(disposed)?;
        let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(work(&mut stream))
    }
}

impl Drop for NativeRedactorStream {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

fn disposed() -> Error {
    Error::new(ErrorCode::Disposed, "This Redactor was disposed of. Make a new one.")
}
