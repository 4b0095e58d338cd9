//! The threads that start processes. Such a thread sleeps while a child gets ready, so that no other has to, and it never
//! ends, because a child's parent-death signal follows the thread that made it.
//!
//! One of them, the leader, takes all jobs, one after the other. A job walks paths of a tenant's, and a file system of
//! the tenant's can keep it there: for a while, or for good, as not even SIGKILL ends a process that waits for a FUSE
//! daemon's answer. Then the watchdog has another thread lead, and other jobs of that uid wait, or are refused.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::command::Command;
use super::execute::{self, TargetReach};
use super::identity::Target;
use super::locate::Locate;
use super::process::Process;
use super::program::{self, Program, Proofs, Search};
use super::reach::Reach;
use super::start::{Start, no_descriptor};
use super::watchdog::Watchdog;
use super::{reaper, thread};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::Provider;
use crate::sys::clone::{InFlight, Stack};
use crate::sys::support;

/// What a thread is asked for.
struct Job {
    /// Whose files it may have to wait for.
    uid: u32,
    /// How long it may take.
    limit: Duration,
    run: Box<dyn FnOnce(&Room) + Send>,
    /// Answers in its stead. What the job itself answers later is not heard.
    refuse: Refuse,
}

type Refuse = Box<dyn FnOnce(Error) + Send>;

/// What lives as long as a thread.
#[derive(Debug)]
pub(super) struct Room {
    pub stack: Stack,
    pub in_flight: Arc<InFlight>,
    pub proofs: Arc<Proofs>,
    /// This process's `oom_score_adj`, open: to look it up by name would be a tenth of a start. None without /proc.
    pub oom_score: Option<File>,
}

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
    refuse: Option<Refuse>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    lanes: Vec<Lane>,
    leader: usize,
}

pub(super) struct Spawner {
    state: Mutex<State>,
    changed: Condvar,
    proofs: Arc<Proofs>,
}

static SPAWNER: OnceLock<(&'static Spawner, Watchdog)> = OnceLock::new();

/// How long the leader may be at one job while others wait. A start takes a millisecond.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long a job may take at all. A file system that hangs for this long will not come back.
const LIMIT: Duration = Duration::from_secs(20);
/// The same for a job that the JS thread waits for, and with it every tenant.
const LIMIT_OF_JS: Duration = Duration::from_secs(1);
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
        let message = format!("This kernel or sandbox lacks {call}, which the native start needs.");
        Error::new(ErrorCode::Unsupported, message)
    })?;
    reaper::ensure()?;
    let spawner = Spawner { state: Mutex::default(), changed: Condvar::new(), proofs: Arc::default() };
    // For as long as the process lives, as its threads do.
    let spawner: &'static Spawner = Box::leak(Box::new(spawner));
    spawner.add_lane()?;
    let watchdog = Watchdog::start(spawner)?;
    Ok(SPAWNER.get_or_init(|| (spawner, watchdog)))
}

