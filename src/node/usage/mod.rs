//! What runs have used.

mod ledger;
mod meter;
mod tokens;
