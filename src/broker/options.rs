//! The options of a broker: limits, times, upstreams, and a tap.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::tap::MakeTap;
use crate::error::{Error, ErrorCode, Result};
use crate::net::address::Endpoint;
use crate::net::http::check_proxy;

/// What one grant may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the names and values of a request's headers.
    pub header_bytes: usize,
    pub body_bytes: u64,
    /// Requests in flight. An open WebSocket is one request.
    pub concurrent_requests: usize,
    pub requests_per_second: u32,
    /// Requests that may come at once after a pause.
    pub burst: u32,
}

impl Default for Limits {
    /// About twice what either CLI was seen to use: 34 requests at once (`/context` of Claude Code), bodies of 32 MB.
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

/// How long the broker waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// For the whole head of the next request, from when the connection became idle.
    pub head: Duration,
    /// For a client that sends nothing of a body, or takes nothing of an answer.
    pub client_stall: Duration,
    /// For the turn of a request that exceeds its launch's requests in flight or per second.
    pub turn: Duration,
    /// For a connection to the API: resolving its name, connecting and the TLS handshake.
    pub connect: Duration,
    /// For the beginning of the API's answer.
    pub answer: Duration,
    /// For an API that sends nothing of an answer, or takes nothing of a body.
    pub upstream_stall: Duration,
    /// For the next request on an idle connection to the API.
    pub upstream_idle: Duration,
}

impl Default for Times {
    /// `head` is longer than clients keep idle connections (Codex: 90 s), so that they close them first. Claude Code
    /// waits 10 minutes for an answer and 5 within a stream, so the broker waits longer.
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

/// The options of [`super::Broker::start`].
#[derive(Clone)]
pub struct Options {
    /// The broker's threads. Each connection stays on one of them.
    pub threads: usize,
    pub times: Times,
    /// What each launch may use.
    pub limits: Limits,
    /// Connections of clients, all uids together.
    pub connections: usize,
    /// Connections of one uid.
    pub connections_per_uid: usize,
    /// Audit records that are kept until they are read.
    pub audit_records: usize,
    /// The directory of the launches' Unix sockets. Other users must not be able to rename what is in it.
    pub socket_directory: PathBuf,
    /// Base URLs whose hosts may have any address; otherwise a name must have a public one.
    pub upstreams: Vec<String>,
    /// The proxy to the APIs, as `http://host[:port]`.
    pub proxy: Option<String>,
    /// The absolute path of a PEM file of certificates that are trusted in addition to the system's.
    pub ca_file: Option<String>,
    /// Makes a tap for each exchange.
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

/// An option that is a whole number, which callers set by its name.
#[derive(Clone, Copy)]
pub struct OptionNumber {
    /// The name in `startBroker`. If it begins with `limits.`, the option is a property of `limits`.
    pub name: &'static str,
    pub min: u64,
    pub max: u64,
    get: fn(&Options) -> u64,
    set: fn(&mut Options, u64),
}

impl fmt::Debug for OptionNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} from {} to {}", self.name, self.min, self.max)
    }
}

macro_rules! number {
    ($name:literal, $min:literal..=$max:literal, $($field:ident).+) => {
        OptionNumber {
            name: $name,
            min: $min,
            max: $max,
            get: |options| options.$($field).+ as u64,
            set: |options, value| options.$($field).+ = value.try_into().unwrap_or(options.$($field).+),
        }
    };
}

/// The options that are numbers. The CLIs send fewer header bytes than the smallest limit, and hyper reads no larger
/// head than the largest.
pub const NUMBERS: &[OptionNumber] = &[
    number!("limits.requestsPerSecond", 1..=1_000_000, limits.requests_per_second),
    number!("limits.burst", 1..=1_000_000, limits.burst),
    number!("limits.concurrentRequests", 1..=1_000_000, limits.concurrent_requests),
    number!("limits.headerBytes", 4_096..=65_536, limits.header_bytes),
    number!("limits.bodyBytes", 1_024..=1_099_511_627_776, limits.body_bytes),
    number!("limits.connections", 1..=1_000_000, connections),
    number!("limits.connectionsPerUid", 1..=1_000_000, connections_per_uid),
    number!("threads", 1..=64, threads),
    number!("auditRecords", 1..=1_000_000, audit_records),
];

impl OptionNumber {
    /// The value of the option if the caller does not set it.
    #[must_use]
    pub fn default_value(&self) -> u64 {
        (self.get)(&Options::default())
    }
}

impl Options {
    /// Sets a number by its name.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a name that is not in [`NUMBERS`], or a value out of its range.
    pub fn set(&mut self, name: &str, value: u64) -> Result<()> {
        let number = NUMBERS.iter().find(|number| number.name == name && (number.min..=number.max).contains(&value));
        let number =
            number.ok_or_else(|| refused(name, "is not an option of the broker, or its value is out of range."))?;
        (number.set)(self, value);
        Ok(())
    }

    /// Checks the options that are text.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE`, with the name of the option.
    pub fn check(&self) -> Result<()> {
        for (index, url) in self.upstreams.iter().enumerate() {
            let must = "must be http(s)://host[:port][/path] without a user name, query or fragment.";
            Endpoint::of(url).map_err(|_| refused(&format!("upstreams[{index}]"), must))?;
        }
        if let Some(proxy) = &self.proxy {
            check_proxy("options.proxy", proxy)?;
        }
        let is_relative = |path: &str| !path.starts_with('/') || path.contains('\0');
        if self.ca_file.as_deref().is_some_and(is_relative) {
            return Err(refused("caFile", "must be an absolute path."));
        }
        if !self.socket_directory.is_absolute() {
            return Err(refused("socketDirectory", "must be an absolute path."));
        }
        Ok(())
    }
}

fn refused(name: &str, must: &str) -> Error {
    Error::new(ErrorCode::InvalidArgValue, format!("options.{name} {must}")).name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_in_its_range_by_default_and_can_be_set_to_both_ends() {
        for number in NUMBERS {
            assert!((number.min..=number.max).contains(&number.default_value()), "{number:?}");
            for value in [number.min, number.max] {
                let mut options = Options::default();
                options.set(number.name, value).unwrap();
                assert_eq!((number.get)(&options), value, "{number:?}");
            }
            for value in [number.min - 1, number.max + 1] {
                assert!(Options::default().set(number.name, value).is_err(), "{number:?}");
            }
        }
        assert!(Options::default().set("limits.other", 1).is_err());
    }

    #[test]
    fn texts_are_checked_and_errors_name_the_option_and_no_value() {
        let with = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check().map_err(|error| error.to_string())
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|options| options.upstreams = vec!["http://10.0.0.1:8080/v1".into()]), Ok(()));
        for (name, change) in [
            (
                "options.upstreams[1]",
                (|options| options.upstreams = vec!["http://a".into(), "secret".into()]) as fn(&mut Options),
            ),
            ("options.proxy", |options| options.proxy = Some("socks5://secret".into())),
            ("options.caFile", |options| options.ca_file = Some("secret.pem".into())),
            ("options.socketDirectory", |options| options.socket_directory = "secret".into()),
        ] {
            let message = with(change).unwrap_err();
            assert!(message.starts_with(name) && !message.contains("secret"), "{message}");
        }
    }
}
