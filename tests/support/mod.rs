//! A token endpoint on loopback whose refresh tokens can be used once, and stores of logins that it refreshes.

#[cfg(target_os = "linux")]
pub mod traced;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use provider_env::credential::store::{Call, Fleet, Location, Overrides, Profile, Refreshed, Store, StoreSettings};
use provider_env::error::Result;
use provider_env::net::http;
use provider_env::provider::find;

/// Which refresh tokens are good, and how many requests there were.
#[derive(Default)]
pub struct Endpoint {
    good: HashSet<String>,
    issued: usize,
    pub requests: usize,
}

impl Endpoint {
    /// One answer, to whoever comes next; none to who was killed before all of the request was sent.
    fn serve(&mut self, mut stream: TcpStream, on_request: &mut impl FnMut(usize)) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).ok()? > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
        self.requests += 1;
        on_request(self.requests);
        let (status, answer) = if self.good.remove(body["refresh_token"].as_str()?) {
            self.issued += 1;
            let number = self.issued;
            self.good.insert(format!("rt-{number}"));
            let answer = format!(
                r#"{{"access_token":"sk-ant-oat01-{number}","refresh_token":"rt-{number}","expires_in":3600}}"#
            );
            ("200 OK", answer)
        } else {
            ("400 Bad Request", r#"{"error":"invalid_grant"}"#.to_owned())
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
        stream.write_all(format!("{head}{answer}").as_bytes()).ok()
    }
}

/// Its URL and what it has done. `on_request` is called with each request's number, before it is answered.
pub fn endpoint(mut on_request: impl FnMut(usize) + Send + 'static) -> (String, Arc<Mutex<Endpoint>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/token", listener.local_addr().expect("an address"));
    let state = Arc::new(Mutex::new(Endpoint { good: HashSet::from(["rt-0".to_owned()]), ..Endpoint::default() }));
    let shared = Arc::clone(&state);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = shared.lock().expect("no panic").serve(stream.expect("a client"), &mut on_request);
        }
    });
    (url, state)
}

pub fn open(dir: &Path, url: &str) -> Store {
    let overrides = Overrides { token_url: Some(url.into()), ..Overrides::default() };
    let profile = Profile::new(find("claude").expect("a row"), overrides).expect("valid");
    let location = Location::of(&profile, dir.to_owned(), None);
    let http = http::RequestSettings { timeout: Duration::from_secs(120), ..http::RequestSettings::default() };
    Store::open(location, profile, StoreSettings { refresh_ahead: 0.0, http }).expect("opened")
}

/// A whole call, with the waits for a lock that somebody else has.
pub fn refresh(store: &Store, call: Call, fleet: Option<&Fleet<'_>>) -> Result<Refreshed> {
    let mut attempt = store.attempt();
    loop {
        match store.try_refresh(call, fleet, &mut attempt) {
            ControlFlow::Break(done) => return done,
            ControlFlow::Continue(time) => thread::sleep(time.saturating_duration_since(Instant::now())),
        }
    }
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

/// What was made ready to take the place of the file.
pub fn nexts(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).expect("listed").flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "next")).collect()
}
