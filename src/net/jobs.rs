//! Runs jobs that wait for a network or a lock, on a bounded number of separate threads that wipe the memory they free.
//!
//! Whom a job waits for may be a tenant's, who answers never. So the threads are shared out: one endpoint takes a few of
//! them, all endpoints of one source about as many as remain for others, and the source with the fewest goes first. A job that
//! gets no thread by its deadline is called then all the same, to say so.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::{Error, ErrorCode, Result};
use crate::sys::wiping_allocator;

/// The most jobs that wait: beyond, callers are asked to come again rather than forgotten. All of one source take at most
/// as much of it as remains for others.
pub const MAX_WAITING: usize = 4096;

/// Handshakes and JSON go deep when nothing is optimized.
const STACK_BYTES: usize = 1024 * 1024;

/// What a job leaves on the stack is overwritten to this depth: `STACK_BYTES` less what the runtime needs itself.
const WIPED_STACK_BYTES: usize = 768 * 1024;

/// The clock ends jobs, which takes little.
const CLOCK_STACK_BYTES: usize = 256 * 1024;

/// Called when a thread has taken the job. If it returns `Some`, it is called again from then on. If it is called after its
/// deadline, or was abandoned, it must end without waiting.
type Work = Box<dyn FnMut() -> Option<Instant> + Send>;

/// Whom a job waits for, and how long.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Who decides how long it takes, such as the domain that a host is in.
    pub source: Arc<str>,
    /// What the job waits for, such as a host and its port: a bounded number of threads wait for each.
    pub endpoint: Arc<str>,
    /// When the caller wants to have an answer.
    pub deadline: Instant,
    /// Nobody awaits it any more.
    pub is_abandoned: Arc<AtomicBool>,
}

impl Turn {
    /// For a job that does not wait: a thread or the clock calls it at once.
    #[must_use]
    pub fn at_once() -> Self {
        Self { source: "".into(), endpoint: "".into(), deadline: Instant::now(), is_abandoned: Arc::default() }
    }
}

/// Threads of one kind, so that one kind of work does not wait for another.
#[derive(Debug)]
pub struct Pool {
    state: Mutex<PoolState>,
    /// Something waits that did not, or is abandoned.
    changed: Condvar,
    /// The most threads: what comes beyond waits its turn.
    max_threads: usize,
    max_per_endpoint: usize,
}

struct PoolState {
    waiting: Vec<Waiting>,
    threads: usize,
    sources: Taken,
    endpoints: Taken,
    has_clock: bool,
}

/// How many threads each one has.
type Taken = BTreeMap<Arc<str>, usize>;

struct Waiting {
    turn: Turn,
    not_before: Option<Instant>,
    job: Work,
}

impl std::fmt::Debug for PoolState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PoolState({} waiting, {} threads)", self.waiting.len(), self.threads)
    }
}

/// Requests to the vendors' own endpoints.
pub static VENDOR_REQUESTS: Pool = Pool::new(32, 16);

/// Requests to the vendors' own endpoints by a proxy.
pub static PROXIED_REQUESTS: Pool = Pool::new(32, 16);

/// Requests to whatever a base URL names.
pub static OTHER_REQUESTS: Pool = Pool::new(256, 4);

/// Stored logins. One that waits for a lock has no thread meanwhile.
pub static LOGINS: Pool = Pool::new(64, 1);

/// Looks of a diagnosis at paths that a tenant chooses: a file system that hangs holds one forever. So each uid has
/// a few separate threads.
pub static LOOKS: Pool = Pool::new(256, 8);

impl Pool {
    const fn new(max_threads: usize, max_per_endpoint: usize) -> Self {
        let state = PoolState {
            waiting: Vec::new(),
            threads: 0,
            sources: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            has_clock: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), max_threads, max_per_endpoint }
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job was abandoned: if it waits, it ends now.
    pub fn look_again(&self) {
        // The clock must not have looked already and not be waiting yet.
        let _state = self.lock();
        self.changed.notify_all();
    }

