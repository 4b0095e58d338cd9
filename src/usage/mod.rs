//! The usage and failures of a run, read from the JSON that its CLI writes, and totals of many runs.
//!
//! The table of providers says where values are in the events, and what they mean. Nothing of the stream is altered or
//! held back, and no text of it is kept but names of models and threads.

mod answers;
mod by_model;
mod counts;
mod event;
mod failure;
mod ledger;
mod meter;
mod prometheus;
mod request;
mod resumed;
mod run;
mod scan;
mod subagents;
mod threads;
mod tokens;
mod used;
mod wait;

pub use counts::{Counts, LedgerKey};
pub use failure::Failure;
pub use ledger::Ledger;
pub use meter::Meter;
pub use request::{Expected, RunEnvironment, asks_for_output, require_claims};
pub use resumed::Resumed;
pub use run::{Changes, Claim};
pub use subagents::{SubagentSearch, Subagents, SubagentsFound};
pub use threads::{Owner, ThreadTotals};
pub use tokens::{Cost, MAX_COUNT, Tokens};
pub use used::{Gap, Gaps, ModelUsage, Usage};
pub use wait::ClockTime;

#[cfg(test)]
mod tests;
