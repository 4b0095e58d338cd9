//! The process's own environment in memory: reads a variable without leaving a copy behind, and wipes it.
//!
//! A variable can be in two places: in the block that the kernel made at `execve`, which `/proc/self/environ`
//! shows for as long as the process lives, and, once somebody has set it, in a string that libc allocated. `unsetenv`
//! wipes neither.

use core::ffi::{CStr, c_char};

use zeroize::Zeroize;

unsafe extern "C" {
    /// `environ(7)`
    static mut environ: *mut *mut c_char;
}

/// Lends the value of a variable to `use_it`.
///
/// The caller is on the thread that sets variables in this process (in Node: the main thread), so that none is set
/// meanwhile; that is the same rule as for every `getenv` in a native module.
pub fn with_variable<T>(name: &str, use_it: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let value = find_live(name)?;
    // SAFETY: `find_live` gives the value's bytes in a string that libc or the kernel keeps alive (see above).
    Some(use_it(unsafe { &*value }))
}

/// Overwrites the value of a variable where libc keeps it. The name stays until the caller unsets it.
pub fn wipe_value(name: &str) {
    while let Some(value) = find_live(name) {
        // SAFETY: as in `with_variable`; the bytes are writable: the kernel's block is on the stack, libc's on the heap.
        let value = unsafe { &mut *value };
        if value.is_empty() {
            break;
        }
        // The string now ends at its `=`, so that the next look finds it empty.
        value.zeroize();
    }
}

/// The bytes of a variable's value, without its NUL.
fn find_live(name: &str) -> Option<*mut [u8]> {
    // SAFETY: libc's list of pointers, null or ended by a null pointer; nobody changes it meanwhile (see
    // `with_variable`).
    let mut entry = unsafe { environ };
    loop {
        // SAFETY: as above: every step stays before or at the null pointer.
        let string = unsafe { entry.as_ref() }.copied().filter(|string| !string.is_null())?;
        // SAFETY: each pointer in the list is a C string.
        let text = unsafe { CStr::from_ptr(string) }.to_bytes();
        if let Some(value) = text.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")) {
            let start = string.wrapping_add(text.len() - value.len()).cast::<u8>();
            return Some(core::ptr::slice_from_raw_parts_mut(start, value.len()));
        }
        entry = entry.wrapping_add(1);
    }
}

/// Zeroes every `name=…` of these names in the block that the kernel made. To be called after they were unset: libc's
/// list must not point into what is wiped.
///
/// # Errors
/// What was missing to find the block.
#[cfg(target_os = "linux")]
pub fn wipe_initial_block(names: &[&str]) -> Result<(), &'static str> {
    let (start, end) = initial_block().ok_or("/proc/self/stat does not show where the initial environment is")?;
    if start == 0 || end <= start {
        return Err("/proc/self/stat hides where the initial environment is");
    }
    // SAFETY: the kernel's own record of where it put this process's initial environment: mapped, writable, part of
    // the main thread's stack, which lives as long as the process. libc only reads it.
    let block = unsafe { std::slice::from_raw_parts_mut(start as *mut u8, end - start) };
    for string in block.split_mut(|byte| *byte == 0) {
        let named = |name: &&str| string.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
        if names.iter().any(named) {
            string.zeroize();
        }
    }
    Ok(())
}

/// `env_start` and `env_end`: fields 50 and 51 of `/proc/self/stat` (proc_pid_stat(5)).
#[cfg(target_os = "linux")]
fn initial_block() -> Option<(usize, usize)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in parentheses that may hold spaces; what follows the last one is field 3.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(50 - 3);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Other systems do not show the initial block of another user's process, nor where it is.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn wipe_initial_block(_: &[&str]) -> Result<(), &'static str> {
    Ok(())
}
