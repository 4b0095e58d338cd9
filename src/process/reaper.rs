//! One thread that waits for every child of this package with its pidfd and enforces their deadlines.
//!
//! Never `waitpid(-1)`: that would take children from the host. A pidfd is taken out of the epoll set before it is
//! closed: a fork elsewhere keeps the entry alive otherwise, and it would fire for a descriptor of the same number.

use std::collections::{BTreeSet, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};

use super::thread::{self, Precedence};
use crate::error::{Error, ErrorCode, Result};

/// What is to be done with a process at a time. A later one makes those before it unnecessary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deadline {
    /// It is to end: its signal, then the grace.
    Stop,
    /// The grace is over, or there was none.
    Kill,
    /// The process has run long enough.
    Timeout,
    /// It has ended, and somebody else held its status the last time.
    Reap,
}

/// A child that the reaper waits for.
pub trait Watched: Send + Sync {
    /// Tells it apart in this process, for good. It is not 0.
    fn id(&self) -> u64;

    /// It has ended, or its end is to be looked at again. Returns whether there is nothing left to do.
    fn reap(&self) -> bool;

    /// Its own deadline has passed.
    fn on_deadline(&self, deadline: Deadline);
}

/// The epoll tag of the eventfd; processes count from 1.
const WAKE: u64 = 0;

struct Reaper {
    epoll: OwnedFd,
    wake: OwnedFd,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    processes: HashMap<u64, Arc<dyn Watched>>,
    deadlines: BTreeSet<(Instant, u64, Deadline)>,
}

/// Set once its thread runs: who finds it here can rely on that.
static REAPER: OnceLock<&'static Reaper> = OnceLock::new();

/// Starts the thread, once.
///
/// # Errors
/// `SPAWN_FAILED` when the kernel gives no descriptor or no thread.
pub fn ensure() -> Result<()> {
    static STARTING: Mutex<()> = Mutex::new(());
    let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if REAPER.get().is_some() {
        return Ok(());
    }
    let reaper = make().map_err(|error| {
        Error::new(ErrorCode::SpawnFailed, format!("The thread that waits for children cannot be set up: {error}."))
            .errno(error.raw_os_error(), "epoll_create1")
    })?;
    // For as long as the process lives, as its thread does.
    let reaper: &'static Reaper = Box::leak(Box::new(reaper));
    let mut precedence = None;
    thread::start("pe-reaper", move || {
        precedence.get_or_insert_with(Precedence::take);
        turn(reaper);
    })?;
    let _ = REAPER.set(reaper);
    Ok(())
}

fn make() -> std::result::Result<Reaper, rustix::io::Errno> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    epoll::add(&epoll, &wake, epoll::EventData::new_u64(WAKE), epoll::EventFlags::IN)?;
    Ok(Reaper { epoll, wake, shared: Mutex::default() })
}

/// Remembers a process; its deadlines count from now on.
pub fn register(process: Arc<dyn Watched>) {
    if let Some(reaper) = REAPER.get() {
        reaper.lock().processes.insert(process.id(), process);
    }
}

/// Calls [`Watched::reap`] when the process has ended.
pub fn arm(id: u64, pidfd: &OwnedFd) {
    let Some(reaper) = REAPER.get() else { return };
    let tag = epoll::EventData::new_u64(id);
    if epoll::add(&reaper.epoll, pidfd.as_fd(), tag, epoll::EventFlags::IN).is_err() {
        // ENOSPC or ENOMEM. A process whose end nobody would see must not go on.
        schedule_after(Duration::ZERO, id, Deadline::Kill);
        schedule_after(Duration::ZERO, id, Deadline::Reap);
    }
}

/// Takes a pidfd out of the set; to be called before it is closed.
pub fn disarm(pidfd: &OwnedFd) {
    if let Some(reaper) = REAPER.get() {
        let _ = epoll::delete(&reaper.epoll, pidfd.as_fd());
    }
}

/// Calls [`Watched::on_deadline`] after `delay`. One that no clock can hold never comes.
pub fn schedule_after(delay: Duration, id: u64, deadline: Deadline) {
    let (Some(reaper), Some(when)) = (REAPER.get(), Instant::now().checked_add(delay)) else { return };
    reaper.lock().deadlines.insert((when, id, deadline));
    // Full (EAGAIN) means that it will wake anyway.
    let _ = rustix::io::write(&reaper.wake, &1_u64.to_ne_bytes());
}

impl Reaper {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long to sleep: until the first deadline.
    fn timeout(&self) -> Option<Duration> {
        let first = self.lock().deadlines.first().map(|(when, _, _)| *when)?;
        Some(first.saturating_duration_since(Instant::now()))
    }

    fn process(&self, id: u64) -> Option<Arc<dyn Watched>> {
        self.lock().processes.get(&id).cloned()
    }

    fn due(&self) -> Option<(u64, Deadline)> {
        let mut shared = self.lock();
        let first = shared.deadlines.first().copied().filter(|(when, _, _)| *when <= Instant::now())?;
        shared.deadlines.remove(&first);
        Some((first.1, first.2))
    }

    fn reap(&self, process: &dyn Watched) {
        if process.reap() {
            self.drop_process(process.id());
        }
    }

    fn drop_process(&self, id: u64) {
        let mut shared = self.lock();
        shared.processes.remove(&id);
        shared.deadlines.retain(|(_, of, _)| *of != id);
    }
}

/// One round: sleep, reap, act on deadlines.
fn turn(reaper: &Reaper) {
    let timeout = reaper.timeout().map(|left| Timespec {
        tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    });
    let mut events = Vec::with_capacity(64);
    if let Err(error) = epoll::wait(&reaper.epoll, spare_capacity(&mut events), timeout.as_ref()) {
        if error != rustix::io::Errno::INTR {
            // Somebody closed our descriptor: do not spin.
            thread::breathe();
        }
        return;
    }
    for event in events {
        let id = event.data.u64();
        if id == WAKE {
            let _ = rustix::io::read(&reaper.wake, &mut [0_u8; 8]);
        } else if let Some(process) = reaper.process(id) {
            reaper.reap(&*process);
        }
    }
    // One, and then the exits that have come meanwhile: a tenant decides how long a deadline takes.
    if let Some((id, deadline)) = reaper.due() {
        match reaper.process(id) {
            Some(process) if deadline == Deadline::Reap => reaper.reap(&*process),
            Some(process) => process.on_deadline(deadline),
            None => {}
        }
    }
}
