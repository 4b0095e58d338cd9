//! What is counted of runs, and for whom.

use std::sync::Arc;

use super::tokens::{Cost, MAX_COUNT, Tokens};
use super::used::Usage;

/// Whose usage.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LedgerKey {
    /// The workspace, as the caller calls it.
    pub workspace: Arc<str>,
    /// The provider's id.
    pub provider: Arc<str>,
    /// Which of the workspace's credentials.
    pub generation: Arc<str>,
}

/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens.
    pub tokens: Tokens,
    /// Turns that are over.
    pub turns: u64,
    /// Runs that have ended.
    pub runs: u64,
    /// Those of them whose usage is a lower bound.
    pub incomplete_runs: u64,
    /// The cost that CLIs have told, where one has.
    pub cost: Option<Cost>,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let cost = match (self.cost, other.cost) {
            (Some(one), Some(two)) => Some(one.plus(two)),
            (one, two) => one.or(two),
        };
        Self {
            tokens: self.tokens.plus(other.tokens),
            turns: self.turns.saturating_add(other.turns).min(MAX_COUNT),
            runs: self.runs.saturating_add(other.runs).min(MAX_COUNT),
            incomplete_runs: self.incomplete_runs.saturating_add(other.incomplete_runs).min(MAX_COUNT),
            cost,
        }
    }

    /// What has come since `earlier`, which was no more.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            tokens: self.tokens.since(earlier.tokens).unwrap_or_default(),
            turns: self.turns.saturating_sub(earlier.turns),
            runs: self.runs.saturating_sub(earlier.runs),
            incomplete_runs: self.incomplete_runs.saturating_sub(earlier.incomplete_runs),
            cost: self.cost.map(|cost| Cost(cost.0.saturating_sub(earlier.cost.unwrap_or_default().0))),
        }
    }

    /// Of one run.
    pub fn of_run(usage: &Usage, ended: bool) -> Self {
        Self {
            tokens: usage.tokens,
            turns: usage.turns,
            runs: u64::from(ended),
            incomplete_runs: u64::from(ended && !usage.gaps.is_empty()),
            cost: usage.cost,
        }
    }
}
