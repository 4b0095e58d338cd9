//! Reads the JSON that one CLI writes: what it has used, what it failed at, which credential it claims to have.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::answers::Answers;
use super::event::{Event, MODELS};
use super::failure::{Failure, Said};
use super::left_out::left_out;
use super::resumed::Resumed;
use super::scan::Scanner;
use super::threads::{self, Owner, RunThreads, ThreadTotals};
use super::tokens::{Cost, Tokens};
use crate::provider::{CredentialKind, Field, Meaning, Output, Provider};

/// Bytes that are kept of the name of a model or a thread.
const NAME_BYTES: usize = 128;
/// Bytes that are kept of stderr.
const COMPLAINT_BYTES: usize = 1024;

/// What is known of a run before it says anything.
#[derive(Debug, Default)]
pub struct Expected {
    /// The credential that it was given.
    pub credential: Option<CredentialKind>,
    /// The model, where the arguments name one.
    pub model: Option<String>,
    /// Whether it goes on with an earlier thread.
    pub resumed: Resumed,
    /// What that thread had used.
    pub thread: Option<ThreadTotals>,
    /// Whose threads it may go on with; none for those of this run alone.
    pub owner: Option<Owner>,
}

/// What has changed, by a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes(pub u32);

impl Changes {
    /// The usage.
    pub const USAGE: u32 = 1;
    /// The failure.
    pub const FAILURE: u32 = 2;
    /// The CLI claims another credential than it was given.
    pub const MISMATCH: u32 = 4;
}

/// What one model has used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUsage {
    /// Its name.
    pub model: Arc<str>,
    /// Its tokens.
    pub tokens: Tokens,
    /// Its cost, where the CLI tells it.
    pub cost: Option<Cost>,
}

/// What a run has used so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All of it.
    pub tokens: Tokens,
    /// Turns that are over: prompts that were answered.
    pub turns: u64,
    /// The model that the run began with.
    pub model: Option<Arc<str>>,
    /// By model, as far as that is known.
    pub models: Vec<ModelUsage>,
    /// What the CLI says that it cost.
    pub cost: Option<Cost>,
    /// Whether it is all: every turn that began was reported. Else it is a lower bound.
    pub complete: bool,
    /// The thread and what it has used in all, where the CLI counts so.
    pub thread: Option<ThreadTotals>,
}

/// Reads one CLI's output.
#[derive(Debug)]
pub struct Meter {
    provider: &'static Provider,
    scanner: Option<Scanner>,
    run: Run,
    complaint: Zeroizing<Vec<u8>>,
}

/// What is known of the run.
#[derive(Debug)]
struct Run {
    output: &'static Output,
    expected: Expected,
    /// Of turns that were reported.
    settled: Usage,
    answers: Answers,
    threads: RunThreads,
    /// A turn has begun and was not reported.
    is_open: bool,
    /// Something was told that could not be read, or a thread goes on from where nobody knows, or may.
    has_gap: bool,
    word: Option<&'static str>,
    failure: Option<Failure>,
    claim: Option<Claim>,
    changes: u32,
}

/// What the CLI says of its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it says, when that is a word of the table's, or `other`.
    pub claimed: &'static str,
    /// Whether that goes with what it was given.
    pub fits: bool,
}

impl Meter {
    /// For a run of this provider's CLI.
    #[must_use]
    pub fn new(provider: &'static Provider, expected: Expected) -> Self {
        let output = provider.output;
        let model = expected.model.as_deref().and_then(|name| short(name.as_bytes()));
        let settled = Usage { model, ..Usage::default() };
        let has_gap = expected.resumed == Resumed::Perhaps;
        let run = Run {
            output,
            expected,
            settled,
            answers: Answers::default(),
            threads: RunThreads::default(),
            is_open: false,
            has_gap,
            word: None,
            failure: None,
            claim: None,
            changes: 0,
        };
        Self { provider, scanner: Some(Scanner::new(output.fields)), run, complaint: Zeroizing::default() }
    }

    /// Whose CLI.
    #[must_use]
    pub fn provider(&self) -> &'static Provider {
        self.provider
    }

    /// Takes the next bytes of stdout; they may be cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) -> Changes {
        let (scanner, run) = (&mut self.scanner, &mut self.run);
        if let Some(scanner) = scanner {
            scanner.feed(bytes, |event| run.take(event));
        }
        run.changed()
    }

    /// Takes the next bytes of stderr. Only their beginning is kept, until the end.
    pub fn complain(&mut self, bytes: &[u8]) {
        if self.complaint.capacity() == 0 {
            // At once: what moves to grow leaves a copy.
            self.complaint.reserve_exact(COMPLAINT_BYTES);
        }
        let room = COMPLAINT_BYTES - self.complaint.len();
        self.complaint.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The run has ended, with this exit code; none when it was killed.
    pub fn end(&mut self, code: Option<i32>) -> Changes {
        let Some(scanner) = self.scanner.take() else { return Changes::default() };
        if scanner.is_inside() {
            self.run.gap();
        }
        self.run.end(code, &self.complaint);
        self.complaint = Zeroizing::default();
        self.run.changed()
    }

    /// A part of its output was lost on the way here: what it has used is a lower bound.
    pub fn lose(&mut self) {
        self.run.gap();
    }

    /// What it has used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.run.usage()
    }

    /// What is reported and will not change: for counters that only grow.
    #[must_use]
    pub fn settled(&self) -> &Usage {
        &self.run.settled
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.scanner.is_none()
    }

    /// What it failed at last, unless it has recovered.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.run.failure
    }

    /// What the CLI says of its credential, once it has.
    #[must_use]
    pub fn claim(&self) -> Option<Claim> {
        self.run.claim
    }

    /// What it may say of the credential that it was given.
    #[must_use]
    pub fn expected_claims(&self) -> &'static [&'static str] {
        self.run.expected_claims().unwrap_or_default()
    }
}

