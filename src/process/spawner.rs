//! The threads that start processes. Such a thread sleeps while a child prepares itself, so that no other thread has
//! to, and it never ends, because a child's parent-death signal depends on the thread that created it.
//!
//! One of them, the leader, takes all jobs, one after the other. A job walks paths of a tenant's, and a file system of
//! the tenant's can keep it there: for a while, or for good, as not even SIGKILL ends a process that waits for a FUSE
//! daemon's answer. Then the watchdog has another thread lead, and other jobs of that uid wait, or are refused.

use std::collections::VecDeque;
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::host::Host;
use super::program::Proofs;
use super::watchdog::Watchdog;
use super::{reaper, thread};
use crate::error::{Error, ErrorCode, Result};
use crate::sys::clone::InFlight;
use crate::sys::{support, wait};

/// What a thread is asked to do.
pub struct SpawnerJob {
    /// Whose files it may have to wait for.
    pub uid: u32,
    /// How long it may take.
    pub limit: Duration,
    pub run: RunJob,
    /// Answers in its stead. What the job itself answers later is not heard.
    pub refuse: RefuseJob,
}

type RunJob = Box<dyn FnOnce(&Host) + Send>;
type RefuseJob = Box<dyn FnOnce(Error) + Send>;

/// A thread, as the others see it.
struct Lane {
    in_flight: Arc<InFlight>,
    work: Option<Work>,
}

/// The job that a thread is at.
struct Work {
    uid: u32,
    since: Instant,
    limit: Duration,
    /// Taken once the job is given up.
    refuse: Option<RefuseJob>,
}

#[derive(Default)]
struct JobQueue {
    jobs: VecDeque<SpawnerJob>,
    lanes: Vec<Lane>,
    leader: usize,
}

struct Spawner {
    state: Mutex<JobQueue>,
    changed: Condvar,
    proofs: Arc<Proofs>,
}

static SPAWNER: OnceLock<(&'static Spawner, Watchdog)> = OnceLock::new();

/// How long the leader may be at one job while others wait. A start takes a millisecond.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long a job may take at all. A file system that hangs for this long will not come back.
pub const LIMIT: Duration = Duration::from_secs(20);
/// The same for a job that the JS thread waits for, and with it every tenant.
pub const LIMIT_OF_JS: Duration = Duration::from_secs(1);
/// A killed child ends, and its job with it, within this; else nobody waits for it any more.
const LAST: Duration = Duration::from_secs(1);
/// Each but one is held by another uid.
const MAX_LANES: usize = 128;

/// Starts the threads, once.
///
/// # Errors
/// `UNSUPPORTED` where the kernel or a sandbox lacks a call; `SPAWN_FAILED` when the system gives no thread.
fn spawner() -> Result<&'static (&'static Spawner, Watchdog)> {
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some(spawner) = SPAWNER.get() {
        return Ok(spawner);
    }
    let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(spawner) = SPAWNER.get() {
        return Ok(spawner);
    }
    support::native_start().map_err(|call| {
        let message = format!("This kernel or sandbox does not support {call}, which the native start needs.");
        Error::new(ErrorCode::Unsupported, message)
    })?;
    reaper::ensure()?;
    let spawner = Spawner { state: Mutex::default(), changed: Condvar::new(), proofs: Arc::default() };
    // For as long as the process lives, as its threads do.
    let spawner: &'static Spawner = Box::leak(Box::new(spawner));
    spawner.add_lane()?;
    let watchdog = Watchdog::start(|| spawner.look())?;
    Ok(SPAWNER.get_or_init(|| (spawner, watchdog)))
}

impl Spawner {
    fn lock(&self) -> MutexGuard<'_, JobQueue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one more thread, and returns its number.
    fn add_lane(&'static self) -> Result<usize> {
        let host = Host::new(Arc::clone(&self.proofs))?;
        let number = {
            let mut state = self.lock();
            state.lanes.push(Lane { in_flight: Arc::clone(&host.in_flight), work: None });
            state.lanes.len() - 1
        };
        let started = thread::start("pe-spawner", move || self.round(number, &host));
        if started.is_err() {
            // Only the watchdog adds one, after the first: it is still the last.
            self.lock().lanes.pop();
        }
        started.map(|()| number)
    }

    fn round(&self, number: usize, host: &Host) {
        let run = self.next(number);
        if let Some((_, watchdog)) = SPAWNER.get() {
            watchdog.wake();
        }
        run(host);
    }

