//! Heaps in guarded memory for threads whose libraries copy secrets into their own buffers. Each heap is a slice of one
//! reserved address range.
//!
//! Whoever frees a block, on whatever thread, its address says that it belongs here. A heap gives blocks of powers of two,
//! keeps what is freed for the next block of that size, and begins anew when nothing of it is in use. Nothing here may
//! allocate, as it is what allocates.

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

use super::arena::{Report, lock_limit};
use super::mapping::{GUARD_PAGES, LOCKED, PROTECTIONS, RefusedProtection};

/// Two for each thread, of which there are fewer in `crate::net::jobs`. Where all are taken, a thread has the system's heap,
/// which is reported.
const HEAPS: usize = 2 * 512;

/// A thread's large blocks, from this size on, have a heap of their own: a small one that outlives the request, such as
/// what a library makes once for all, would keep all of it locked.
const LARGE: usize = 4096;

/// The addresses of one heap, which a request takes a tenth of.
const HEAP_BYTES: usize = 4 * 1024 * 1024;

/// A heap grows by this much. A multiple of every size of page.
const STEP: usize = 64 * 1024;

/// Before the first heap and at the end of each, nobody can touch a step.
const USABLE: usize = HEAP_BYTES - STEP;

const RESERVED: usize = HEAPS * HEAP_BYTES;

/// Blocks have the alignment of their size, up to this.
const MAX_ALIGN: usize = 4096;

/// The sizes of blocks are powers of two, and each has a list.
const CLASSES: usize = 22;

/// No protection is more than this many.
const MAX_PROTECTIONS: usize = 8;

/// Where the range is before it is reserved: no pointer is less than [`RESERVED`] above it.
const NOWHERE: usize = isize::MAX as usize + 1;

static BASE: AtomicUsize = AtomicUsize::new(NOWHERE);
static HEAP: [Heap; HEAPS] = [const { Heap::new() }; HEAPS];

/// The bytes of all heaps that are locked.
static LOCKED_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The most of them. The rest of what may be locked is for secrets that live longer.
static LOCK_BUDGET: AtomicUsize = AtomicUsize::new(0);

/// Threads that requested a heap and have blocks of the system's.
static WITHOUT: AtomicUsize = AtomicUsize::new(0);

struct Heap {
    is_busy: AtomicBool,
    state: UnsafeCell<HeapState>,
}

// SAFETY: `state` is only reached through `Heap::with`, by one thread at a time.
unsafe impl Sync for Heap {}

struct HeapState {
    is_owned: bool,
    /// How many blocks are in use.
    live: usize,
    /// Where the part begins that no block was made of yet.
    top: usize,
    /// How much of it can be touched.
    committed: usize,
    locked: usize,
    /// The first free block of each size; each holds the address of the next.
    free: [usize; CLASSES],
    /// By the place of the protection in its table; 0 for one that was given.
    refused: [i32; MAX_PROTECTIONS],
}

impl Heap {
    const fn new() -> Self {
        let state = HeapState {
            is_owned: false,
            live: 0,
            top: 0,
            committed: 0,
            locked: 0,
            free: [0; CLASSES],
            refused: [0; MAX_PROTECTIONS],
        };
        Self { is_busy: AtomicBool::new(false), state: UnsafeCell::new(state) }
    }

    /// A mutex of the library's may allocate. This one is held for less than it takes to ask the kernel for a sleep,
    /// and wanted by two threads only where one frees what another has allocated.
    fn with<T>(&self, act: impl FnOnce(&mut HeapState) -> T) -> T {
        while self.is_busy.swap(true, Ordering::Acquire) {
            std::thread::yield_now();
        }
        // SAFETY: whoever sets the flag is alone until it is cleared below; `act` calls nothing that comes back here.
        let result = act(unsafe { &mut *self.state.get() });
        self.is_busy.store(false, Ordering::Release);
        result
    }
}

/// Whether the address is one of a heap's.
#[inline]
pub fn contains(pointer: *const u8) -> bool {
    (pointer as usize).wrapping_sub(BASE.load(Ordering::Relaxed)) < RESERVED
}

