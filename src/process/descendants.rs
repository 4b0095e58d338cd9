//! Finds the descendants of a process that have left its process group, because an agent's commands run in their own
//! groups.
//!
//! Found as children of children, and remembered by number and start time, which together are one process's for good.
//! A process that has lost its parent is not found: only a cgroup holds that. A tenant decides how many there are. So
//! none of them costs a descriptor but for the moment of a signal, and the work is done in turns, between which others
//! are served.

use std::collections::HashMap;
use std::io;
use std::time::Instant;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// More than this in one tree is a fork bomb; the group's SIGKILL and `RLIMIT_NPROC` are for that.
const MAX_DESCENDANTS: usize = 32_768;
/// Threads of one process whose children are looked at.
const MAX_THREADS: usize = 256;

/// A process for good: its number, and when it began, in clock ticks since the machine did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    pid: i32,
    since: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    since: u64,
    /// The round in which it was last found.
    round: u64,
}

/// What a process started, as far as it has been found, and how far the present look at it has come.
#[derive(Debug, Default)]
pub struct Descendants {
    known: HashMap<i32, Seen>,
    round: u64,
    /// Those whose children are still to be looked at in this round.
    pending: Vec<Member>,
    /// Whether those who are found in this round are stopped.
    freezes: bool,
    /// Whether this round found somebody new, or somebody gone, whose number may be a new one's.
    grew: bool,
    /// Whether this round found a process that was sent SIGSTOP and still runs.
    stirs: bool,
    doomed: Vec<Member>,
}

impl Descendants {
    /// Looks for every process below `root`, whose number is its own meanwhile and which the caller has stopped, and below
    /// those that an earlier call found, whoever has become their parent since. Goes on where the last call ended. With
    /// `freeze`, stops each of them and looks again until there is nobody new and nobody runs: a stopped process starts no
    /// other. Without `CONFIG_PROC_CHILDREN` there are none.
    ///
    /// Returns whether that is all; else there was no time or no descriptor left, or some need a moment until they stop.
    pub fn sweep(&mut self, root: i32, until: Instant, freeze: bool) -> bool {
        if self.freezes != freeze {
            // Whom this round has passed by is not stopped.
            self.pending.clear();
            self.freezes = freeze;
        }
        loop {
            if self.pending.is_empty() && !self.begin_round(root) {
                return false;
            }
            while let Some(parent) = self.pending.pop() {
                if !(self.holds_still(parent) && self.look_below(parent, until)) {
                    self.pending.push(parent);
                    return false;
                }
                if !self.pending.is_empty() && Instant::now() >= until {
                    return false;
                }
            }
            if !(freeze && self.grew) {
                return !(freeze && self.stirs);
            }
        }
    }

    /// Whether there was a descriptor for that, and `root` holds still.
    fn begin_round(&mut self, root: i32) -> bool {
        let Ok(stat) = stat(root) else { return false };
        let root = stat.as_ref().map(|stat| Member { pid: root, since: stat.since });
        if !self.freezes && stat.is_some_and(|stat| stat.may_run) {
            // Its caller has just sent it SIGSTOP.
            return false;
        }
        self.round += 1;
        (self.grew, self.stirs) = (false, false);
        for (pid, seen) in &mut self.known {
            seen.round = self.round;
            self.pending.push(Member { pid: *pid, since: seen.since });
        }
        // Last, so that it is looked at first: most are its own.
        self.pending.extend(root);
        true
    }

    /// Where this round freezes, sees to it that a process stops, however often others make it go on, and notes whether it has: one
    /// that is in fork(2) when SIGSTOP arrives ends that first. Returns whether there was a descriptor for that.
    fn holds_still(&mut self, member: Member) -> bool {
        if !self.freezes {
            return true;
        }
        match stat(member.pid) {
            Ok(Some(stat)) if stat.since == member.since => {
                if !stat.may_run {
                    return true;
                }
                self.stirs = true;
                !lacks_descriptor(&signal(member, Signal::STOP))
            }
            Ok(_) => {
                if self.known.get(&member.pid).is_some_and(|seen| seen.since == member.since) {
                    self.known.remove(&member.pid);
                    self.grew = true;
                }
                true
            }
            Err(_) => false,
        }
    }

