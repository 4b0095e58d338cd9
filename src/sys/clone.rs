//! Starts a child without copying the worker: `clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD)` on a separate stack.
//!
//! The cost does not grow with the worker's memory, and the calling thread sleeps until the child has executed or
//! ended. So it must be a thread that nothing waits for, and one that never ends while the process lives: the child's
//! parent-death signal follows the thread.

use core::ffi::{c_char, c_void};
use core::ptr::{null, null_mut};
use std::fmt;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::child::{self, ChildAction, Progress, Task};
pub use super::child::{Access, Child, Execution, Strings};
use super::dumpable;
use super::identity::Identity;
use super::step::Step;
use super::support::{SessionKeyring, session_keyring};
use super::wait::wait;

/// The child's stack. It calls a few small functions; the guard page below catches what should never happen.
const STACK_BYTES: usize = 128 * 1024;
const GUARD_BYTES: usize = 64 * 1024;

/// A stack for one child at a time.
pub struct Stack {
    base: *mut c_void,
}

// SAFETY: the mapping belongs to this value alone, and nothing about it is tied to the thread that made it.
unsafe impl Send for Stack {}

impl fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Stack")
    }
}

impl Stack {
    /// Maps one.
    ///
    /// # Errors
    /// The kernel's error number.
    pub fn new() -> Result<Self, i32> {
        use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
        let length = GUARD_BYTES + STACK_BYTES;
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory of ours.
        let base = unsafe {
            mmap_anonymous(
                null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::STACK | MapFlags::NORESERVE,
            )
        }
        .map_err(|error| error.raw_os_error())?;
        let stack = Self { base };
        // SAFETY: the first GUARD_BYTES of the mapping just made, which nobody uses yet.
        unsafe { mprotect(stack.base, GUARD_BYTES, MprotectFlags::empty()) }.map_err(|error| error.raw_os_error())?;
        Ok(stack)
    }

