//! The counts of runs, and their labels.

use super::tokens::{Cost, MAX_COUNT, Tokens};
use super::used::{Usage, add};

/// Whose usage it is: the labels of the runs that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
pub struct LedgerKey {
    pub workspace: String,
    pub provider: String,
    /// Tells the credentials apart that a workspace has had.
    pub generation: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub tokens: Tokens,
    pub turns: u64,
    pub runs: u64,
    /// Runs that have ended and whose usage is a lower bound.
    pub incomplete_runs: u64,
    /// None if no CLI has reported any.
    pub cost: Option<Cost>,
}

impl Counts {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.plus(other.tokens),
            turns: self.turns.saturating_add(other.turns).min(MAX_COUNT),
            runs: self.runs.saturating_add(other.runs).min(MAX_COUNT),
            incomplete_runs: self.incomplete_runs.saturating_add(other.incomplete_runs).min(MAX_COUNT),
            cost: add(self.cost, other.cost),
        }
    }

    /// Subtracts an earlier state of the same totals.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            tokens: self.tokens.since(earlier.tokens).unwrap_or_default(),
            turns: self.turns.saturating_sub(earlier.turns),
            runs: self.runs.saturating_sub(earlier.runs),
            incomplete_runs: self.incomplete_runs.saturating_sub(earlier.incomplete_runs),
            cost: self.cost.map(|cost| Cost(cost.0.saturating_sub(earlier.cost.unwrap_or_default().0))),
        }
    }

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
