//! What runs have used.

mod ledger;
pub mod meter;
mod tokens;
