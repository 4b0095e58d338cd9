//! The mappings that contain secrets: many small secrets share a mapping, and a large one has its own.

use std::alloc::Layout;
use std::ptr::NonNull;

use super::free_list::{FreeList, rounded};
use super::mapping::{
    EXCLUDED_FROM_CORE_DUMPS, GUARD_PAGES, LOCKED, Mapping, PROTECTIONS, RefusedProtection, WIPED_ON_FORK,
};

/// The bytes of a shared mapping: small enough that half a dozen fit the 64 KiB that could be locked before Linux
/// 5.16 with a page to spare, large enough that its two guard pages and its locked pages are not mostly empty.
const SHARED_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub enum Place {
    Mapping(usize),
    /// On the heap, where no mapping could be had.
    Heap,
}

#[derive(Debug)]
pub struct Arena {
    mappings: Vec<Option<(Mapping, FreeList)>>,
    allocations: usize,
    allocated_bytes: usize,
    heap_allocations: usize,
    /// Why the last mapping could not be had.
    no_mapping: i32,
}

/// What the memory that secrets live in has, every byte of it.
#[derive(Debug)]
pub struct Report {
    /// All of it has a guard page before and after.
    pub guard_pages: bool,
    /// None of it goes to swap.
    pub locked: bool,
    /// None of it is in a core dump.
    pub excluded_from_core_dumps: bool,
    /// All of it is zero in a fork.
    pub wiped_on_fork: bool,
    /// How many pieces of it are in use now.
    pub allocations: usize,
    /// The bytes of all pieces that are in use.
    pub allocated_bytes: usize,
    /// The bytes of all mappings, without guard pages.
    pub mapped_bytes: usize,
    /// The bytes of all mappings that are locked.
    pub locked_bytes: usize,
    /// What was refused, each protection once.
    pub refusals: Vec<RefusedProtection>,
}

impl Report {
    /// Notes that not all of the memory has this protection.
    pub(super) fn refuse(&mut self, refusal: RefusedProtection) {
        for (protection, has) in [
            (&GUARD_PAGES, &mut self.guard_pages),
            (&LOCKED, &mut self.locked),
            (&EXCLUDED_FROM_CORE_DUMPS, &mut self.excluded_from_core_dumps),
            (&WIPED_ON_FORK, &mut self.wiped_on_fork),
        ] {
            *has &= protection != refusal.protection;
        }
        if !self.refusals.iter().any(|known| known.protection == refusal.protection) {
            self.refusals.push(refusal);
        }
    }
}

impl Arena {
    pub const fn new() -> Self {
        Self { mappings: Vec::new(), allocations: 0, allocated_bytes: 0, heap_allocations: 0, no_mapping: 0 }
    }

    /// Gives `length` zero bytes, of which there is at least one.
    pub fn allocate(&mut self, length: usize) -> (Place, NonNull<u8>) {
        self.allocations += 1;
        self.allocated_bytes += length;
        // One that was refused a protection only when there is no other.
        if let Some(found) = self.take(length, false).or_else(|| self.take(length, true)) {
            return found;
        }
        match Mapping::new(rounded(length).max(SHARED_BYTES)) {
            Ok(mapping) => self.add(mapping, length),
            Err(errno) => {
                self.no_mapping = errno.raw_os_error();
                self.heap_allocations += 1;
                (Place::Heap, on_heap(length))
            }
        }
    }

    /// A place in a mapping that secrets share and that has everything, or was refused something. One that was made for
    /// a large secret is not shared: a small one would keep all of it locked.
    fn take(&mut self, length: usize, refused: bool) -> Option<(Place, NonNull<u8>)> {
        self.mappings.iter_mut().enumerate().find_map(|(index, entry)| {
            let (mapping, free) = entry.as_mut().filter(|(mapping, _)| mapping.length() <= SHARED_BYTES)?;
            if mapping.refused.is_empty() == refused {
                return None;
            }
            let offset = free.take(length)?;
            mapping.retry();
            Some((Place::Mapping(index), at(mapping, offset)))
        })
    }

    /// The protections that the kernel refused the memory of a place.
    pub fn refusals(&self, place: &Place) -> Vec<RefusedProtection> {
        match place {
            Place::Mapping(index) => {
                let mapping = self.mappings.get(*index).and_then(Option::as_ref);
                mapping.map(|(mapping, _)| mapping.refused.clone()).unwrap_or_default()
            }
            Place::Heap => self.heap_refusals(),
        }
    }