impl Run {
    fn changed(&mut self) -> Changes {
        Changes(std::mem::take(&mut self.changes))
    }

    fn take(&mut self, event: Option<&Event>) {
        let Some(event) = event else { return self.gap() };
        let rule = self
            .output
            .events
            .iter()
            .find(|rule| rule.when.iter().all(|(field, text)| event.text(*field) == Some(text)));
        let Some(rule) = rule else { return };
        match rule.meaning {
            Meaning::Thread => self.begin_thread(event),
            Meaning::Begin => self.begin(event),
            Meaning::Part => self.part(event),
            Meaning::Turn => self.turn(event),
            Meaning::ThreadTotal => self.thread_total(event),
            Meaning::Passing => self.fail(event, true),
            Meaning::Failed => self.fail(event, false),
        }
    }

    fn gap(&mut self) {
        self.has_gap = true;
        self.changes |= Changes::USAGE;
    }

    fn begin_thread(&mut self, event: &Event) {
        let Some(id) = short(event.bytes(Field::Thread)) else { return self.gap() };
        let (expected, fresh) = (&self.expected, self.fresh());
        let last = || {
            let given = expected.thread.as_ref().filter(|thread| thread.id == id).map(|thread| thread.tokens);
            let known = || expected.owner.as_ref().and_then(|owner| threads::last_of(owner, &id));
            given.or_else(known).or(fresh)
        };
        match self.threads.begin(&id, last) {
            Some(thread) => self.settled.thread = thread.totals(),
            None => {
                self.settled.thread = None;
                self.gap();
            }
        }
    }

    /// What a thread had used of which nothing is known.
    fn fresh(&self) -> Option<Tokens> {
        (self.expected.resumed != Resumed::Yes).then(Tokens::default)
    }

    fn begin(&mut self, event: &Event) {
        self.open();
        if let Some(model) = short(event.bytes(Field::Model)) {
            self.settled.model.get_or_insert(model);
        }
        if let Some(text) = event.text(Field::Claim) {
            self.hear_claim(text);
        }
    }

    fn open(&mut self) {
        if !self.is_open {
            self.is_open = true;
            self.changes |= Changes::USAGE;
        }
    }

