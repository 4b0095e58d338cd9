//! Limits the number of connections, and chooses the thread that serves each.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

/// Counts connections, and refuses those that would be too many.
#[derive(Debug)]
pub struct Connections {
    most: usize,
    most_per_uid: usize,
    by_uid: Mutex<HashMap<Option<u32>, usize>>,
    open: AtomicUsize,
    refused: AtomicU64,
}

/// A connection's place, for as long as it lives.
#[derive(Debug)]
pub struct Place {
    connections: Arc<Connections>,
    uid: Option<u32>,
}

impl Connections {
    pub fn new(most: usize, most_per_uid: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_per_uid,
            by_uid: Mutex::default(),
            open: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many were closed at once, because there were too many.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// A place for a connection; none if its uid, or all uids together, have as many as they may. All connections of
    /// unknown uid count as those of one uid.
    pub fn enter(self: &Arc<Self>, uid: Option<u32>) -> Option<Place> {
        let mut by_uid = self.by_uid.lock().unwrap_or_else(PoisonError::into_inner);
        let of_uid = by_uid.get(&uid).copied().unwrap_or(0);
        if of_uid >= self.most_per_uid || self.open() >= self.most {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        by_uid.insert(uid, of_uid + 1);
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(Place { connections: Arc::clone(self), uid })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_uid = self.connections.by_uid.lock().unwrap_or_else(PoisonError::into_inner);
        match by_uid.get_mut(&self.uid) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(by_uid.remove(&self.uid)),
        }
        self.connections.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The broker's threads, which take turns.
#[derive(Debug)]
pub struct Threads {
    handles: Vec<Handle>,
    next: AtomicUsize,
}

impl Threads {
    pub fn new(handles: Vec<Handle>) -> Self {
        Self { handles, next: AtomicUsize::new(0) }
    }

    pub fn next(&self) -> &Handle {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        &self.handles[number % self.handles.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_uid_leaves_room_for_others() {
        let connections = Connections::new(3, 2);
        let places: Vec<_> = (0..3).map(|_| connections.enter(Some(1))).collect();
        assert!(places[1].is_some() && places[2].is_none());
        let other = connections.enter(Some(2)).expect("room");
        assert!(connections.enter(Some(3)).is_none(), "all together");
        drop(other);
        drop(places);
        assert_eq!((connections.open(), connections.refused()), (0, 2));
        assert!(connections.by_uid.lock().expect("no panic").is_empty());
    }
}
