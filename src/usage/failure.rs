//! A failure of a run, which the table recognizes in the CLI's messages. The messages themselves are not kept.

use super::tokens::MAX_COUNT;
use super::wait::{self, ClockTime};
use crate::provider::{FailureKind, FailureRule, Output};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// The HTTP status, if the CLI or its text contains it.
    pub status: Option<u16>,
    /// Whether the CLI was still retrying when it reported the failure.
    pub passing: bool,
    /// The time to wait in milliseconds, if the CLI or the API states it.
    pub retry_after: Option<u64>,
    /// The end of the limit, in milliseconds since the epoch, if it is reported.
    pub resets_at: Option<u64>,
    /// The end of the limit by the clock of the CLI's time zone, if it is reported in that form.
    pub resets_by_clock: Option<ClockTime>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// Words of the table that are in their own fields.
    pub words: [&'a str; 4],
    pub status: Option<u16>,
    /// The first bytes of the text for people, which may be cut within a character.
    pub text: &'a [u8],
    /// Milliseconds that the CLI waits before it tries again.
    pub wait: Option<u64>,
    /// The end of the limit, in seconds since the epoch.
    pub resets_at: Option<u64>,
}

impl Failure {
    /// Classifies a failure by the rules of the table, of which the first that fits counts.
    pub fn of(output: &Output, said: Said<'_>, passing: bool) -> Self {
        let status = said.status.or_else(|| status_in(output, said.text));
        let said = Said { status, ..said };
        let kind = kind(output.failures, said).unwrap_or(FailureKind::Unknown);
        let after = |prefixes: &[&str]| prefixes.iter().find_map(|prefix| after(said.text, prefix));
        let retry_after = said.wait.or_else(|| after(output.wait_prefixes).and_then(wait::duration));
        let resets_at = said.resets_at.or_else(|| after(output.reset_prefixes).and_then(wait::seconds));
        let resets_at = resets_at.and_then(|seconds| seconds.checked_mul(1000)).filter(|time| *time <= MAX_COUNT);
        let resets_by_clock = after(output.clock_prefixes).and_then(wait::clock_time);
        Self { kind, status, passing, retry_after, resets_at, resets_by_clock }
    }

    /// Takes a 404 for a wrong address, whatever its text says: the base URL ends in what the CLI adds to it.
    #[must_use]
    pub fn at_doubled_path(self) -> Self {
        let kind = if self.status == Some(404) { FailureKind::Endpoint } else { self.kind };
        Self { kind, ..self }
    }

    /// Says whether the same run may succeed later with nothing changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind.text().retryable || self.retry_after.is_some() || self.resets_at.is_some()
    }

    /// Classifies what the CLI wrote to stderr before it ended.
    pub fn of_complaint(output: &Output, text: &[u8]) -> Self {
        let kind = kind(&[output.complaints], Said { text, ..Said::default() }).unwrap_or(FailureKind::Unknown);
        Self { kind, status: None, passing: false, retry_after: None, resets_at: None, resets_by_clock: None }
    }
}

fn kind(groups: &[&[FailureRule]], said: Said<'_>) -> Option<FailureKind> {
    groups.iter().copied().flatten().find(|rule| fits(rule, said)).map(|rule| rule.kind)
}

fn fits(rule: &FailureRule, said: Said<'_>) -> bool {
    let status = rule.status.is_none_or(|(first, last)| said.status.is_some_and(|one| (first..=last).contains(&one)));
    let word = rule.word.is_none_or(|word| said.words.contains(&word));
    status && word && rule.text.is_none_or(|text| position(said.text, text).is_some())
}

/// Finds a text in another, whose last character may be cut.
fn position(text: &[u8], part: &str) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part.as_bytes())
}

fn after<'a>(text: &'a [u8], part: &str) -> Option<&'a [u8]> {
    position(text, part).map(|at| &text[at + part.len()..])
}

/// The three digits after one of the table's prefixes.
fn status_in(output: &Output, text: &[u8]) -> Option<u16> {
    output.status_prefixes.iter().find_map(|prefix| {
        let from = position(text, prefix)? + prefix.len();
        let digits = std::str::from_utf8(text.get(from..from + 3)?).ok()?;
        digits.parse().ok().filter(|status| (100..600).contains(status))
    })
}
