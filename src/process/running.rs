//! A started process: its state, its signals, and how it is stopped together with everything that it started.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::brokered::Brokered;
use super::descendants::{self, Descendants};
use super::options::StopPolicy;
use super::reaper::{self, Deadline, Watched};
use super::thread::Precedence;
use crate::environment::Delivery;
use crate::error::Error;
use crate::sys::clone::Started;
use crate::sys::wait::{self, ExitStatus};

/// The events of a process, in this order: optionally `Untested`; `Spawned` or `Failed`; `TimedOut` at most once;
/// `Exited`.
#[derive(Debug)]
pub enum LifecycleEvent {
    /// The program is of a version that nobody has tried: what to say of it.
    Untested(String),
    Spawned {
        pid: i32,
        /// The program's arguments, as everybody can read them in /proc. First its name, which is a provider's path.
        argv: Vec<String>,
        /// How its credential is passed; none if nothing is.
        delivery: Option<Delivery>,
    },
    /// It does not, and no byte of it ever ran.
    Failed(Error),
    /// `timeoutMs` went by; the process is being stopped.
    TimedOut,
    Exited(ExitStatus),
}

/// Hears of processes, on threads of this crate. It must not block.
pub trait ProcessListener: Send + Sync {
    /// Called with the id of a process, and what has happened to it.
    fn on_event(&self, id: u64, event: LifecycleEvent);
}

/// A process from the moment its start was requested.
pub struct Process {
    /// Tells it apart in this process, for good.
    pub id: u64,
    policy: StopPolicy,
    listener: Arc<dyn ProcessListener>,
    state: Mutex<Lifecycle>,
    /// What it started. Its own lock, which comes after that of `state`: a tenant decides how long it is held.
    descendants: Mutex<Descendants>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Process({})", self.id)
    }
}

enum Lifecycle {
    /// Not started yet; signals that were sent meanwhile.
    Starting { signals: Vec<i32>, aborted: bool },
    /// It runs, or is a zombie: its pid and its group's are its own.
    Running(Running),
    /// It has been waited for, or was never started.
    Ended,
}

/// A program that runs, and what its start decided.
pub(super) struct Begun {
    pub started: Started,
    pub argv: Vec<String>,
    /// The warning about an untested version.
    pub untested: Option<String>,
    pub delivery: Option<Delivery>,
    pub brokered: Option<Brokered>,
}

struct Running {
    started: Started,
    /// The broker answers it for as long as this is there.
    _brokered: Option<Brokered>,
    turns: Option<Turns>,
    /// Whether it is being stopped, so that nothing of it may stay.
    stopping: bool,
    /// How often its end was looked at in vain.
    waits: u32,
}

/// Descendants are being looked for, stopped or killed, a little at a time.
struct Turns {
    /// The last of those that requested it; it makes those before it unnecessary.
    purpose: Deadline,
    since: Instant,
    /// When the last one began, or the next one does: who asks before that gets no turns on top.
    at: Instant,
}

