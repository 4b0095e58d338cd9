//! The account of an exchange: its record in the audit, its tap, and its place among the requests in flight.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use hyper::http::HeaderMap;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};

use super::upward::Upward;
use crate::broker::audit::{Audit, Outcome, Record, method_of, path_of};
use crate::broker::grant::{GrantState, Slot};
use crate::broker::peer::Peer;
use crate::broker::refusal::RefusalReason;
use crate::broker::tap::Tap;

/// A request, and the connection that it came on.
#[derive(Debug)]
pub struct Caller<'a> {
    pub provider: &'static str,
    pub peer: &'a Peer,
    pub parts: &'a Parts,
}

/// Collects the record of an exchange, and writes it when dropped.
#[derive(Debug)]
pub struct Account {
    audit: Arc<Audit>,
    started: Instant,
    record: Option<Record>,
    upward: Arc<Upward>,
    bytes_down: u64,
    /// None until it is known. If it is still none at the end, the client has gone away.
    outcome: Option<Outcome>,
    _slot: Option<Slot>,
}

impl Account {
    pub fn open(audit: &Arc<Audit>, caller: &Caller<'_>, grant: Option<&GrantState>) -> Self {
        let record = Record {
            time: SystemTime::UNIX_EPOCH,
            provider: caller.provider,
            workspace: grant.map(|grant| Arc::clone(&grant.workspace)),
            grant: grant.map(|grant| grant.id),
            uid: caller.peer.uid(),
            pid: caller.peer.pid(),
            method: method_of(&caller.parts.method),
            path: path_of(&caller.parts.uri),
            status: None,
            bytes_up: 0,
            bytes_down: 0,
            milliseconds: 0,
            generation: None,
            outcome: Outcome::ClientAborted,
        };
        Self {
            audit: Arc::clone(audit),
            started: Instant::now(),
            record: Some(record),
            upward: Arc::default(),
            bytes_down: 0,
            outcome: None,
            _slot: None,
        }
    }

    /// Notes that the request goes to the API, with the key of this number.
    pub fn forwarded(&mut self, slot: Slot, generation: u64, tap: Option<Box<dyn Tap>>) {
        self._slot = Some(slot);
        self.upward = Arc::new(Upward::new(tap));
        if let Some(record) = &mut self.record {
            record.generation = Some(generation);
        }
    }

    /// Why the request's body was not forwarded to its end.
    pub fn failure_upward(&self) -> Option<Outcome> {
        self.upward.failure.get().copied()
    }

    pub fn upward(&self) -> Arc<Upward> {
        Arc::clone(&self.upward)
    }

    /// Notes that the API's answer has begun.
    pub fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.answered_with(status);
        self.upward.with_tap(|tap| tap.head(status, headers));
    }

    pub fn down(&mut self, bytes: &[u8]) {
        self.bytes_down += bytes.len() as u64;
        self.upward.with_tap(|tap| tap.down(bytes));
    }

    /// Notes the status of the answer, whether it comes from the API or the broker.
    fn answered_with(&mut self, status: StatusCode) {
        if let Some(record) = &mut self.record {
            record.status = Some(status.as_u16());
        }
    }

    pub fn refused<T>(&mut self, reason: RefusalReason, response: &Response<T>) {
        self.answered_with(response.status());
        self.end(Outcome::Refused(reason));
    }

    /// Notes how the exchange ended. Only the first call counts.
    pub fn end(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let Some(mut record) = self.record.take() else { return };
        record.outcome = self.outcome.or(self.failure_upward()).unwrap_or(Outcome::ClientAborted);
        record.time = SystemTime::now();
        record.milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        record.bytes_up = self.upward.bytes();
        record.bytes_down = self.bytes_down;
        self.upward.with_tap(|tap| tap.end(record.outcome));
        self.audit.push(record);
    }
}
