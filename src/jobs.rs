//! Work that waits for a network or a lock: on threads of its own, a bounded number of them, which wipe what they free.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorCode, Result};
use crate::sys::wiping_allocator;

/// The most jobs that wait: beyond, callers are told to come again rather than forgotten.
pub const MAX_WAITING: usize = 4096;

/// Handshakes and JSON go deep when nothing is optimized.
const STACK_BYTES: usize = 1024 * 1024;

/// What a job leaves on the stack is overwritten to this depth: `STACK_BYTES` less what the runtime needs itself.
const WIPED_STACK_BYTES: usize = 768 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// Threads of one kind, so that one kind of work does not wait for another.
#[derive(Debug)]
pub struct Pool {
    state: Mutex<State>,
    /// The most threads: what comes beyond waits its turn.
    max_threads: usize,
}

struct State {
    waiting: VecDeque<Job>,
    threads: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "State({} waiting, {} threads)", self.waiting.len(), self.threads)
    }
}

/// Requests to APIs.
pub static REQUESTS: Pool = Pool::new(16);

/// Stored logins. Most of them wait for a lock, which a tenant may hold: so there are more.
pub static LOGINS: Pool = Pool::new(64);

impl Pool {
    const fn new(max_threads: usize) -> Self {
        Self { state: Mutex::new(State { waiting: VecDeque::new(), threads: 0 }), max_threads }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `job` on a thread of its own, soon. It must not panic; if it does, the panic ends there.
///
/// # Errors
/// `INTERNAL` where too many wait already, or the system gives no thread.
pub fn run(pool: &'static Pool, job: impl FnOnce() + Send + 'static) -> Result<()> {
    let max_threads = pool.max_threads;
    let mut state = pool.lock();
    if state.waiting.len() >= MAX_WAITING {
        return Err(Error::new(ErrorCode::Internal, format!("{MAX_WAITING} requests wait already. Try again later.")));
    }
    state.waiting.push_back(Box::new(job));
    if state.threads < max_threads {
        let thread =
            std::thread::Builder::new().name("pe-job".into()).stack_size(STACK_BYTES).spawn(move || work(pool));
        match thread {
            Ok(_) => state.threads += 1,
            // Those that there are will do it.
            Err(_) if state.threads > 0 => {}
            Err(error) => {
                state.waiting.pop_back();
                let message = "The system gives no thread for a request that must not block the worker.";
                return Err(Error::new(ErrorCode::Internal, message)
                    .errno(error.raw_os_error().unwrap_or_default(), "pthread_create"));
            }
        }
    }
    Ok(())
}

/// Takes jobs until there are none.
fn work(pool: &'static Pool) {
    wiping_allocator::wipe_on_this_thread();
    loop {
        let job = {
            let mut state = pool.lock();
            let Some(job) = state.waiting.pop_front() else {
                state.threads -= 1;
                return;
            };
            job
        };
        let _ = catch_unwind(AssertUnwindSafe(|| in_own_frame(job)));
        zeroize::zeroize_stack::<WIPED_STACK_BYTES>();
    }
}

// Inlined, its locals would stand above what is wiped.
#[inline(never)]
fn in_own_frame(job: Job) {
    job();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn all_are_done_by_a_bounded_number_of_threads() {
        let (done, results) = mpsc::channel();
        let running = Arc::new(AtomicUsize::new(0));
        for number in 0..200 {
            let (done, running) = (done.clone(), Arc::clone(&running));
            run(&REQUESTS, move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                std::thread::sleep(Duration::from_millis(1));
                running.fetch_sub(1, Ordering::SeqCst);
                done.send((number, now)).expect("heard");
                if number % 7 == 0 {
                    std::panic::panic_any("a job that panics ends alone");
                }
            })
            .expect("taken");
        }
        drop(done);
        let all: Vec<(i32, usize)> = results.iter().collect();
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|(_, now)| *now <= REQUESTS.max_threads));
    }
}