impl Process {
    /// A process that is about to be started.
    #[must_use]
    pub fn new(policy: StopPolicy, listener: Arc<dyn ProcessListener>) -> Arc<Self> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let state = Mutex::new(Lifecycle::Starting { signals: Vec::new(), aborted: false });
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { id, policy, listener, state, descendants: Mutex::default() })
    }

    /// Signals its process group. The policy's signal stops it. Before the start the signal is kept.
    ///
    /// # Errors
    /// The kernel's error number; `ESRCH` when there is nothing to signal.
    pub fn signal(&self, signal: i32) -> Result<(), i32> {
        let mut state = self.lock();
        match &mut *state {
            Lifecycle::Starting { signals, .. } => {
                if signal != 0 {
                    signals.push(signal);
                }
                Ok(())
            }
            Lifecycle::Running(running) => self.send(running, signal),
            Lifecycle::Ended => Err(libc::ESRCH),
        }
    }

    /// Stops it: its signal, the grace, then SIGKILL. A start that has not happened yet does not happen.
    pub fn stop(&self) {
        match &mut *self.lock() {
            Lifecycle::Starting { aborted, .. } => *aborted = true,
            Lifecycle::Running(_) => self.soon(Deadline::Stop),
            Lifecycle::Ended => {}
        }
    }

    /// Kills it before this returns, with everything it started: for when nobody will be there later. The lock keeps its
    /// number its own meanwhile.
    pub fn kill(&self) {
        match &mut *self.lock() {
            Lifecycle::Starting { aborted, .. } => *aborted = true,
            Lifecycle::Running(running) => {
                let (pid, until) = (running.started.pid, Instant::now() + LAST_TURN);
                let _precedence = Precedence::take();
                let mut descendants = lock(&self.descendants);
                let _ = signal_group(pid, libc::SIGSTOP);
                while !descendants.sweep(pid, until, true) && Instant::now() < until {
                    std::thread::sleep(PAUSE);
                }
                running.stopping = true;
                let _ = signal_group(pid, libc::SIGKILL);
                let _ = descendants.kill(Instant::now() + LAST_TURN);
            }
            Lifecycle::Ended => {}
        }
    }

    /// Whether the start is not wanted any more.
    pub(super) fn is_aborted(&self) -> bool {
        matches!(&*self.lock(), Lifecycle::Starting { aborted: true, .. })
    }

    /// Called when the program runs: emits the event, watches the process, and delivers the pending signals.
    pub(super) fn started(self: &Arc<Self>, begun: Begun) {
        let Begun { started, argv, untested, delivery, brokered } = begun;
        let pid = started.pid;
        let mut state = self.lock();
        if let Lifecycle::Ended = *state {
            // It was given up while a file system held it.
            drop(state);
            return discard(&started);
        }
        let running = Running { started, _brokered: brokered, turns: None, stopping: false, waits: 0 };
        let previous = std::mem::replace(&mut *state, Lifecycle::Running(running));
        if let Some(untested) = untested {
            self.tell(LifecycleEvent::Untested(untested));
        }
        self.tell(LifecycleEvent::Spawned { pid, argv, delivery });
        // Before any deadline: one of a process that the reaper does not know is lost.
        reaper::register(Arc::<Self>::clone(self));
        if let Some(timeout) = self.policy.timeout() {
            reaper::schedule_after(timeout, self.id, Deadline::Timeout);
        }
        let Lifecycle::Running(running) = &*state else { return };
        if let Lifecycle::Starting { signals, aborted } = previous {
            for signal in signals {
                // Whether it is still there shows as `Exited`.
                let _ = self.send(running, signal);
            }
            if aborted {
                self.soon(Deadline::Stop);
            }
        }
        reaper::arm(self.id, &running.started.pidfd);
    }

    /// There is no process. Says so once: a start that a file system holds is given up before it has failed.
    pub fn failed(&self, error: Error) {
        let mut state = self.lock();
        match &mut *state {
            Lifecycle::Running(running) => {
                // A defect struck after the start: the reaper sees to its end.
                running.stopping = true;
                let _ = signal_group(running.started.pid, libc::SIGKILL);
                return reaper::arm(self.id, &running.started.pidfd);
            }
            Lifecycle::Ended => return,
            Lifecycle::Starting { .. } => *state = Lifecycle::Ended,
        }
        drop(state);
        self.tell(LifecycleEvent::Failed(error));
    }

    /// The process has ended: kills what it left behind. If it was being stopped, all that was found below it is stopped
    /// first: else those that are still to be killed start others in the place of those that were.
    ///
    /// Returns whether that is done, or took too long.
    fn ends_what_is_left(&self) -> bool {
        let Some((pid, stopping)) = self.begin_turn(Deadline::Reap) else { return self.is_left_alone() };
        if stopping {
            let complete = lock(&self.descendants).sweep(pid, Instant::now() + TURN, true);
            if !complete && self.takes_another_turn(Deadline::Reap, ALL_LAST_TURNS) {
                return false;
            }
        }
        if stopping || self.policy.kill_group_on_exit {
            let _ = signal_group(pid, libc::SIGKILL);
        }
        // Their number does not grow: that they lack a descriptor is what may go on.
        let complete = lock(&self.descendants).kill(Instant::now() + TURN);
        complete || !self.takes_another_turn(Deadline::Reap, 2 * ALL_LAST_TURNS)
    }

    /// Whether there is only its status left to wait for.
    fn is_left_alone(&self) -> bool {
        !matches!(&*self.lock(), Lifecycle::Running(running) if running.waits == 0)
    }

    /// Its pid, and whether it is being stopped; none if there is no turn. Its group is held by SIGSTOP for that
    /// time: what it starts after the look, and before it ends by the signal, would be nobody's.
    fn begin_turn(&self, purpose: Deadline) -> Option<(i32, bool)> {
        let mut state = self.lock();
        let Lifecycle::Running(running) = &mut *state else { return None };
        let now = Instant::now();
        match &mut running.turns {
            Some(turns) if purpose < turns.purpose || (purpose == turns.purpose && now < turns.at) => return None,
            Some(turns) if purpose == turns.purpose => turns.at = now,
            _ => running.turns = Some(Turns { purpose, since: now, at: now }),
        }
        if purpose == Deadline::Reap {
            if running.waits > 0 {
                return None;
            }
            reaper::disarm(&running.started.pidfd);
        } else {
            running.stopping = true;
        }
        let pid = running.started.pid;
        if running.stopping {
            let _ = signal_group(pid, libc::SIGSTOP);
        }
        Some((pid, running.stopping))
    }

    /// Sees to one more turn, unless those for `purpose` have taken `bound`.
    fn takes_another_turn(&self, purpose: Deadline, bound: Duration) -> bool {
        let mut state = self.lock();
        let Lifecycle::Running(running) = &mut *state else { return false };
        let Some(turns) = running.turns.as_mut().filter(|turns| turns.since.elapsed() < bound) else { return false };
        let pause = turns.at.elapsed().clamp(PAUSE, TURN);
        turns.at = Instant::now() + pause;
        reaper::schedule_after(pause, self.id, purpose);
        true
    }

    /// Sends a signal, or has the reaper stop or kill it: not the group alone, as an agent's commands have groups of
    /// their own, and not on the caller's thread, as looking for them takes its time.
    fn send(&self, running: &Running, signal: i32) -> Result<(), i32> {
        match signal {
            _ if signal == self.policy.kill_signal => self.soon(Deadline::Stop),
            libc::SIGKILL => self.soon(Deadline::Kill),
            _ => return signal_group(running.started.pid, signal),
        }
        Ok(())
    }

    fn tell(&self, event: LifecycleEvent) {
        self.listener.on_event(self.id, event);
    }

    fn soon(&self, deadline: Deadline) {
        reaper::schedule_after(Duration::ZERO, self.id, deadline);
    }

    fn lock(&self) -> MutexGuard<'_, Lifecycle> {
        lock(&self.state)
    }
}

