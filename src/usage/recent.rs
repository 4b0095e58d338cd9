//! A map that keeps a number of entries and lets go of the one that was used longest ago.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Entries by key, and by when they were used.
#[derive(Debug)]
pub struct Recent<K, V> {
    most: usize,
    clock: u64,
    entries: HashMap<K, (u64, V)>,
    by_use: BTreeMap<u64, K>,
}

impl<K: Clone + Eq + Hash, V: Default> Recent<K, V> {
    /// Keeps at most `most`, and at least one.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), clock: 0, entries: HashMap::new(), by_use: BTreeMap::new() }
    }

    /// The value of a key, made when there is none, and what had to go for it.
    pub fn entry(&mut self, key: &K) -> (&mut V, Option<(K, V)>) {
        let evicted = if self.entries.contains_key(key) { None } else { self.make_room() };
        self.clock += 1;
        let clock = self.clock;
        let (used, value) = self.entries.entry(key.clone()).or_insert_with(|| (clock, V::default()));
        self.by_use.remove(used);
        self.by_use.insert(clock, key.clone());
        *used = clock;
        (value, evicted)
    }

    /// The value of a key; asking does not count as use.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, (_, value))| (key, value))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn make_room(&mut self) -> Option<(K, V)> {
        if self.entries.len() < self.most {
            return None;
        }
        self.pop_oldest()
    }

    /// Lets go of the one that was used longest ago.
    pub fn pop_oldest(&mut self) -> Option<(K, V)> {
        let (_, oldest) = self.by_use.pop_first()?;
        let (_, value) = self.entries.remove(&oldest)?;
        Some((oldest, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_used_longest_ago_goes() {
        let mut recent: Recent<u32, u32> = Recent::new(2);
        *recent.entry(&1).0 = 10;
        *recent.entry(&2).0 = 20;
        *recent.entry(&1).0 += 1;
        assert_eq!(recent.entry(&3).1, Some((2, 20)));
        assert_eq!((recent.len(), recent.get(&1), recent.get(&2)), (2, Some(&11), None));
    }
}
