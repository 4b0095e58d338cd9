//! The meter that reads a CLI's output for usage, failures and claims.
//!
//! The core counts in integers of 64 bits, which napi hands over as `BigInt`: what is counted is restated here in numbers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, ClassInstance, PromiseRaw};
use napi_derive::napi;

use crate::error::Result;
use crate::node::boundary_error::OrThrow;
use crate::node::credential::key::kind_named;
use crate::node::net::{self, NativeAbort};
use crate::node::usage::tokens::TokenCounts;
use crate::provider::{self, CredentialKind, FailureKind};
use crate::usage::{
    Changes, ClockTime, Cost, Counts, Expected, Failure, Gap, Meter, ModelUsage, Owner, Resumed, Subagents,
    SubagentsFound, ThreadTotals, Usage,
};

/// What a run has used.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RunUsage {
    pub tokens: TokenCounts,
    pub turns: f64,
    pub model: Option<String>,
    pub cost_usd: Option<f64>,
    /// Empty if it is complete.
    pub incomplete_because: Vec<Gap>,
    pub models: Vec<ModelCounts>,
    pub thread: Option<ThreadCounts>,
}

/// What one model has used.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ModelCounts {
    pub model: String,
    pub tokens: TokenCounts,
    pub cost_usd: Option<f64>,
}

/// What a thread has used, including before this run.
#[napi(object)]
pub struct ThreadCounts {
    pub id: String,
    pub tokens: TokenCounts,
}

/// Why a run failed.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RunFailure {
    pub kind: FailureKind,
    /// Of the HTTP answer.
    pub status: Option<u32>,
    pub retryable: bool,
    pub retry_after_ms: Option<f64>,
    /// In milliseconds since 1970.
    pub resets_at: Option<f64>,
    pub resets_by_clock: Option<ClockTime>,
    /// Whether the CLI was still retrying when it reported the failure.
    pub passing: bool,
    pub message: &'static str,
    pub remedy: &'static str,
}

/// What the CLI may report for its credential, and what it reported instead.
#[napi(object, object_from_js = false)]
pub struct CredentialMismatch {
    pub expected: Vec<&'static str>,
    pub claimed: &'static str,
}

/// What is known about a run that this package does not start.
#[napi(object, object_to_js = false)]
pub struct ExpectedRun {
    pub credential: Option<String>,
    pub model: Option<String>,
    pub resumed: bool,
    pub thread: Option<ThreadCounts>,
    pub workspace: Option<String>,
    pub subagents: bool,
}

/// Reads the output of one run while it passes through.
#[napi]
pub struct NativeUsageMeter {
    meter: Mutex<Meter>,
    /// What each ledger, by its number, has counted of it.
    marks: Mutex<Vec<(u64, Counts)>>,
}

/// Whether the CLI reports totals of threads; false for an unknown provider.
#[napi(catch_unwind)]
pub fn reports_thread_totals(provider: String) -> bool {
    provider::find(&provider).is_ok_and(|row| row.output.reports_thread_totals())
}

/// Reads the output of a run that this package does not start.
#[napi(catch_unwind)]
pub fn meter_of(env: &Env, provider: String, expected: ExpectedRun) -> napi::Result<NativeUsageMeter> {
    meter(&provider, expected).map(NativeUsageMeter::around).or_throw(env)
}

fn meter(provider: &str, given: ExpectedRun) -> Result<Meter> {
    let row = provider::find(provider)?;
    let kinds = [CredentialKind::ApiKey, CredentialKind::OauthToken, CredentialKind::ConfigDir];
    let named = |name: String| kind_named("options.credential", &name, &kinds);
    let credential = given.credential.map(named).transpose()?;
    let thread = given.thread.map(thread_totals);
    let resumed = if given.resumed { Resumed::Yes } else { Resumed::No };
    let owner = given.workspace.map(|id| Owner::Workspace(id.into()));
    let may_have = given.subagents && row.output.session_files.is_some();
    let subagents = if may_have { Subagents::Unknown } else { Subagents::Counted };
    let expected =
        Expected { credential, model: given.model, resumed, thread, owner, subagents, ..Expected::default() };
    Ok(Meter::new(row, expected))
}

fn thread_totals(given: ThreadCounts) -> ThreadTotals {
    ThreadTotals { id: given.id.into(), tokens: given.tokens.into() }
}

#[napi]
impl NativeUsageMeter {
    /// Says what the thread that the run goes on with had used.
    #[napi(catch_unwind)]
    pub fn resumes(&self, thread: ThreadCounts) {
        self.meter().resumes(thread_totals(thread));
    }

    /// Reads the next bytes of stdout; null if they changed nothing.
    #[napi(catch_unwind, ts_args_type = "chunk: Uint8Array")]
    pub fn feed(&self, chunk: BufferSlice<'_>) -> Option<Changes> {
        told(self.meter().feed(&chunk))
    }

