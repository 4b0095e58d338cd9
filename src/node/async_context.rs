//! Leaves the caller's asynchronous context, for work that outlives the call and serves all callers.
//!
//! Node hands the context (the stores of every `AsyncLocalStorage`) on to whatever is made in it: a timer, a signal
//! handle, a threadsafe function. What is made once and kept would keep the first caller's stores alive, and show them
//! to everybody else. JavaScript has no way to leave the stores of an `AsyncLocalStorage` that it does not know.

use std::ptr;

use napi::bindgen_prelude::{Function, JsObjectValue, Object, Unknown};
use napi::{Env, JsValue, check_status, sys};
use napi_derive::napi;

/// Calls a function without arguments outside any asynchronous context.
#[napi(catch_unwind, ts_args_type = "callback: () => void")]
pub fn call_without_context(env: Env, callback: Function<'_, (), Unknown<'_>>) -> napi::Result<()> {
    // Node 20 and 22 look for the stores on the receiver, so it is an object that has none.
    let mut receiver = Object::new(&env)?;
    receiver.freeze()?;
    let mut result = ptr::null_mut();
    // SAFETY: all three values are alive for this call and of the environment that runs it. There are no arguments. A
    // null context is one that Node-API allows ("Pass NULL"): the empty one. `result` is a place for the result: Node-API
    // would do without, and Deno 2.9 writes one all the same.
    let status = unsafe {
        sys::napi_make_callback(
            env.raw(),
            ptr::null_mut(),
            receiver.raw(),
            callback.raw(),
            0,
            ptr::null(),
            &raw mut result,
        )
    };
    check_status!(status)
}
