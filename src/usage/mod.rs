//! What a run uses and what it fails at, read from the JSON that its CLI writes, and totals over many runs.
//!
//! The table of providers says where values stand in the events, and what they mean. Nothing of the stream is altered or
//! held back, and no text of it is kept but names of models and threads.

mod answers;
mod event;
mod failure;
mod ledger;
mod left_out;
mod meter;
mod prometheus;
mod recent;
mod request;
mod resumed;
mod scan;
mod threads;
mod tokens;

pub use failure::Failure;
pub use ledger::{Counts, Ledger, LedgerKey};
pub use meter::{Changes, Claim, Expected, Meter, ModelUsage, Usage};
pub use prometheus::exposition;
pub use request::{asks_for_output, expected_of, require_claims};
pub use resumed::Resumed;
pub use threads::{Owner, ThreadTotals};
pub use tokens::{Cost, MAX_COUNT, Tokens};

#[cfg(test)]
mod tests;
