//! The code that runs in the child between `clone` and `execve`: only raw system calls.
//!
//! The child has the worker's memory, thread-local storage and locks. It must not allocate, panic, format, take a lock
//! or call a libc wrapper with side effects: glibc's `setuid` and friends signal every thread *of the parent's list*.
//! Everything it needs was laid out by [`super::clone`].

use core::ffi::{CStr, c_char, c_long, c_void};
use core::ptr::null;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::os::fd::BorrowedFd;

use super::attributes::{Attributes, Limit};
use super::identity::Identity;
use super::stdio::CREDENTIAL_DESCRIPTOR;
use super::step::Step;
use raw::{Failed, StepResult, call, prctl};

mod raw;
mod scheduling;

/// Where the child says how far it got. It lies in memory that both see.
#[derive(Debug, Default)]
pub struct Progress {
    /// The step that the child is at.
    pub step: AtomicU32,
    /// Non-zero once that step has failed.
    pub errno: AtomicI32,
    /// Which item of a list failed.
    pub detail: AtomicU32,
}

/// A path that the target must be able to use.
#[derive(Debug)]
pub struct Access<'a> {
    pub path: &'a CStr,
    /// `R_OK`, `W_OK`, `X_OK`.
    pub mode: i32,
    /// Looked at instead when `path` does not exist: where the CLI would make it.
    pub otherwise: Option<&'a CStr>,
}

/// Strings laid out one after the other, each with its NUL.
#[derive(Clone, Copy, Debug)]
pub struct Strings<'a> {
    bytes: &'a [u8],
    offsets: &'a [usize],
}

impl<'a> Strings<'a> {
    /// Takes a layout; none when a string would not end inside of it.
    #[must_use]
    pub fn new(bytes: &'a [u8], offsets: &'a [usize]) -> Option<Self> {
        let ends = bytes.last().is_none_or(|last| *last == 0);
        let inside = offsets.iter().all(|offset| *offset < bytes.len());
        (ends && inside).then_some(Self { bytes, offsets })
    }

    /// An array for `execve`, with its null pointer.
    pub(super) fn pointers(self) -> Vec<*const c_char> {
        let strings = self.offsets.iter().map(|offset| self.bytes[*offset..].as_ptr().cast::<c_char>());
        strings.chain([null()]).collect()
    }
}

#[derive(Debug)]
pub struct Execution<'a> {
    pub path: &'a CStr,
    /// Its arguments, its name first.
    pub arguments: &'a [&'a CStr],
    pub environment: Strings<'a>,
    pub stdio: [BorrowedFd<'a>; 3],
    /// The pipe that holds its credential.
    pub credential: Option<BorrowedFd<'a>>,
}

/// A child to make: all that it needs.
#[derive(Debug, Default)]
pub struct Child<'a> {
    /// What it executes; without, it ends after its checks.
    pub program: Option<Execution<'a>>,
    /// Its working directory, without symlinks.
    pub directory: Option<&'a CStr>,
    pub attributes: Attributes,
    /// Whom it becomes; without, it stays who we are.
    pub identity: Option<&'a Identity>,
    /// Whether it may be root in the end.
    pub may_be_root: bool,
    /// What it must be able to use.
    pub access: &'a [Access<'a>],
}

/// What the child does when everything before has succeeded.
#[derive(Debug)]
pub(super) enum ChildAction {
    /// `execve`: the program, and null-terminated arrays of strings.
    Execute { program: *const c_char, arguments: *const *const c_char, environment: *const *const c_char },
    /// `exit_group(0)`: it only had to check something.
    Exit,
}

/// What the child works with: what was requested, and what was laid out for it, as it cannot allocate.
#[derive(Debug)]
pub(super) struct Task<'a> {
    pub child: &'a Child<'a>,
    pub progress: &'a Progress,
    pub begun: &'a AtomicBool,
    pub worker: i32,
    pub own_keyring: bool,
    pub descriptors: Option<[i32; 4]>,
    pub limits: &'a [Limit],
    /// The `oom_score_adj` in digits.
    pub oom_score: Option<&'a [u8]>,
    pub action: ChildAction,
}

/// Stands for "no descriptor" in [`Task::descriptors`].
pub(super) const NONE: i32 = -1;

