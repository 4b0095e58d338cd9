//! Runs a test of this program in its own process that stops before each of its system calls, so that a test can act
//! or end it there. What is tested has no hook for that.
#![allow(unsafe_code, reason = "ptrace(2) has no safe face")]

use std::io;
use std::process::{Command, Stdio};
use std::ptr;

use libc::{c_int, c_long, c_void};

/// What the test in its own process calls first: from here on it stops before each of its system calls.
pub fn begin() {
    ptrace(libc::PTRACE_TRACEME, 0, 0, ptr::null_mut()).expect("its parent may trace it");
    // SAFETY: it stops this thread, until its parent has seen that.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Runs the test of this name with these variables, and asks before each system call, by its number, whether it `may_go_on`;
/// it is killed where it may not. Returns whether it passed.
#[allow(clippy::zombie_processes, reason = "it is waited for below, with its threads")]
pub fn run(test: &str, variables: &[(&str, &str)], mut may_go_on: impl FnMut(c_long) -> bool) -> bool {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).envs(variables.iter().copied());
    // LeakSanitizer cannot work in a process that is traced.
    command.env("ASAN_OPTIONS", "detect_leaks=0").stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("it runs").id() as libc::pid_t;
    let mut has_begun = false;
    loop {
        // Of this thread's children alone: other tests have theirs.
        let mut status = 0;
        // SAFETY: waitpid(2) writes the status.
        let thread = unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::__WNOTHREAD) };
        assert!(thread > 0, "a process is left");
        if !libc::WIFSTOPPED(status) {
            if thread == child {
                assert!(has_begun, "it was traced");
                return status == 0;
            }
            continue;
        }
        let mut signal = libc::WSTOPSIG(status);
        if !has_begun {
            let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
            ptrace(libc::PTRACE_SETOPTIONS, thread, 0, options as usize as *mut c_void).expect("options");
            has_begun = true;
        }
        if signal == SYSCALL_STOP && entered(thread).is_some_and(|number| !may_go_on(number)) {
            // SAFETY: a process of ours that nobody has waited for.
            unsafe { libc::kill(child, libc::SIGKILL) };
        }
        if [SYSCALL_STOP, libc::SIGTRAP, libc::SIGSTOP].contains(&signal) {
            signal = 0;
        }
        // Where it was killed meanwhile there is nothing to go on.
        let _ = ptrace(libc::PTRACE_SYSCALL, thread, 0, signal as usize as *mut c_void);
    }
}

/// A stop at a system call, with `PTRACE_O_TRACESYSGOOD`.
const SYSCALL_STOP: c_int = libc::SIGTRAP | 0x80;

/// The number of the call that a thread has stopped before; none where it has stopped behind one.
fn entered(thread: libc::pid_t) -> Option<c_long> {
    // SAFETY: plain numbers.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let size = size_of_val(&info);
    ptrace(libc::PTRACE_GET_SYSCALL_INFO, thread, size, (&raw mut info).cast()).ok()?;
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // SAFETY: what it has stopped at says that this field of the union is there.
    Some(unsafe { info.u.entry.nr } as c_long)
}

fn ptrace(request: libc::c_uint, thread: libc::pid_t, address: usize, data: *mut c_void) -> io::Result<()> {
    // SAFETY: each request above gets the address and the data that ptrace(2) requires.
    let done = unsafe { libc::ptrace(request, thread, address as *mut c_void, data) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
