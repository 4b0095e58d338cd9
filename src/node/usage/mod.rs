//! The boundary for usage: what runs have used.

mod ledger;
mod meter;
mod tokens;
