//! Passes errors to JavaScript as one object with named parts, from which `lib/internal/errors.ts` creates the error that
//! callers see.

use napi::bindgen_prelude::ToNapiValue;
use napi::{Env, Status, sys};
use napi_derive::napi;

use crate::error::{Error, ErrorLimits, LIMITS};

/// How much the facade's own errors repeat, too.
#[napi(catch_unwind)]
pub fn error_limits() -> ErrorLimits {
    LIMITS
}

/// Thrown, rejected with or part of an answer, an error is the object of its details.
impl ToNapiValue for Error {
    unsafe fn to_napi_value(env: sys::napi_env, error: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's promise about `env` is handed on.
        unsafe { ToNapiValue::to_napi_value(env, error.details().clone()) }
    }
}

/// Hands the error of a result to JavaScript, as an object without a stack: the facade's error has one.
///
/// Only from a call of JavaScript's straight to Rust. Where Rust calls a function of JavaScript that calls Rust, napi takes
/// what was thrown there, and makes its own `Error` of what is none.
pub trait OrThrow<T> {
    /// The value; or the error is pending in this Node environment, and is thrown when the call returns.
    fn or_throw(self, env: &Env) -> napi::Result<T>;
}

impl<T> OrThrow<T> for crate::error::Result<T> {
    fn or_throw(self, env: &Env) -> napi::Result<T> {
        self.map_err(|error| {
            let thrown = env.throw(error);
            // napi makes its own error of any other status.
            thrown.err().unwrap_or_else(|| napi::Error::from_status(Status::PendingException))
        })
    }
}

/// What rejects a promise with an error of the core: napi keeps the object, and passes it as it is.
pub fn rejection(env: &Env, error: Error) -> napi::Error {
    let object = error.into_unknown(env);
    object.map_or_else(|defect| defect, napi::Error::from_unknown_without_coercion)
}