    /// Waits for the next job of this thread.
    fn next(&self, number: usize) -> RunJob {
        let mut state = self.lock();
        if state.lanes[number].work.take().is_some() && state.leader != number {
            // The leader may go on with the jobs of that uid.
            self.changed.notify_all();
        }
        loop {
            if let Some(job) = state.next_for(number) {
                let work = Work { uid: job.uid, since: Instant::now(), limit: job.limit, refuse: Some(job.refuse) };
                state.lanes[number].work = Some(work);
                return job.run;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn push(&self, job: SpawnerJob) {
        self.lock().jobs.push_back(job);
        self.changed.notify_all();
    }

    /// Looks after the threads, on the watchdog's. Returns whether any of them is at work.
    fn look(&'static self) -> bool {
        let mut refused: Vec<(RefuseJob, u32)> = Vec::new();
        let busy = {
            let mut state = self.lock();
            for lane in &state.lanes {
                lane.end_child_if_stuck();
            }
            state.give_up(&mut refused);
            state.lanes.iter().any(|lane| lane.work.is_some())
        };
        for (refuse, uid) in refused {
            refuse(stuck(uid));
        }
        self.change_leader_if_held();
        busy
    }

    fn change_leader_if_held(&'static self) {
        let idle = {
            let state = self.lock();
            if !state.leader_is_held() {
                return;
            }
            let idle = state.lanes.iter().position(|lane| lane.work.is_none());
            if idle.is_none() && state.lanes.len() >= MAX_LANES {
                return;
            }
            idle
        };
        // Where the system gives no thread now, it may at the next look.
        let Some(number) = idle.or_else(|| self.add_lane().ok()) else { return };
        let mut state = self.lock();
        if state.leader_is_held() {
            state.leader = number;
            self.changed.notify_all();
        }
    }
}

impl JobQueue {
    /// The first job that does not wait for a uid which another thread is at.
    fn next_for(&mut self, number: usize) -> Option<SpawnerJob> {
        if self.leader != number {
            return None;
        }
        let held = |job: &SpawnerJob| self.lanes.iter().flat_map(|lane| &lane.work).any(|work| work.holds(job));
        let first = self.jobs.iter().position(|job| !held(job))?;
        self.jobs.remove(first)
    }

    fn leader_is_held(&self) -> bool {
        let work = self.lanes[self.leader].work.as_ref();
        !self.jobs.is_empty() && work.is_some_and(|work| work.since.elapsed() > PATIENCE)
    }

    /// Takes out the answers of jobs that have taken too long, and of those that wait for the same uid.
    fn give_up(&mut self, refused: &mut Vec<(RefuseJob, u32)>) {
        let mut lost = Vec::new();
        for work in self.lanes.iter_mut().filter_map(|lane| lane.work.as_mut()) {
            if work.since.elapsed() > work.limit + LAST {
                lost.push(work.uid);
                refused.extend(work.refuse.take().map(|refuse| (refuse, work.uid)));
            }
        }
        if lost.is_empty() {
            return;
        }
        for job in std::mem::take(&mut self.jobs) {
            if lost.contains(&job.uid) {
                refused.push((job.refuse, job.uid));
            } else {
                self.jobs.push_back(job);
            }
        }
    }
}

impl Work {
    /// Whether a job is to wait for it. One that the JS thread waits for is carried out beside it, unless it is lost: else
    /// each such job would cost a thread, and the JS thread the same time again.
    fn holds(&self, job: &SpawnerJob) -> bool {
        self.uid == job.uid && (job.limit > LIMIT_OF_JS || self.refuse.is_none())
    }
}

impl Lane {
    /// From its privilege drop on, any process of the target uid may send the child SIGSTOP, and the thread would sleep
    /// with it.
    fn end_child_if_stuck(&self) {
        let Some(work) = &self.work else { return };
        self.in_flight.with_child(|pidfd| {
            if wait::is_stopped(pidfd) || work.since.elapsed() > work.limit {
                self.in_flight.ended.store(true, std::sync::atomic::Ordering::Release);
                let _ = rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL);
            }
        });
    }
}

fn stuck(uid: u32) -> Error {
    let message = format!(
        "A file system does not answer: a start or check as uid {uid} is waiting for it and blocks others of that uid. \
        Check the mounts below the directories of that uid (FUSE, NFS)."
    );
    Error::new(ErrorCode::SpawnFailed, message)
}

/// Queues a job.
///
/// # Errors
/// `UNSUPPORTED` where the kernel or a sandbox lacks a call; `SPAWN_FAILED` when the system gives no thread. Whoever would
/// answer for the job is not reported; the caller's is.
pub fn submit(job: SpawnerJob) -> Result<()> {
    let (spawner, _) = spawner()?;
    spawner.push(job);
    Ok(())
}

/// Has `work` done for `uid` on a spawner's thread, and waits for what it gives.
///
/// # Errors
/// As [`submit`]; `SPAWN_FAILED` where a file system of that uid's holds it for longer than `limit`.
pub fn answer<T: Send + 'static>(
    uid: u32,
    limit: Duration,
    work: impl FnOnce(&Host) -> T + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = channel();
    let of_refusal = sender.clone();
    let run = move |host: &Host| drop(sender.send(Ok(work(host))));
    let refuse = move |error| drop(of_refusal.send(Err(error)));
    submit(SpawnerJob { uid, limit, run: Box::new(run), refuse: Box::new(refuse) })?;
    let gone = |_| Error::new(ErrorCode::Internal, "The answer failed because of a defect in this package.");
    receiver.recv().map_err(gone)?
}
