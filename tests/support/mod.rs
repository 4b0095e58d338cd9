//! A token endpoint on loopback whose refresh tokens can be used once, and stores of logins that it refreshes.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use provider_env::credential::store::{Location, Overrides, Profile, Settings, Step, Store};
use provider_env::net::http;
use provider_env::provider::find;

/// Which refresh tokens are good, and how many requests there were.
#[derive(Default)]
pub struct Endpoint {
    good: HashSet<String>,
    issued: usize,
    pub requests: usize,
}

pub fn endpoint() -> (String, Arc<Mutex<Endpoint>>) {
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

pub fn open(dir: &Path, url: &str, observe: fn(Step)) -> Store {
    let overrides = Overrides { token_url: Some(url.into()), ..Overrides::default() };
    let profile = Profile::new(find("claude").expect("a row"), overrides).expect("valid");
    let location = Location::of(&profile, dir.to_owned(), None);
    let http = http::Settings { timeout: Duration::from_secs(120), ..http::Settings::default() };
    Store::open(location, profile, Settings { refresh_ahead: 0.0, http, observe }).expect("opened")
}

/// Puts an expired login into a directory, with the refresh token that the endpoint takes first.
pub fn write_login(dir: &Path) -> PathBuf {
    let file = dir.join(".credentials.json");
    let login = r#"{"claudeAiOauth":{"accessToken":"sk-ant-oat01-0","refreshToken":"rt-0","expiresAt":1},"kept":true}"#;
    std::fs::write(&file, login).expect("written");
    file
}

/// The login's document, which is whole.
pub fn whole(file: &Path, when: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(file).expect("there");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{when} left a broken file: {error}"))
}