    /// Takes the one that goes next: of the source with the fewest threads, who waits longest.
    fn begin(&self, state: &mut PoolState) -> Option<Waiting> {
        let free = self.max_threads.checked_sub(state.threads).filter(|free| *free > 0)?;
        let now = Instant::now();
        let taken = |waiting: &Waiting| state.sources.get(&waiting.turn.source).copied().unwrap_or(0);
        let may_begin = |waiting: &Waiting| {
            let at_endpoint = state.endpoints.get(&waiting.turn.endpoint).copied().unwrap_or(0);
            // The first at an endpoint may have some more: tenants can share a host.
            let share = if at_endpoint == 0 { 2 * free } else { free };
            at_endpoint < self.max_per_endpoint
                && taken(waiting) < share
                && waiting.not_before.is_none_or(|time| time <= now)
        };
        let all = state.waiting.iter().enumerate().filter(|(_, waiting)| may_begin(waiting));
        let (index, _) = all.min_by_key(|(_, waiting)| taken(waiting))?;
        let waiting = state.waiting.remove(index);
        state.threads += 1;
        *state.sources.entry(Arc::clone(&waiting.turn.source)).or_default() += 1;
        *state.endpoints.entry(Arc::clone(&waiting.turn.endpoint)).or_default() += 1;
        Some(waiting)
    }

    /// Starts a thread for each one that may begin, and the clock for those that may not.
    fn dispatch(&'static self, state: &mut PoolState) -> io::Result<()> {
        while let Some(waiting) = self.begin(state) {
            let held = Arc::new(Mutex::new(Some(waiting)));
            let handed = Arc::clone(&held);
            let started = spawn("pe-job", STACK_BYTES, move || {
                wiping_allocator::on_protected_thread(|| work(self, take(&handed)));
            });
            if let Err(error) = started {
                let Some(waiting) = take(&held) else { return Err(error) };
                state.end(&waiting.turn);
                state.waiting.push(waiting);
                // Those that there are will do it.
                return if state.threads > 0 { self.wind_clock(state) } else { Err(error) };
            }
        }
        self.wind_clock(state)
    }

    fn wind_clock(&'static self, state: &mut PoolState) -> io::Result<()> {
        if state.waiting.is_empty() {
            return Ok(());
        }
        if state.has_clock {
            self.changed.notify_all();
            return Ok(());
        }
        spawn("pe-job-clock", CLOCK_STACK_BYTES, move || watch(self))?;
        state.has_clock = true;
        Ok(())
    }
}

impl PoolState {
    /// Its thread is free again.
    fn end(&mut self, turn: &Turn) {
        self.threads -= 1;
        for (taken, key) in [(&mut self.sources, &turn.source), (&mut self.endpoints, &turn.endpoint)] {
            match taken.get_mut(key) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(taken.remove(key)),
            }
        }
    }
}

fn spawn(name: &str, stack: usize, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.into()).stack_size(stack).spawn(run).map(drop)
}

