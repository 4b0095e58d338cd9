//! `Redactor`, and what scrubs the output of a launch.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Buffer, BufferSlice, ClassInstance};
use napi_derive::napi;

use super::boundary_error::IntoNapi;
use super::env::NativeProviderEnv;
use super::frame::Consumed;
use super::secret::NativeSecret;
use super::server::NativeServerCredentials;
use super::state::{self, Slot};
use crate::credential::ServerCredentials;
use crate::environment::{Delivery, EnvPlan};
use crate::error::{Error, ErrorCode, Result};
use crate::redact::{DEFAULT_MIN_LENGTH, Redactor, Stream};
use crate::secret::Secret;

/// What may be passed on of a chunk.
#[napi(object, object_from_js = false)]
pub struct NativeFed {
    /// What had been held back.
    pub before: Option<Buffer>,
    /// How much of the chunk, from its beginning.
    pub through: u32,
}

/// Scrubs the standard streams of one launch. The secrets stay with it until it is disposed of.
#[napi]
pub struct NativeRedaction {
    slot: Arc<Slot<Redaction>>,
}

struct Redaction {
    env: Arc<EnvPlan>,
    /// Made with the first chunk: most launches write nothing that has to be scrubbed.
    work: Mutex<Option<Work>>,
}

struct Work {
    redactor: Arc<Redactor>,
    streams: [Option<Stream>; 3],
}

/// What scrubs the output of a launch with this environment.
#[napi(catch_unwind)]
pub fn redaction_for(env: ClassInstance<'_, NativeProviderEnv>) -> napi::Result<NativeRedaction> {
    let env = env.plan().into_napi()?;
    Ok(NativeRedaction { slot: state::register(Slot::new(Redaction { env, work: Mutex::default() })) })
}

#[napi]
impl NativeRedaction {
    /// Scrubs the next chunk of a stream in place.
    #[napi(catch_unwind, ts_args_type = "index: number, chunk: Uint8Array")]
    pub fn feed(&self, index: u32, mut chunk: BufferSlice<'_>) -> napi::Result<NativeFed> {
        self.with_stream(index, |stream| feed(stream, &mut chunk)).into_napi()
    }

    /// What was held back of a stream that has ended.
    #[napi(catch_unwind)]
    pub fn finish(&self, index: u32) -> napi::Result<Option<Buffer>> {
        self.with_stream(index, |stream| buffer(stream.finish())).into_napi()
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeRedaction {
    fn with_stream<T>(&self, index: u32, work: impl FnOnce(&mut Stream) -> T) -> Result<T> {
        let redaction = self.slot.get().ok_or_else(|| disposed("The redaction of a launch"))?;
        let mut all = redaction.work.lock().unwrap_or_else(PoisonError::into_inner);
        let all = match &mut *all {
            Some(all) => all,
            none => none.insert(Work { redactor: Arc::new(redactor_of(&redaction.env)?), streams: [None, None, None] }),
        };
        let redactor = &all.redactor;
        let stream = all.streams.get_mut(index as usize).ok_or_else(no_such_stream)?;
        Ok(work(stream.get_or_insert_with(|| Stream::new(Arc::clone(redactor)))))
    }
}

impl Drop for NativeRedaction {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

fn redactor_of(env: &EnvPlan) -> Result<Redactor> {
    Redactor::new(secrets_of(env), DEFAULT_MIN_LENGTH)
}

/// Every secret of a launch: of the delivery that puts all of them into the environment.
fn secrets_of(env: &EnvPlan) -> impl Iterator<Item = &[u8]> {
    let key = env.credential.secret.as_deref().map(Secret::expose);
    let values = env.variables(Delivery::Env).filter(|variable| variable.is_secret).map(|variable| variable.value);
    key.into_iter().chain(values)
}

fn feed(stream: &mut Stream, chunk: &mut [u8]) -> NativeFed {
    let fed = stream.feed(chunk);
    // A chunk is a read of a pipe or a buffer of Node's: below 4 GiB.
    NativeFed { before: buffer(fed.before), through: fed.through as u32 }
}

fn buffer(bytes: &[u8]) -> Option<Buffer> {
    (!bytes.is_empty()).then(|| Buffer::from(bytes))
}

/// The secrets that a redactor is to be made of.
#[derive(Default)]
#[napi]
pub struct NativeRedactorSources {
    sources: RefCell<Vec<Source>>,
}

enum Source {
    Env(Arc<EnvPlan>),
    Server(Arc<ServerCredentials>),
    Secret(Arc<Secret>),
}

#[napi]
impl NativeRedactorSources {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
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

    /// Adds bytes, and wipes them.
    #[napi(catch_unwind, ts_args_type = "bytes: Uint8Array")]
    pub fn add_bytes(&self, bytes: BufferSlice<'_>) -> napi::Result<()> {
        let bytes = Consumed(bytes);
        self.add(Ok(Source::Secret(Arc::new(Secret::copy_of(&bytes.0))))).into_napi()
    }

    /// The redactor of all of them.
    #[napi(catch_unwind)]
    pub fn redactor(&self, min_length: Option<u32>) -> napi::Result<NativeRedactor> {
        let sources = self.sources.take();
        let secrets = sources.iter().flat_map(secrets_in);
        let min_length = min_length.map_or(DEFAULT_MIN_LENGTH, |length| length as usize);
        let redactor = Redactor::new(secrets, min_length).into_napi()?;
        let skipped = u32::try_from(redactor.skipped()).unwrap_or(u32::MAX);
        Ok(NativeRedactor { slot: state::register(Slot::new(redactor)), skipped })
    }
}

impl NativeRedactorSources {
    fn add(&self, source: Result<Source>) -> Result<()> {
        self.sources.borrow_mut().push(source?);
        Ok(())
    }
}

fn secrets_in(source: &Source) -> Box<dyn Iterator<Item = &[u8]> + '_> {
    match source {
        Source::Env(env) => Box::new(secrets_of(env)),
        Source::Server(keys) => Box::new(keys.providers().map(|(_, secret)| secret.expose())),
        Source::Secret(secret) => Box::new(std::iter::once(secret.expose())),
    }
}

/// A redactor of the worker's own text.
#[napi]
pub struct NativeRedactor {
    slot: Arc<Slot<Redactor>>,
    skipped: u32,
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
        let stream = Stream::new(self.get().into_napi()?);
        Ok(NativeRedactorStream { slot: state::register(Slot::new(Mutex::new(stream))) })
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeRedactor {
    fn get(&self) -> Result<Arc<Redactor>> {
        self.slot.get().ok_or_else(|| disposed("This Redactor"))
    }
}

impl Drop for NativeRedactor {
    fn drop(&mut self) {
        state::dispose(&self.slot);
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
        let stream = self.slot.get().ok_or_else(|| disposed("The stream of a Redactor"))?;
        let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(work(&mut stream))
    }
}

impl Drop for NativeRedactorStream {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

fn disposed(what: &str) -> Error {
    Error::new(ErrorCode::Disposed, format!("{what} was disposed of. Make a new one."))
}

fn no_such_stream() -> Error {
    Error::new(ErrorCode::Internal, "There is no such standard stream.")
}