impl Spawner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one more thread, and returns its number.
    fn add_lane(&'static self) -> Result<usize> {
        let stack = Stack::new().map_err(|errno| {
            Error::new(ErrorCode::SpawnFailed, "There is no memory for a child's stack.").errno(errno, "mmap")
        })?;
        let oom_score = match File::open("/proc/self/oom_score_adj") {
            Ok(file) => Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(no_descriptor(error.raw_os_error().unwrap_or(libc::EIO))),
        };
        let in_flight = Arc::new(InFlight::default());
        let number = {
            let mut state = self.lock();
            state.lanes.push(Lane { in_flight: Arc::clone(&in_flight), work: None });
            state.lanes.len() - 1
        };
        let room = Room { stack, in_flight, proofs: Arc::clone(&self.proofs), oom_score };
        let started = thread::start("pe-spawner", move || self.round(number, &room));
        if started.is_err() {
            // Only the watchdog adds one, after the first: it is still the last.
            self.lock().lanes.pop();
        }
        started.map(|()| number)
    }

    fn round(&self, number: usize, room: &Room) {
        let run = self.next(number);
        if let Some((_, watchdog)) = SPAWNER.get() {
            watchdog.wake();
        }
        run(room);
    }

    /// Waits for the next job of this thread.
    fn next(&self, number: usize) -> Box<dyn FnOnce(&Room) + Send> {
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

    fn push(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.changed.notify_all();
    }

    /// Looks after the threads, on the watchdog's. Returns whether any of them is at work.
    pub(super) fn look(&'static self) -> bool {
        let mut refused: Vec<(Refuse, u32)> = Vec::new();
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

impl State {
    /// The first job that does not wait for a uid which another thread is at.
    fn next_for(&mut self, number: usize) -> Option<Job> {
        if self.leader != number {
            return None;
        }
        let held = |job: &Job| self.lanes.iter().flat_map(|lane| &lane.work).any(|work| work.holds(job));
        let first = self.jobs.iter().position(|job| !held(job))?;
        self.jobs.remove(first)
    }

    fn leader_is_held(&self) -> bool {
        let work = self.lanes[self.leader].work.as_ref();
        !self.jobs.is_empty() && work.is_some_and(|work| work.since.elapsed() > PATIENCE)
    }

    /// Takes out the answers of jobs that have taken too long, and of those that wait for the same uid.
    fn give_up(&mut self, refused: &mut Vec<(Refuse, u32)>) {
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
    fn holds(&self, job: &Job) -> bool {
        self.uid == job.uid && (job.limit > LIMIT_OF_JS || self.refuse.is_none())
    }
}

impl Lane {
    /// From its privilege drop on, any process of the target uid may send the child SIGSTOP, and the thread would sleep
    /// with it.
    fn end_child_if_stuck(&self) {
        let Some(work) = &self.work else { return };
        self.in_flight.with_child(|pidfd| {
            if support::is_stopped(pidfd) || work.since.elapsed() > work.limit {
                self.in_flight.ended.store(true, std::sync::atomic::Ordering::Release);
                let _ = rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL);
            }
        });
    }
}

fn stuck(uid: u32) -> Error {
    let message = format!(
        "A file system does not answer: a start or look as uid {uid} waits for it, and others of that uid wait for the \
         same. Look at the mounts below the directories of that uid (FUSE, NFS)."
    );
    Error::new(ErrorCode::SpawnFailed, message)
}

/// Queues a start. Its outcome is an event of `process`: also that the kernel lacks a call (`UNSUPPORTED`), or that the
/// system has no thread for it (`SPAWN_FAILED`).
pub fn start(start: Start, process: &Arc<Process>) {
    let (uid, provider) = (start.target.uid(), start.env.provider.id);
    let speak = move |error: Error| error.provider(provider);
    queue(uid, process, speak, move |process, room| execute::carry_out(start, process, room));
}

/// Queues a command. Its outcome is an event of `process`, as that of a start.
pub fn run(command: Command, process: &Arc<Process>) {
    queue(command.target.uid(), process, |error| error, move |process, room| command.carry_out(process, room));
}

/// `speak` adds to an error whom it is about.
fn queue(
    uid: u32,
    process: &Arc<Process>,
    speak: impl Fn(Error) -> Error + Clone + Send + 'static,
    carry_out: impl FnOnce(&Arc<Process>, &Room) + Send + 'static,
) {
    let spawner = match spawner() {
        Ok((spawner, _)) => spawner,
        Err(error) => return process.failed(speak(error)),
    };
    let (of_run, of_refusal) = (Arc::clone(process), Arc::clone(process));
    let (about_run, about_refusal) = (speak.clone(), speak);
    let run = move |room: &Room| {
        if catch_unwind(AssertUnwindSafe(|| carry_out(&of_run, room))).is_err() {
            let error = Error::new(ErrorCode::Internal, "The start failed by a defect in this package.");
            of_run.failed(about_run(error));
        }
    };
    let refuse = move |error: Error| of_refusal.failed(about_refusal(error));
    spawner.push(Job { uid, limit: LIMIT, run: Box::new(run), refuse: Box::new(refuse) });
}

/// Finds a program, and waits for the answer.
///
/// # Errors
/// What [`program::resolve`] says; `UNSUPPORTED`, `SPAWN_FAILED`.
pub fn locate(wanted: Locate) -> Result<Program> {
    answer(wanted.target.uid(), LIMIT_OF_JS, move |room| {
        let search =
            Search { command: wanted.command.as_deref(), path: &wanted.path, package_roots: &wanted.package_roots };
        let reach = TargetReach { room, provider: wanted.provider };
        program::resolve(wanted.provider, &search, &wanted.target, &reach, &room.proofs)
    })?
}

/// Lets `question` ask as `target`, and waits for its answer. Errors speak of `provider`.
///
/// # Errors
/// `UNSUPPORTED`, `SPAWN_FAILED`.
pub fn ask<T: Send + 'static>(
    provider: &'static Provider,
    target: &Target,
    question: impl FnOnce(&dyn Reach) -> T + Send + 'static,
) -> Result<T> {
    answer(target.uid(), LIMIT, move |room| question(&TargetReach { room, provider }))
}

fn answer<T: Send + 'static>(uid: u32, limit: Duration, work: impl FnOnce(&Room) -> T + Send + 'static) -> Result<T> {
    let (spawner, _) = spawner()?;
    let (sender, receiver) = channel();
    let of_refusal = sender.clone();
    let run = move |room: &Room| drop(sender.send(Ok(work(room))));
    let refuse = move |error| drop(of_refusal.send(Err(error)));
    spawner.push(Job { uid, limit, run: Box::new(run), refuse: Box::new(refuse) });
    let gone = |_| Error::new(ErrorCode::Internal, "The answer failed by a defect in this package.");
    receiver.recv().map_err(gone)?
}