/// On the reaper's thread only.
impl Watched for Process {
    fn id(&self) -> u64 {
        self.id
    }

    /// The process has ended: kills what it left behind while its ids are still its own, then takes its status. Never
    /// waits: a debugger of the tenant's can hold the zombie for as long as it likes.
    fn reap(&self) -> bool {
        if !self.ends_what_is_left() {
            return false;
        }
        let mut state = self.lock();
        let Lifecycle::Running(running) = &mut *state else { return true };
        let status = match wait::try_wait(&running.started.pidfd) {
            Some(ending) => ending,
            None if running.waits < MAX_WAITS => {
                if running.waits == 0 {
                    descendants::end_tracer(running.started.pid);
                }
                running.waits += 1;
                reaper::schedule_after(WAIT_INTERVAL, self.id, Deadline::Reap);
                return false;
            }
            None => ExitStatus::Unknown,
        };
        *state = Lifecycle::Ended;
        drop(state);
        self.tell(LifecycleEvent::Exited(status));
        true
    }

    fn on_deadline(&self, deadline: Deadline) {
        if deadline == Deadline::Timeout {
            if matches!(&*self.lock(), Lifecycle::Running(_)) {
                self.tell(LifecycleEvent::TimedOut);
            }
            return self.on_deadline(Deadline::Stop);
        }
        let is_last = deadline == Deadline::Kill;
        let Some((pid, _)) = self.begin_turn(deadline) else { return };
        // Before the signal: what the CLI started in its own sessions is found as its child, or not at all. Without
        // the lock, as a tenant decides how long it takes; the pid stays the child's until this thread reaps it.
        let complete = lock(&self.descendants).sweep(pid, Instant::now() + TURN, is_last);
        if !complete && self.takes_another_turn(deadline, if is_last { ALL_LAST_TURNS } else { ALL_TURNS }) {
            return;
        }
        if let Lifecycle::Running(running) = &mut *self.lock() {
            running.turns = None;
        }
        if is_last {
            let _ = signal_group(pid, libc::SIGKILL);
            // What this leaves is killed when the process has ended.
            let _ = lock(&self.descendants).kill(Instant::now() + TURN);
            // It holds even a killed process in its last stop.
            return descendants::end_tracer(pid);
        }
        let _ = signal_group(pid, self.policy.kill_signal);
        let _ = signal_group(pid, libc::SIGCONT);
        reaper::schedule_after(self.policy.grace(), self.id, Deadline::Kill);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a process that nobody waits for any more.
pub(super) fn discard(started: &Started) {
    let _ = rustix::process::pidfd_send_signal(&started.pidfd, Signal::KILL);
    let _ = wait::wait(&started.pidfd);
}

/// How long the reaper looks for the descendants of one process, or kills them, before it serves others.
const TURN: Duration = Duration::from_millis(10);
/// Between two turns, or as long as the first of them took: half of a processor is for others.
const PAUSE: Duration = Duration::from_millis(1);
/// How long all turns before the signal may take: what they miss, the last ones find.
const ALL_TURNS: Duration = Duration::from_secs(5);
/// How long all turns for one purpose may take after that. Beside 300 processes busy with fork(2) and setsid(2), on two
/// cores, a thread without [`Precedence`] needed 5 to 15 s in three runs, and one with it less than 2 s in nine.
const ALL_LAST_TURNS: Duration = Duration::from_secs(60);
/// How long a process that is killed at once may take to be stopped, and to be killed then.
const LAST_TURN: Duration = Duration::from_millis(500);

/// Between two looks at a zombie that somebody else holds.
const WAIT_INTERVAL: Duration = Duration::from_millis(20);
/// One second in all; then how it ended stays unknown.
const MAX_WAITS: u32 = 50;

/// The group's id is the leader's pid, which is not reused before the leader is waited for.
fn signal_group(pid: i32, signal: i32) -> Result<(), i32> {
    let Some(group) = Pid::from_raw(pid) else {
        return Err(libc::ESRCH);
    };
    let result = match Signal::from_named_raw(signal) {
        Some(signal) => rustix::process::kill_process_group(group, signal),
        None if signal == 0 => rustix::process::test_kill_process_group(group),
        None => return Err(libc::EINVAL),
    };
    result.map_err(|error| error.raw_os_error())
}
