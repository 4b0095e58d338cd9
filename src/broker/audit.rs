//! The audit: one record for each request, in a bounded queue. A record never has a header's value or a body in it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::refusal::RefusalReason;
use crate::error::{Error, ErrorCode};
use crate::words::words;

/// What a caller chose is repeated to this length.
const MAX_PATH_BYTES: usize = 256;
const MAX_METHOD_BYTES: usize = 16;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole answer was passed on.
    Completed,
    Refused(RefusalReason),
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

words! {
/// What became of a request, as a record says it.
pub enum AuditOutcome {
    /// The whole answer was passed on.
    Completed = "completed",
    /// The broker did not forward the request, or did not pass its answer on. The record has the reason.
    Refused = "refused",
    /// The client closed its connection, which ended the request to the API.
    ClientAborted = "client-aborted",
    /// The API's answer ended too early.
    UpstreamBroke = "upstream-broke",
    /// One side sent or took nothing for longer than the broker waits.
    Stalled = "stalled",
    /// The body was larger than a launch may send.
    BodyTooLarge = "body-too-large",
    /// The launch ended.
    GrantEnded = "grant-ended",
    /// The credential was revoked.
    Revoked = "revoked",
    /// A WebSocket was closed between two messages, because the credential was rotated.
    Rotated = "rotated",
}
}

impl Outcome {
    #[must_use]
    pub const fn word(self) -> AuditOutcome {
        match self {
            Self::Completed => AuditOutcome::Completed,
            Self::Refused(_) => AuditOutcome::Refused,
            Self::ClientAborted => AuditOutcome::ClientAborted,
            Self::UpstreamBroke => AuditOutcome::UpstreamBroke,
            Self::Stalled => AuditOutcome::Stalled,
            Self::BodyTooLarge => AuditOutcome::BodyTooLarge,
            Self::GrantEnded => AuditOutcome::GrantEnded,
            Self::Revoked => AuditOutcome::Revoked,
            Self::Rotated => AuditOutcome::Rotated,
        }
    }

    /// Why a request was refused.
    #[must_use]
    pub const fn reason(self) -> Option<RefusalReason> {
        match self {
            Self::Refused(reason) => Some(reason),
            _ => None,
        }
    }
}

/// Two fields of its record.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Outcome", 2)?;
        fields.serialize_field("outcome", self.word().as_str())?;
        fields.serialize_field("reason", &self.reason().map(RefusalReason::as_str))?;
        fields.end()
    }
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
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Record {
    /// When the request ended, in milliseconds since 1970.
    #[must_use]
    pub fn milliseconds_since_1970(&self) -> u64 {
        milliseconds(self.time)
    }

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
    serializer.serialize_u64(milliseconds(*time))
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
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

/// Records that nobody has taken yet. When it is full, further records are counted and lost, and the first ones stay.
pub struct Audit {
    queue: Mutex<Queue>,
    capacity: usize,
    lost: AtomicU64,
}

type Wake = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Queue {
    records: VecDeque<Record>,
    /// Whether no further record comes.
    is_closed: bool,
    reader: Option<Wake>,
    /// Whether the reader waits for its call.
    is_awaited: bool,
}

/// The one reader of an audit. Dropping it lets another one read.
pub struct AuditReader(Arc<Audit>);

/// What a reader that found no record waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing: there is a record.
    Ready,
    /// The call of its function.
    UntilCalled,
    /// Nothing: the broker has stopped, and every record was taken.
    Ended,
}

impl fmt::Debug for Audit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Audit(at most {}, {} lost)", self.capacity, self.lost())
    }
}

impl fmt::Debug for AuditReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AuditReader({:?})", self.0)
    }
}

