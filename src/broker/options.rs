//! What whoever starts a broker may decide: limits, times, and who reads along.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::tap::MakeTap;

/// What one grant may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the names and values of a request's headers.
    pub header_bytes: usize,
    pub body_bytes: u64,
    /// Requests in flight; a WebSocket is one for as long as it is open.
    pub concurrent_requests: usize,
    pub requests_per_second: u32,
    /// How many may come at once, after a pause.
    pub burst: u32,
}

impl Default for Limits {
    /// Several times what either CLI was seen to use: 34 requests at once (`/context` of Claude Code), bodies of 32 MB.
    fn default() -> Self {
        Self {
            header_bytes: 32 * 1024,
            body_bytes: 64 << 20,
            concurrent_requests: 64,
            requests_per_second: 50,
            burst: 200,
        }
    }
}

/// How long the broker waits for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// From when a connection is idle until the next request's head is whole.
    pub head: Duration,
    /// While a client sends nothing of a body, or takes nothing of an answer.
    pub client_stall: Duration,
    /// A request of a launch that has as many in flight, or asks as often, as it may.
    pub turn: Duration,
    /// To look an address up, connect and agree on TLS.
    pub connect: Duration,
    /// Until an answer begins.
    pub answer: Duration,
    /// While the API sends nothing of an answer, or takes nothing of a body.
    pub upstream_stall: Duration,
    /// How long a connection to the API is kept for the next request.
    pub upstream_idle: Duration,
}

impl Default for Times {
    /// `head` is longer than clients keep idle connections (Codex: 90 s), so that they close them first. Claude Code waits
    /// 10 minutes for an answer and 5 within a stream, so the broker waits longer.
    fn default() -> Self {
        Self {
            head: Duration::from_secs(100),
            client_stall: Duration::from_secs(120),
            turn: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(15 * 60),
            upstream_stall: Duration::from_secs(15 * 60),
            upstream_idle: Duration::from_secs(50),
        }
    }
}

/// What a broker is started with.
#[derive(Clone)]
pub struct Options {
    /// Of the broker's own; a connection stays with one.
    pub threads: usize,
    pub times: Times,
    /// What each launch may use.
    pub limits: Limits,
    /// Connections of clients, of all uids together.
    pub connections: usize,
    /// Connections of one uid.
    pub connections_per_uid: usize,
    /// Records that wait to be taken.
    pub audit_records: usize,
    /// Where the directories of Unix sockets are made: only root may rename what is there, or the directory is sticky.
    pub socket_directory: PathBuf,
    /// Base URLs whose hosts may have any address; otherwise a name must have a public one.
    pub upstreams: Vec<String>,
    /// The URL of a proxy that leads to the APIs, `http://host:port`. The environment is not asked for one.
    pub proxy: Option<String>,
    /// A file of further roots of trust, in PEM.
    pub ca_file: Option<String>,
    /// Who reads the exchanges.
    pub tap: Option<Arc<MakeTap>>,
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Options({} threads, {:?}, has a tap: {})", self.threads, self.times, self.tap.is_some())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 1,
            times: Times::default(),
            limits: Limits::default(),
            connections: 4096,
            connections_per_uid: 512,
            audit_records: 4096,
            socket_directory: super::listener::default_socket_directory(),
            upstreams: Vec::new(),
            proxy: None,
            ca_file: None,
            tap: None,
        }
    }
}