/// A heap for this thread, until it is given back.
pub fn take() -> Option<usize> {
    LOCK_BUDGET.store(lock_budget(), Ordering::Relaxed);
    let index = reserve().ok().and_then(|()| {
        // One in which somebody's block was left goes first, so that such blocks do not keep many heaps; but not one
        // that may have no room.
        let take = |fits: fn(&HeapState) -> bool| {
            (0..HEAPS).step_by(2).find(|index| {
                HEAP[*index].with(|state| {
                    let may = !state.is_owned && fits(state);
                    state.is_owned |= may;
                    may
                })
            })
        };
        let left = |state: &HeapState| state.live > 0 && state.top < USABLE / 4;
        let index = take(left).or_else(|| take(|state| state.live == 0)).or_else(|| take(|_| true))?;
        HEAP[index + 1].with(|large| large.is_owned = true);
        Some(index)
    });
    if index.is_none() {
        note_without();
    }
    index
}

/// Gives a heap back. What is in use of it stays.
pub fn give_back(index: usize) {
    // The first one last: whoever takes it takes both.
    for index in [index + 1, index] {
        HEAP[index].with(|state| {
            state.is_owned = false;
            state.begin_anew(index);
        });
    }
}

/// A thread that requested a heap gets blocks of the system's from now on.
pub fn note_without() {
    WITHOUT.fetch_add(1, Ordering::Relaxed);
}

/// Counts a thread less that had a block without a heap.
pub fn forget_without() {
    WITHOUT.fetch_sub(1, Ordering::Relaxed);
}

/// A block of a heap; none where it has no room.
pub fn allocate(index: usize, layout: Layout) -> Option<NonNull<u8>> {
    let size = block_size(layout)?;
    let class = size.trailing_zeros() as usize;
    let index = index + usize::from(size >= LARGE);
    HEAP[index].with(|state| {
        let known = state.free.get(class).copied()?;
        if known != 0 {
            // SAFETY: a free block of ours holds the address of the next one in its first word, which is aligned.
            state.free[class] = unsafe { *(known as *const usize) };
            state.live += 1;
            return NonNull::new(known as *mut u8);
        }
        let start = state.top.checked_next_multiple_of(size.min(MAX_ALIGN))?;
        let end = start + size;
        if end > state.committed && !state.grow(index, end) {
            return None;
        }
        state.top = end;
        state.live += 1;
        NonNull::new((base_of(index) + start) as *mut u8)
    })
}

/// Takes back a block that was wiped.
///
/// # Safety
/// `pointer` came from [`allocate`] with this layout, and nobody uses it any more.
pub unsafe fn release(pointer: *mut u8, layout: Layout) {
    let index = (pointer as usize - BASE.load(Ordering::Relaxed)) / HEAP_BYTES;
    let Some(size) = block_size(layout) else { return };
    let class = size.trailing_zeros() as usize;
    HEAP[index].with(|state| {
        // SAFETY: the block is at least a word, aligned to one, and nobody's.
        unsafe { *pointer.cast::<usize>() = state.free[class] };
        state.free[class] = pointer as usize;
        state.live -= 1;
        if !state.is_owned {
            state.begin_anew(index);
        }
    });
}

/// How many bytes a block takes; none for one that no heap has.
fn block_size(layout: Layout) -> Option<usize> {
    let size = layout.size().max(layout.align()).max(16).checked_next_power_of_two()?;
    (size < USABLE && layout.align() <= MAX_ALIGN).then_some(size)
}

fn base_of(index: usize) -> usize {
    BASE.load(Ordering::Relaxed) + index * HEAP_BYTES
}

impl HeapState {
    /// Makes it so that everything before `end` can be touched.
    fn grow(&mut self, index: usize, end: usize) -> bool {
        let end = end.next_multiple_of(STEP);
        if end > USABLE {
            return false;
        }
        let (start, length) = ((base_of(index) + self.committed) as *mut _, end - self.committed);
        // SAFETY: inside of this heap's part of the reserved range.
        if unsafe { mprotect(start, length, MprotectFlags::READ | MprotectFlags::WRITE) }.is_err() {
            return false;
        }
        for (protection, refused) in PROTECTIONS.iter().copied().zip(&mut self.refused) {
            let is_lock = *protection == LOCKED;
            if is_lock && LOCKED_BYTES.load(Ordering::Relaxed) + length > LOCK_BUDGET.load(Ordering::Relaxed) {
                *refused = Errno::NOMEM.raw_os_error();
                continue;
            }
            // SAFETY: as above.
            match unsafe { protection.give(start, length) } {
                Ok(()) if is_lock => {
                    self.locked += length;
                    LOCKED_BYTES.fetch_add(length, Ordering::Relaxed);
                }
                Ok(()) => {}
                Err(errno) => *refused = errno.raw_os_error(),
            }
        }
        self.committed = end;
        true
    }

