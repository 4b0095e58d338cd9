//! What is known of a run before it says anything, and whether the credential that it claims goes with that.

use super::gap::Gaps;
use super::resumed::Resumed;
use super::subagents::Subagents;
use super::threads::{Owner, ThreadTotals};
use crate::provider::CredentialKind;

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
    /// What its reports will leave out, as its arguments tell.
    pub gaps: Gaps,
    /// Whether they may leave out other threads.
    pub subagents: Subagents,
    /// Its `TZ`, empty where that is not set; none where nobody knows.
    pub time_zone: Option<String>,
    /// Whether its base URL ends in what the CLI adds to it once more.
    pub is_path_doubled: bool,
}

/// What the CLI says of its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it says, when that is a word of the table's, or `other`.
    pub claimed: &'static str,
    /// Whether that goes with what it was given.
    pub fits: bool,
}
