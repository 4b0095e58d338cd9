//! The holder of a refresh is killed with SIGKILL in each step: the file is whole every time, and the next process either
//! goes on or says that a person must log in again. The endpoint's refresh tokens can be used once.
#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod support;

use std::path::Path;
use std::process::Command;
use std::thread;

use provider_env::credential::store::{Call, Fleet, How, Refreshed, Step};
use provider_env::error::{ErrorCode, Result};
use provider_env::secret::lockbox::{Lockbox, MasterKey};
use support::{endpoint, open, whole, write_login};

const STEP: &str = "PROVIDER_ENV_TEST_STEP";
const DIR: &str = "PROVIDER_ENV_TEST_DIR";
const URL: &str = "PROVIDER_ENV_TEST_URL";
const FLEET: &str = "PROVIDER_ENV_TEST_FLEET";

fn die_in_the_step(step: Step) {
    if std::env::var(STEP).is_ok_and(|wanted| wanted == format!("{step:?}")) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal ends all threads, this one among them.
        loop {
            thread::park();
        }
    }
}

fn lockbox() -> Lockbox {
    Lockbox::new(vec![MasterKey::from_bytes(&[7; 32]).expect("a key")], false).expect("a lockbox")
}

/// What the process that is to be killed runs: this very test program, with these variables.
#[test]
fn holder() {
    let (Ok(dir), Ok(url)) = (std::env::var(DIR), std::env::var(URL)) else { return };
    let lockbox = lockbox();
    let fleet = Fleet { lockbox: &lockbox, name: "ws_1", published: None };
    let store = open(Path::new(&dir), &url, die_in_the_step);
    let _ = store.refresh(Call::Fresh, std::env::var(FLEET).is_ok().then_some(&fleet));
    panic!("it was not killed");
}

fn kill_the_holder(dir: &Path, url: &str, step: Step, in_a_fleet: bool) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "holder", "--nocapture"]);
    command.env(STEP, format!("{step:?}")).env(DIR, dir).env(URL, url);
    if in_a_fleet {
        command.env(FLEET, "1");
    }
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let status = command.status().expect("it runs");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{step:?}");
}

fn nothing_is_left(dir: &Path, step: Step) {
    let left: Vec<_> = std::fs::read_dir(dir).expect("listed").flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".next")), "{step:?} leaves {left:?}");
}

/// The step; whether the next process must log in again; how many requests there are in all; whose tokens it has then.
const STEPS: &[(Step, bool, usize, &str)] = &[
    (Step::Locked, false, 1, "sk-ant-oat01-1"),
    (Step::Read, false, 1, "sk-ant-oat01-1"),
    (Step::Created, false, 1, "sk-ant-oat01-1"),
    (Step::Asking, false, 1, "sk-ant-oat01-1"),
    // Used up, and the new ones are lost with the process.
    (Step::Answered, true, 2, "sk-ant-oat01-0"),
    // On the disk under another name: the next process puts them where they belong.
    (Step::Written, false, 1, "sk-ant-oat01-1"),
    (Step::Replaced, false, 1, "sk-ant-oat01-1"),
];

#[test]
fn the_file_is_whole_wherever_the_holder_was_killed() {
    for (step, must_log_in, requests, access) in STEPS {
        let dir = tempfile::tempdir().expect("a directory");
        let file = write_login(dir.path());
        let (url, state) = endpoint();
        kill_the_holder(dir.path(), &url, *step, false);
        whole(&file, &format!("{step:?}"));

        let store = open(dir.path(), &url, |_| ());
        match store.refresh(Call::Fresh, None) {
            Ok(refreshed) => {
                assert!(!must_log_in, "{step:?}");
                assert!(refreshed.how != How::NotNeeded || *step == Step::Replaced, "{step:?}: {:?}", refreshed.how);
                assert!(refreshed.failure.is_none());
            }
            Err(error) => {
                assert!(must_log_in, "{step:?}: {error}");
                assert_eq!(error.code(), ErrorCode::LoginRequired);
            }
        }
        let document = whole(&file, &format!("{step:?}"));
        assert_eq!(document["claudeAiOauth"]["accessToken"], *access, "{step:?}");
        assert_eq!(document["kept"], true);
        assert_eq!(state.lock().expect("no panic").requests, *requests, "{step:?}");
        nothing_is_left(dir.path(), *step);
    }
}