    /// Gives everything back to the system, if nothing is in use: locks, advice and pages go with the mapping.
    fn begin_anew(&mut self, index: usize) {
        if self.live > 0 || self.committed == 0 {
            return;
        }
        let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
        // SAFETY: replaces a part of the reserved range that holds no block any more.
        if unsafe { mmap_anonymous(base_of(index) as *mut _, self.committed, ProtFlags::empty(), flags) }.is_err() {
            // It stays as it is, with its blocks in the lists.
            return;
        }
        // Also of what nobody can touch: a debugger dumps it, as zeros.
        leave_out(base_of(index), self.committed);
        LOCKED_BYTES.fetch_sub(self.locked, Ordering::Relaxed);
        (self.top, self.committed, self.locked) = (0, 0, 0);
        self.free = [0; CLASSES];
        self.refused = [0; MAX_PROTECTIONS];
    }
}

/// Reserves the range, once. Addresses alone: no memory.
fn reserve() -> Result<(), Errno> {
    if BASE.load(Ordering::Acquire) != NOWHERE {
        return Ok(());
    }
    let (length, flags) = (STEP + RESERVED, MapFlags::PRIVATE | MapFlags::NORESERVE);
    // SAFETY: a fresh range wherever the kernel likes: nothing that exists is replaced.
    let range = unsafe { mmap_anonymous(std::ptr::null_mut(), length, ProtFlags::empty(), flags) }?;
    leave_out(range as usize, length);
    let base = range as usize + STEP;
    if BASE.compare_exchange(NOWHERE, base, Ordering::AcqRel, Ordering::Acquire).is_err() {
        // SAFETY: another thread was faster: this one is ours alone, and unused.
        unsafe { rustix::mm::munmap(range, length) }?;
    }
    Ok(())
}

/// Leaves a part of the range out of core dumps and forks. What is refused is refused again when a heap grows into it.
fn leave_out(start: usize, length: usize) {
    for protection in PROTECTIONS.iter().filter(|protection| ***protection != LOCKED) {
        // SAFETY: inside of the reserved range.
        let _ = unsafe { protection.give(start as *mut _, length) };
    }
}

/// Half of what may be locked; all of it for a process that no limit holds for.
fn lock_budget() -> usize {
    match lock_limit() {
        Some(limit) if !may_lock_all() => usize::try_from(limit / 2).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}

/// Whether this thread has `CAP_IPC_LOCK` (capabilities(7)), with which mlock(2) applies no limit.
#[cfg(target_os = "linux")]
fn may_lock_all() -> bool {
    const VERSION_3: u32 = 0x2008_0522;
    const CAP_IPC_LOCK: u32 = 14;
    let header: [u32; 2] = [VERSION_3, 0];
    // Effective, permitted, inheritable, twice.
    let mut data = [0_u32; 6];
    // SAFETY: capget(2) of this thread reads the header and writes the six words.
    let done = unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), data.as_mut_ptr()) };
    done == 0 && data[0] & (1 << CAP_IPC_LOCK) != 0
}

#[cfg(not(target_os = "linux"))]
fn may_lock_all() -> bool {
    false
}

/// Adds what the heaps have to what the memory of secrets has.
pub fn add_to(report: &mut Report) {
    let mut refused = [0; MAX_PROTECTIONS];
    for heap in &HEAP {
        heap.with(|state| {
            report.mapped_bytes += state.committed;
            report.locked_bytes += state.locked;
            for (all, one) in refused.iter_mut().zip(&state.refused) {
                *all = if *all == 0 { *one } else { *all };
            }
        });
    }
    if WITHOUT.load(Ordering::Relaxed) > 0 {
        refused = [Errno::NOMEM.raw_os_error(); MAX_PROTECTIONS];
    }
    for (protection, errno) in PROTECTIONS.iter().copied().zip(refused).filter(|(_, errno)| *errno != 0) {
        report.refuse(RefusedProtection { protection, errno });
    }
    debug_assert!(PROTECTIONS.len() <= MAX_PROTECTIONS && *PROTECTIONS[0] == GUARD_PAGES);
}
