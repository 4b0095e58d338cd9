//! Totals per workspace, provider and generation of the credential: a bounded number of entries, and one for all others.

use std::num::NonZeroUsize;

use lru::LruCache;

use super::counts::{Counts, LedgerKey};
use super::meter::Meter;
use super::prometheus;
use super::tokens::Cost;

/// Bytes of the exposition at most. A string of JavaScript holds twice as much in any V8 that Node has.
const EXPOSITION_BYTES: usize = 256 * 1024 * 1024;

#[derive(Debug)]
pub struct Ledger {
    entries: LruCache<LedgerKey, Counts>,
    /// A bound for the bytes of the entries in the exposition.
    bytes: usize,
    most_bytes: usize,
    others: Counts,
    evicted: u64,
}

impl Ledger {
    /// Makes a ledger that keeps so many entries at most, and one at least.
    #[must_use]
    pub fn new(max_entries: usize) -> Self {
        Self::bounded(max_entries, EXPOSITION_BYTES)
    }

    fn bounded(max_entries: usize, most_bytes: usize) -> Self {
        // `sparse`: a million may be allowed, and memory is taken for those that there are.
        let entries = LruCache::sparse(NonZeroUsize::new(max_entries).unwrap_or(NonZeroUsize::MIN));
        Self { entries, bytes: 0, most_bytes, others: Counts::default(), evicted: 0 }
    }

    /// Adds what a run has come to since `mark`: its turns as they are reported, and at its end also what it used of one
    /// that was not.
    pub fn follow(&mut self, key: &LedgerKey, meter: &Meter, mark: &mut Counts) {
        let ended = meter.has_ended();
        let now = if ended { Counts::of_run(&meter.usage(), true) } else { Counts::of_run(meter.settled(), false) };
        let news = now.since(*mark);
        if news != (Counts { cost: news.cost, ..Counts::default() }) || news.cost.unwrap_or_default() != Cost(0) {
            self.add(key, news);
        }
        *mark = now;
    }

    /// Adds to an entry; the one used longest ago goes to the others when there is no room.
    pub fn add(&mut self, key: &LedgerKey, counts: Counts) {
        if let Some(entry) = self.entries.get_mut(key) {
            *entry = entry.plus(counts);
            return;
        }
        self.bytes += prometheus::most_bytes(key);
        if let Some((key, gone)) = self.entries.push(key.clone(), counts) {
            self.let_go(&key, gone);
        }
        while self.bytes > self.most_bytes && self.entries.len() > 1 {
            let Some((key, gone)) = self.entries.pop_lru() else { return };
            self.let_go(&key, gone);
        }
    }

    fn let_go(&mut self, key: &LedgerKey, counts: Counts) {
        self.bytes = self.bytes.saturating_sub(prometheus::most_bytes(key));
        self.others = self.others.plus(counts);
        self.evicted += 1;
    }

    /// Lists the entries in the order of their labels.
    #[must_use]
    pub fn entries(&self) -> Vec<(&LedgerKey, &Counts)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries
    }

    #[must_use]
    pub fn exposition(&self) -> String {
        prometheus::exposition(&self.entries(), (self.evicted > 0).then_some(self.others))
    }

    /// Returns the sum of the entries that had to go.
    #[must_use]
    pub fn others(&self) -> Counts {
        self.others
    }

    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Adds up all that was ever recorded, with what had to go.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.entries.iter().fold(self.others, |sum, (_, counts)| sum.plus(*counts))
    }

    /// How many entries it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::{MAX_COUNT, Tokens};
    use super::*;

    #[test]
    fn entries_whose_lines_would_be_too_long_together_make_room() {
        let key = |index: usize| LedgerKey {
            workspace: format!("{index:\"<200}"),
            provider: "claude".into(),
            generation: "\\".repeat(256),
        };
        let counts = Counts {
            tokens: Tokens { input: MAX_COUNT, cached: MAX_COUNT, ..Tokens::default() },
            turns: 1,
            cost: Some(Cost(u128::MAX)),
            ..Counts::default()
        };
        let most = 10 * prometheus::most_bytes(&key(0));
        let mut ledger = Ledger::bounded(1000, most);
        for index in 0..50 {
            ledger.add(&key(index), counts);
            ledger.add(&key(index), Counts::default());
        }
        assert_eq!((ledger.size(), ledger.evicted()), (10, 40));
        let text = ledger.exposition();
        let lines = text.lines().filter(|line| line.contains("workspace=")).map(|line| line.len() + 1).sum::<usize>();
        assert!(lines <= most, "{lines} of {most}");
        assert_eq!(ledger.total().turns, 50);
        let mut one = Ledger::bounded(1000, 1);
        one.add(&key(0), counts);
        assert_eq!((one.size(), one.evicted()), (1, 0));
    }
}
