//! The holder of a refresh is killed before each of its system calls: the file is whole every time, and the next process
//! either goes on or says that a person must log in again. The endpoint's refresh tokens can be used once.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod support;

use std::collections::HashSet;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;

use provider_env::credential::store::{Call, Fleet, Store};
use provider_env::error::ErrorCode;
use provider_env::secret::lockbox::{Lockbox, MasterKey};
use support::traced;
use support::{endpoint, nexts, open, refresh, whole, write_login};

const DIR: &str = "PROVIDER_ENV_TEST_DIR";
const URL: &str = "PROVIDER_ENV_TEST_URL";
const FLEET: &str = "PROVIDER_ENV_TEST_FLEET";

fn lockbox() -> Lockbox {
    Lockbox::new(vec![MasterKey::from_bytes(&[7; 32]).expect("a key")], false).expect("a lockbox")
}

/// What the process that is to be killed runs: this very test program, with these variables.
#[test]
fn holder() {
    let (Ok(dir), Ok(url)) = (std::env::var(DIR), std::env::var(URL)) else { return };
    traced::begin();
    let lockbox = lockbox();
    let fleet = Fleet { lockbox: &lockbox, name: "ws_1", published: None };
    let store = open(Path::new(&dir), &url);
    let _ = refresh(&store, Call::Fresh, std::env::var(FLEET).is_ok().then_some(&fleet));
}

/// Calls that change a file, lock one, or speak to the endpoint. What is between two of them changes nothing that is left.
fn counts(number: libc::c_long) -> bool {
    [
        libc::SYS_openat,
        libc::SYS_flock,
        libc::SYS_renameat,
        libc::SYS_unlinkat,
        libc::SYS_fchown,
        libc::SYS_fchmod,
        libc::SYS_fallocate,
        libc::SYS_connect,
        libc::SYS_sendto,
        libc::SYS_recvfrom,
        libc::SYS_pwrite64,
        libc::SYS_fsync,
        libc::SYS_ftruncate,
        libc::SYS_exit_group,
    ]
    .contains(&number)
}

/// Kills the holder before the call of this index, from the first lock on. False: it ended before.
fn kill_the_holder(dir: &Path, url: &str, index: usize, in_a_fleet: bool) -> bool {
    let mut variables = vec![(DIR, dir.to_str().expect("text")), (URL, url)];
    variables.extend(in_a_fleet.then_some((FLEET, "1")));
    let (mut seen, mut is_locking) = (0, false);
    let passed = traced::run("holder", &variables, |number| {
        is_locking |= number == libc::SYS_flock;
        if !is_locking || !counts(number) {
            return true;
        }
        seen += 1;
        seen <= index
    });
    // The endpoint answers one after the other: what the holder has sent was read when this ends.
    let mut last =
        TcpStream::connect(url.trim_start_matches("http://").trim_end_matches("/token")).expect("it listens");
    last.shutdown(std::net::Shutdown::Write).expect("shut");
    let _ = last.read_to_end(&mut Vec::new());
    !passed
}

/// What the holder has left, as its next process must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Left {
    /// The old refresh token is good.
    Unasked,
    /// The old refresh token is used up, and the new ones are lost with the process.
    Lost,
    /// The new tokens are on the disk, in the login's file or beside it.
    Saved,
}

fn left_in(dir: &Path, file: &Path, requests: usize, what: &str) -> Left {
    let is_new = |document: &serde_json::Value| document["claudeAiOauth"]["refreshToken"] == "rt-1";
    let next = |path: &std::path::PathBuf| {
        serde_json::from_slice(&std::fs::read(path).expect("read")).is_ok_and(|next| is_new(&next))
    };
    match requests {
        0 => Left::Unasked,
        _ if is_new(&whole(file, what)) || nexts(dir).iter().any(next) => Left::Saved,
        _ => Left::Lost,
    }
}

/// Whose turn it is when the holder is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    /// The holder's, with its file.
    Same,
    /// One with its own file.
    Other,
}
use Host::{Other, Same};

