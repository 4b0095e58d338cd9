//! `UsageLedger`: totals of many runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use napi::Env;
use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::error::{Error, ErrorCode, Result};
use crate::node::boundary_error::OrThrow;
use crate::node::usage::meter::NativeUsageMeter;
use crate::node::usage::tokens::TokenCounts;
use crate::provider;
use crate::usage::{Cost, Counts, Ledger, LedgerKey};

/// Bytes of a label. Longer ones would make the memory of a bounded number of entries unbounded.
const LABEL_BYTES: usize = 256;

/// The usage of a run that a caller passes. The facade has checked the counts.
#[napi(object, object_to_js = false)]
pub struct RunCounts {
    pub tokens: TokenCounts,
    pub turns: f64,
    pub cost_usd: Option<f64>,
    /// Whether it is complete, and not a lower bound.
    pub complete: bool,
}

/// What several runs have used in total. The cost is null if no CLI reported one.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct LedgerCounts {
    pub tokens: TokenCounts,
    pub turns: f64,
    pub runs: f64,
    pub incomplete_runs: f64,
    pub cost_usd: Option<f64>,
}

/// What the runs with these labels have used.
#[napi(object, object_from_js = false)]
pub struct LedgerEntry {
    pub key: LedgerKey,
    pub counts: LedgerCounts,
}

/// A ledger with a limited number of entries, and the sum of the entries that were evicted.
#[napi]
pub struct NativeUsageLedger {
    id: u64,
    ledger: Mutex<Ledger>,
}

#[napi]
impl NativeUsageLedger {
    #[napi(constructor, catch_unwind)]
    pub fn new(max_entries: u32) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, ledger: Mutex::new(Ledger::new(max_entries as usize)) }
    }

    /// Adds a run that has ended.
    #[napi(catch_unwind)]
    pub fn record(&self, env: &Env, key: LedgerKey, run: RunCounts) -> napi::Result<()> {
        let counts = counts_of(run).or_throw(env)?;
        check(&key).or_throw(env)?;
        self.ledger().add(&key, counts);
        Ok(())
    }

    /// Adds what a run has used since the last call.
    #[napi(catch_unwind)]
    pub fn follow(&self, env: &Env, key: LedgerKey, meter: ClassInstance<'_, NativeUsageMeter>) -> napi::Result<()> {
        check(&key).or_throw(env)?;
        meter.with_mark(self.id, |meter, mark| self.ledger().follow(&key, meter, mark));
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn entries(&self) -> Vec<LedgerEntry> {
        let ledger = self.ledger();
        let entry =
            |(key, counts): (&LedgerKey, &Counts)| LedgerEntry { key: key.clone(), counts: counts_to_js(*counts) };
        ledger.entries().into_iter().map(entry).collect()
    }

    #[napi(catch_unwind)]
    pub fn others(&self) -> LedgerCounts {
        counts_to_js(self.ledger().others())
    }

    #[napi(catch_unwind)]
    pub fn total(&self) -> LedgerCounts {
        counts_to_js(self.ledger().total())
    }

    #[napi(getter, catch_unwind)]
    pub fn evicted(&self) -> f64 {
        self.ledger().evicted() as f64
    }

    #[napi(getter, catch_unwind)]
    pub fn size(&self) -> u32 {
        u32::try_from(self.ledger().size()).unwrap_or(u32::MAX)
    }

    #[napi(catch_unwind)]
    pub fn exposition(&self) -> String {
        self.ledger().exposition()
    }
}

impl NativeUsageLedger {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(key: &LedgerKey) -> Result<()> {
    for (name, label) in [("workspace", &key.workspace), ("provider", &key.provider), ("generation", &key.generation)] {
        if label.is_empty() || label.len() > LABEL_BYTES {
            let message = format!("{name} must be a string of 1 to {LABEL_BYTES} bytes.");
            return Err(Error::new(ErrorCode::InvalidArgValue, message).name(name));
        }
    }
    provider::find(&key.provider).map(drop)
}

fn counts_of(run: RunCounts) -> Result<Counts> {
    let cost = run.cost_usd.map(cost).transpose()?;
    let incomplete_runs = u64::from(!run.complete);
    Ok(Counts { tokens: run.tokens.into(), turns: run.turns as u64, runs: 1, incomplete_runs, cost })
}

fn cost(dollars: f64) -> Result<Cost> {
    Cost::from_dollars(dollars).ok_or_else(|| {
        Error::new(ErrorCode::InvalidArgValue, "usage.costUsd must be an amount in US dollars or null.")
            .name("usage.costUsd")
    })
}

fn counts_to_js(counts: Counts) -> LedgerCounts {
    LedgerCounts {
        tokens: counts.tokens.into(),
        turns: counts.turns as f64,
        runs: counts.runs as f64,
        incomplete_runs: counts.incomplete_runs as f64,
        cost_usd: counts.cost.map(Cost::dollars),
    }
}
