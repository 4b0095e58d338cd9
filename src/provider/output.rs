//! The facts about a CLI's JSON output: which arguments request it, what its events mean, which credential it claims,
//! and how it reports failures.

use super::credential::CredentialKind;
use super::failure::FailureRule;

/// The JSON that a CLI writes to stdout when it is asked to.
#[derive(Debug)]
pub struct Output {
    /// Arguments that ask for it.
    pub requests: &'static [OutputRequest],
    /// The words and options of a command line that decide what its reports contain.
    pub report_arguments: ReportArguments,
    /// Options that name the model, where no event does.
    pub model_options: &'static [&'static str],
    /// The models that it may speak to, as people call them.
    pub model_family: &'static str,
    /// Whether the input that it reports leaves out what was read from or written to the cache.
    pub input_excludes_cache: bool,
    /// The name that the output has instead of a model if there was no request.
    pub synthetic_model: &'static str,
    /// Where the values are in its events. At most 64.
    pub fields: &'static [FieldPath],
    /// What its events mean; the first rule that fits decides.
    pub events: &'static [EventRule],
    /// What it claims of its credential. Empty: it claims nothing.
    pub claims: &'static [CredentialClaim],
    /// What it may claim that is no credential of ours.
    pub other_claims: &'static [&'static str],
    /// What its failures mean, in groups; the first rule that fits decides.
    pub failures: &'static [&'static [FailureRule]],
    /// Words before a status in a text.
    pub status_prefixes: &'static [&'static str],
    /// What it writes to stderr if it ends without an event that explains why. The first rule that matches decides.
    pub complaints: &'static [FailureRule],
    /// Words before a time to wait in a text.
    pub wait_prefixes: &'static [&'static str],
    /// Words before the seconds since the epoch at which a limit ends.
    pub reset_prefixes: &'static [&'static str],
    /// Words before the minute at which it does, by a clock in the CLI's time zone.
    pub clock_prefixes: &'static [&'static str],
    /// The end of a base URL to which the CLI adds the same once more: the address does not exist then.
    pub doubled_path: Option<&'static str>,
    /// Where it records other threads that worked for a run. None: its events report what they used.
    pub session_files: Option<&'static SessionFiles>,
    /// The number of tokens of one request from which the CLI lets the API compact the thread, in requests that it does
    /// not report.
    pub compacts_at: Option<u64>,
}

impl Output {
    /// Whether a turn's usage is that of its whole thread: a run that goes on with one counts what is new.
    #[must_use]
    pub fn reports_thread_totals(&self) -> bool {
        self.events.iter().any(|rule| rule.meaning == Meaning::ThreadTotal)
    }
}

/// The files of a CLI's sessions, one for each thread, whose first line names the threads that it belongs to.
#[derive(Debug)]
pub struct SessionFiles {
    /// Their directory below the state directory. In it there is one for each day: `year/month/day`.
    pub directory: &'static str,
    /// What their names begin with; they end in a hyphen, the thread's id, a dot and what follows it.
    pub prefix: &'static str,
    /// Where the first line has the thread, its session and its parent.
    pub fields: &'static [FieldPath],
    /// The override, as key and value, with which a run has no subagents.
    pub off: (&'static str, &'static str),
}

/// An argument that requests JSON.
#[derive(Debug)]
pub struct OutputRequest {
    pub option: &'static str,
    /// Its values that do. Empty: it takes none.
    pub values: &'static [&'static str],
}

/// The words and options of a command line that decide what the reports of a run contain.
#[derive(Debug)]
pub struct ReportArguments {
    /// Subcommands that continue an earlier session, whose totals then are in the events.
    pub resuming: &'static [&'static str],
    /// Subcommands that do not; a word after the first subcommand is none.
    pub other: &'static [&'static str],
    /// Options that continue an earlier session, where they are no subcommands.
    pub resuming_options: &'static [&'static str],
    /// Subcommands whose requests the reports leave out.
    pub uncounted: &'static [&'static str],
    /// Parts of an argument that has approvals reviewed by requests which the reports leave out.
    pub review_settings: &'static [&'static str],
    /// Parts of an argument that sets when a session is summed up, in requests which the reports leave out.
    pub compaction_settings: &'static [&'static str],
}

/// A value in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Type,
    /// What it is more closely.
    Subtype,
    Thread,
    Model,
    /// The CLI's claim of its credential.
    Claim,
    /// The request's answer that it belongs to.
    Message,
    Input,
    /// Those of them that came from the cache.
    Cached,
    /// Those of them that were written to the cache.
    CacheWrite,
    Output,
    /// Those of them that nobody sees.
    Reasoning,
    /// US dollars.
    Cost,
    IsError,
    /// A word for the failure.
    Word,
    /// The failure's cause more closely.
    Cause,
    /// The API's own word for the failure.
    ErrorType,
    Status,
    /// The failure's text, or the first of several. It may hold what the server said, so it is only compared.
    Text,
    /// What an item of a turn is.
    Item,
    /// In a session's file: the first of the threads that it belongs to.
    Session,
    /// In a session's file: the thread that this one works for.
    Parent,
    /// How long the CLI waits before it tries again, in milliseconds.
    RetryAfter,
    /// When the limit that was reached ends, in seconds since the epoch.
    ResetsAt,
}

/// A field, and where it is. `*` and `+` are any key: the name of a model that the value is of ([`ModelsOf`]).
#[derive(Debug)]
pub struct FieldPath(pub Field, pub &'static [&'static str]);

/// What is reported by model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelsOf {
    /// `*`: what was used since the last report.
    Report,
    /// `+`: what the session has used in all its turns, also in those of earlier processes.
    Session,
}

impl ModelsOf {
    pub const COUNT: usize = 2;

    /// What is below the keys that this part of a path is for; none where it is a key itself.
    #[must_use]
    pub fn segment(segment: &str) -> Option<Self> {
        match segment {
            "*" => Some(Self::Report),
            "+" => Some(Self::Session),
            _ => None,
        }
    }
}

/// What an event with these values means.
#[derive(Debug)]
pub struct EventRule {
    pub when: &'static [(Field, &'static str)],
    pub meaning: Meaning,
}

impl EventRule {
    pub const fn new(when: &'static [(Field, &'static str)], meaning: Meaning) -> Self {
        Self { when, meaning }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A thread begins or goes on.
    Thread,
    /// A turn begins; the model, and the CLI's claim of its credential.
    Begin,
    /// Part of a request's answer, with usage that may grow until the turn is reported.
    Part,
    /// A turn is over; its usage.
    Turn,
    /// A turn is over; the usage of all turns of its thread, also of those before this process.
    ThreadTotal,
    /// Something failed that may still recover.
    Passing,
    /// A turn failed, and no usage is reported.
    Failed,
    /// Another thread works for this one, and no report of this run shows what it uses.
    Uncounted,
}

/// What the CLI says of its credential when it has one of this kind.
#[derive(Debug)]
pub struct CredentialClaim {
    pub kind: CredentialKind,
    /// What it may say then.
    pub claims: &'static [&'static str],
}