    fn expected_claims(&self) -> Option<&'static [&'static str]> {
        let given = self.expected.credential?;
        self.output.claims.iter().find(|row| row.kind == given).map(|row| row.claims)
    }

    fn hear_claim(&mut self, text: &str) {
        let Some(expected) = self.expected_claims() else { return };
        let known = self.output.claims.iter().flat_map(|row| row.claims).chain(self.output.other_claims);
        let claimed = known.copied().find(|word| *word == text).unwrap_or("other");
        let claim = Claim { claimed, fits: expected.contains(&claimed) };
        if !claim.fits && self.claim != Some(claim) {
            self.changes |= Changes::MISMATCH;
        }
        self.claim = Some(claim);
    }

    fn part(&mut self, event: &Event) {
        if let Some(word) = event.text(Field::Word) {
            self.word = self
                .output
                .failures
                .iter()
                .copied()
                .flatten()
                .filter_map(|rule| rule.word)
                .find(|known| *known == word);
        }
        self.open();
        let id = event.bytes(Field::Message);
        let model = short(event.bytes(Field::Model)).filter(|model| **model != *self.output.synthetic_model);
        match Tokens::of(event, None, self.output) {
            Ok(Some(tokens)) if tokens != Tokens::default() => {
                let Some(id) = short(id) else { return self.gap() };
                if self.answers.tell(&id, model.as_ref(), tokens) {
                    self.changes |= Changes::USAGE;
                }
            }
            Ok(_) => {}
            Err(_) => self.gap(),
        }
    }

    fn turn(&mut self, event: &Event) {
        match self.report(event) {
            Some(mut parts) => {
                let missing = self.missing(&parts);
                self.has_gap |= !missing.is_empty();
                parts.extend(missing);
                self.settle(parts);
            }
            None => self.gap(),
        }
        if event.is_true(Field::IsError) {
            self.fail(event, false);
        } else {
            self.recover();
        }
        self.word = None;
    }

    /// What answers told that the report leaves out.
    fn missing(&self, report: &[ModelUsage]) -> Vec<ModelUsage> {
        let known = self.settled.model.as_ref();
        let told = self.answers.iter().map(|(model, tokens)| (model.or(known), tokens));
        left_out(report, told.chain([(None, self.answers.rest())]))
    }

    /// What a turn used, by model where it is told so.
    fn report(&self, event: &Event) -> Option<Vec<ModelUsage>> {
        let mut parts = Vec::new();
        for (index, name) in event.models().enumerate() {
            let tokens = Tokens::of(event, Some(index), self.output).ok()??;
            let cost = event.number(Field::Cost, Some(index)).and_then(Cost::from_dollars);
            parts.push(ModelUsage { model: short(name)?, tokens, cost });
        }
        // `usage` is of the last request once more where nothing was used since the last report.
        if !event.is_by_model() {
            let tokens = Tokens::of(event, None, self.output).ok()??;
            let model = self.settled.model.clone().unwrap_or_else(|| "".into());
            parts.push(ModelUsage { model, tokens, cost: None });
        }
        Some(parts)
    }

    fn thread_total(&mut self, event: &Event) {
        let Ok(Some(total)) = Tokens::of(event, None, self.output) else { return self.gap() };
        let fresh = self.fresh();
        let used = self.threads.current(fresh).and_then(|thread| {
            let used = thread.report(total);
            self.settled.thread = thread.totals();
            used
        });
        // Of a thread that goes on from where nobody knows, all could be somebody else's: nothing is counted.
        self.has_gap |= used.is_none();
        if let (Some(owner), Some(totals)) = (&self.expected.owner, &self.settled.thread) {
            threads::remember(owner, totals);
        }
        let model = self.settled.model.clone().unwrap_or_else(|| "".into());
        self.settle(vec![ModelUsage { model, tokens: used.unwrap_or_default(), cost: None }]);
        self.recover();
    }

    fn settle(&mut self, parts: Vec<ModelUsage>) {
        for part in parts {
            self.settled.tokens = self.settled.tokens.plus(part.tokens);
            self.settled.cost = add(self.settled.cost, part.cost);
            if !part.model.is_empty() {
                add_to(&mut self.settled.models, part);
            }
        }
        self.settled.turns += 1;
        self.answers.clear();
        self.is_open = false;
        self.changes |= Changes::USAGE;
    }

    fn fail(&mut self, event: &Event, passing: bool) {
        let status = event.count(Field::Status, None).ok().flatten().and_then(|status| u16::try_from(status).ok());
        let word = event.text(Field::Word).or(self.word).unwrap_or_default();
        let words = [word, event.text(Field::Subtype).unwrap_or_default()];
        let said = Said { words, status, text: event.bytes(Field::Text) };
        self.set_failure(Some(Failure::of(self.output, said, passing)));
    }

    fn recover(&mut self) {
        self.set_failure(None);
    }

    fn set_failure(&mut self, failure: Option<Failure>) {
        if self.failure != failure {
            self.failure = failure;
            self.changes |= Changes::FAILURE;
        }
    }

    fn end(&mut self, code: Option<i32>, complaint: &[u8]) {
        match (code, self.failure) {
            (Some(0), Some(failure)) if failure.passing => self.recover(),
            (Some(code), None) if code != 0 => self.set_failure(Some(Failure::of_complaint(self.output, complaint))),
            _ => {}
        }
        self.changes |= Changes::USAGE;
    }

    fn usage(&self) -> Usage {
        let mut usage = self.settled.clone();
        usage.tokens = usage.tokens.plus(self.answers.rest());
        for (model, tokens) in self.answers.iter() {
            usage.tokens = usage.tokens.plus(tokens);
            let model = model.or(self.settled.model.as_ref());
            if let Some(model) = model {
                add_to(&mut usage.models, ModelUsage { model: Arc::clone(model), tokens, cost: None });
            }
        }
        usage.complete = usage.turns > 0 && !self.is_open && !self.has_gap;
        usage
    }
}

/// Beyond [`MODELS`] what one has used stands in the sum alone.
fn add_to(models: &mut Vec<ModelUsage>, part: ModelUsage) {
    if let Some(known) = models.iter_mut().find(|known| known.model == part.model) {
        known.tokens = known.tokens.plus(part.tokens);
        known.cost = add(known.cost, part.cost);
    } else if models.len() < MODELS {
        models.push(part);
    }
}

fn add(one: Option<Cost>, other: Option<Cost>) -> Option<Cost> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.plus(other)),
        (one, other) => one.or(other),
    }
}

/// A name that is not too long and can be shown anywhere; none for none.
fn short(name: &[u8]) -> Option<Arc<str>> {
    let name = String::from_utf8_lossy(&name[..name.len().min(NAME_BYTES)]);
    (!name.is_empty()).then(|| name.replace(is_obeyed, "\u{fffd}").into())
}

/// Whether a terminal or whoever lays out text obeys a character rather than shows it: control characters, separators of
/// lines, and what turns the direction.
fn is_obeyed(character: char) -> bool {
    let turns = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'].contains(&character);
    turns || character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