    /// Stacks grow downwards; the mapping's end is page-aligned, which is aligned enough.
    fn top(&self) -> *mut c_void {
        self.base.wrapping_byte_add(GUARD_BYTES + STACK_BYTES)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`; no child is on it, as `start` returns only when its child is not.
        let _ = unsafe { rustix::mm::munmap(self.base, GUARD_BYTES + STACK_BYTES) };
    }
}

/// The child that has not executed yet, where a watchdog on another thread can see it.
#[derive(Debug)]
pub struct InFlight {
    pidfd: AtomicI32,
    /// Whether the watchdog ended the present one.
    pub ended: AtomicBool,
    /// Set by the child itself, as the first thing it does.
    begun: AtomicBool,
    /// Held while `pidfd` is used by the watchdog, or taken by the spawner.
    turn: Mutex<()>,
}

impl Default for InFlight {
    fn default() -> Self {
        Self {
            pidfd: AtomicI32::new(child::NONE),
            ended: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            turn: Mutex::new(()),
        }
    }
}

impl InFlight {
    /// Hands the child's pidfd to `look` if there is a child in flight that has begun to run: then there was no failure,
    /// and the number is the child's.
    pub fn with_child<T>(&self, look: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = self.begun.load(Ordering::Acquire);
        let number = if begun { self.pidfd.load(Ordering::Acquire) } else { child::NONE };
        // SAFETY: the child runs, so `clone` succeeded and the number is its pidfd's, which stays open until `take`,
        // which waits for our turn.
        (number != child::NONE).then(|| look(unsafe { BorrowedFd::borrow_raw(number) }))
    }

    fn clear(&self) -> Option<OwnedFd> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.pidfd.store(child::NONE, Ordering::Release);
        None
    }

    fn take(&self) -> Option<OwnedFd> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.pidfd.swap(child::NONE, Ordering::AcqRel);
        // SAFETY: called only when `clone` succeeded: the descriptor that it made for us; the swap leaves nobody else
        // to own it.
        (number != child::NONE).then(|| unsafe { OwnedFd::from_raw_fd(number) })
    }
}

/// A child that runs, or has ended after its checks; the caller waits for it.
#[derive(Debug)]
pub struct Started {
    pub pid: i32,
    pub pidfd: OwnedFd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepFailure {
    pub step: Step,
    /// The kernel's error number; 0 when the child was ended by a signal in the middle of it.
    pub errno: i32,
    /// The index of the item that failed, in a step that goes through a list.
    pub detail: u32,
}

/// Starts a child and returns when it has executed, or failed to.
///
/// # Errors
/// The step and its error number. The child is gone and waited for.
pub fn start(child: &Child<'_>, stack: &Stack, in_flight: &InFlight) -> Result<Started, StepFailure> {
    let arguments: Vec<*const c_char> = match &child.program {
        Some(program) => program.arguments.iter().map(|text| text.as_ptr()).chain([null()]).collect(),
        None => Vec::new(),
    };
    let environment = child.program.as_ref().map(|program| program.environment.pointers()).unwrap_or_default();
    // One that only checks is not worth its own limits.
    let limits = if child.program.is_some() { child.attributes.limits() } else { Vec::new() };
    let oom_score = child.attributes.oom_score_adj.map(|score| score.to_string());
    let progress = Progress::default();
    let task = Task {
        child,
        progress: &progress,
        begun: &in_flight.begun,
        worker: rustix::process::getpid().as_raw_nonzero().get(),
        own_keyring: session_keyring() == SessionKeyring::Own,
        descriptors: child.program.as_ref().map(|program| {
            let [stdin, stdout, stderr] = program.stdio.map(|stream| stream.as_raw_fd());
            [stdin, stdout, stderr, program.credential.map_or(child::NONE, |pipe| pipe.as_raw_fd())]
        }),
        limits: &limits,
        oom_score: oom_score.as_deref().map(str::as_bytes),
        action: child.program.as_ref().map_or(ChildAction::Exit, |program| ChildAction::Execute {
            program: program.path.as_ptr(),
            arguments: arguments.as_ptr(),
            environment: environment.as_ptr(),
        }),
    };
    in_flight.ended.store(false, Ordering::Release);
    in_flight.begun.store(false, Ordering::Release);
    let keeper = dumpable::Keeper::new();
    let cloned = clone(&task, stack, in_flight);
    drop(keeper);
    // A clone that fails late has written the number of a descriptor that is closed again: it is nobody's, or by now
    // somebody else's.
    let pidfd = if cloned.is_ok() { in_flight.take() } else { in_flight.clear() };
    let (pid, pidfd) = match (cloned, pidfd) {
        (Ok(pid), Some(pidfd)) => (pid, pidfd),
        (Ok(_), None) => {
            return Err(StepFailure { step: Step::Clone, errno: libc::ENOSYS, detail: 0 });
        }
        (Err(errno), _) => {
            return Err(StepFailure { step: Step::Clone, errno, detail: 0 });
        }
    };
    let failed = progress.errno.load(Ordering::Acquire);
    // A signal can end it at any step but the last.
    let reached_end = progress.step.load(Ordering::Relaxed) == Step::Execute as u32;
    let cut_short = in_flight.ended.load(Ordering::Acquire) || !reached_end;
    if failed == 0 && !cut_short {
        return Ok(Started { pid, pidfd });
    }
    let _ = wait(&pidfd);
    let step = Step::from_number(progress.step.load(Ordering::Relaxed));
    Err(StepFailure { step, errno: failed, detail: progress.detail.load(Ordering::Relaxed) })
}

/// Starts a child that only checks paths as somebody else. Must be called on the spawner thread.
///
/// # Errors
/// As [`start`]; at [`Step::StateDirectory`], `detail` is the index of the path.
pub fn check_access(
    identity: &Identity,
    access: &[Access<'_>],
    stack: &Stack,
    in_flight: &InFlight,
) -> Result<(), StepFailure> {
    let may_be_root = identity.uid == 0;
    let child = Child { identity: Some(identity), may_be_root, access, ..Child::default() };
    let started = start(&child, stack, in_flight)?;
    let _ = wait(&started.pidfd);
    Ok(())
}

/// `clone` with every signal blocked, so that no handler of ours runs in the child.
fn clone(task: &Task<'_>, stack: &Stack, in_flight: &InFlight) -> Result<i32, i32> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let before = set_mask(!0);
    // SAFETY: the child runs `child::main` on `stack`, which nobody else uses: it belongs to this thread, which
    // sleeps in this call (CLONE_VFORK) until the child has its own memory or is gone. `task` and all that it refers
    // to live as long. The kernel writes the pidfd to `in_flight.pidfd`, an `i32` that outlives the call.
    let pid = unsafe {
        libc::clone(
            child::main,
            stack.top(),
            flags,
            std::ptr::from_ref(task).cast_mut().cast::<c_void>(),
            in_flight.pidfd.as_ptr(),
        )
    };
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    set_mask(before);
    if pid > 0 { Ok(pid) } else { Err(errno) }
}

/// Sets this thread's signal mask by the raw call: libc's leaves out the signals that it uses itself, and its handler
/// for those must not run in the child either. Only for the length of a `clone`: other threads wait for them.
fn set_mask(mask: u64) -> u64 {
    let mut before = 0_u64;
    // SAFETY: two words of the kernel's `sigset_t`, which is 8 bytes on every Linux that Rust supports but MIPS.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const mask, &raw mut before, 8) };
    before
}
