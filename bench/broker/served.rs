//! A broker in a process of its own, which does as it is told by lines on stdin.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

use provider_env::broker::{
    Address, Addresses, Broker, Grant, GrantRequest, Limits, LiveCredential, Options, PeerRule, Process, Route,
    Upstream, UpstreamOptions,
};
use provider_env::provider::{CredentialKind, find};
use provider_env::secret::{ExposeSecret, Secret};
use serde_json::json;

use crate::report;

/// Made up, and as long as a real one.
const KEY: &str =
    "sk-made-up-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-01234567890123456789";

/// No limit that the load could reach: what is measured is the way of a request.
const LIMITS: Limits = Limits {
    header_bytes: 32 * 1024,
    body_bytes: 64 << 20,
    concurrent_requests: 4096,
    requests_per_second: 1_000_000,
    burst: 1_000_000,
};

/// `grant tcp|unix PID` says the address, `idle tcp|unix COUNT` makes grants that nobody uses, `drop` ends all of them.
pub fn serve(api: &str, ca_file: &str) {
    let root = std::fs::read(ca_file).expect("a certificate");
    let options = UpstreamOptions { roots: vec![root], addresses: Addresses::Any, ..UpstreamOptions::default() };
    let upstream = Upstream::new(&format!("https://{api}/v1"), options).expect("a URL");
    let vendor = find("codex").expect("a row").vendor();
    let key = Arc::new(Secret::copy_of(KEY.as_bytes()));
    let credential = LiveCredential::new(vendor, Arc::new(upstream), CredentialKind::ApiKey, key).expect("a key");
    let options = Options { connections: 8192, connections_per_uid: 8192, ..Options::default() };
    let broker = Broker::start(options).expect("started");
    let grant = |route: &str| {
        let route = if route == "unix" { Route::UnixWithoutToken } else { Route::Tcp };
        let peer = PeerRule { uid: rustix::process::geteuid().as_raw(), only_started_process: true };
        let credential = Arc::clone(&credential);
        let workspace = "workspace-1".into();
        broker.grant(GrantRequest { provider: "codex", workspace, credential, peer, limits: LIMITS, route })
    };
    let (mut grants, mut idle) = (HashMap::new(), Vec::new());
    report(&json!({ "state": "ready" }));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("text");
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["grant", route, pid] => {
                let granted = grant(route).expect("granted");
                granted.bind(Process::open(pid.parse().expect("a pid")).expect("alive"));
                report(&json!({ "target": target(&granted) }));
                grants.insert(pid.to_owned(), granted);
            }
            ["idle", route, count] => {
                idle.extend((0..count.parse().expect("a number")).map(|_| grant(route).expect("granted")));
                report(&json!({ "idle": idle.len() }));
            }
            ["drop"] => {
                grants.clear();
                idle.clear();
                report(&json!({ "idle": 0 }));
            }
            _ => panic!("unknown: {line}"),
        }
    }
}

/// As [`crate::http::Target::of`] reads it.
fn target(grant: &Grant) -> String {
    let token = grant.token().map(|token| String::from_utf8_lossy(token.expose_secret()).into_owned());
    let token = token.as_deref().unwrap_or("-");
    match grant.address() {
        Address::Tcp(url) => format!("tcp {} {token}", url.trim_start_matches("http://").trim_end_matches("/v1")),
        Address::Unix(path) => format!("unix {} {token}", path.display()),
    }
}
