//! A started process: its state, its signals, and how it is stopped with everything it started.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::descendants::Descendants;
use super::reaper::{self, Deadline};
use crate::error::Error;
use crate::sys::clone::Started;
use crate::sys::support::{self, Ending};

/// What happens to a process, in this order: `Spawned` or `Failed`; `TimedOut` at most once; `Exited`.
#[derive(Debug)]
pub enum Event {
    /// The program runs.
    Spawned {
        /// Its process id.
        pid: i32,
        /// The program that was started.
        program: String,
    },
    /// It does not, and no byte of it ever ran.
    Failed(Error),
    /// `timeoutMs` went by; the process is being stopped.
    TimedOut,
    /// It has ended.
    Exited(Ending),
}

/// Hears of events, on threads of this crate. It must not block.
pub trait Listener: Send + Sync {
    /// Called once, before any event, with the process's id.
    fn attach(&self, id: u64);
    /// Called with each event.
    fn on_event(&self, event: Event);
}

/// How a process is stopped.
#[derive(Clone, Copy, Debug)]
pub struct StopPolicy {
    /// The signal that asks it to end.
    pub signal: i32,
    /// How long it may take before SIGKILL.
    pub grace: Duration,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// Whether what is left of its group is killed when it has ended by itself.
    pub kill_group_on_exit: bool,
}

/// A process from the moment its start was asked for.
pub struct Process {
    /// Tells it apart in this process, for good.
    pub id: u64,
    policy: StopPolicy,
    listener: Box<dyn Listener>,
    state: Mutex<State>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Process({})", self.id)
    }
}

enum State {
    /// Not started yet; signals that were sent meanwhile.
    Starting { signals: Vec<i32>, aborted: bool },
    /// It runs, or is a zombie: its pid and its group's are its own.
    Running { started: Started, stopping: Option<Descendants> },
    /// It has been waited for, or was never started.
    Ended,
}

impl Process {
    /// A process that is about to be started.
    #[must_use]
    pub fn new(policy: StopPolicy, listener: Box<dyn Listener>) -> Arc<Self> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let state = Mutex::new(State::Starting { signals: Vec::new(), aborted: false });
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        listener.attach(id);
        Arc::new(Self { id, policy, listener, state })
    }

    /// Signals its process group. The policy's signal stops it. Before the start the signal is kept.
    ///
    /// # Errors
    /// The kernel's error number; `ESRCH` when there is nothing to signal.
    pub fn signal(&self, signal: i32) -> Result<(), i32> {
        let mut state = self.lock();
        match &mut *state {
            State::Starting { signals, .. } => {
                if signal != 0 {
                    signals.push(signal);
                }
                Ok(())
            }
            State::Running { .. } if signal == self.policy.signal => self.stop_running(&mut state),
            // Not the group alone: an agent's commands have groups of their own.
            State::Running { started, stopping } if signal == libc::SIGKILL => {
                kill_all(started.pid, stopping);
                Ok(())
            }
            State::Running { started, .. } => signal_group(started.pid, signal),
            State::Ended => Err(libc::ESRCH),
        }
    }

    /// Stops it: its signal, the grace, then SIGKILL. A start that has not happened yet does not happen.
    pub fn stop(&self) {
        let mut state = self.lock();
        match &mut *state {
            State::Starting { aborted, .. } => *aborted = true,
            // The outcome shows as `Exited`.
            State::Running { .. } => drop(self.stop_running(&mut state)),
            State::Ended => {}
        }
    }

    /// Kills it at once, with everything it started.
    pub fn kill(&self) {
        let mut state = self.lock();
        match &mut *state {
            State::Starting { aborted, .. } => *aborted = true,
            State::Running { started, stopping } => kill_all(started.pid, stopping),
            State::Ended => {}
        }
    }

    /// Whether the start is not wanted any more.
    pub(super) fn is_aborted(&self) -> bool {
        matches!(&*self.lock(), State::Starting { aborted: true, .. })
    }

    /// The program runs: tells so, watches it, and delivers the signals that were kept.
    pub(super) fn started(self: &Arc<Self>, started: Started, program: String) {
        let pid = started.pid;
        let mut state = self.lock();
        let previous = std::mem::replace(&mut *state, State::Running { started, stopping: None });
        self.listener.on_event(Event::Spawned { pid, program });
        if let Some(timeout) = self.policy.timeout {
            reaper::schedule(Instant::now() + timeout, self.id, Deadline::Timeout);
        }
        let State::Starting { signals, aborted } = previous else {
            return;
        };
        for signal in signals {
            let stops = signal == self.policy.signal;
            let _ = if stops { self.stop_running(&mut state) } else { signal_group(pid, signal) };
        }
        if aborted {
            let _ = self.stop_running(&mut state);
        }
        if let State::Running { started, .. } = &*state {
            reaper::watch(self, &started.pidfd);
        }
    }

    /// There is no process.
    pub(super) fn failed(&self, error: Error) {
        *self.lock() = State::Ended;
        self.listener.on_event(Event::Failed(error));
    }

    /// The process has ended: kills what it left behind while its ids are still its own, then waits for it.
    pub(super) fn reap(&self) {
        let mut state = self.lock();
        let State::Running { started, stopping } = &mut *state else {
            return;
        };
        if self.policy.kill_group_on_exit || stopping.is_some() {
            let _ = signal_group(started.pid, libc::SIGKILL);
        }
        if let Some(descendants) = stopping {
            descendants.kill();
        }
        reaper::forget(&started.pidfd);
        let ending = support::wait(&started.pidfd);
        *state = State::Ended;
        drop(state);
        self.listener.on_event(Event::Exited(ending));
    }

    /// A deadline of this process has passed.
    pub(super) fn on_deadline(&self, deadline: Deadline) {
        let mut state = self.lock();
        let State::Running { started, stopping } = &mut *state else {
            return;
        };
        match deadline {
            Deadline::Kill => kill_all(started.pid, stopping),
            Deadline::Unwatched => {
                kill_all(started.pid, stopping);
                drop(state);
                self.reap();
            }
            Deadline::Timeout => {
                self.listener.on_event(Event::TimedOut);
                let _ = self.stop_running(&mut state);
            }
        }
    }

    fn stop_running(&self, state: &mut State) -> Result<(), i32> {
        let State::Running { started, stopping } = state else {
            return Err(libc::ESRCH);
        };
        // Before the signal: what the CLI started in sessions of its own is found as its child, or not at all.
        stopping.get_or_insert_with(Descendants::default).collect(started.pid);
        reaper::schedule(Instant::now() + self.policy.grace, self.id, Deadline::Kill);
        signal_group(started.pid, self.policy.signal)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kill_all(pid: i32, stopping: &mut Option<Descendants>) {
    let descendants = stopping.get_or_insert_with(Descendants::default);
    descendants.collect(pid);
    let _ = signal_group(pid, libc::SIGKILL);
    descendants.kill();
}

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
