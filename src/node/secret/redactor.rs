//! Redactors for the worker's own text and for the standard streams of a launch.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use napi::Env;
use napi::bindgen_prelude::{Buffer, BufferSlice, ClassInstance, Either4};
use napi_derive::napi;

use crate::credential::ServerCredentials;
use crate::environment::EnvPlan;
use crate::error::Result;
use crate::node::boundary_error::OrThrow;
use crate::node::credential::server::NativeServerCredentials;
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::node::environment::wire_buffer::broken;
use crate::node::secret::handle::NativeSecret;
use crate::node::state::{Clear, Disposable, disposable};
use crate::secret::redaction::{DEFAULT_MIN_LENGTH, Redactor, Stream};
use crate::secret::{ExposeSecret, Secret};

const DISPOSED: &str = "This Redactor was disposed of. Create a new one.";

type RedactionSource<'env> = Either4<
    ClassInstance<'env, NativeProviderEnv>,
    ClassInstance<'env, NativeServerCredentials>,
    ClassInstance<'env, NativeSecret>,
    BufferSlice<'env>,
>;

/// What a redactor looks for, for as long as it is made.
enum Source<'a> {
    Env(Arc<EnvPlan>),
    Server(Arc<ServerCredentials>),
    Secret(Arc<Secret>),
    Bytes(&'a [u8]),
}

impl<'a> Source<'a> {
    fn of(native: &'a RedactionSource<'_>) -> Result<Self> {
        Ok(match native {
            Either4::A(env) => Self::Env(env.plan()?),
            Either4::B(keys) => Self::Server(keys.credentials()?),
            Either4::C(secret) => Self::Secret(secret.secret()?),
            Either4::D(bytes) => Self::Bytes(bytes),
        })
    }

    fn secrets(&self) -> Box<dyn Iterator<Item = &[u8]> + '_> {
        match self {
            Self::Env(env) => Box::new(env.secrets()),
            Self::Server(keys) => Box::new(keys.providers().map(|(_, secret)| secret.expose_secret())),
            Self::Secret(secret) => Box::new(std::iter::once(secret.expose_secret())),
            Self::Bytes(bytes) => Box::new(std::iter::once(*bytes)),
        }
    }
}

/// A redactor of the worker's own text.
#[napi]
pub struct NativeRedactor {
    held: Disposable<Redactor>,
    skipped: u32,
    /// They end with it: what they look for is its.
    streams: Mutex<Vec<Weak<dyn Clear>>>,
}

/// Creates a redactor of these secrets.
#[napi(
    catch_unwind,
    ts_args_type = "sources: Array<NativeProviderEnv | NativeServerCredentials | NativeSecret | Uint8Array>, minLength: number | undefined"
)]
pub fn redactor_of(
    env: &Env,
    sources: Vec<RedactionSource<'_>>,
    min_length: Option<u32>,
) -> napi::Result<NativeRedactor> {
    NativeRedactor::new(&sources, min_length).or_throw(env)
}

#[napi]
impl NativeRedactor {
    #[napi(getter, catch_unwind)]
    pub fn skipped(&self) -> u32 {
        self.skipped
    }

    #[napi(getter, catch_unwind)]
    pub fn disposed(&self) -> bool {
        self.held.is_disposed()
    }

    /// Redacts one complete text in place, and returns whether it contained a secret.
    #[napi(catch_unwind, ts_args_type = "text: Uint8Array")]
    pub fn redact(&self, env: &Env, mut text: BufferSlice<'_>) -> napi::Result<bool> {
        Ok(self.held.get().or_throw(env)?.scrub(&mut text))
    }

    #[napi(catch_unwind)]
    pub fn stream(&self, env: &Env) -> napi::Result<NativeRedactorStream> {
        let state = StreamState::Working(Stream::new(self.held.get().or_throw(env)?));
        let stream = NativeRedactorStream { held: Disposable::new(Mutex::new(state), DISPOSED) };
        let mut streams = lock(&self.streams);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(stream.held.remote());
        Ok(stream)
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        for stream in lock(&self.streams).drain(..).filter_map(|stream| stream.upgrade()) {
            stream.clear();
        }
        self.held.dispose();
    }
}

