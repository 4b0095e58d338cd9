//! Errors on their way to JavaScript.

use crate::error::Error;

/// All parts of an error, as the message of a napi error.
pub fn to_napi(error: &Error) -> napi::Error {
    napi::Error::from_reason(to_json(error))
}

/// All parts of an error as JSON.
pub fn to_json(error: &Error) -> String {
    // Cannot fail: strings and numbers only. An empty text becomes `ERR_PROVIDER_INTERNAL` in the facade.
    serde_json::to_string(error.details()).unwrap_or_default()
}

/// Converts the error of a result.
pub trait IntoNapi<T> {
    /// The same with a napi error.
    fn into_napi(self) -> napi::Result<T>;
}

impl<T> IntoNapi<T> for crate::error::Result<T> {
    fn into_napi(self) -> napi::Result<T> {
        self.map_err(|error| to_napi(&error))
    }
}