fn take(held: &Mutex<Option<Waiting>>) -> Option<Waiting> {
    held.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Runs `job` on a separate thread when it is its turn. It must not panic; if it does, the panic ends there.
///
/// # Errors
/// `BUSY` if too many jobs wait already, or the system has no thread to spare.
pub fn run(pool: &'static Pool, turn: Turn, job: impl FnMut() -> Option<Instant> + Send + 'static) -> Result<()> {
    let mut state = pool.lock();
    let room = MAX_WAITING - state.waiting.len();
    let of_source = state.waiting.iter().filter(|waiting| waiting.turn.source == turn.source).count();
    if of_source >= room {
        let message = format!(
            "{} requests are already waiting, {of_source} of them for the same server. Try again later.",
            MAX_WAITING - room
        );
        return Err(Error::new(ErrorCode::Busy, message));
    }
    let mark = Arc::clone(&turn.is_abandoned);
    state.waiting.push(Waiting { turn, not_before: None, job: Box::new(job) });
    pool.dispatch(&mut state).map_err(|error| {
        state.waiting.retain(|waiting| !Arc::ptr_eq(&waiting.turn.is_abandoned, &mark));
        let message = "The system cannot create a thread for the request, which must not block the worker. Try again later, or raise the limit of threads.";
        Error::new(ErrorCode::Busy, message).errno(error.raw_os_error().unwrap_or_default(), "pthread_create")
    })
}

/// Does one job after the other until there is none that may begin.
fn work(pool: &'static Pool, first: Option<Waiting>) {
    let mut next = first;
    while let Some(Waiting { turn, mut job, .. }) = next {
        let again = catch_unwind(AssertUnwindSafe(|| in_own_frame(&mut job))).unwrap_or_default();
        zeroize::zeroize_stack::<WIPED_STACK_BYTES>();
        let again = again.map(|time| Waiting { turn: turn.clone(), not_before: Some(time), job });
        let mut state = pool.lock();
        state.end(&turn);
        state.waiting.extend(again);
        next = pool.begin(&mut state);
        // If it fails, this thread goes on, or the next one that comes looks at the jobs that wait.
        let _ = pool.dispatch(&mut state);
    }
}

/// While jobs wait: ends those that are due or abandoned, and begins those that are due to be called again.
fn watch(pool: &'static Pool) {
    let mut state = pool.lock();
    loop {
        let now = Instant::now();
        let is_over = |turn: &Turn| turn.deadline <= now || turn.is_abandoned.load(Ordering::Relaxed);
        if let Some(index) = state.waiting.iter().position(|waiting| is_over(&waiting.turn)) {
            let Waiting { job, .. } = state.waiting.remove(index);
            drop(state);
            let _ = catch_unwind(AssertUnwindSafe(job));
            state = pool.lock();
            continue;
        }
        let _ = pool.dispatch(&mut state);
        let times = |waiting: &Waiting| [Some(waiting.turn.deadline), waiting.not_before.filter(|time| *time > now)];
        let Some(next) = state.waiting.iter().flat_map(times).flatten().min() else {
            state.has_clock = false;
            return;
        };
        let wait = next.saturating_duration_since(now);
        state = pool.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
    }
}

// Inlined, its locals would be above what is wiped.
#[inline(never)]
fn in_own_frame(job: &mut Work) -> Option<Instant> {
    job()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn turn(source: &str, endpoint: &str, milliseconds: u64) -> Turn {
        let deadline = Instant::now() + Duration::from_millis(milliseconds);
        Turn { source: source.into(), endpoint: endpoint.into(), deadline, is_abandoned: Arc::default() }
    }

    /// A job that is called once.
    fn once(job: impl FnOnce() + Send + 'static) -> impl FnMut() -> Option<Instant> + Send {
        let mut job = Some(job);
        move || {
            job.take().into_iter().for_each(|job| job());
            None
        }
    }

    fn run_once(pool: &'static Pool, job: impl FnOnce() + Send + 'static) -> Result<()> {
        run(pool, turn("source", "endpoint", 60_000), once(job))
    }

    #[test]
    fn all_are_done_by_a_bounded_number_of_threads() {
        let (done, results) = mpsc::channel();
        static POOL: Pool = Pool::new(16, 4);
        let running = Arc::new(AtomicUsize::new(0));
        for number in 0..200 {
            let (done, running) = (done.clone(), Arc::clone(&running));
            let job = move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                std::thread::sleep(Duration::from_millis(1));
                running.fetch_sub(1, Ordering::SeqCst);
                done.send((number, now)).expect("heard");
                if number % 7 == 0 {
                    // Without the hook, whose backtrace would stay in this thread's heap, where no leak checker looks.
                    std::panic::resume_unwind(Box::new("a job that panics ends alone"));
                }
            };
            run(&POOL, turn("source", &(number % 50).to_string(), 60_000), once(job)).expect("taken");
        }
        drop(done);
        let all: Vec<(i32, usize)> = results.iter().collect();
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|(_, now)| *now <= 11), "a source leaves some for others");
    }

    #[test]
    fn too_many_are_refused_and_the_others_done() {
        static ONE: Pool = Pool::new(1, 1);
        let (go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let done = Arc::new(AtomicUsize::new(0));
        run_once(&ONE, move || {
            begun.send(()).expect("heard");
            let _ = wait.recv();
        })
        .expect("taken");
        has_begun.recv().expect("begun");
        let count = |source: &str| {
            let done = Arc::clone(&done);
            let job = once(move || assert!(done.fetch_add(1, Ordering::SeqCst) < MAX_WAITING));
            run(&ONE, turn(source, "endpoint", 60_000), job)
        };
        for _ in 0..MAX_WAITING / 2 {
            count("source").expect("taken");
        }
        assert_eq!(count("source").expect_err("one too many").code(), ErrorCode::Busy);
        for _ in 0..MAX_WAITING / 4 {
            count("another").expect("what one source leaves");
        }
        assert_eq!(count("another").expect_err("one too many").code(), ErrorCode::Busy);
        count("a third").expect("what two sources leave");
        drop(go);
        while done.load(Ordering::SeqCst) < MAX_WAITING / 2 + MAX_WAITING / 4 + 1 {
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
        static ONE: Pool = Pool::new(1, 1);
        let memory = std::fs::File::open("/proc/self/mem").expect("our own memory");
        let (left, is_left) = mpsc::channel();
        let (seen, is_seen) = mpsc::channel();
        let read = move |address: u64| {
            let mut bytes = [0_u8; 1024];
            memory.read_exact_at(&mut bytes, address + 16 * 1024).expect("the stack of a thread that lives");
            bytes.iter().enumerate().filter(|(index, byte)| **byte == 0x5A ^ (*index as u8)).count()
        };
        // Both wait before the thread looks for the second one, which keeps it alive.
        run_once(&ONE, move || left.send(leave_on_the_stack(0x5A)).expect("heard")).expect("taken");
        run_once(&ONE, move || seen.send(read(is_left.recv().expect("an address"))).expect("heard")).expect("taken");
        // By chance one in 256 is what it was.
        assert!(is_seen.recv().expect("a count") < 64);
    }

    /// A job that begins and ends on command.
    fn held(pool: &'static Pool, turn: Turn) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (begun, has_begun) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let job = move || {
            let _ = begun.send(());
            let _ = wait.recv();
        };
        run(pool, turn, once(job)).expect("taken");
        (has_begun, go)
    }

    #[test]
    fn however_many_one_source_asks_for_others_get_threads_at_once() {
        static POOL: Pool = Pool::new(64, 4);
        let greedy: Vec<_> =
            (0..1000).map(|port| held(&POOL, turn("evil", &format!("evil:{}", port % 250), 60_000))).collect();
        for number in 0..16 {
            let (has_begun, _go) = held(&POOL, turn(&format!("other {}", number % 8), &number.to_string(), 60_000));
            has_begun.recv().expect("a thread");
        }
        let begun = greedy.iter().filter(|(has_begun, _)| has_begun.try_recv().is_ok()).count();
        // Two thirds, of which no newcomer had to wait for one.
        assert!((32..=44).contains(&begun), "{begun}");
    }

    #[test]
    fn one_endpoint_does_not_hold_up_another_of_its_source() {
        static POOL: Pool = Pool::new(64, 4);
        let silent: Vec<_> = (0..20).map(|_| held(&POOL, turn("host", "host:1", 60_000))).collect();
        let (has_begun, _go) = held(&POOL, turn("host", "host:2", 60_000));
        has_begun.recv().expect("a thread");
        silent[..4].iter().for_each(|(has_begun, _)| has_begun.recv().expect("a thread"));
        assert!(silent[4..].iter().all(|(has_begun, _)| has_begun.try_recv().is_err()));
    }

    #[test]
    fn what_gets_no_thread_is_called_at_its_deadline_or_when_it_is_abandoned() {
        static ONE: Pool = Pool::new(1, 1);
        let (has_begun, go) = held(&ONE, turn("a", "a", 60_000));
        has_begun.recv().expect("begun");
        let (called, calls) = mpsc::channel();
        let soon = turn("b", "b", 80);
        let deadline = soon.deadline;
        let told = called.clone();
        run(&ONE, soon, once(move || told.send(("due", Instant::now())).expect("heard"))).expect("taken");
        let (what, when) = calls.recv().expect("called");
        assert!(what == "due" && when >= deadline);
        let abandoned = turn("c", "c", 60_000);
        let flag = Arc::clone(&abandoned.is_abandoned);
        run(&ONE, abandoned, once(move || called.send(("abandoned", Instant::now())).expect("heard"))).expect("taken");
        flag.store(true, Ordering::Relaxed);
        ONE.look_again();
        assert_eq!(calls.recv().expect("called").0, "abandoned");
        drop(go);
    }

    #[test]
    fn what_is_to_be_called_again_has_no_thread_meanwhile() {
        static ONE: Pool = Pool::new(1, 1);
        let (called, calls) = mpsc::channel();
        let mut left = 3;
        let told = called.clone();
        let job = move || {
            left -= 1;
            told.send("again").expect("heard");
            (left > 0).then(|| Instant::now() + Duration::from_millis(100))
        };
        run(&ONE, turn("a", "a", 60_000), job).expect("taken");
        assert_eq!(calls.recv(), Ok("again"));
        run(&ONE, turn("b", "b", 60_000), once(move || called.send("other").expect("heard"))).expect("taken");
        assert_eq!(calls.iter().collect::<Vec<_>>(), ["other", "again", "again"]);
    }
}