impl NativeRedactor {
    fn new(sources: &[RedactionSource<'_>], min_length: Option<u32>) -> Result<Self> {
        let sources = sources.iter().map(Source::of).collect::<Result<Vec<_>>>()?;
        let min_length = min_length.map_or(DEFAULT_MIN_LENGTH, |length| length as usize);
        let redactor = Redactor::new(sources.iter().flat_map(Source::secrets), min_length)?;
        let skipped = u32::try_from(redactor.skipped()).unwrap_or(u32::MAX);
        Ok(Self { held: Disposable::new(redactor, DISPOSED), skipped, streams: Mutex::default() })
    }
}

impl Drop for NativeRedactor {
    fn drop(&mut self) {
        self.dispose();
    }
}

/// Redacts one stream, chunk by chunk and in place.
#[napi]
pub struct NativeRedactorStream {
    held: Disposable<Mutex<StreamState>>,
}

/// Most launches write nothing that has to be scrubbed: their redactor is made with the first chunk of one of the streams.
enum StreamState {
    Waiting(Arc<Mutex<LaunchRedaction>>),
    Working(Stream),
}

enum LaunchRedaction {
    Planned(Arc<EnvPlan>),
    Redacted(Arc<Redactor>),
}

/// The part of a chunk that may be passed on.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ScrubbedChunk {
    /// The bytes that had been held back.
    pub before: Option<Buffer>,
    /// The number of bytes from the beginning of the chunk.
    pub through: u32,
}

/// Returns the redactors of this many standard streams of a launch with this environment.
#[napi(catch_unwind)]
pub fn launch_redaction(
    env: &Env,
    provider_env: ClassInstance<'_, NativeProviderEnv>,
    streams: u32,
) -> napi::Result<Vec<NativeRedactorStream>> {
    let launch = Arc::new(Mutex::new(LaunchRedaction::Planned(provider_env.plan().or_throw(env)?)));
    let disposed = "The redactor of this output was disposed of together with its Node environment.";
    let stream = |_| {
        let state = StreamState::Waiting(Arc::clone(&launch));
        NativeRedactorStream { held: Disposable::new(Mutex::new(state), disposed) }
    };
    Ok((0..streams).map(stream).collect())
}

#[napi]
impl NativeRedactorStream {
    /// Redacts the next chunk in place.
    #[napi(catch_unwind, ts_args_type = "chunk: Uint8Array")]
    pub fn feed(&self, env: &Env, mut chunk: BufferSlice<'_>) -> napi::Result<ScrubbedChunk> {
        let held = self.held.get().or_throw(env)?;
        let mut state = lock(&held);
        let fed = state.stream().or_throw(env)?.feed(&mut chunk);
        // A chunk is a read of a pipe or a buffer of Node's: below 4 GiB.
        Ok(ScrubbedChunk { before: buffer(fed.before), through: fed.through as u32 })
    }

    /// The bytes that were held back of a stream that has ended.
    #[napi(catch_unwind)]
    pub fn finish(&self, env: &Env) -> napi::Result<Option<Buffer>> {
        let held = self.held.get().or_throw(env)?;
        match &mut *lock(&held) {
            StreamState::Waiting(_) => Ok(None),
            StreamState::Working(stream) => Ok(buffer(stream.finish())),
        }
    }
}

disposable!(NativeRedactorStream);

impl StreamState {
    fn stream(&mut self) -> Result<&mut Stream> {
        if let Self::Waiting(launch) = self {
            let redactor = lock(launch).redactor()?;
            *self = Self::Working(Stream::new(redactor));
        }
        let Self::Working(stream) = self else { return Err(broken()) };
        Ok(stream)
    }
}

impl LaunchRedaction {
    fn redactor(&mut self) -> Result<Arc<Redactor>> {
        let redactor = match self {
            Self::Planned(plan) => Arc::new(Redactor::new(plan.secrets(), DEFAULT_MIN_LENGTH)?),
            Self::Redacted(redactor) => Arc::clone(redactor),
        };
        *self = Self::Redacted(Arc::clone(&redactor));
        Ok(redactor)
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes for JavaScript; none for none.
fn buffer(bytes: &[u8]) -> Option<Buffer> {
    (!bytes.is_empty()).then(|| Buffer::from(bytes))
}
