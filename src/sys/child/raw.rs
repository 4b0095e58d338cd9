//! The raw system calls of the child, made by number, and how they fail.

use core::ffi::{c_long, c_void};
use core::ptr::null;

pub(super) struct Failed {
    pub errno: i32,
    /// The index of the item that failed, in a step that goes through a list.
    pub detail: u32,
}

pub(super) type StepResult = Result<(), Failed>;

impl From<i32> for Failed {
    fn from(errno: i32) -> Self {
        Self { errno, detail: 0 }
    }
}

pub(super) fn prctl(option: i32, value: i32) -> StepResult {
    call(libc::SYS_prctl, [i64::from(option), i64::from(value), 0, 0, 0]).map(drop)
}

/// One raw system call. Integers of any width are passed as registers.
pub(super) fn call<T: Into<i64> + Copy>(number: c_long, arguments: [T; 5]) -> Result<i64, Failed> {
    let [a, b, c, d, e] = arguments.map(Into::into);
    // SAFETY: the callers, `child` and `scheduling`, pass pointers to live memory of the size that the call expects, or none;
    // `syscall` itself only writes errno, which belongs to the thread that made us, suspended until we are gone.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, null::<c_void>()) };
    if result >= 0 {
        return Ok(result);
    }
    // SAFETY: the thread-local errno of the suspended thread that made us, which shares its storage with this child.
    Err(unsafe { *libc::__errno_location() }.into())
}
