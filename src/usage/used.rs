//! What a run has used, in total and by model, and why it may be more than was reported.

use std::sync::Arc;

use super::event::MODELS;
use super::threads::ThreadTotals;
use super::tokens::{Cost, Tokens};
use crate::words::words;

const NAME_BYTES: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUsage {
    pub model: Arc<str>,
    pub tokens: Tokens,
    /// None if the CLI reports no cost by model.
    pub cost: Option<Cost>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub tokens: Tokens,
    /// Turns that are over: prompts that were answered.
    pub turns: u64,
    pub model: Option<Arc<str>>,
    /// The part of each model whose name is known; their sum can be less than `tokens`.
    pub models: Vec<ModelUsage>,
    /// None if the CLI reports no cost.
    pub cost: Option<Cost>,
    /// Why it is not all, but a lower bound; none when it is.
    pub gaps: Gaps,
    /// The last thread and all that it has used, where the CLI counts by thread.
    pub thread: Option<ThreadTotals>,
}

/// Adds to the part of a model. Beyond [`MODELS`] models what one has used is in the sum alone.
pub fn add_to(models: &mut Vec<ModelUsage>, part: ModelUsage) {
    if let Some(known) = models.iter_mut().find(|known| known.model == part.model) {
        known.tokens = known.tokens.plus(part.tokens);
        known.cost = add(known.cost, part.cost);
    } else if models.len() < MODELS {
        models.push(part);
    }
}

pub fn add(one: Option<Cost>, other: Option<Cost>) -> Option<Cost> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.plus(other)),
        (one, other) => one.or(other),
    }
}

/// Makes a name that can be shown anywhere: 128 bytes at most, and nothing that a terminal obeys. None where it is
/// empty.
pub fn short(name: &[u8]) -> Option<Arc<str>> {
    let name = String::from_utf8_lossy(&name[..name.len().min(NAME_BYTES)]);
    (!name.is_empty()).then(|| name.replace(is_obeyed, "\u{fffd}").into())
}

/// Says whether a terminal or whoever lays out text obeys a character rather than shows it: control characters,
/// separators of lines, and what turns the direction.
fn is_obeyed(character: char) -> bool {
    let turns = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'].contains(&character);
    turns || character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

words! {
pub enum Gap {
    /// A turn is under way, or was cut off before it was reported.
    TurnNotReported = "turn-not-reported",
    /// A part of the output could not be read.
    OutputUnread = "output-unread",
    /// A turn's report says less than its answers did.
    ReportTooSmall = "report-too-small",
    /// The CLI reports the total of a session, and the earlier total is unknown.
    EarlierTotalUnknown = "earlier-total-unknown",
    /// The total of a session cannot be true beside what was known of it: its file was changed.
    TotalUnbelievable = "total-unbelievable",
    /// The reports leave out a review: of code, or of what needed an approval.
    Review = "review",
    /// The reports leave out other agents that worked for this one.
    Subagents = "subagents",
    /// The reports leave out other agents, and it is unknown whether there were any.
    SubagentsUnknown = "subagents-unknown",
    /// The reports leave out the requests that sum a long session up.
    Compaction = "compaction",
}
}

/// The reasons why one run has used more than is reported, as a set that costs nothing to copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps(u16);

impl Gaps {
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub fn has(self, gap: Gap) -> bool {
        self.0 & (1 << gap as u16) != 0
    }

    pub fn insert(&mut self, gap: Gap) {
        self.0 |= 1 << gap as u16;
    }

    pub fn iter(self) -> impl Iterator<Item = Gap> {
        Gap::ALL.iter().copied().filter(move |gap| self.has(*gap))
    }
}

impl FromIterator<Gap> for Gaps {
    fn from_iter<I: IntoIterator<Item = Gap>>(reasons: I) -> Self {
        let mut gaps = Self::default();
        reasons.into_iter().for_each(|gap| gaps.insert(gap));
        gaps
    }
}
