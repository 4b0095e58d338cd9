//! The child's scheduling: that of the worker, but never better than the default of a process.
//!
//! Nice value, class, I/O priority and affinity belong to a thread on Linux, and `clone` hands on those of the thread that
//! calls it: the spawner's, which has what the worker had when that thread was made. A process's own, as `ps`, `nice` and
//! `taskset -p` show and set it, is its main thread's, whose id is the process's.

use super::raw::{Failed, StepResult, call, prctl};

/// What the raw `getpriority` adds to the negated nice value (getpriority(2), "C library/kernel differences").
const NICE_BASE: i64 = 20;
/// `IOPRIO_WHO_PROCESS`, `IOPRIO_CLASS_RT`, `IOPRIO_CLASS_BE`, the shift of a class and the level of nice 0
/// (ioprio_set(2)).
const IO_PROCESS: i64 = 1;
const IO_REAL_TIME: i64 = 1;
const IO_BEST_EFFORT: i64 = 2;
const IO_CLASS_SHIFT: u32 = 13;
const IO_LEVELS: i64 = 8;
const IO_DEFAULT_LEVEL: i64 = 4;
/// The default of a process, in nanoseconds (`PR_SET_TIMERSLACK`, prctl(2)).
const TIMER_SLACK: i32 = 50_000;
/// A bit for each processor that a kernel can be built for (8192 on x86-64), in words.
const PROCESSOR_WORDS: usize = 128;
/// The calling thread, in calls that take a thread's id.
const SELF: i64 = 0;

/// Takes away what gives a process more than its share. What gives it less, it keeps: the host wanted that.
pub(super) fn take_place(worker: i32, priority: Option<u32>) -> StepResult {
    let worker = i64::from(worker);
    affinity(worker)?;
    class(worker)?;
    nice(worker, priority)?;
    io_priority(worker)?;
    // The calling thread's alone: nobody can ask for another's without /proc.
    let slack = call(libc::SYS_prctl, [i64::from(libc::PR_GET_TIMERSLACK), 0, 0, 0, 0])?;
    if slack < i64::from(TIMER_SLACK) { prctl(libc::PR_SET_TIMERSLACK, TIMER_SLACK) } else { Ok(()) }
}

/// No wall, but an operator's pinning of the worker is one of its children too.
fn affinity(worker: i64) -> StepResult {
    let (mut own, mut wanted) = ([0_u64; PROCESSOR_WORDS], [0_u64; PROCESSOR_WORDS]);
    let (own, wanted) = (own.as_mut_ptr(), wanted.as_mut_ptr());
    let length = match processors(SELF, own).and_then(|_| processors(worker, wanted)) {
        Ok(length) => length,
        // A sandbox that has no such call: then nobody has pinned anything.
        Err(Failed { errno: libc::ENOSYS, .. }) => return Ok(()),
        Err(failed) => return Err(failed),
    };
    let mut same = true;
    // What the kernel has not written is zero in both.
    for word in 0..(length as usize).div_ceil(size_of::<u64>()).min(PROCESSOR_WORDS) {
        // The kernel wrote through the pointers, which the compiler does not see.
        // SAFETY: `word` is below the length of both arrays, which live until this function returns.
        same &= unsafe { own.wrapping_add(word).read_volatile() == wanted.wrapping_add(word).read_volatile() };
    }
    if same {
        return Ok(());
    }
    match call(libc::SYS_sched_setaffinity, [SELF, length, wanted as i64, 0, 0]) {
        // None of those is among what the cpuset of the thread that made us has.
        Err(Failed { errno: libc::EINVAL, .. }) => Ok(()),
        other => other.map(drop),
    }
}

/// Writes which processors a thread may run on to `mask`, [`PROCESSOR_WORDS`] long; how many bytes it wrote.
fn processors(thread: i64, mask: *mut u64) -> Result<i64, Failed> {
    let bytes = PROCESSOR_WORDS * size_of::<u64>();
    call(libc::SYS_sched_getaffinity, [thread, bytes as i64, mask as i64, 0, 0])
}

fn class(worker: i64) -> StepResult {
    let (own, of_worker) = (policy(SELF)?, policy(worker)?);
    let wanted = if is_plain(of_worker) { of_worker } else { libc::SCHED_OTHER.into() };
    if own == wanted {
        return Ok(());
    }
    // `struct sched_param`: one int, which must be 0 for these policies.
    let parameters = 0_i32;
    let changed = call(libc::SYS_sched_setscheduler, [SELF, wanted, &raw const parameters as i64, 0, 0]);
    unless_only_worse(changed, is_plain(own))
}

fn policy(thread: i64) -> Result<i64, Failed> {
    Ok(call(libc::SYS_sched_getscheduler, [thread, 0, 0, 0, 0])? & !i64::from(libc::SCHED_RESET_ON_FORK))
}

fn is_plain(policy: i64) -> bool {
    [libc::SCHED_OTHER, libc::SCHED_BATCH, libc::SCHED_IDLE].map(i64::from).contains(&policy)
}

/// First to the worker's own, so that the kernel judges the request by that.
fn nice(worker: i64, asked: Option<u32>) -> StepResult {
    let (own, of_worker) = (nice_of(SELF)?, nice_of(worker)?.max(0));
    if own != of_worker {
        unless_only_worse(set_nice(of_worker), own > of_worker)?;
    }
    match asked.map(i64::from) {
        Some(asked) if asked != of_worker => set_nice(asked),
        _ => Ok(()),
    }
}

fn nice_of(thread: i64) -> Result<i64, Failed> {
    Ok(NICE_BASE - call(libc::SYS_getpriority, [i64::from(libc::PRIO_PROCESS), thread, 0, 0, 0])?)
}

fn set_nice(value: i64) -> StepResult {
    call(libc::SYS_setpriority, [i64::from(libc::PRIO_PROCESS), SELF, value, 0, 0]).map(drop)
}

fn io_priority(worker: i64) -> StepResult {
    let own = match io_priority_of(SELF) {
        Ok(own) => own,
        // A kernel without block devices, or a sandbox that has no such call: then nobody has set one.
        Err(Failed { errno: libc::ENOSYS, .. }) => return Ok(()),
        Err(failed) => return Err(failed),
    };
    let of_worker = io_priority_of(worker)?;
    // No priority set if it comes first: then it follows the nice value.
    let wanted = if comes_first(of_worker) { 0 } else { of_worker };
    if own == wanted {
        return Ok(());
    }
    call(libc::SYS_ioprio_set, [IO_PROCESS, SELF, wanted, 0, 0]).map(drop)
}

fn io_priority_of(thread: i64) -> Result<i64, Failed> {
    call(libc::SYS_ioprio_get, [IO_PROCESS, thread, 0, 0, 0])
}

fn comes_first(io_priority: i64) -> bool {
    let (class, level) = (io_priority >> IO_CLASS_SHIFT, io_priority % IO_LEVELS);
    class == IO_REAL_TIME || (class == IO_BEST_EFFORT && level < IO_DEFAULT_LEVEL)
}

/// Who is not root may take a worse place and not leave it again: a child that has one because its spawner does keeps it.
fn unless_only_worse<T>(changed: Result<T, Failed>, is_worse: bool) -> StepResult {
    match changed {
        Err(Failed { errno: libc::EPERM | libc::EACCES, .. }) if is_worse => Ok(()),
        other => other.map(drop),
    }
}
