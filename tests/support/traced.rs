//! Runs a test of this program in a process of its own that stops before each of its system calls, so that a test can act
//! or end it there. What is tested has no hook for that.
#![allow(unsafe_code, reason = "ptrace(2) has no safe face")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use libc::{c_int, c_long, c_void};

/// Runs the test of this name with these variables, and asks before each system call, by its number, whether it `may_go_on`;
/// it is killed where it may not. Returns whether it passed.
pub fn run(test: &str, variables: &[(&str, &str)], mut may_go_on: impl FnMut(c_long) -> bool) -> bool {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).envs(variables.iter().copied());
    // It stops at each call, where LeakSanitizer cannot work.
    command.env("ASAN_OPTIONS", "detect_leaks=0").stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: the one call between fork and exec is a system call.
    unsafe { command.pre_exec(|| ptrace(libc::PTRACE_TRACEME, 0, 0, std::ptr::null_mut())) };
    let child = command.spawn().expect("it runs, traced");
    let first = child.id() as libc::pid_t;
    assert!(libc::WIFSTOPPED(wait(first)), "it stops at its execve");
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
    ptrace(libc::PTRACE_SETOPTIONS, first, 0, options as *mut c_void).expect("options");
    ptrace(libc::PTRACE_SYSCALL, first, 0, std::ptr::null_mut()).expect("it goes on");
    loop {
        // Of this thread's tracees alone: other tests have theirs.
        let mut status = 0;
        // SAFETY: waitpid(2) writes the status.
        let thread = unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::__WNOTHREAD) };
        if !libc::WIFSTOPPED(status) {
            assert!(thread > 0, "a process is left");
            if thread == first {
                return status == 0;
            }
            continue;
        }
        let mut signal = libc::WSTOPSIG(status);
        if signal == libc::SIGTRAP | 0x80 {
            if entered(thread).is_some_and(|number| !may_go_on(number)) {
                // SAFETY: a process of ours that nobody has waited for.
                unsafe { libc::kill(first, libc::SIGKILL) };
            }
            signal = 0;
        } else if signal == libc::SIGTRAP || signal == libc::SIGSTOP {
            signal = 0;
        }
        // Where it was killed meanwhile there is nothing to go on.
        let _ = ptrace(libc::PTRACE_SYSCALL, thread, 0, signal as usize as *mut c_void);
    }
}

/// The number of the call that a thread has stopped before; none where it has stopped behind one.
fn entered(thread: libc::pid_t) -> Option<c_long> {
    // SAFETY: plain numbers.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let size = size_of_val(&info);
    ptrace(libc::PTRACE_GET_SYSCALL_INFO, thread, size, (&raw mut info).cast()).ok()?;
    // SAFETY: what it has stopped at says which of the union's fields is there.
    (info.op == libc::PTRACE_SYSCALL_INFO_ENTRY).then(|| unsafe { info.u.entry.nr } as c_long)
}

fn wait(process: libc::pid_t) -> c_int {
    let mut status = 0;
    // SAFETY: waitpid(2) writes the status.
    unsafe { libc::waitpid(process, &mut status, 0) };
    status
}

fn ptrace(request: libc::c_uint, thread: libc::pid_t, address: usize, data: *mut c_void) -> io::Result<()> {
    // SAFETY: each request above gets the address and the data that ptrace(2) asks for.
    let done = unsafe { libc::ptrace(request, thread, address as *mut c_void, data) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
