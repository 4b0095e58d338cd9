//! The boundary for usage: what runs have used.

mod ledger;
pub mod meter;
mod tokens;
