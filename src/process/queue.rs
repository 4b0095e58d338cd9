//! Queues what a process is to come of, and tells the process of whatever keeps it from being made.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::host::Host;
use super::running::Process;
use super::spawner::{self, Job, LIMIT};
use crate::error::{Error, ErrorCode};

/// Has `carry_out` make a process of `uid` and tell it how that went. `about` adds to an error whom it is about.
pub fn queue(
    uid: u32,
    process: &Arc<Process>,
    about: impl Fn(Error) -> Error + Clone + Send + 'static,
    carry_out: impl FnOnce(&Arc<Process>, &Host) + Send + 'static,
) {
    let (of_run, of_refusal) = (Arc::clone(process), Arc::clone(process));
    let (about_run, about_refusal) = (about.clone(), about.clone());
    let run = move |host: &Host| {
        if catch_unwind(AssertUnwindSafe(|| carry_out(&of_run, host))).is_err() {
            let error = Error::new(ErrorCode::Internal, "The start failed by a defect in this package.");
            of_run.failed(about_run(error));
        }
    };
    let refuse = move |error: Error| of_refusal.failed(about_refusal(error));
    if let Err(error) = spawner::submit(Job { uid, limit: LIMIT, run: Box::new(run), refuse: Box::new(refuse) }) {
        process.failed(about(error));
    }
}