    /// Reads the next bytes of stderr, whose beginning may show a failure that stdout does not.
    #[napi(catch_unwind, ts_args_type = "chunk: Uint8Array")]
    pub fn complain(&self, chunk: BufferSlice<'_>) {
        self.meter().complain(&chunk);
    }

    /// Records that part of stdout could not be read, so that the usage of the run is a lower bound from now on.
    #[napi(catch_unwind)]
    pub fn lose(&self) {
        self.meter().lose();
    }

    /// Whether a search is still required to find out whether other threads worked for the run.
    #[napi(catch_unwind)]
    pub fn seeks_subagents(&self) -> bool {
        self.meter().sought().is_some()
    }

    /// Runs that search. Pass its result to `found`.
    #[napi(catch_unwind)]
    pub fn seek_subagents<'env>(
        &self,
        env: &'env Env,
        abort: ClassInstance<'_, NativeAbort>,
    ) -> napi::Result<PromiseRaw<'env, SubagentsFound>> {
        let sought = self.meter().sought();
        let whose = sought.as_ref().map(|(search, _)| search.state_directory.to_string_lossy().into());
        let look = move || sought.map_or(SubagentsFound::Unknown, |(search, threads)| search.look(&threads));
        net::look(env, whose.unwrap_or_default(), &abort, move || Ok(look()))
    }

    /// Takes the result of the search; `unknown` if it did not end.
    #[napi(catch_unwind)]
    pub fn found(&self, found: SubagentsFound) {
        self.meter().found(found);
    }

    /// Ends the run, with this exit code or because of a signal.
    #[napi(catch_unwind)]
    pub fn end(&self, code: Option<i32>) -> Option<Changes> {
        told(self.meter().end(code))
    }

    #[napi(catch_unwind)]
    pub fn usage(&self) -> RunUsage {
        to_js(&self.meter().usage())
    }

    #[napi(catch_unwind)]
    pub fn failure(&self) -> Option<RunFailure> {
        self.meter().failure().map(failure_to_js)
    }

    /// The CLI's `TZ`: empty if it is not set, none if it is unknown.
    #[napi(catch_unwind)]
    pub fn time_zone(&self) -> Option<String> {
        self.meter().time_zone().map(str::to_owned)
    }

    #[napi(catch_unwind)]
    pub fn mismatch(&self) -> Option<CredentialMismatch> {
        let meter = self.meter();
        let claim = meter.claim().filter(|claim| !claim.fits)?;
        Some(CredentialMismatch { expected: meter.expected_claims().to_vec(), claimed: claim.claimed })
    }
}

impl NativeUsageMeter {
    pub fn around(meter: Meter) -> Self {
        Self { meter: Mutex::new(meter), marks: Mutex::default() }
    }

    pub fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a ledger add what it does not have yet.
    pub fn with_mark(&self, ledger: u64, add: impl FnOnce(&Meter, &mut Counts)) {
        let meter = self.meter();
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let index = marks.iter().position(|(id, _)| *id == ledger).unwrap_or(marks.len());
        if index == marks.len() {
            marks.push((ledger, Counts::default()));
        }
        add(&meter, &mut marks[index].1);
    }
}

/// Nothing for most chunks: an object for each would cost more than reading it.
fn told(changes: Changes) -> Option<Changes> {
    Some(changes).filter(|changes| *changes != Changes::default())
}

fn failure_to_js(failure: Failure) -> RunFailure {
    let text = failure.kind.text();
    RunFailure {
        kind: failure.kind,
        status: failure.status.map(u32::from),
        retryable: failure.is_retryable(),
        retry_after_ms: failure.retry_after.map(|milliseconds| milliseconds as f64),
        resets_at: failure.resets_at.map(|milliseconds| milliseconds as f64),
        resets_by_clock: failure.resets_by_clock,
        passing: failure.passing,
        message: text.message,
        remedy: text.remedy,
    }
}

fn to_js(usage: &Usage) -> RunUsage {
    RunUsage {
        tokens: usage.tokens.into(),
        turns: usage.turns as f64,
        model: usage.model.as_deref().map(str::to_owned),
        cost_usd: usage.cost.map(Cost::dollars),
        incomplete_because: usage.gaps.iter().collect(),
        models: usage.models.iter().map(model_to_js).collect(),
        thread: usage.thread.as_ref().map(thread_to_js),
    }
}

fn model_to_js(part: &ModelUsage) -> ModelCounts {
    ModelCounts { model: part.model.to_string(), tokens: part.tokens.into(), cost_usd: part.cost.map(Cost::dollars) }
}

fn thread_to_js(thread: &ThreadTotals) -> ThreadCounts {
    ThreadCounts { id: thread.id.to_string(), tokens: thread.tokens.into() }
}
