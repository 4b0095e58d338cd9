//! What scrubs the standard streams of one launch.

use std::sync::{Arc, Mutex, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{Buffer, BufferSlice, ClassInstance};
use napi_derive::napi;

use crate::environment::EnvPlan;
use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::OrThrow;
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::node::state::{self, Slot};
use crate::secret::redaction::{DEFAULT_MIN_LENGTH, Redactor, Stream};

/// What may be passed on of a chunk.
#[napi(object, object_from_js = false)]
pub struct NativeFed {
    /// What had been held back.
    pub before: Option<Buffer>,
    /// How much of the chunk, from its beginning.
    pub through: u32,
}

/// Takes a chunk of a stream.
pub fn feed(stream: &mut Stream, chunk: &mut [u8]) -> NativeFed {
    let fed = stream.feed(chunk);
    // A chunk is a read of a pipe or a buffer of Node's: below 4 GiB.
    NativeFed { before: buffer(fed.before), through: fed.through as u32 }
}

/// Bytes for JavaScript; none for none.
pub fn buffer(bytes: &[u8]) -> Option<Buffer> {
    (!bytes.is_empty()).then(|| Buffer::from(bytes))
}

/// Scrubs the standard streams of one launch. What it looks for stays with it until it is disposed of.
#[napi]
pub struct NativeRedaction {
    slot: Arc<Slot<Mutex<Redaction>>>,
}

/// Most launches write nothing that has to be scrubbed: the forms are made with the first chunk.
enum Redaction {
    Waiting(Arc<EnvPlan>),
    Working(Arc<Redactor>, Box<[Option<Stream>; 3]>),
}

/// What scrubs the output of a launch with this environment.
#[napi(catch_unwind)]
pub fn redaction_for(node: &Env, env: ClassInstance<'_, NativeProviderEnv>) -> napi::Result<NativeRedaction> {
    let env = env.plan().or_throw(node)?;
    Ok(NativeRedaction { slot: state::register(Slot::new(Mutex::new(Redaction::Waiting(env)))) })
}

#[napi]
impl NativeRedaction {
    /// Scrubs the next chunk of a stream in place.
    #[napi(catch_unwind, ts_args_type = "index: number, chunk: Uint8Array")]
    pub fn feed(&self, env: &Env, index: u32, mut chunk: BufferSlice<'_>) -> napi::Result<NativeFed> {
        self.with(|redaction| Ok(feed(redaction.stream(index)?, &mut chunk))).or_throw(env)
    }

    /// What was held back of a stream that has ended.
    #[napi(catch_unwind)]
    pub fn finish(&self, env: &Env, index: u32) -> napi::Result<Option<Buffer>> {
        self.with(|redaction| match redaction {
            Redaction::Waiting(_) => Ok(None),
            Redaction::Working(..) => Ok(buffer(redaction.stream(index)?.finish())),
        })
        .or_throw(env)
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self) {
        state::dispose(&self.slot);
    }
}

impl NativeRedaction {
    fn with<T>(&self, work: impl FnOnce(&mut Redaction) -> Result<T>) -> Result<T> {
        let redaction = self.slot.get().ok_or_else(|| {
            let message = "What scrubs this output was disposed of with its Node environment.";
            Error::new(ErrorCode::Disposed, message)
        })?;
        let mut redaction = redaction.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut redaction)
    }
}

impl Redaction {
    fn stream(&mut self, index: u32) -> Result<&mut Stream> {
        if let Self::Waiting(env) = self {
            let redactor = Redactor::new(env.secrets(), DEFAULT_MIN_LENGTH)?;
            *self = Self::Working(Arc::new(redactor), Box::default());
        }
        let Self::Working(redactor, streams) = self else { return Err(no_such_stream()) };
        let stream = streams.get_mut(index as usize).ok_or_else(no_such_stream)?;
        Ok(stream.get_or_insert_with(|| Stream::new(Arc::clone(redactor))))
    }
}

impl Drop for NativeRedaction {
    fn drop(&mut self) {
        state::dispose(&self.slot);
    }
}

fn no_such_stream() -> Error {
    Error::new(ErrorCode::Internal, "There is no such standard stream.")
}
