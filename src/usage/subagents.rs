//! Checks whether other threads worked for a run without any event, by reading the CLI's session files.
//!
//! The tenant can change or delete these files. So a file can only make a figure less trusted: what is found leaves the run
//! incomplete, and so does a search that cannot see the run's own thread.

use std::fs::{self, DirEntry};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::event::OutputEvent;
use super::scan::Scanner;
use crate::provider::{Field, SessionFiles};
use crate::sys::regular_file::open_regular;

/// How many entries of directories one search looks at.
const MAX_ENTRIES: usize = 20_000;
/// Bytes in which a file must name its threads: 100 KiB were seen.
const MAX_LINE: u64 = 1024 * 1024;
/// A file system's clock lags behind the system's by as much as a tick.
const TICK: Duration = Duration::from_millis(20);

/// What is known about the subagents of a run, in addition to its events.
#[derive(Clone, Debug, Default)]
pub enum Subagents {
    /// The run has none, or its reports count them.
    #[default]
    Counted,
    /// The session files show whether it had any.
    Sought(SubagentSearch),
    Unknown,
}

#[derive(Clone, Debug)]
pub struct SubagentSearch {
    pub files: &'static SessionFiles,
    pub state_directory: PathBuf,
    /// The time at which the run began.
    pub since: SystemTime,
    /// Whether its arguments leave it no subagents: then it counts as having none where nobody can see, though a reviewer of
    /// approvals may have worked for it.
    pub is_off: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "kebab-case"))]
pub enum SubagentsFound {
    None,
    Some,
    /// Some directory or file could not be read, or there were too many.
    Unknown,
}

impl SubagentSearch {
    /// Looks for threads that worked for these since the run began. It may take long, or forever where a file system hangs.
    ///
    /// A thread's file lies in a directory of the day on which it began. So the days are looked through from the last to that
    /// of the oldest of these threads.
    #[must_use]
    pub fn look(&self, threads: &[Arc<str>]) -> SubagentsFound {
        let mut own: Vec<String> = threads.iter().map(|id| format!("-{id}.")).collect();
        let mut room = MAX_ENTRIES;
        let mut result = SubagentsFound::None;
        let Some(days) = days(&self.state_directory.join(self.files.directory), &mut room) else {
            return SubagentsFound::Unknown;
        };
        for day in days {
            if own.is_empty() {
                break;
            }
            for entry in entries(&day, &mut room) {
                let Some(entry) = entry else { return SubagentsFound::Unknown };
                let name = entry.file_name();
                let Some(name) = name.to_str().filter(|name| name.starts_with(self.files.prefix)) else { continue };
                let missing = own.len();
                own.retain(|id| !name.contains(id.as_str()));
                if own.len() < missing || !self.is_of_this_run(&entry) {
                    continue;
                }
                match self.worked_for(&entry.path(), threads) {
                    Some(true) => return SubagentsFound::Some,
                    Some(false) => {}
                    None => result = SubagentsFound::Unknown,
                }
            }
        }
        if own.is_empty() { result } else { SubagentsFound::Unknown }
    }

    /// Returns whether it was written to since the run began; true if that is unknown.
    fn is_of_this_run(&self, entry: &DirEntry) -> bool {
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        written.map_or(true, |time| time + TICK >= self.since)
    }

    /// Returns whether the thread of a file worked for one of these; none if its first line does not show it.
    fn worked_for(&self, file: &Path, threads: &[Arc<str>]) -> Option<bool> {
        let mut file = open_regular(file)?.take(MAX_LINE);
        let mut scanner = Scanner::new(self.files.fields);
        let mut chunk = vec![0; 16 * 1024];
        let mut answer = None;
        while answer.is_none() {
            let length = file.read(&mut chunk).ok().filter(|length| *length > 0)?;
            scanner.feed(&chunk[..length], |event| {
                answer = answer.or_else(|| Some(event.and_then(|event| named(event, threads))));
            });
        }
        answer?
    }
}

/// Says whether the line of a session names one of these threads as its own session or parent; none where it is no such
/// line.
fn named(event: &OutputEvent, threads: &[Arc<str>]) -> Option<bool> {
    event.text(Field::Thread)?;
    let is_one = |field| event.text(field).is_some_and(|id| threads.iter().any(|thread| **thread == *id));
    Some(is_one(Field::Session) || is_one(Field::Parent))
}

/// The directories of days below that of sessions, `year/month/day`, the last first.
fn days(sessions: &Path, room: &mut usize) -> Option<Vec<PathBuf>> {
    let mut level = vec![sessions.to_owned()];
    for _ in 0..3 {
        let mut below = Vec::new();
        for directory in level {
            for entry in entries(&directory, room) {
                let entry = entry?;
                let is_number = entry.file_name().to_str().is_some_and(|name| name.parse::<u16>().is_ok());
                below.extend(is_number.then(|| entry.path()));
            }
        }
        level = below;
    }
    level.sort_unstable_by(|one, another| another.cmp(one));
    Some(level)
}

