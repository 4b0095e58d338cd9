//! Limits connections and the refusals of one uid, and chooses the thread that serves each connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// Counts connections, and refuses those that would be too many.
#[derive(Debug)]
pub struct Connections {
    most: usize,
    most_per_uid: usize,
    by_uid: Mutex<HashMap<Option<u32>, OfUid>>,
    open: AtomicUsize,
    refused: AtomicU64,
}

/// Refusals of one uid that are answered at once, and per second after that. A CLI is refused a few times in its life; a
/// process that asks for more of them would slow the others down.
const REFUSALS_AT_ONCE: f64 = 200.0;
const REFUSALS_PER_SECOND: f64 = 50.0;

/// Beyond this number, uids without a connection that used nothing up are looked for and forgotten.
const MOST_REMEMBERED: usize = 1024;

/// The longest that a refusal is held back.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What one uid has, and how many of its requests may be refused at once.
#[derive(Debug)]
struct OfUid {
    open: usize,
    refusals_left: f64,
    at: Instant,
}

impl OfUid {
    fn new() -> Self {
        Self { open: 0, refusals_left: REFUSALS_AT_ONCE, at: Instant::now() }
    }

    /// What it has left by now.
    fn earn(&mut self) -> f64 {
        let now = Instant::now();
        let earned = now.duration_since(self.at).as_secs_f64() * REFUSALS_PER_SECOND;
        self.at = now;
        self.refusals_left = (self.refusals_left + earned).min(REFUSALS_AT_ONCE);
        self.refusals_left
    }

    /// Whether nothing is lost by forgetting it.
    fn is_as_new(&mut self) -> bool {
        self.open == 0 && self.earn() >= REFUSALS_AT_ONCE
    }
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
        let open = by_uid.get(&uid).map_or(0, |of_uid| of_uid.open);
        if open >= self.most_per_uid || self.open() >= self.most {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        by_uid.entry(uid).or_insert_with(OfUid::new).open += 1;
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(Place { connections: Arc::clone(self), uid })
    }
}

impl Place {
    /// How long a refusal is held back, so that its uid gets only so many in a second.
    pub fn pause_before_refusal(&self) -> Duration {
        let mut by_uid = self.connections.by_uid.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of_uid) = by_uid.get_mut(&self.uid) else { return Duration::ZERO };
        let left = of_uid.earn();
        of_uid.refusals_left -= 1.0;
        Duration::try_from_secs_f64((1.0 - left).max(0.0) / REFUSALS_PER_SECOND).unwrap_or_default().min(LONGEST_PAUSE)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_uid = self.connections.by_uid.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_uid) = by_uid.get_mut(&self.uid) {
            of_uid.open -= 1;
        }
        // What a uid used up is remembered until it has earned it again: connecting anew gives it nothing.
        if self.connections.open() <= 1 || by_uid.len() > MOST_REMEMBERED {
            by_uid.retain(|_, of_uid| !of_uid.is_as_new());
        } else if by_uid.get_mut(&self.uid).is_some_and(OfUid::is_as_new) {
            by_uid.remove(&self.uid);
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

    #[test]
    fn a_uid_that_is_refused_too_often_waits_also_after_it_has_connected_anew() {
        let connections = Connections::new(8, 8);
        let (place, other) = (connections.enter(Some(1)).expect("room"), connections.enter(Some(2)).expect("room"));
        let pauses: Vec<Duration> = (0..300).map(|_| place.pause_before_refusal()).collect();
        assert!(pauses[..200].iter().all(Duration::is_zero), "at first at once");
        assert!(pauses[299] > Duration::from_secs(1), "{:?}", pauses[299]);
        drop(place);
        let again = connections.enter(Some(1)).expect("room");
        assert!(again.pause_before_refusal() > Duration::from_secs(1));
        assert!(other.pause_before_refusal().is_zero());
    }
}
