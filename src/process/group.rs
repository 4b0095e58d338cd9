//! The process groups that `child_process` has created, which end with their Node environment.

use std::collections::HashSet;

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};

/// Kills these groups before it returns. Their leaders must be children of this process that nobody has waited for, so that
/// the numbers are still theirs.
///
/// Where the process goes on without the environment, as it does after a worker thread, nobody else waits for them.
pub fn end(leaders: HashSet<i32>) {
    let leaders: Vec<Pid> = leaders.into_iter().filter_map(Pid::from_raw).collect();
    for leader in &leaders {
        // One that has ended in the meantime is a zombie, and what it left of its group goes with this too.
        let _ = kill_process_group(*leader, Signal::KILL);
    }
    if leaders.is_empty() {
        return;
    }
    // On a separate thread: not even a killed process ends at once, and one that waits for a file system may take forever.
    let wait = move || {
        for leader in leaders {
            let _ = waitpid(Some(leader), WaitOptions::empty());
        }
    };
    // Without a thread they stay zombies.
    let _ = std::thread::Builder::new().name("pe-last-wait".into()).stack_size(STACK_BYTES).spawn(wait);
}

const STACK_BYTES: usize = 64 * 1024;