/// Returns what a directory holds, while there is room; none in the place of what cannot be read.
fn entries<'a>(directory: &Path, room: &'a mut usize) -> impl Iterator<Item = Option<DirEntry>> + use<'a> {
    let (read, failed) = match fs::read_dir(directory) {
        Ok(read) => (Some(read), None),
        Err(_) => (None, Some(None)),
    };
    let all = read.into_iter().flatten().map(Result::ok);
    failed.into_iter().chain(all.map(move |entry| {
        *room = room.checked_sub(1)?;
        entry
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    const OWN: &str = "0199-own";

    fn files() -> &'static SessionFiles {
        provider::find("codex").expect("a row").output.session_files.expect("it has some")
    }

    fn write(home: &Path, day: &str, id: &str, meta: &str) -> PathBuf {
        let directory = home.join("sessions").join(day);
        fs::create_dir_all(&directory).expect("ours");
        let file = directory.join(format!("rollout-2026-11-26T02-37-00-{id}.jsonl"));
        let line =
            format!(r#"{{"type":"session_meta","payload":{{"id":"{id}","x":"{}",{meta}}}}}"#, "y".repeat(30_000));
        fs::write(&file, format!("{line}\n{{\"type\":\"other\"}}\n")).expect("ours");
        file
    }

    fn look(home: &Path, since: SystemTime) -> SubagentsFound {
        let search = SubagentSearch { files: files(), state_directory: home.to_owned(), since, is_off: false };
        search.look(&[OWN.into()])
    }

    #[test]
    fn threads_that_worked_for_the_run_are_found() {
        for meta in [
            r#""session_id":"0199-own""#,
            r#""session_id":"x","parent_thread_id":"0199-own""#,
            r#""source":{"subagent":{"thread_spawn":{"parent_thread_id":"0199-own","depth":1}}}"#,
        ] {
            let home = tempfile::tempdir().expect("a directory");
            write(home.path(), "2026/11/26", OWN, r#""session_id":"0199-own""#);
            write(home.path(), "2026/11/26", "another", r#""session_id":"another","source":"exec""#);
            assert_eq!(look(home.path(), SystemTime::UNIX_EPOCH), SubagentsFound::None);
            write(home.path(), "2026/11/27", "child", meta);
            assert_eq!(look(home.path(), SystemTime::UNIX_EPOCH), SubagentsFound::Some, "{meta}");
            // It did so before this run.
            assert_eq!(look(home.path(), SystemTime::now() + Duration::from_secs(60)), SubagentsFound::None, "{meta}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_not_taken_for_nothing() {
        let home = tempfile::tempdir().expect("a directory");
        let seen = || look(home.path(), SystemTime::UNIX_EPOCH);
        assert_eq!(seen(), SubagentsFound::Unknown);
        write(home.path(), "2026/11/26", "another", r#""session_id":"another""#);
        assert_eq!(seen(), SubagentsFound::Unknown);
        let own = write(home.path(), "2026/11/26", OWN, r#""session_id":"0199-own""#);
        assert_eq!(seen(), SubagentsFound::None);
        // The day of the own thread is the last that is looked through.
        write(home.path(), "2026/11/25", "child", r#""session_id":"0199-own""#);
        assert_eq!(seen(), SubagentsFound::None);
        let day = own.parent().expect("one");
        for text in ["", "no JSON", "{\"type\":\"session_meta\"}", "{\"payload\":{\"id\":\"x\""] {
            let file = day.join("rollout-x.jsonl");
            fs::write(&file, text).expect("ours");
            assert_eq!(seen(), SubagentsFound::Unknown, "{text}");
            fs::remove_file(&file).expect("ours");
        }
        fs::create_dir(day.join("rollout-x.jsonl")).expect("ours");
        assert_eq!(seen(), SubagentsFound::Unknown);
        fs::remove_dir(day.join("rollout-x.jsonl")).expect("ours");
        fs::write(day.join("notes.txt"), "x").expect("ours");
        assert_eq!(seen(), SubagentsFound::None);
        fs::remove_dir_all(home.path().join("sessions/2026/11/25")).expect("ours");
        fs::remove_file(own).expect("ours");
        assert_eq!(seen(), SubagentsFound::Unknown);
    }

    #[test]
    fn more_than_is_looked_at_is_not_known() {
        let home = tempfile::tempdir().expect("a directory");
        let own = write(home.path(), "2026/11/26", OWN, r#""session_id":"0199-own""#);
        for index in 0..MAX_ENTRIES {
            fs::write(own.with_file_name(format!("{index}")), "").expect("ours");
        }
        assert_eq!(look(home.path(), SystemTime::UNIX_EPOCH), SubagentsFound::Unknown);
    }
}