/// Where the child begins, on its own stack; it never returns.
pub(super) extern "C" fn main(argument: *mut c_void) -> i32 {
    // SAFETY: `clone::start` passes a `Task` that outlives the child: it waits until the child has executed or ended.
    let task = unsafe { &*argument.cast::<Task<'_>>() };
    let status = match run(task) {
        Ok(()) => 0,
        Err(failed) => {
            task.progress.detail.store(failed.detail, Ordering::Relaxed);
            task.progress.errno.store(failed.errno, Ordering::Release);
            127
        }
    };
    // Never returns into libc's exit path, which would run the parent's handlers.
    loop {
        let _ = call(libc::SYS_exit_group, [status, 0, 0, 0, 0]);
    }
}

fn run(task: &Task<'_>) -> StepResult {
    task.begun.store(true, Ordering::Release);
    for step in Step::ALL {
        task.progress.step.store(*step as u32, Ordering::Relaxed);
        perform(*step, task)?;
    }
    Ok(())
}

fn perform(step: Step, task: &Task<'_>) -> StepResult {
    match step {
        // It has happened: this is the child.
        Step::Clone => Ok(()),
        Step::Session => session(task),
        Step::Stdio => stdio(task),
        Step::CloseDescriptors => close_descriptors(task),
        Step::SessionKeyring => session_keyring(task),
        Step::Scheduling => scheduling(task),
        Step::OomScore => oom_score(task),
        Step::Umask => umask(task),
        Step::Limits => limits(task),
        Step::Groups => groups(task),
        Step::Group => group(task),
        Step::User => user(task),
        Step::Capabilities => capabilities(task),
        Step::VerifyDrop => verify_drop(task),
        Step::WorkingDirectory => working_directory(task),
        Step::NoNewPrivileges => no_new_privileges(task),
        Step::ParentDeathSignal => parent_death_signal(task),
        Step::ParentCheck => parent_check(task),
        Step::StateDirectory => state_directory(task),
        Step::Signals => signals(task),
        Step::Execute => execute(task),
    }
}

/// A child that only checks something needs none: it runs no code but ours, in memory that the target cannot attach to, so
/// nobody types through it into the worker's terminal. A session is its own scheduling group (autogroup), which waits
/// for its turn on a busy machine: the check would take tens of milliseconds.
fn session(task: &Task<'_>) -> StepResult {
    match task.action {
        ChildAction::Execute { .. } => call(libc::SYS_setsid, [0; 5]).map(drop),
        ChildAction::Exit => Ok(()),
    }
}

fn stdio(task: &Task<'_>) -> StepResult {
    let Some(mut sources) = task.descriptors else {
        return Ok(());
    };
    // A source below 4 could be overwritten before its turn: move it out of the way first.
    for source in &mut sources {
        if (0..=i32::from(CREDENTIAL_DESCRIPTOR)).contains(source) {
            let above = i64::from(CREDENTIAL_DESCRIPTOR) + 1;
            *source =
                call(libc::SYS_fcntl, [i64::from(*source), i64::from(libc::F_DUPFD_CLOEXEC), above, 0, 0])? as i32;
        }
    }
    for (target, source) in (0_i64..).zip(sources) {
        if source != NONE {
            call(libc::SYS_dup3, [i64::from(source), target, 0, 0, 0])?;
            make_blocking(target)?;
        }
    }
    Ok(())
}

/// libuv makes the pipes of the worker non-blocking, and few programs know what to do with EAGAIN: they lose data. As
/// `child_process` does, for everybody who shares the open file description (fcntl(2), "File status flags").
fn make_blocking(descriptor: i64) -> StepResult {
    let flags = call(libc::SYS_fcntl, [descriptor, i64::from(libc::F_GETFL), 0, 0, 0])?;
    let blocking = flags & !i64::from(libc::O_NONBLOCK);
    if blocking == flags {
        return Ok(());
    }
    call(libc::SYS_fcntl, [descriptor, i64::from(libc::F_SETFL), blocking, 0, 0]).map(drop)
}

/// All of them in a child that only checks.
fn close_descriptors(task: &Task<'_>) -> StepResult {
    let first = match task.descriptors {
        None => 0,
        Some([.., NONE]) => CREDENTIAL_DESCRIPTOR,
        Some(_) => CREDENTIAL_DESCRIPTOR + 1,
    };
    call(libc::SYS_close_range, [i64::from(first), i64::from(u32::MAX), 0, 0, 0]).map(drop)
}

/// `KEYCTL_JOIN_SESSION_KEYRING` (keyctl(2)).
const JOIN_SESSION_KEYRING: i64 = 1;

/// A new one without a name. The worker's stays what it is: keyrings belong to a task's credentials.
fn session_keyring(task: &Task<'_>) -> StepResult {
    if !task.own_keyring {
        return Ok(());
    }
    call(libc::SYS_keyctl, [JOIN_SESSION_KEYRING, 0, 0, 0, 0]).map(drop)
}

fn scheduling(task: &Task<'_>) -> StepResult {
    match task.action {
        ChildAction::Execute { .. } => scheduling::take_place(task.worker, task.child.attributes.priority),
        ChildAction::Exit => Ok(()),
    }
}

/// The kernel changes nobody else who shares the memory while a `CLONE_VFORK` lasts (`__set_oom_adj`, fs/proc/base.c).
fn oom_score(task: &Task<'_>) -> StepResult {
    let (Some(score), ChildAction::Execute { .. }) = (task.oom_score, &task.action) else {
        return Ok(());
    };
    let path = c"/proc/self/oom_score_adj".as_ptr() as i64;
    let flags = i64::from(libc::O_WRONLY | libc::O_CLOEXEC);
    let file = call(libc::SYS_openat, [i64::from(libc::AT_FDCWD), path, flags, 0, 0])?;
    let written = call(libc::SYS_write, [file, score.as_ptr() as i64, score.len() as i64, 0, 0]).map(drop);
    let _ = call(libc::SYS_close, [file, 0, 0, 0, 0]);
    written
}

fn umask(task: &Task<'_>) -> StepResult {
    match task.child.attributes.umask {
        Some(mask) => call(libc::SYS_umask, [i64::from(mask), 0, 0, 0, 0]).map(drop),
        None => Ok(()),
    }
}

fn limits(task: &Task<'_>) -> StepResult {
    for (index, limit) in (0_u32..).zip(task.limits) {
        let new = [limit.value, limit.value];
        let arguments = [0, i64::from(limit.resource as u32), new.as_ptr() as i64, 0, 0];
        call(libc::SYS_prlimit64, arguments).map_err(|failed| Failed { detail: index, ..failed })?;
    }
    Ok(())
}

fn groups(task: &Task<'_>) -> StepResult {
    let Some(identity) = task.child.identity else {
        return Ok(());
    };
    let (count, list) = (identity.groups.len() as i64, identity.groups.as_ptr() as i64);
    call(libc::SYS_setgroups, [count, list, 0, 0, 0]).map(drop)
}

fn group(task: &Task<'_>) -> StepResult {
    let Some(identity) = task.child.identity else {
        return Ok(());
    };
    let gid = i64::from(identity.gid);
    call(libc::SYS_setresgid, [gid, gid, gid, 0, 0]).map(drop)
}

fn user(task: &Task<'_>) -> StepResult {
    let Some(identity) = task.child.identity else {
        return Ok(());
    };
    let uid = i64::from(identity.uid);
    call(libc::SYS_setresuid, [uid, uid, uid, 0, 0]).map(drop)
}

/// `_LINUX_CAPABILITY_VERSION_3` (capget(2)): two words of 32 capabilities each.
const CAPABILITY_HEADER: [u32; 2] = [0x2008_0522, 0];

/// A change from root to another uid clears them, unless the securebits say otherwise, and a change from one plain
/// uid to another, which `CAP_SETUID` allows, does not.
fn capabilities(task: &Task<'_>) -> StepResult {
    if task.child.may_be_root {
        return Ok(());
    }
    let none = [0_u32; 6];
    call(libc::SYS_capset, [CAPABILITY_HEADER.as_ptr() as i64, none.as_ptr() as i64, 0, 0, 0]).map(drop)
}

fn verify_drop(task: &Task<'_>) -> StepResult {
    if task.child.may_be_root {
        return Ok(());
    }
    if let Some(identity) = task.child.identity {
        verify_ids(libc::SYS_getresuid, identity.uid)?;
        verify_ids(libc::SYS_getresgid, identity.gid)?;
        let count = call(libc::SYS_getgroups, [0; 5])?;
        check(count as usize == identity.groups.len())?;
    }
    verify_no_root()
}

fn verify_ids(number: c_long, expected: u32) -> StepResult {
    let mut ids = [!expected; 3];
    let base = ids.as_mut_ptr();
    let arguments = [base as i64, base.wrapping_add(1) as i64, base.wrapping_add(2) as i64, 0, 0];
    call(number, arguments)?;
    // The kernel wrote through the pointers, which the compiler does not see.
    // SAFETY: `base` points at `ids`, three initialized words.
    let ids = unsafe { base.cast::<[u32; 3]>().read_volatile() };
    check(ids.iter().all(|id| *id == expected))
}

fn verify_no_root() -> StepResult {
    check(call(libc::SYS_setresuid, [0; 5]).is_err())?;
    check(call(libc::SYS_setresgid, [0; 5]).is_err())?;
    let mut sets = [!0_u32; 6];
    let arguments = [CAPABILITY_HEADER.as_ptr() as i64, sets.as_mut_ptr() as i64, 0, 0, 0];
    call(libc::SYS_capget, arguments)?;
    // SAFETY: `sets` is six initialized words; the kernel wrote through the pointer.
    let sets = unsafe { sets.as_ptr().cast::<[u32; 6]>().read_volatile() };
    check(sets.iter().all(|word| *word == 0))
}

/// A check that failed has no errno.
fn check(holds: bool) -> StepResult {
    if holds { Ok(()) } else { Err(libc::EPERM.into()) }
}

/// `PATH_MAX` (path_resolution(7)).
const PATH_BYTES: usize = 4096;

/// After the drop: as root it would follow a tenant's symlink into another tenant's closed directory. The path is
/// the real one that was decided on, and where we are then must be just that: a directory on the way may have been
/// replaced by a symlink since.
fn working_directory(task: &Task<'_>) -> StepResult {
    let Some(path) = task.child.directory else {
        return Ok(());
    };
    call(libc::SYS_chdir, [path.as_ptr() as i64, 0, 0, 0, 0])?;
    let mut here = [0_u8; PATH_BYTES];
    let base = here.as_mut_ptr();
    let length = call(libc::SYS_getcwd, [base as i64, PATH_BYTES as i64, 0, 0, 0])? as usize;
    let expected = path.to_bytes_with_nul();
    let mut same = length == expected.len();
    for (index, byte) in expected.iter().enumerate().take(PATH_BYTES) {
        // SAFETY: `index` is below `PATH_BYTES`; the kernel wrote through the pointer, which the compiler does not see.
        same &= unsafe { base.wrapping_add(index).read_volatile() } == *byte;
    }
    if same { Ok(()) } else { Err(libc::ELOOP.into()) }
}

fn no_new_privileges(task: &Task<'_>) -> StepResult {
    match task.action {
        ChildAction::Execute { .. } => prctl(libc::PR_SET_NO_NEW_PRIVS, 1),
        ChildAction::Exit => Ok(()),
    }
}

fn parent_death_signal(_: &Task<'_>) -> StepResult {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL)
}

fn parent_check(task: &Task<'_>) -> StepResult {
    let parent = call(libc::SYS_getppid, [0; 5])?;
    if parent == i64::from(task.worker) { Ok(()) } else { Err(libc::ESRCH.into()) }
}

fn state_directory(task: &Task<'_>) -> StepResult {
    for (index, access) in (0_u32..).zip(task.child.access) {
        let mut outcome = may(access.path, access.mode);
        if let (Err(Failed { errno: libc::ENOENT, .. }), Some(otherwise)) = (&outcome, access.otherwise) {
            outcome = may(otherwise, access.mode);
        }
        outcome.map_err(|failed| Failed { detail: index, ..failed })?;
    }
    Ok(())
}

/// `faccessat` asks with the real ids, which are the effective ones here.
fn may(path: &CStr, mode: i32) -> StepResult {
    let arguments = [i64::from(libc::AT_FDCWD), path.as_ptr() as i64, i64::from(mode), 0, 0];
    call(libc::SYS_faccessat, arguments).map(drop)
}

/// Handlers and ignored signals become the default before the mask is lifted: a handler would run in shared memory.
fn signals(task: &Task<'_>) -> StepResult {
    if let ChildAction::Exit = task.action {
        return Ok(());
    }
    // The kernel's `struct sigaction` is at most four words; all zero is the default action.
    let default = [0_u64; 4];
    // SIGKILL and SIGSTOP cannot be set.
    for signal in (1..=64).filter(|signal| *signal != libc::SIGKILL && *signal != libc::SIGSTOP) {
        let _ = call(libc::SYS_rt_sigaction, [i64::from(signal), default.as_ptr() as i64, 0, 8, 0]);
    }
    let empty = 0_u64;
    let arguments = [i64::from(libc::SIG_SETMASK), &raw const empty as i64, 0, 8, 0];
    call(libc::SYS_rt_sigprocmask, arguments).map(drop)
}

fn execute(task: &Task<'_>) -> StepResult {
    let ChildAction::Execute { program, arguments, environment } = task.action else {
        return Ok(());
    };
    call(libc::SYS_execve, [program as i64, arguments as i64, environment as i64, 0, 0]).map(drop)
}
