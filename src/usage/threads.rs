//! The last known totals of threads. A CLI that reports the totals of a thread continues to count when another process
//! resumes the thread, and only the difference was used there.
//!
//! Ids of threads are what a run prints, which can be anything. So they are kept apart by whose run it was: no run can
//! change or push out what is known of another owner's threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use lru::LruCache;

use super::tokens::Tokens;
use crate::secret::Fingerprint;

const OWNERS: NonZeroUsize = NonZeroUsize::new(5_000).unwrap();
const THREADS: NonZeroUsize = NonZeroUsize::new(32).unwrap();
/// Threads of one run: the CLIs have one.
const THREADS_OF_RUN: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadTotals {
    /// The CLI's own name for it.
    pub id: Arc<str>,
    pub tokens: Tokens,
}

/// Who can continue a thread: a later run of another owner does not get its totals.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Workspace(Arc<str>),
    /// Whoever has the login in this state directory.
    Directory(Arc<str>),
    Credential(Fingerprint),
    /// Whoever was given one environment, by its number in this process.
    Environment(u64),
}

impl Owner {
    /// Makes an owner that differs from all others.
    #[must_use]
    pub fn new_environment() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self::Environment(NUMBER.fetch_add(1, Ordering::Relaxed))
    }
}

type KnownThreads = LruCache<Owner, LruCache<Arc<str>, Tokens>>;

static KNOWN: LazyLock<Mutex<KnownThreads>> = LazyLock::new(|| Mutex::new(LruCache::sparse(OWNERS)));

/// Returns what a thread had used when this process last heard of it from a run of its owner.
pub fn last_of(owner: &Owner, id: &Arc<str>) -> Option<Tokens> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.peek(owner)?.peek(id).copied()
}

/// Remembers what a thread has used. Totals only grow: of two that are reported, the larger is the later.
pub fn remember(owner: &Owner, thread: &ThreadTotals) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let threads = known.get_or_insert_mut_ref(owner, || LruCache::sparse(THREADS));
    let tokens = threads.get_or_insert_mut(Arc::clone(&thread.id), Tokens::default);
    *tokens = tokens.most(thread.tokens);
}

#[derive(Debug, Default)]
pub struct RunThreads {
    threads: Vec<Thread>,
    /// The one that reports are of; none before the first, and when there were too many.
    current: Option<usize>,
}

/// A thread, and what it had used at the last report; none when that is not known.
#[derive(Debug)]
pub struct Thread {
    /// What the CLI calls it; none when it has named none.
    pub id: Option<Arc<str>>,
    pub last: Option<Tokens>,
    /// Whether another process reported it.
    pub is_from_before: bool,
}

impl Thread {
    /// Takes a report, and returns what was used since the last one, or none if that is unknown.
    pub fn report(&mut self, total: Tokens) -> Option<Tokens> {
        let used = self.last.map(|last| total.since(last));
        // One that has become less is not believed.
        if used != Some(None) {
            self.last = Some(total);
            self.is_from_before = false;
        }
        used.flatten()
    }

    pub fn totals(&self) -> Option<ThreadTotals> {
        Some(ThreadTotals { id: self.id.clone()?, tokens: self.last? })
    }
}

impl RunThreads {
    /// A thread begins or continues; `last` returns what a thread that is new to the run had used. False if there are
    /// too many.
    pub fn begin(&mut self, id: &Arc<str>, last: impl FnOnce() -> Option<Tokens>) -> bool {
        self.current = self.threads.iter().position(|thread| thread.id.as_ref() == Some(id));
        if self.current.is_none() && self.threads.len() < THREADS_OF_RUN {
            self.push(Some(Arc::clone(id)), last());
        }
        self.current.is_some()
    }

    /// The thread that a report is of, made without a name when there was none. None when there were too many.
    pub fn current(&mut self, last: Option<Tokens>) -> Option<&mut Thread> {
        if self.threads.is_empty() {
            self.push(None, last);
        }
        self.current.map(|index| &mut self.threads[index])
    }

    pub fn ids(&self) -> impl Iterator<Item = Arc<str>> {
        self.threads.iter().filter_map(|thread| thread.id.clone())
    }

    fn push(&mut self, id: Option<Arc<str>>, last: Option<Tokens>) {
        self.current = Some(self.threads.len());
        let is_from_before = last.is_some_and(|last| last != Tokens::default());
        self.threads.push(Thread { id, last, is_from_before });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_pushes_out_only_threads_of_its_own() {
        let owner = Owner::Workspace("bounded".into());
        let thread = |index: usize| Arc::<str>::from(format!("thread-{index}"));
        let tokens = Tokens { input: 1, ..Tokens::default() };
        let other = Owner::new_environment();
        assert_ne!(other, Owner::new_environment());
        remember(&other, &ThreadTotals { id: thread(0), tokens });
        for index in 0..=OWNERS.get() {
            remember(&owner, &ThreadTotals { id: thread(index), tokens });
        }
        assert_eq!(last_of(&other, &thread(0)), Some(tokens));
        assert_eq!((last_of(&owner, &thread(0)), last_of(&owner, &thread(OWNERS.get()))), (None, Some(tokens)));
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(known.peek(&owner).map(LruCache::len), Some(THREADS.get()));
    }
}
