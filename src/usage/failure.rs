//! A failure of a run: what the table makes of the CLI's words. Nothing of the words themselves is kept.

use crate::provider::{FailureKind, FailureRule, Output};

/// What a run failed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it is.
    pub kind: FailureKind,
    /// The HTTP status, where the CLI tells it.
    pub status: Option<u16>,
    /// Whether the CLI was still trying again when it said so.
    pub passing: bool,
}

/// What a CLI said of a failure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// Its words, none of them empty.
    pub words: [&'a str; 2],
    /// The HTTP status.
    pub status: Option<u16>,
    /// The beginning of its text.
    pub text: &'a [u8],
}

impl Failure {
    /// What the table makes of it.
    pub fn of(output: &Output, said: Said<'_>, passing: bool) -> Self {
        let status = said.status.or_else(|| status_in(output, said.text));
        let said = Said { status, ..said };
        let kind = kind(output.failures, said).unwrap_or(FailureKind::Unknown);
        Self { kind, status, passing }
    }

    /// What the table makes of what the CLI wrote to stderr before it ended.
    pub fn of_complaint(output: &Output, text: &[u8]) -> Self {
        let kind = kind(&[output.complaints], Said { text, ..Said::default() }).unwrap_or(FailureKind::Unknown);
        Self { kind, status: None, passing: false }
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

/// Where a text stands in another; a byte after a cut character fits nothing.
fn position(text: &[u8], part: &str) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part.as_bytes())
}

/// The three digits after one of the table's prefixes.
fn status_in(output: &Output, text: &[u8]) -> Option<u16> {
    output.status_prefixes.iter().find_map(|prefix| {
        let from = position(text, prefix)? + prefix.len();
        let digits = std::str::from_utf8(text.get(from..from + 3)?).ok()?;
        digits.parse().ok().filter(|status| (100..600).contains(status))
    })
}
