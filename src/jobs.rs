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
/// Of one host at most four at once are asked for (`lib/endpoint-turns.js`): a slow one must not hold up the others.
pub static REQUESTS: Pool = Pool::new(64);

/// Stored logins. Most of them wait for a lock, which a tenant may hold: so there are more.
pub static LOGINS: Pool = Pool::new(64);

/// Looks of a diagnosis at paths that a tenant chooses: a file system that hangs holds one for ever.
pub static LOOKS: Pool = Pool::new(16);

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
/// `BUSY` where too many wait already, or the system gives no thread.
pub fn run(pool: &'static Pool, job: impl FnOnce() + Send + 'static) -> Result<()> {
    let max_threads = pool.max_threads;
    let mut state = pool.lock();
    if state.waiting.len() >= MAX_WAITING {
        return Err(Error::new(ErrorCode::Busy, format!("{MAX_WAITING} requests wait already. Try again later.")));
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
                let message = "The system gives no thread for a request that must not block the worker. Try again later, or raise its limit of threads.";
                return Err(Error::new(ErrorCode::Busy, message)
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

    #[test]
    fn too_many_are_refused_and_the_others_done() {
        static ONE: Pool = Pool::new(1);
        let (go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let done = Arc::new(AtomicUsize::new(0));
        run(&ONE, move || {
            begun.send(()).expect("heard");
            let _ = wait.recv();
        })
        .expect("taken");
        has_begun.recv().expect("begun");
        for _ in 0..MAX_WAITING {
            let done = Arc::clone(&done);
            run(&ONE, move || {
                done.fetch_add(1, Ordering::SeqCst);
            })
            .expect("taken");
        }
        assert_eq!(run(&ONE, || ()).expect_err("one too many").code(), ErrorCode::Busy);
        drop(go);
        while done.load(Ordering::SeqCst) < MAX_WAITING {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Deep enough that the next job's own frames do not overwrite it by chance.
    #[inline(never)]
    fn leave_on_the_stack(pattern: u8) -> u64 {
        let mut bytes = [0_u8; 64 * 1024];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = pattern ^ (index as u8);
        }
        std::hint::black_box(&mut bytes).as_ptr() as u64
    }

    #[test]
    fn what_a_job_leaves_on_its_stack_is_wiped() {
        use std::os::unix::fs::FileExt;
        static ONE: Pool = Pool::new(1);
        let memory = std::fs::File::open("/proc/self/mem").expect("our own memory");
        let (left, is_left) = mpsc::channel();
        let (seen, is_seen) = mpsc::channel();
        let read = move |address: u64| {
            let mut bytes = [0_u8; 1024];
            memory.read_exact_at(&mut bytes, address + 16 * 1024).expect("the stack of a thread that lives");
            bytes.iter().enumerate().filter(|(index, byte)| **byte == 0x5A ^ (*index as u8)).count()
        };
        // Both wait before the thread looks for the second one, which keeps it alive.
        run(&ONE, move || left.send(leave_on_the_stack(0x5A)).expect("heard")).expect("taken");
        run(&ONE, move || seen.send(read(is_left.recv().expect("an address"))).expect("heard")).expect("taken");
        // By chance one in 256 is what it was.
        assert!(is_seen.recv().expect("a count") < 64);
    }
}
