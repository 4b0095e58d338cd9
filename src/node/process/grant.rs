//! The grant of a launch that JavaScript starts: by `child_process`, or by an SDK.

use napi::Env;
use napi_derive::napi;

use crate::error::Result;
use crate::node::boundary_error::OrThrow;
use crate::node::state::{Disposable, disposable};
use crate::process::brokered::Brokered;

const DISPOSED: &str = "This launch has ended, and its token with it. Call codexOptions() again.";

/// The grant of a launch. It ends when this is disposed of or garbage-collected.
#[napi]
pub struct NativeGrant {
    held: Disposable<Brokered>,
}

#[napi]
impl NativeGrant {
    /// Binds the grant to the process that was started.
    #[napi(catch_unwind)]
    pub fn bind(&self, env: &Env, pid: i32) -> napi::Result<()> {
        self.held.get().and_then(|brokered| brokered.bind(pid)).or_throw(env)
    }
}

disposable!(NativeGrant);

impl NativeGrant {
    pub fn around(brokered: Brokered) -> Self {
        Self { held: Disposable::new(brokered, DISPOSED) }
    }

    /// # Errors
    /// `DISPOSED`.
    pub fn with<T>(&self, use_it: impl FnOnce(&Brokered) -> T) -> Result<T> {
        self.held.get().map(|brokered| use_it(&brokered))
    }
}
