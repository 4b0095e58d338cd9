//! The audit: one record for each request, in a bounded queue. A record never has a header's value or a body in it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use super::refusal::Reason;

/// What a caller chose is repeated to this length.
const MAX_PATH_BYTES: usize = 256;
const MAX_METHOD_BYTES: usize = 16;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The whole answer was passed on.
    Completed,
    Refused(Reason),
    /// The client went away; the request to the API was ended.
    ClientAborted,
    /// The answer broke off.
    UpstreamBroke,
    /// For too long, nothing came or could be passed on.
    Stalled,
    /// The body was larger than is taken.
    BodyTooLarge,
    GrantEnded,
    Revoked,
    /// A WebSocket was ended between two of its messages, as the credential was rotated.
    Rotated,
}

/// One request: who, what, and what became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// When it ended.
    #[serde(serialize_with = "milliseconds_since_1970")]
    pub time: SystemTime,
    pub provider: &'static str,
    #[serde(serialize_with = "text")]
    pub workspace: Option<Arc<str>>,
    pub grant: Option<u64>,
    /// The uid at the other end of the connection.
    pub uid: Option<u32>,
    pub pid: Option<i32>,
    pub method: Box<str>,
    /// Without the query. Of a request that was refused, it is what a caller chose.
    pub path: Box<str>,
    /// The API's, or the refusal's; none if there was no answer.
    pub status: Option<u16>,
    /// Bytes of the request's body, or that went up on a WebSocket.
    pub bytes_up: u64,
    pub bytes_down: u64,
    pub milliseconds: u64,
    /// Which credential it carried: they are counted from 1.
    pub generation: Option<u64>,
    pub outcome: Outcome,
}

impl Record {
    /// As one line of JSON, without the line's end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers, words of ours and texts: there is nothing in it that JSON cannot have.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}

fn milliseconds_since_1970<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    serializer.serialize_u64(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// At most `most` bytes of a text.
pub(super) fn shortened(text: &str, most: usize) -> Box<str> {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}

pub(super) fn method_of(method: &hyper::Method) -> Box<str> {
    shortened(method.as_str(), MAX_METHOD_BYTES)
}

pub(super) fn path_of(uri: &hyper::Uri) -> Box<str> {
    shortened(uri.path(), MAX_PATH_BYTES)
}

/// Records that nobody has taken yet. When it is full, further ones are counted and lost: what was first stays.
pub struct Audit {
    waiting: Mutex<VecDeque<Record>>,
    capacity: usize,
    lost: AtomicU64,
    on_record: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for Audit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Audit(at most {}, {} lost)", self.capacity, self.lost())
    }
}

impl Audit {
    pub(super) fn new(capacity: usize) -> Self {
        Self { waiting: Mutex::new(VecDeque::new()), capacity, lost: AtomicU64::new(0), on_record: OnceLock::new() }
    }

    /// Has `wake` called whenever there is a record and there was none. Once; it is called on a thread of the broker's,
    /// and must not block.
    pub fn on_record(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.on_record.set(Box::new(wake));
    }

    /// Takes at most `most` records, the oldest first.
    #[must_use]
    pub fn take(&self, most: usize) -> Vec<Record> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(most);
        waiting.drain(..count).collect()
    }

    /// How many records found no room.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn push(&self, record: Record) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= self.capacity {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let was_empty = waiting.is_empty();
        waiting.push_back(record);
        drop(waiting);
        if let Some(wake) = self.on_record.get().filter(|_| was_empty) {
            wake();
        }
    }
}
