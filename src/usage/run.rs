//! Interprets the events of one run: its turns, its failures and its claim.

use std::sync::Arc;

use super::answers::Answers;
use super::by_model::{SessionTotals, left_out};
use super::event::OutputEvent;
use super::failure::{Failure, Said};
use super::request::Expected;
use super::resumed::Resumed;
use super::subagents::{SubagentSearch, Subagents, SubagentsFound};
use super::threads::{self, RunThreads, Thread};
use super::tokens::{Cost, Tokens};
use super::used::{Gap, Gaps, ModelUsage, Usage, add, add_to, short};
use crate::provider::{FailureKind, Field, Meaning, ModelsOf, Output};

/// What a chunk of output has changed in what is known of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_from_js = false))]
pub struct Changes {
    /// The usage of the run has changed, or whether it is complete.
    pub usage: bool,
    /// The run has failed, or has recovered.
    pub failure: bool,
    /// The CLI claims a credential other than the one that it received.
    pub mismatch: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// A word of the table's, or `other`.
    pub claimed: &'static str,
    /// Whether that goes with what it was given.
    pub fits: bool,
}

#[derive(Debug)]
pub struct Run {
    output: &'static Output,
    pub expected: Expected,
    /// The usage of turns that were reported.
    pub settled: Usage,
    answers: Answers,
    threads: RunThreads,
    session: SessionTotals,
    /// What was counted of sessions whose totals are reported.
    session_used: Tokens,
    /// A turn has begun and was not reported.
    is_open: bool,
    /// Every reason but that a turn is open.
    gaps: Gaps,
    word: Option<&'static str>,
    /// When the limit ends that the turn has reached, in seconds since the epoch.
    resets_at: Option<u64>,
    /// What it failed at last, unless it has recovered.
    pub failure: Option<Failure>,
    /// What the CLI says of its credential, once it has.
    pub claim: Option<Claim>,
    changes: Changes,
}

/// What a thread had used when it was reported before, and what has come since; none where nobody knows.
struct ThreadReport {
    last: Option<Tokens>,
    used: Option<Tokens>,
}

impl Run {
    pub fn new(output: &'static Output, expected: Expected) -> Self {
        let model = expected.model.as_deref().and_then(|name| short(name.as_bytes()));
        let settled = Usage { model, ..Usage::default() };
        let gaps = expected.gaps;
        Self {
            output,
            expected,
            settled,
            answers: Answers::default(),
            threads: RunThreads::default(),
            session: SessionTotals::default(),
            session_used: Tokens::default(),
            is_open: false,
            gaps,
            word: None,
            resets_at: None,
            failure: None,
            claim: None,
            changes: Changes::default(),
        }
    }

    /// Returns what has changed since the last call.
    pub fn changed(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Takes an event, or none in the place of one that could not be read.
    pub fn take(&mut self, event: Option<&OutputEvent>) {
        let Some(event) = event else { return self.gap(Gap::OutputUnread) };
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
            Meaning::Uncounted => self.gap(Gap::Subagents),
        }
    }

    /// Notes a reason why the usage may be more.
    pub fn gap(&mut self, gap: Gap) {
        let known = self.gaps;
        self.gaps.insert(gap);
        if self.gaps != known {
            self.changes.usage = true;
        }
    }

    fn begin_thread(&mut self, event: &OutputEvent) {
        let Some(id) = short(event.bytes(Field::Thread)) else { return self.gap(Gap::OutputUnread) };
        self.settled.thread = self.thread(&id).and_then(|thread| thread.totals());
    }

    /// A thread of this run, with what it had used before where that is known. None when there were too many.
    fn thread(&mut self, id: &Arc<str>) -> Option<&mut Thread> {
        let (expected, fresh) = (&self.expected, self.fresh());
        let last = || {
            let given = expected.thread.as_ref().filter(|thread| thread.id == *id).map(|thread| thread.tokens);
            let known = || expected.owner.as_ref().and_then(|owner| threads::last_of(owner, id));
            given.or_else(known).or(fresh)
        };
        if !self.threads.begin(id, last) {
            self.gap(Gap::OutputUnread);
        }
        self.threads.current(fresh)
    }

