//! The holder of a refresh is killed with SIGKILL in each step: the file is whole every time, and the next process either
//! goes on or says that a person must log in again. The endpoint's refresh tokens can be used once.
#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use provider_env::credential_store::{How, Location, Overrides, Profile, Settings, Step, Store};
use provider_env::error::ErrorCode;
use provider_env::http;
use provider_env::provider::find;

const STEP: &str = "PROVIDER_ENV_TEST_STEP";
const DIR: &str = "PROVIDER_ENV_TEST_DIR";
const URL: &str = "PROVIDER_ENV_TEST_URL";

/// Which refresh tokens are good, and how many requests there were.
#[derive(Default)]
struct Endpoint {
    good: HashSet<String>,
    issued: usize,
    requests: usize,
}

fn endpoint() -> (String, Arc<Mutex<Endpoint>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/token", listener.local_addr().expect("an address"));
    let state = Arc::new(Mutex::new(Endpoint { good: HashSet::from(["rt-0".to_owned()]), ..Endpoint::default() }));
    let shared = Arc::clone(&state);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
            let mut length = 0;
            let mut line = String::new();
            while reader.read_line(&mut line).expect("a line") > 2 {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            let mut state = shared.lock().expect("no panic");
            state.requests += 1;
            let (status, answer) = if state.good.remove(body["refresh_token"].as_str().expect("a token")) {
                state.issued += 1;
                let number = state.issued;
                state.good.insert(format!("rt-{number}"));
                let answer = format!(
                    r#"{{"access_token":"sk-ant-oat01-{number}","refresh_token":"rt-{number}","expires_in":3600}}"#
                );
                ("200 OK", answer)
            } else {
                ("400 Bad Request", r#"{"error":"invalid_grant"}"#.to_owned())
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
            let _ = stream.write_all(format!("{head}{answer}").as_bytes());
        }
    });
    (url, state)
}

fn open(dir: &Path, url: &str, observe: fn(Step)) -> Store {
    let overrides = Overrides { token_url: Some(url.into()), ..Overrides::default() };
    let profile = Profile::new(find("claude").expect("a row"), overrides).expect("valid");
    let location = Location { directory: dir.to_owned(), name: profile.file.clone(), owner: None };
    let http = http::Settings { timeout: Duration::from_secs(20), ..http::Settings::default() };
    Store::open(location, profile, Settings { refresh_ahead: 0.0, http, observe }).expect("opened")
}

fn die_in_the_step(step: Step) {
    if std::env::var(STEP).is_ok_and(|wanted| wanted == format!("{step:?}")) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        thread::sleep(Duration::from_secs(10));
    }
}

/// What the process that is to be killed runs: this very test program, with these variables.
#[test]
fn holder() {
    let (Ok(dir), Ok(url)) = (std::env::var(DIR), std::env::var(URL)) else { return };
    let _ = open(Path::new(&dir), &url, die_in_the_step).refresh(false, None);
    panic!("it was not killed");
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
        let file = dir.path().join(".credentials.json");
        let login =
            r#"{"claudeAiOauth":{"accessToken":"sk-ant-oat01-0","refreshToken":"rt-0","expiresAt":1},"kept":true}"#;
        std::fs::write(&file, login).expect("written");
        let (url, state) = endpoint();
        let status = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "holder", "--nocapture"])
            .env(STEP, format!("{step:?}"))
            .env(DIR, dir.path())
            .env(URL, &url)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .expect("it runs");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{step:?}");
        whole(&file, step);

        let store = open(dir.path(), &url, |_| ());
        match store.refresh(false, None) {
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
        let document = whole(&file, step);
        assert_eq!(document["claudeAiOauth"]["accessToken"], *access, "{step:?}");
        assert_eq!(document["kept"], true);
        assert_eq!(state.lock().expect("no panic").requests, *requests, "{step:?}");
        let left: Vec<_> =
            std::fs::read_dir(dir.path()).expect("listed").flatten().map(|entry| entry.file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".next")), "{step:?} leaves {left:?}");
    }
}

fn whole(file: &Path, step: &Step) -> serde_json::Value {
    let text = std::fs::read_to_string(file).expect("there");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{step:?} left a broken file: {error}"))
}
