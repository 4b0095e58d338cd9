//! Passes errors to JavaScript as one object with named parts, from which `lib/errors.js` creates the error that
//! callers see.

use napi::bindgen_prelude::ToNapiValue;
use napi::{Env, Status};
use napi_derive::napi;

use crate::error::Error;

/// An error of the core, which is thrown as it is or passed to the caller who waits for the result. An unknown part is
/// null and never missing, because a missing one would be read from `Object.prototype`.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeError {
    /// `ERR_PROVIDER_…`, or Node's own `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`.
    pub code: &'static str,
    pub message: String,
    /// The kernel's error number, positive. In Node's system errors it is negative.
    pub errno: Option<i32>,
    pub syscall: Option<&'static str>,
    pub path: Option<String>,
    /// The step of a start that failed.
    pub step: Option<&'static str>,
    pub provider: Option<&'static str>,
    /// The variables, options or fields that the error is about.
    pub names: Option<Vec<String>>,
}

impl From<&Error> for NativeError {
    fn from(error: &Error) -> Self {
        let details = error.details().clone();
        Self {
            code: details.code.as_str(),
            message: details.message,
            errno: details.errno,
            syscall: details.syscall,
            path: details.path,
            step: details.step,
            provider: details.provider,
            names: Some(details.names).filter(|names| !names.is_empty()),
        }
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
            let thrown = env.throw(NativeError::from(&error));
            // napi makes its own error of any other status.
            thrown.err().unwrap_or_else(|| napi::Error::from_status(Status::PendingException))
        })
    }
}

/// What rejects a promise with an error of the core: napi keeps the object, and passes it as it is.
pub fn rejection(env: &Env, error: &Error) -> napi::Error {
    let object = NativeError::from(error).into_unknown(env);
    object.map_or_else(|defect| defect, napi::Error::from_unknown_without_coercion)
}
