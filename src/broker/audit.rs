//! The audit: one record for each request, in a bounded queue. A record never contains a header's value or a body.

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

// A caller chose the path and the method of a refused request, so a record repeats no more of them than this.
const MAX_PATH_BYTES: usize = 256;
const MAX_METHOD_BYTES: usize = 16;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole answer was passed on.
    Completed,
    Refused(RefusalReason),
    /// The client closed its connection, which ended the request to the API.
    ClientAborted,
    /// The API's answer ended too early.
    UpstreamBroke,
    /// One side sent or took nothing for longer than the broker waits.
    Stalled,
    /// The body was larger than the launch may send.
    BodyTooLarge,
    GrantEnded,
    Revoked,
    /// A WebSocket was closed between two messages, because the credential was rotated.
    Rotated,
}

words! {
/// How a request ended, in one word.
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

    /// The reason of a refusal; none for any other outcome.
    #[must_use]
    pub const fn reason(self) -> Option<RefusalReason> {
        match self {
            Self::Refused(reason) => Some(reason),
            _ => None,
        }
    }
}

/// Serializes as two fields of its record.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Outcome", 2)?;
        fields.serialize_field("outcome", self.word().as_str())?;
        fields.serialize_field("reason", &self.reason().map(RefusalReason::as_str))?;
        fields.end()
    }
}

/// One request: who sent it, what it was for, and how it ended.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// When the request ended.
    #[serde(serialize_with = "milliseconds_since_1970")]
    pub time: SystemTime,
    pub provider: &'static str,
    #[serde(serialize_with = "text")]
    pub workspace: Option<Arc<str>>,
    pub grant: Option<u64>,
    /// The uid of the process that made the connection.
    pub uid: Option<u32>,
    pub pid: Option<i32>,
    pub method: Box<str>,
    /// The path without its query. The client chose the path of a refused request.
    pub path: Box<str>,
    /// The status of the API's answer or of the refusal; none if there was no answer.
    pub status: Option<u16>,
    /// The bytes of the request's body, or those that the client sent on a WebSocket.
    pub bytes_up: u64,
    pub bytes_down: u64,
    pub milliseconds: u64,
    /// The number of the credential that the request carried, counted from 1.
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

    /// The record as one line of JSON, without a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        // It contains only numbers and strings, so serializing it cannot fail.
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

/// The beginning of a text, at most `most` bytes.
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

/// Encoded as a URL encodes it: a caller can choose characters that a terminal obeys (U+009B) or that turn a line around.
pub(super) fn path_of(uri: &hyper::Uri) -> Box<str> {
    let plain = |byte: &u8| byte.is_ascii_graphic();
    let beginning = shortened(uri.path(), MAX_PATH_BYTES);
    if beginning.bytes().all(|byte| plain(&byte)) {
        return beginning;
    }
    let mut path = String::with_capacity(3 * beginning.len());
    for byte in beginning.bytes() {
        if plain(&byte) { path.push(char::from(byte)) } else { path.push_str(&format!("%{byte:02X}")) }
    }
    shortened(&path, MAX_PATH_BYTES)
}

/// The records that nobody has taken yet. When the queue is full, it keeps those that it has, and counts and drops new
/// ones. For refusals it is full when it is half full.
pub struct Audit {
    queue: Mutex<Queue>,
    capacity: usize,
    lost: AtomicU64,
}

type Wake = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Queue {
    records: VecDeque<Record>,
    /// Whether no more records will come.
    is_closed: bool,
    reader: Option<Wake>,
    /// Whether the reader waits for a call of `reader`.
    is_awaited: bool,
}

/// The one reader of an audit. Dropping it lets another reader begin.
pub struct AuditReader(Arc<Audit>);

/// What [`AuditReader::wait`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// There is a record.
    Ready,
    /// There is no record: the reader's function will be called.
    UntilCalled,
    /// The broker has stopped, and every record was taken.
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

    /// Begins to read. `wake` is called once for each [`AuditReader::wait`] that returned [`Waiting::UntilCalled`], on
    /// one of the broker's threads. It must not block.
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

    /// How many records were dropped because the queue was full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn push(&self, record: Record) {
        let mut queue = self.queue();
        // Whoever can connect can be refused, ten thousands of times per second.
        let is_refusal = matches!(record.outcome, Outcome::Refused(_));
        let room = if is_refusal { self.capacity.div_ceil(2) } else { self.capacity };
        if queue.records.len() >= room {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.records.push_back(record);
        wake(queue);
    }

    /// Lets the reader know that no more records will come.
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

    /// Requests a call of the reader's function when there is a record or no more will come, unless that is so already.
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
        // Outside the lock, because dropping a JavaScript function runs code that is not ours.
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
    fn a_path_has_no_character_that_a_terminal_obeys() {
        let uri = |path: &str| path.parse::<hyper::Uri>().expect("a path");
        assert_eq!(&*path_of(&uri("/v1/a%20\"b?c")), "/v1/a%20\"b");
        assert_eq!(&*path_of(&uri("/\u{9b}31m\u{202e}x")), "/%C2%9B31m%E2%80%AEx");
        let long = path_of(&uri(&format!("/{}", "\u{9b}".repeat(300))));
        assert!(long.len() <= MAX_PATH_BYTES && long.is_ascii());
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
