//! A process of the tenant's that traces the CLI: it can hold the CLI in its last stop, and its zombie afterwards.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Kills the tracer of a child that is to end or has ended, if it has the child's uid.
pub fn end(pid: i32) {
    let Some(tracer) = tracer_of(pid) else { return };
    let Some(pidfd) = Pid::from_raw(tracer).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else { return };
    // The number is still the tracer's, and so is the descriptor.
    let same = tracer_of(pid) == Some(tracer) && real_uid(tracer).is_some() && real_uid(tracer) == real_uid(pid);
    if same {
        let _ = pidfd_send_signal(pidfd, Signal::KILL);
    }
}

fn tracer_of(pid: i32) -> Option<i32> {
    status_field(pid, "TracerPid:")?.parse().ok().filter(|tracer| *tracer > 0)
}

/// From its status: the owner of `/proc/PID` is root for a process that is not dumpable.
fn real_uid(pid: i32) -> Option<String> {
    status_field(pid, "Uid:")
}

/// The first word of a line of `/proc/PID/status` (proc_pid_status(5)).
fn status_field(pid: i32, name: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next().map(str::to_owned)
}