    fn heap_refusals(&self) -> Vec<RefusedProtection> {
        PROTECTIONS.iter().map(|protection| RefusedProtection { protection, errno: self.no_mapping }).collect()
    }

    /// Takes back a place whose bytes were wiped.
    pub fn release(&mut self, place: Place, start: NonNull<u8>, length: usize) {
        self.allocations -= 1;
        self.allocated_bytes -= length;
        let index = match place {
            Place::Mapping(index) => index,
            Place::Heap => {
                self.heap_allocations -= 1;
                // SAFETY: `on_heap` allocated it with this very layout, and its one owner is being dropped.
                return unsafe { std::alloc::dealloc(start.as_ptr(), heap_layout(length)) };
            }
        };
        let Some((mapping, free)) = self.mappings.get_mut(index).and_then(Option::as_mut) else { return };
        free.give(start.as_ptr() as usize - mapping.start().as_ptr() as usize, length);
        if free.is_untouched() && !self.may_stay(index) {
            self.mappings[index] = None;
        }
    }

    /// An empty mapping is kept for the next secret, one of them and of the usual size: five system calls each time
    /// would be felt.
    fn may_stay(&self, index: usize) -> bool {
        let is_spare = |entry: &Option<(Mapping, FreeList)>| {
            entry.as_ref().is_some_and(|(mapping, free)| free.is_untouched() && mapping.length() <= SHARED_BYTES)
        };
        let others = self.mappings.iter().enumerate().filter(|(other, _)| *other != index);
        is_spare(&self.mappings[index]) && !others.map(|(_, entry)| entry).any(is_spare)
    }

    fn add(&mut self, mapping: Mapping, length: usize) -> (Place, NonNull<u8>) {
        let mut free = FreeList::new(mapping.length());
        // An untouched list of a mapping made for this length has room for it.
        let start = at(&mapping, free.take(length).unwrap_or_default());
        let index = self.mappings.iter().position(Option::is_none).unwrap_or(self.mappings.len());
        if index == self.mappings.len() {
            self.mappings.push(None);
        }
        self.mappings[index] = Some((mapping, free));
        (Place::Mapping(index), start)
    }

    pub fn report(&self) -> Report {
        let mappings = || self.mappings.iter().flatten().map(|(mapping, _)| mapping);
        let all = |protection| self.heap_allocations == 0 && mappings().all(|mapping| mapping.has(protection));
        let mut refusals: Vec<RefusedProtection> = Vec::new();
        for refusal in mappings().flat_map(|mapping| &mapping.refused) {
            if !refusals.iter().any(|known| known.protection == refusal.protection) {
                refusals.push(*refusal);
            }
        }
        if self.heap_allocations > 0 {
            refusals = self.heap_refusals();
        }
        Report {
            guard_pages: all(&GUARD_PAGES),
            locked: all(&LOCKED),
            excluded_from_core_dumps: all(&EXCLUDED_FROM_CORE_DUMPS),
            wiped_on_fork: all(&WIPED_ON_FORK),
            allocations: self.allocations,
            allocated_bytes: self.allocated_bytes,
            mapped_bytes: mappings().map(Mapping::length).sum(),
            locked_bytes: mappings().filter(|mapping| mapping.has(&LOCKED)).map(Mapping::length).sum(),
            refusals,
        }
    }
}

fn at(mapping: &Mapping, offset: usize) -> NonNull<u8> {
    // SAFETY: the free list of a mapping gives offsets that lie inside of it.
    unsafe { mapping.start().add(offset) }
}

/// The last resort: out of address space or mappings, a secret is worth more than its protection, which is reported.
fn on_heap(length: usize) -> NonNull<u8> {
    let layout = heap_layout(length);
    // SAFETY: the layout's size is not nought, see `allocate`.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }).unwrap_or_else(|| std::alloc::handle_alloc_error(layout))
}

/// Bytes with the alignment of one.
fn heap_layout(length: usize) -> Layout {
    // Every slice that Rust can hold is shorter than `isize::MAX`.
    Layout::array::<u8>(length).unwrap_or(Layout::new::<u8>())
}

/// The most that may be locked in this process, in bytes: the soft `RLIMIT_MEMLOCK`; none for no limit, as for a
/// process with `CAP_IPC_LOCK`.
#[must_use]
pub fn lock_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Memlock).current
}