impl Audit {
    pub(super) fn new(capacity: usize) -> Self {
        Self { queue: Mutex::default(), capacity, lost: AtomicU64::new(0) }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Becomes the audit's reader. `wake` is called after each [`AuditReader::wait`] that asks for it, once; it is called
    /// on a thread of the broker's, and must not block.
    ///
    /// # Errors
    /// `BUSY` while there is another reader: a record is read once, so two readers would each miss what the other took.
    pub fn read(self: &Arc<Self>, wake: impl Fn() + Send + Sync + 'static) -> crate::error::Result<AuditReader> {
        let mut queue = self.queue();
        if queue.reader.is_some() {
            let message = "The audit of this process's broker is being read. End that iteration or stream before you begin another one.";
            return Err(Error::new(ErrorCode::Busy, message));
        }
        queue.reader = Some(Arc::new(wake));
        queue.is_awaited = false;
        Ok(AuditReader(Arc::clone(self)))
    }

    /// Takes at most `most` records, the oldest first.
    #[must_use]
    pub fn take(&self, most: usize) -> Vec<Record> {
        let mut queue = self.queue();
        let count = queue.records.len().min(most);
        queue.records.drain(..count).collect()
    }

    /// How many records found no room.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn push(&self, record: Record) {
        let mut queue = self.queue();
        if queue.records.len() >= self.capacity {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.records.push_back(record);
        wake(queue);
    }

    /// Tells the reader that no further record comes.
    pub(super) fn close(&self) {
        let mut queue = self.queue();
        queue.is_closed = true;
        wake(queue);
    }
}

/// Calls a reader that waits, without the lock.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let reader = if std::mem::take(&mut queue.is_awaited) { queue.reader.clone() } else { None };
    drop(queue);
    if let Some(wake) = reader {
        wake();
    }
}

impl AuditReader {
    /// As [`Audit::take`].
    #[must_use]
    pub fn take(&self, most: usize) -> Vec<Record> {
        self.0.take(most)
    }

    /// Asks to be called when there is a record, or when none will come any more.
    #[must_use]
    pub fn wait(&self) -> Waiting {
        let mut queue = self.0.queue();
        if !queue.records.is_empty() {
            return Waiting::Ready;
        }
        if queue.is_closed {
            return Waiting::Ended;
        }
        queue.is_awaited = true;
        Waiting::UntilCalled
    }
}

impl Drop for AuditReader {
    fn drop(&mut self) {
        let reader = self.0.queue().reader.take();
        // Without the lock: it may be a function of JavaScript's.
        drop(reader);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn record(outcome: Outcome) -> Record {
        Record {
            time: UNIX_EPOCH,
            provider: "claude",
            workspace: None,
            grant: None,
            uid: None,
            pid: None,
            method: "GET".into(),
            path: "/".into(),
            status: None,
            bytes_up: 0,
            bytes_down: 0,
            milliseconds: 0,
            generation: None,
            outcome,
        }
    }

    #[test]
    fn a_waiting_reader_is_called_once_for_all_records_until_it_waits_again() {
        let audit = Arc::new(Audit::new(3));
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let reader = audit.read(move || _ = counted.fetch_add(1, Ordering::SeqCst)).unwrap();
        let was_called = || calls.swap(0, Ordering::SeqCst);
        audit.push(record(Outcome::Completed));
        assert_eq!((was_called(), reader.wait()), (0, Waiting::Ready));
        assert_eq!((reader.take(9).len(), reader.wait()), (1, Waiting::UntilCalled));
        for _ in 0..5 {
            audit.push(record(Outcome::Completed));
        }
        assert_eq!((was_called(), audit.lost()), (1, 2));
        assert_eq!((reader.take(2).len(), reader.wait(), reader.take(2).len()), (2, Waiting::Ready, 1));
        assert_eq!(reader.wait(), Waiting::UntilCalled);
        audit.close();
        assert_eq!((was_called(), reader.wait()), (1, Waiting::Ended));
    }

    #[test]
    fn there_is_one_reader_at_a_time() {
        let audit = Arc::new(Audit::new(3));
        let reader = audit.read(|| ()).unwrap();
        assert_eq!(audit.read(|| ()).unwrap_err().details().code, ErrorCode::Busy);
        drop(reader);
        assert!(audit.read(|| ()).is_ok());
    }

    #[test]
    fn a_line_has_the_outcome_and_the_reason_of_a_refusal_as_two_fields() {
        let line = record(Outcome::Refused(RefusalReason::PeerUid)).to_json();
        assert!(line.ends_with(r#""outcome":"refused","reason":"peer-uid"}"#), "{line}");
        let line = record(Outcome::ClientAborted).to_json();
        assert!(line.ends_with(r#""outcome":"client-aborted","reason":null}"#), "{line}");
    }
}
