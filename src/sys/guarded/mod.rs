//! Memory for secrets: between guard pages, locked, excluded from core dumps and forks, and zero before and after use.
//!
//! Many small secrets share a mapping, so that one costs its own bytes and not a page: `RLIMIT_MEMLOCK` is 8 MiB by
//! default (64 KiB before Linux 5.16). A protection that the kernel refuses is noted, and returned by [`report`]; the
//! secret is kept all the same, because whether that is fatal is the caller's to say.

mod arena;
mod free_list;
pub(super) mod heaps;
mod mapping;

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroize;

use arena::{Arena, Place};
pub use arena::{Report, lock_limit};
pub use mapping::{Protection, RefusedProtection};

static ARENA: Mutex<Arena> = Mutex::new(Arena::new());

fn arena() -> MutexGuard<'static, Arena> {
    ARENA.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the current protections of the memory of secrets. Where there are none, what one would get.
#[must_use]
pub fn report() -> Report {
    let probe = GuardedBytes::zeroed(1);
    let mut report = arena().report();
    heaps::add_to(&mut report);
    report.allocations -= 1;
    report.allocated_bytes -= probe.len();
    report
}

/// Bytes of exactly the asked-for number, wiped when dropped.
pub struct GuardedBytes {
    start: NonNull<u8>,
    length: usize,
    place: Option<Place>,
}

// SAFETY: the bytes belong to this value alone, wherever it is: nothing here is tied to a thread.
unsafe impl Send for GuardedBytes {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for GuardedBytes {}

impl GuardedBytes {
    /// Takes `length` zero bytes from the arena.
    #[must_use]
    pub fn zeroed(length: usize) -> Self {
        if length == 0 {
            return Self { start: NonNull::dangling(), length, place: None };
        }
        let (place, start) = arena().allocate(length);
        Self { start, length, place: Some(place) }
    }

    /// What the kernel refused the memory that they are in.
    #[must_use]
    pub fn refusals(&self) -> Vec<RefusedProtection> {
        self.place.as_ref().map(|place| arena().refusals(place)).unwrap_or_default()
    }

    /// A copy of `bytes`; the source is the caller's to wipe.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self::zeroed(bytes.len());
        copy.copy_from_slice(bytes);
        copy
    }

    /// The parts, one after the other; they are the caller's to wipe.
    #[must_use]
    pub fn joined(parts: &[&[u8]]) -> Self {
        let mut bytes = Self::zeroed(parts.iter().map(|part| part.len()).sum());
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes
    }
}

impl std::fmt::Debug for GuardedBytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "GuardedBytes({})", self.length)
    }
}

impl Deref for GuardedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the arena gave `length` bytes at `start` to this value alone until it is dropped, and they are
        // initialized: a fresh mapping is zero, and what comes back is wiped. A dangling start has length 0.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl DerefMut for GuardedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; `&mut self` makes it the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Drop for GuardedBytes {
    fn drop(&mut self) {
        self.zeroize();
        if let Some(place) = self.place.take() {
            arena().release(place, self.start, self.length);
        }
    }
}

#[cfg(test)]
mod tests;