/// Whose turn it is when the holder is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    /// The holder's, with its file.
    Same,
    /// One with a file of its own.
    Other,
}
use Host::{Other, Same};

/// The step; who comes then, one after the other; how many of them, from the first on, must log in again; how many
/// requests there are in all; whose tokens both have in the end.
const FLEET_STEPS: &[(Step, &[Host], usize, usize, &str)] = &[
    (Step::Locked, &[Other, Same], 0, 1, "sk-ant-oat01-1"),
    (Step::Read, &[Other, Same], 0, 1, "sk-ant-oat01-1"),
    (Step::Created, &[Other, Same], 0, 1, "sk-ant-oat01-1"),
    (Step::Asking, &[Other, Same], 0, 1, "sk-ant-oat01-1"),
    (Step::Asking, &[Same, Other], 0, 1, "sk-ant-oat01-1"),
    // Used up, and the new ones are lost with the process.
    (Step::Answered, &[Other, Same], 2, 3, "sk-ant-oat01-0"),
    // The holder's machine has them: it tells the fleet.
    (Step::Written, &[Same, Other], 0, 1, "sk-ant-oat01-1"),
    (Step::Replaced, &[Same, Other], 0, 1, "sk-ant-oat01-1"),
    (Step::Publishing, &[Same, Other], 0, 1, "sk-ant-oat01-1"),
    // Until it has, the others must log in.
    (Step::Written, &[Other, Same, Other], 1, 2, "sk-ant-oat01-1"),
    (Step::Replaced, &[Other, Same, Other], 1, 2, "sk-ant-oat01-1"),
    (Step::Publishing, &[Other, Same, Other], 1, 2, "sk-ant-oat01-1"),
];

#[test]
fn the_files_of_a_fleet_are_whole_wherever_the_holder_was_killed() {
    let lockbox = lockbox();
    for (step, turns, must_log_in, requests, access) in FLEET_STEPS {
        let what = format!("{step:?}, then {turns:?}");
        let dirs = [tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory")];
        let files = [write_login(dirs[0].path()), write_login(dirs[1].path())];
        let (url, state) = endpoint();
        kill_the_holder(dirs[0].path(), &url, *step, true);
        files.iter().for_each(|file| drop(whole(file, &what)));

        let stores = [open(dirs[0].path(), &url, |_| ()), open(dirs[1].path(), &url, |_| ())];
        // The holder took the lock with nothing published, and was killed before it could publish.
        let mut published: Option<String> = None;
        for (turn, host) in turns.iter().enumerate() {
            let fleet = Fleet { lockbox: &lockbox, name: "ws_1", published: published.as_deref() };
            let result: Result<Refreshed> = stores[usize::from(*host == Other)].refresh(Call::Fresh, Some(&fleet));
            assert_eq!(
                result.as_ref().err().map(|error| error.code()),
                (turn < *must_log_in).then_some(ErrorCode::LoginRequired),
                "{what}"
            );
            let next = result.ok().and_then(|refreshed| {
                assert!(refreshed.persisted && refreshed.failure.is_none(), "{what}");
                refreshed.publish
            });
            published = next.or(published);
        }
        for (file, dir) in files.iter().zip(&dirs) {
            let document = whole(file, &what);
            assert_eq!(document["claudeAiOauth"]["accessToken"], *access, "{what}");
            assert_eq!(document["kept"], true);
            nothing_is_left(dir.path(), *step);
        }
        assert_eq!(state.lock().expect("no panic").requests, *requests, "{what}");
    }
}