/// What is left; who comes then, one after the other; how many of them, from the first on, must log in again; how many
/// requests there are in all; whose tokens all have in the end.
type Case = (Left, &'static [Host], usize, usize, &'static str);

const ALONE: &[Case] = &[
    (Left::Unasked, &[Same], 0, 1, "sk-ant-oat01-1"),
    (Left::Lost, &[Same], 1, 2, "sk-ant-oat01-0"),
    (Left::Saved, &[Same], 0, 1, "sk-ant-oat01-1"),
];

const IN_A_FLEET: &[Case] = &[
    (Left::Unasked, &[Other, Same], 0, 1, "sk-ant-oat01-1"),
    (Left::Unasked, &[Same, Other], 0, 1, "sk-ant-oat01-1"),
    (Left::Lost, &[Other, Same], 2, 3, "sk-ant-oat01-0"),
    // The holder's machine has the tokens: it informs the fleet.
    (Left::Saved, &[Same, Other], 0, 1, "sk-ant-oat01-1"),
    // Until it has, the others must log in.
    (Left::Saved, &[Other, Same, Other], 1, 2, "sk-ant-oat01-1"),
];

/// Kills a holder before each of its calls, as often as there are cases of what is left then.
fn kill_everywhere(cases: &[Case], in_a_fleet: bool) {
    let mut met = HashSet::new();
    for index in 0.. {
        let mut tried = HashSet::new();
        loop {
            let what = format!("killed before call {index}, fleet: {in_a_fleet}");
            let dirs = [tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory")];
            let files = [write_login(dirs[0].path()), write_login(dirs[1].path())];
            let (url, state) = endpoint(|_| ());
            if !kill_the_holder(dirs[0].path(), &url, index, in_a_fleet) {
                assert_eq!(met.len(), cases.len(), "each case was met: {met:?}");
                return;
            }
            let requests = state.lock().expect("no panic").requests;
            let left = left_in(dirs[0].path(), &files[0], requests, &what);
            let Some(case) = (0..cases.len()).find(|case| cases[*case].0 == left && !tried.contains(case)) else {
                break;
            };
            tried.insert(case);
            met.insert(case);
            let (_, turns, must_log_in, in_all, access) = cases[case];
            let what = format!("{what}, {left:?}, then {turns:?}");
            let stores = [open(dirs[0].path(), &url), open(dirs[1].path(), &url)];
            take_turns(&stores, turns, must_log_in, in_a_fleet, &what);
            for (file, dir) in files.iter().zip(&dirs).take(if in_a_fleet { 2 } else { 1 }) {
                let document = whole(file, &what);
                assert_eq!(document["claudeAiOauth"]["accessToken"], access, "{what}");
                assert_eq!(document["kept"], true, "{what}");
                assert!(nexts(dir.path()).is_empty(), "{what}");
            }
            assert_eq!(state.lock().expect("no panic").requests, in_all, "{what}");
        }
    }
}

fn take_turns(stores: &[Store; 2], turns: &[Host], must_log_in: usize, in_a_fleet: bool, what: &str) {
    let lockbox = lockbox();
    // The holder took the lock with nothing published, and was killed before it could publish.
    let mut published: Option<String> = None;
    for (turn, host) in turns.iter().enumerate() {
        let fleet = Fleet { lockbox: &lockbox, name: "ws_1", published: published.as_deref() };
        let result = refresh(&stores[usize::from(*host == Other)], Call::Fresh, in_a_fleet.then_some(&fleet));
        let expected = (turn < must_log_in).then_some(ErrorCode::LoginRequired);
        assert_eq!(result.as_ref().err().map(|error| error.code()), expected, "{what}");
        let next = result.ok().and_then(|refreshed| {
            assert!(refreshed.persisted && refreshed.failure.is_none(), "{what}");
            refreshed.publish
        });
        published = next.or(published);
    }
}

#[test]
fn the_file_is_whole_wherever_the_holder_was_killed() {
    kill_everywhere(ALONE, false);
}

#[test]
fn the_files_of_a_fleet_are_whole_wherever_the_holder_was_killed() {
    kill_everywhere(IN_A_FLEET, true);
}
