//! Tears down the state of a Node environment, with the environment itself and before its process exits.

use std::cell::Cell;

use napi::Env;
use napi::bindgen_prelude::{FnArgs, Function, JsObjectValue, Object, Unknown};
use napi_derive::napi;

use crate::credential::store::in_flight;
use crate::node::state;

/// A listener for `process.on()`.
type JsListener<'env> = Function<'env, (), ()>;

thread_local! {
    static IS_HOOKED: Cell<bool> = const { Cell::new(false) };
}

/// Has secrets wiped, and providers killed with everything they started, when this Node environment ends: a worker
/// thread's by its cleanup hook, also after `terminate()`, and the process's by `exit`, as `process.exit()` and an
/// uncaught throw run no cleanup hook. Once per environment, however many copies of the facade ask for it. The process
/// is the environment's own: a test runner gives modules a copy, which never exits.
///
/// The broker serves all threads, so it ends with the main thread's environment.
///
/// Waits a short while for answers that are the only copy of a login's next refresh token: all hooks of a process that
/// ends until the same moment. The end of the main thread waits for all, and lets no refresh begin any more. A worker
/// thread's may be the beginning of the process's, as `process.exit()` ends these threads after the exit hook of the
/// main thread, which may be none of ours; so it waits for what this thread has requested.
#[napi(catch_unwind)]
pub fn tear_down_at_exit(env: Env, is_main_thread: bool) -> napi::Result<()> {
    if IS_HOOKED.replace(true) {
        return Ok(());
    }
    env.add_env_cleanup_hook((), move |()| {
        state::tear_down();
        stop_broker(is_main_thread);
        in_flight::wait();
        let _ = IS_HOOKED.try_with(|is_hooked| is_hooked.set(false));
    })?;
    let tear_down: JsListener<'_> = env.create_function_from_closure("tearDown", move |_| {
        state::tear_down();
        stop_broker(is_main_thread);
        if is_main_thread {
            in_flight::close();
        }
        Ok(())
    })?;
    let process: Object<'_> = env.get_global()?.get_named_property("process")?;
    let on: Function<'_, FnArgs<(&str, JsListener<'_>)>, Unknown<'_>> = process.get_named_property("on")?;
    on.apply(process, ("exit", tear_down).into())?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn stop_broker(is_main_thread: bool) {
    if is_main_thread {
        crate::broker::Broker::stop_of_process();
    }
}

#[cfg(not(target_os = "linux"))]
fn stop_broker(_: bool) {}