    /// Returns what a thread had used of which nothing is known.
    fn fresh(&self) -> Option<Tokens> {
        (self.expected.resumed != Resumed::Yes).then(Tokens::default)
    }

    fn begin(&mut self, event: &OutputEvent) {
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
            self.changes.usage = true;
        }
    }

    /// Lists what the CLI may say of the credential that it was given.
    pub fn expected_claims(&self) -> Option<&'static [&'static str]> {
        let given = self.expected.credential?;
        self.output.claims.iter().find(|row| row.kind == given).map(|row| row.claims)
    }

    fn hear_claim(&mut self, text: &str) {
        let Some(expected) = self.expected_claims() else { return };
        let known = self.output.claims.iter().flat_map(|row| row.claims).chain(self.output.other_claims);
        let claimed = known.copied().find(|word| *word == text).unwrap_or("other");
        let claim = Claim { claimed, fits: expected.contains(&claimed) };
        if !claim.fits && self.claim != Some(claim) {
            self.changes.mismatch = true;
        }
        self.claim = Some(claim);
    }

    fn part(&mut self, event: &OutputEvent) {
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
        self.resets_at = count(event, Field::ResetsAt).or(self.resets_at);
        self.open();
        let id = event.bytes(Field::Message);
        let model = short(event.bytes(Field::Model)).filter(|model| **model != *self.output.synthetic_model);
        match Tokens::of(event, None, self.output) {
            Ok(Some(tokens)) if tokens != Tokens::default() => {
                let Some(id) = short(id) else { return self.gap(Gap::OutputUnread) };
                if self.answers.tell(&id, model.as_ref(), tokens) {
                    self.changes.usage = true;
                }
            }
            Ok(_) => {}
            Err(_) => self.gap(Gap::OutputUnread),
        }
    }

    fn turn(&mut self, event: &OutputEvent) {
        match self.report(event) {
            Some(mut parts) => {
                let missing = self.missing(&parts);
                if !missing.is_empty() {
                    self.gap(Gap::ReportTooSmall);
                }
                parts.extend(missing);
                self.settle(parts);
            }
            None => self.gap(Gap::OutputUnread),
        }
        if event.is_true(Field::IsError) {
            self.fail(event, false);
        } else {
            self.recover();
        }
        (self.word, self.resets_at) = (None, None);
    }

    /// Returns what answers reported and the final report leaves out.
    fn missing(&self, report: &[ModelUsage]) -> Vec<ModelUsage> {
        let known = self.settled.model.as_ref();
        let told = self.answers.iter().map(|(model, tokens)| (model.or(known), tokens));
        left_out(report, told.chain([(None, self.answers.rest())]))
    }

    /// Returns what a turn used, by model if it is reported so.
    fn report(&mut self, event: &OutputEvent) -> Option<Vec<ModelUsage>> {
        if event.is_by_model(ModelsOf::Report) {
            self.remember_session(event);
            // `usage` is of the last request once more where nothing was used since the last report.
            return self.by_model(event, ModelsOf::Report);
        }
        if event.is_by_model(ModelsOf::Session) {
            return self.session_report(event);
        }
        let tokens = Tokens::of(event, None, self.output).ok()??;
        Some(vec![self.of_known_model(tokens)])
    }

    fn by_model(&self, event: &OutputEvent, of: ModelsOf) -> Option<Vec<ModelUsage>> {
        let part = |(index, name)| {
            let tokens = Tokens::of(event, Some(index), self.output).ok()??;
            let cost = event.number(Field::Cost, Some(index)).and_then(Cost::from_dollars);
            Some(ModelUsage { model: short(name)?, tokens, cost })
        };
        event.models(of).map(part).collect()
    }

    fn of_known_model(&self, tokens: Tokens) -> ModelUsage {
        ModelUsage { model: self.settled.model.clone().unwrap_or_else(|| "".into()), tokens, cost: None }
    }

    /// Returns what has come to the totals of a session.
    fn session_report(&mut self, event: &OutputEvent) -> Option<Vec<ModelUsage>> {
        let totals = self.by_model(event, ModelsOf::Session)?;
        // The agent alone, without others that worked for it, has used no less. Read before the total is remembered: what a
        // report that cannot be read leaves out must come with the next.
        let floor = Tokens::of(event, None, self.output).ok()?.unwrap_or_default();
        let total = totals.iter().fold(Tokens::default(), |sum, part| sum.plus(part.tokens));
        let id = short(event.bytes(Field::Thread));
        let ThreadReport { last, used } = self.report_total(id.as_ref(), total)?;
        if used.is_none() {
            self.gap(why_of_no_use(last));
        }
        let used = used.unwrap_or_default();
        let began = self.expected.resumed == Resumed::No && last == Some(Tokens::default());
        let mut parts = self.session.report(&id.unwrap_or_else(|| "".into()), &totals, used, began);
        self.session_used = self.session_used.plus(used);
        let rest = floor.beyond(self.session_used);
        if rest != Tokens::default() {
            self.session_used = self.session_used.plus(rest);
            parts.push(self.of_known_model(rest));
            // Of a session of which nothing was known, that is known already.
            if last.is_some() {
                self.gap(Gap::TotalUnbelievable);
            }
        }
        self.doubt_resumed();
        Some(parts)
    }

    /// Keeps the totals of a session for a run whose CLI does not report what it used since its last report.
    fn remember_session(&mut self, event: &OutputEvent) {
        let Some(totals) = self.by_model(event, ModelsOf::Session) else { return };
        let total = totals.iter().fold(Tokens::default(), |sum, part| sum.plus(part.tokens));
        if let Some(id) = short(event.bytes(Field::Thread)) {
            self.report_total(Some(&id), total);
        }
    }

    /// Returns what a thread had used and what has come to it; its total is kept for its owner's next run.
    fn report_total(&mut self, id: Option<&Arc<str>>, total: Tokens) -> Option<ThreadReport> {
        let fresh = self.fresh();
        let thread = match id {
            Some(id) => self.thread(id),
            None => self.threads.current(fresh),
        }?;
        let last = thread.last;
        let used = thread.report(total);
        let totals = thread.totals();
        if let (Some(owner), Some(totals)) = (&self.expected.owner, &totals) {
            threads::remember(owner, totals);
        }
        Some(ThreadReport { last, used })
    }

    /// A run that may go on with a session, or may not: what it counts may be somebody else's.
    fn doubt_resumed(&mut self) {
        if self.expected.resumed == Resumed::Perhaps {
            self.gap(Gap::EarlierTotalUnknown);
        }
    }

    fn thread_total(&mut self, event: &OutputEvent) {
        let Ok(Some(total)) = Tokens::of(event, None, self.output) else { return self.gap(Gap::OutputUnread) };
        self.doubt_resumed();
        let fresh = self.fresh();
        let report =
            self.threads.current(fresh).map(|thread| (thread.is_from_before, thread.last, thread.report(total)));
        self.settled.thread = self.threads.current(fresh).and_then(|thread| thread.totals());
        let (is_from_before, last, used) = report.unwrap_or_default();
        match used {
            // Of a thread that goes on from where nobody knows, all could be somebody else's: nothing is counted.
            None => self.gap(why_of_no_use(last)),
            Some(used) if !is_believable(used, last.filter(|_| is_from_before), self.output) => {
                self.gap(Gap::TotalUnbelievable);
            }
            Some(_) => {}
        }
        let size = used.map_or(0, |used| used.input.saturating_add(used.output));
        if self.output.compacts_at.is_some_and(|most| size >= most) {
            self.gap(Gap::Compaction);
        }
        if let (Some(owner), Some(totals)) = (&self.expected.owner, &self.settled.thread) {
            threads::remember(owner, totals);
        }
        self.settle(vec![self.of_known_model(used.unwrap_or_default())]);
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
        self.changes.usage = true;
    }

    fn fail(&mut self, event: &OutputEvent, passing: bool) {
        let status = event.count(Field::Status, None).ok().flatten().and_then(|status| u16::try_from(status).ok());
        let word = event.text(Field::Word).or(self.word).unwrap_or_default();
        let more = [Field::Subtype, Field::Cause, Field::ErrorType].map(|field| event.text(field).unwrap_or_default());
        let words = [word, more[0], more[1], more[2]];
        let wait = count(event, Field::RetryAfter);
        let resets_at = count(event, Field::ResetsAt).or(self.resets_at);
        let said = Said { words, status, text: event.bytes(Field::Text), wait, resets_at };
        let failure = Failure::of(self.output, said, passing);
        self.set_failure(Some(if self.expected.is_path_doubled { failure.at_doubled_path() } else { failure }));
    }

    fn recover(&mut self) {
        self.set_failure(None);
    }

    fn set_failure(&mut self, failure: Option<Failure>) {
        if self.failure != failure {
            self.failure = failure;
            self.changes.failure = true;
        }
    }

    /// The search that is left to be made, and for which threads.
    pub fn sought(&self) -> Option<(SubagentSearch, Vec<Arc<str>>)> {
        let Subagents::Sought(search) = &self.expected.subagents else { return None };
        let threads: Vec<Arc<str>> = self.threads.ids().collect();
        (!threads.is_empty() && !self.gaps.has(Gap::Subagents)).then(|| (search.clone(), threads))
    }

    /// Says whether nobody knows so far that it has none.
    fn may_hide_subagents(&self) -> bool {
        match &self.expected.subagents {
            Subagents::Counted => false,
            Subagents::Sought(search) => !search.is_off,
            Subagents::Unknown => true,
        }
    }

    /// Takes the result of the search that `sought` requested.
    pub fn found(&mut self, found: SubagentsFound) {
        let is_unknown = found == SubagentsFound::Unknown && self.may_hide_subagents();
        self.expected.subagents = if is_unknown { Subagents::Unknown } else { Subagents::Counted };
        if found == SubagentsFound::Some {
            self.gap(Gap::Subagents);
        }
        self.changes.usage = true;
    }

    /// Ends the run with an exit code, or with none where it was killed.
    pub fn end(&mut self, code: Option<i32>, complaint: &[u8]) {
        let is_unknown = self.failure.is_none_or(|failure| failure.kind == FailureKind::Unknown && !failure.passing);
        match (code, self.failure) {
            (Some(0), Some(failure)) if failure.passing => self.recover(),
            (Some(code), failure) if code != 0 && is_unknown => {
                let complaint = Failure::of_complaint(self.output, complaint);
                self.set_failure(Some(Failure { status: failure.and_then(|failure| failure.status), ..complaint }));
            }
            _ => {}
        }
        self.changes.usage = true;
    }

    pub fn usage(&self) -> Usage {
        let mut usage = self.settled.clone();
        usage.tokens = usage.tokens.plus(self.answers.rest());
        for (model, tokens) in self.answers.iter() {
            usage.tokens = usage.tokens.plus(tokens);
            let model = model.or(self.settled.model.as_ref());
            if let Some(model) = model {
                add_to(&mut usage.models, ModelUsage { model: Arc::clone(model), tokens, cost: None });
            }
        }
        usage.gaps = self.gaps;
        if self.may_hide_subagents() && !self.gaps.has(Gap::Subagents) {
            usage.gaps.insert(Gap::SubagentsUnknown);
        }
        if usage.turns == 0 || self.is_open {
            usage.gaps.insert(Gap::TurnNotReported);
        }
        usage
    }
}

/// Why the total of a thread says nothing of this run, where the thread had used `last` before.
fn why_of_no_use(last: Option<Tokens>) -> Gap {
    if last.is_some() { Gap::TotalUnbelievable } else { Gap::EarlierTotalUnknown }
}

fn count(event: &OutputEvent, field: Field) -> Option<u64> {
    event.count(field, None).ok().flatten()
}

/// Says whether a thread can have used this after it had used `before` in another process, whose file of the session
/// the tenant can change: a turn is a request at least, and each request sends what the thread has said before once
/// more. That is not so of a thread that has been summed up, as one may have been that has used so much.
fn is_believable(used: Tokens, before: Option<Tokens>, output: &Output) -> bool {
    let may_be_summed_up = |before: &Tokens| output.compacts_at.is_some_and(|most| before.input >= most);
    let before = before.filter(|before| !may_be_summed_up(before));
    let said = before.map_or(0, |before| before.output.saturating_sub(before.reasoning));
    (used.input, used.output) != (0, 0) && used.input >= said
}