    /// Whether all children of `parent` were looked at.
    fn look_below(&mut self, parent: Member, until: Instant) -> bool {
        let Ok(children) = children_of(parent.pid) else { return false };
        let (mut found, mut complete) = (Vec::new(), true);
        for child in children {
            if self.known.get(&child).is_some_and(|seen| seen.round == self.round) {
                continue;
            }
            complete = Instant::now() < until;
            let Ok(stat) = stat(child) else { return false };
            if let Some(stat) = stat.filter(|stat| stat.parent == parent.pid) {
                found.push(Member { pid: child, since: stat.since });
            }
            if !complete {
                break;
            }
        }
        if found.is_empty() {
            return complete;
        }
        // A number may have been reused meanwhile, the parent's too. Who is said to be a child of a parent that is still
        // itself has been one.
        match member(parent.pid) {
            Ok(Some(now)) if now == parent => {
                found.into_iter().for_each(|child| self.note(child));
                complete
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    fn note(&mut self, child: Member) {
        if self.known.len() >= MAX_DESCENDANTS {
            return;
        }
        self.grew = true;
        self.known.insert(child.pid, Seen { since: child.since, round: self.round });
        self.pending.push(child);
    }

    /// Kills them all. Returns whether that is done; else there was no time or no descriptor left.
    pub fn kill(&mut self, until: Instant) -> bool {
        self.pending.clear();
        self.doomed.extend(self.known.drain().map(|(pid, seen)| Member { pid, since: seen.since }));
        while let Some(member) = self.doomed.pop() {
            if lacks_descriptor(&signal(member, Signal::KILL)) {
                self.doomed.push(member);
                return false;
            }
            if !self.doomed.is_empty() && Instant::now() > until {
                return false;
            }
        }
        true
    }
}

/// Whoever has the number once the descriptor is open, and has this start time after that, has had it in between. One
/// that is gone already is what was wanted.
fn signal(member: Member, signal: Signal) -> io::Result<()> {
    let Some(pid) = Pid::from_raw(member.pid) else { return Ok(()) };
    let held = pidfd_open(pid, PidfdFlags::empty())?;
    if self::member(member.pid)? == Some(member) {
        pidfd_send_signal(held, signal)?;
    }
    Ok(())
}

fn lacks_descriptor(result: &io::Result<()>) -> bool {
    result.as_ref().is_err_and(is_lack)
}

fn is_lack(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}

/// Of `/proc/PID/stat` (proc_pid_stat(5)).
struct Stat {
    /// Whether it runs, or sleeps so that a signal wakes it; not one that is stopped, or waits for its own vfork(2).
    may_run: bool,
    parent: i32,
    since: u64,
}

fn member(pid: i32) -> io::Result<Option<Member>> {
    Ok(stat(pid)?.map(|stat| Member { pid, since: stat.since }))
}

/// None when there is no such process.
fn stat(pid: i32) -> io::Result<Option<Stat>> {
    let text = match std::fs::read(format!("/proc/{pid}/stat")) {
        Ok(text) => text,
        Err(error) if is_lack(&error) => return Err(error),
        Err(_) => return Ok(None),
    };
    Ok(parse_stat(&text))
}

/// The name, in parentheses, is the process's own choice and may hold anything: what counts follows the last of them.
fn parse_stat(text: &[u8]) -> Option<Stat> {
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(text.get(end + 1..)?).ok()?.split_ascii_whitespace();
    // The third field is the first here: the fourth is the parent, the twenty-second the start.
    let may_run = matches!(fields.next()?, "R" | "S");
    Some(Stat { may_run, parent: fields.next()?.parse().ok()?, since: fields.nth(17)?.parse().ok()? })
}

/// `/proc/PID/task/TID/children` of its threads (proc_pid_task(5)); none of a process that is gone.
fn children_of(pid: i32) -> io::Result<Vec<i32>> {
    let mut children = Vec::new();
    let threads = match std::fs::read_dir(format!("/proc/{pid}/task")) {
        Ok(threads) => threads,
        Err(error) if is_lack(&error) => return Err(error),
        Err(_) => return Ok(children),
    };
    for thread in threads.flatten().take(MAX_THREADS) {
        match std::fs::read_to_string(thread.path().join("children")) {
            Ok(list) => children.extend(list.split_ascii_whitespace().filter_map(|id| id.parse::<i32>().ok())),
            Err(error) if is_lack(&error) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(children)
}

/// Kills the tracer of a child that is to end or has ended, if it has the child's uid: it can hold the child in its last
/// stop, and its zombie afterwards.
pub fn end_tracer(pid: i32) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};
    use std::time::Duration;

    /// A shell with `count` children in their own sessions.
    fn tree(count: usize) -> Child {
        let script = format!("for i in $(seq {count}); do setsid sleep 600 & done; wait");
        Command::new("/bin/sh").args(["-c", &script]).spawn().expect("a shell")
    }

    fn count_below(root: i32) -> usize {
        children_of(root).expect("descriptors").len()
    }

    #[test]
    fn a_name_cannot_forge_what_stat_says() {
        let text = b"12 (a) S 1 2 3 (x) R 77 1 1 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 4242 1 2";
        let stat = parse_stat(text).expect("parsed");
        assert_eq!((stat.parent, stat.since), (77, 4242));
        let own = std::process::id().cast_signed();
        assert_eq!(stat_of(own).parent, rustix::process::getppid().expect("one").as_raw_nonzero().get());
    }

    fn stat_of(pid: i32) -> Stat {
        stat(pid).expect("descriptors").expect("there")
    }

    #[test]
    fn turns_without_time_get_there_too() {
        let mut shell = tree(30);
        let root = shell.id().cast_signed();
        while count_below(root) < 30 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut found = Descendants::default();
        let mut turns = 0;
        while !found.sweep(root, Instant::now(), true) {
            turns += 1;
            assert!(turns < 10_000, "no progress");
        }
        assert!(turns > 30 && found.known.len() == 30, "{turns} turns, {} found", found.known.len());
        while !found.kill(Instant::now()) {}
        shell.kill().expect("ours");
        shell.wait().expect("ours");
    }

    #[test]
    fn whoever_is_known_is_looked_below_when_its_parent_has_ended() {
        let script = "exec 3<&0; setsid sh -c 'read line <&3; sleep 600 & wait' & wait";
        let mut shell =
            Command::new("/bin/sh").args(["-c", script]).stdin(std::process::Stdio::piped()).spawn().expect("a shell");
        let root = shell.id().cast_signed();
        let now = || member(root).expect("descriptors").expect("ours");
        let mut found = Descendants::default();
        while found.known.len() != 1 {
            signal(now(), Signal::STOP).expect("ours");
            while !found.sweep(root, Instant::now() + Duration::from_secs(1), false) {}
            signal(now(), Signal::CONT).expect("ours");
        }
        let orphan = *found.known.keys().next().expect("one");
        signal(now(), Signal::KILL).expect("ours");
        while stat_of(orphan).parent == root {}
        io::Write::write_all(&mut shell.stdin.take().expect("a pipe"), b"go\n").expect("written");
        while count_below(orphan) < 1 {}
        while !found.sweep(root, Instant::now() + Duration::from_secs(1), true) {}
        assert_eq!(found.known.len(), 2);
        assert!(found.known.keys().all(|pid| !stat_of(*pid).may_run));
        assert!(found.kill(Instant::now() + Duration::from_secs(1)));
        shell.wait().expect("ours");
    }

    #[test]
    fn a_reused_number_is_nobody_elses_death() {
        let mut bystander = Command::new("/bin/sleep").arg("600").spawn().expect("a process");
        let pid = bystander.id().cast_signed();
        let real = member(pid).expect("descriptors").expect("there");
        signal(Member { since: real.since + 1, ..real }, Signal::KILL).expect("nothing to do");
        std::thread::sleep(Duration::from_millis(50));
        assert!(bystander.try_wait().expect("ours").is_none(), "it was killed");
        signal(real, Signal::KILL).expect("killed");
        assert!(!bystander.wait().expect("ours").success());
    }
}
