//! The one thread that starts processes: it sleeps while a child gets ready, so that no other thread has to, and it
//! never ends, because a child's parent-death signal follows the thread that made it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::command::Command;
use super::locate::Locate;
use super::process::Process;
use super::program::{self, Program, Proofs, Search};
use super::reach::Reach;
use super::start::Start;
use super::watchdog::Watchdog;
use super::{execute, reaper, thread};
use crate::error::{Error, ErrorCode, Result};
use crate::provider::Provider;
use crate::sys::clone::{InFlight, Stack};
use crate::sys::support;

/// What the thread is asked for.
enum Job {
    Start(Box<Start>, Arc<Process>),
    Run(Box<Command>, Arc<Process>),
    Locate(Box<Locate>, Sender<Result<Program>>),
    Ask(&'static Provider, Question),
}

/// What is asked as a target. It sends its own answer.
type Question = Box<dyn FnOnce(&dyn Reach) + Send>;

/// What lives as long as the thread.
#[derive(Debug)]
pub(super) struct Room {
    pub stack: Stack,
    pub in_flight: Arc<InFlight>,
    pub proofs: Proofs,
}

static JOBS: OnceLock<Sender<Job>> = OnceLock::new();

/// Starts the thread and its companions, once.
///
/// # Errors
/// `UNSUPPORTED` where the kernel or a sandbox lacks a call; `SPAWN_FAILED` when the system gives no thread.
fn jobs() -> Result<&'static Sender<Job>> {
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some(jobs) = JOBS.get() {
        return Ok(jobs);
    }
    let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(jobs) = JOBS.get() {
        return Ok(jobs);
    }
    support::native_start().map_err(|call| {
        let message = format!("This kernel or sandbox lacks {call}, which the native start needs.");
        Error::new(ErrorCode::Unsupported, message)
    })?;
    reaper::ensure()?;
    let stack = Stack::new().map_err(|errno| {
        Error::new(ErrorCode::SpawnFailed, "There is no memory for a child's stack.").errno(errno, "mmap")
    })?;
    let in_flight = Arc::new(InFlight::default());
    let watchdog = Watchdog::start(Arc::clone(&in_flight))?;
    let room = Room { stack, in_flight, proofs: Proofs::default() };
    let (sender, receiver) = channel();
    thread::start("pe-spawner", move || round(&receiver, &watchdog, &room))?;
    Ok(JOBS.get_or_init(|| sender))
}

/// How long the watchdog stays awake after the last start: starts come in bursts.
const LINGER: Duration = Duration::from_millis(50);

fn round(jobs: &Receiver<Job>, watchdog: &Watchdog, room: &Room) {
    let job = match jobs.recv_timeout(LINGER) {
        Ok(job) => Some(job),
        Err(RecvTimeoutError::Timeout) => {
            watchdog.set_busy(false);
            jobs.recv().ok()
        }
        Err(RecvTimeoutError::Disconnected) => None,
    };
    let Some(job) = job else {
        // Unreachable: the sender is a static. The thread must not end, and must not spin.
        std::thread::park();
        return;
    };
    watchdog.set_busy(true);
    match job {
        Job::Start(start, process) => {
            let provider = start.env.provider.id;
            let outcome = catch_unwind(AssertUnwindSafe(|| execute::carry_out(*start, &process, room)));
            if outcome.is_err() {
                let error = Error::new(ErrorCode::Internal, "The start failed by a defect in this package.");
                process.failed(error.provider(provider));
            }
        }
        Job::Run(command, process) => {
            if catch_unwind(AssertUnwindSafe(|| command.carry_out(&process, room))).is_err() {
                process.failed(Error::new(ErrorCode::Internal, "The command failed by a defect in this package."));
            }
        }
        Job::Locate(wanted, answer) => {
            let _ = answer.send(locate_here(&wanted, room));
        }
        Job::Ask(provider, question) => question(&execute::TargetReach { room, provider }),
    }
}

fn locate_here(wanted: &Locate, room: &Room) -> Result<Program> {
    let search =
        Search { command: wanted.command.as_deref(), path: &wanted.path, package_roots: &wanted.package_roots };
    let reach = execute::TargetReach { room, provider: wanted.provider };
    program::resolve(wanted.provider, &search, &wanted.target, &reach, &room.proofs)
}

/// Queues a start. Its outcome is an event of `process`.
///
/// # Errors
/// `UNSUPPORTED`, `SPAWN_FAILED`.
pub fn start(start: Start, process: &Arc<Process>) -> Result<()> {
    jobs()?.send(Job::Start(Box::new(start), Arc::clone(process))).map_err(|_| gone())
}

/// Queues a command. Its outcome is an event of `process`.
///
/// # Errors
/// `UNSUPPORTED`, `SPAWN_FAILED`.
pub fn run(command: Command, process: &Arc<Process>) -> Result<()> {
    jobs()?.send(Job::Run(Box::new(command), Arc::clone(process))).map_err(|_| gone())
}

/// Finds a program, and waits for the answer.
///
/// # Errors
/// What [`program::resolve`] says; `UNSUPPORTED`, `SPAWN_FAILED`.
pub fn locate(wanted: Locate) -> Result<Program> {
    let (sender, receiver) = channel();
    jobs()?.send(Job::Locate(Box::new(wanted), sender)).map_err(|_| gone())?;
    receiver.recv().map_err(|_| gone())?
}

/// Lets `question` ask as any target, and waits for its answer. Errors speak of `provider`.
///
/// # Errors
/// `UNSUPPORTED`, `SPAWN_FAILED`.
pub fn ask<T: Send + 'static>(
    provider: &'static Provider,
    question: impl FnOnce(&dyn Reach) -> T + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = channel();
    let question = move |reach: &dyn Reach| drop(sender.send(question(reach)));
    jobs()?.send(Job::Ask(provider, Box::new(question))).map_err(|_| gone())?;
    receiver.recv().map_err(|_| gone())
}

fn gone() -> Error {
    Error::new(ErrorCode::Internal, "The spawner's thread is gone.")
}
