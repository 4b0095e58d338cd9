//! The addon's allocator: the system's allocator, or, on threads that request it, one in guarded memory that wipes what
//! is freed.
//!
//! Libraries that speak HTTP and TLS copy a header or a body into their own buffers, keep them for as long as an
//! endpoint takes, and free them as they are. What they do runs in [`on_protected_thread`]: their buffers are locked, in
//! no core dump and in no fork, and nothing of them stays in freed memory. On every other thread the cost is one look at
//! a thread-local, and to free one comparison of an address.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use zeroize::Zeroize;

use super::guarded::heaps;
use super::thread_stack;

/// What this thread allocates from, and whether it wipes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AllocatorMode {
    /// The system's allocator, as it is.
    Plain,
    /// The system's, and wipes what it frees: there is no heap for it.
    Wiping,
    /// A heap of guarded memory, by its number.
    Heap(usize),
    /// A heap that had no room for some block, which is the system's.
    FullHeap(usize),
}

thread_local! {
    // `const` and without a destructor: the allocator may look at it at any time of a thread's life.
    static MODE: Cell<AllocatorMode> = const { Cell::new(AllocatorMode::Plain) };
}

/// The system's allocator, with the wiping.
#[derive(Debug)]
pub struct WipingAllocator;

#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

/// Runs `work` with every byte that it allocates in guarded memory, every byte that it frees overwritten first, and the
/// stack below it left out of core dumps and forks.
pub fn on_protected_thread<T>(work: impl FnOnce() -> T) -> T {
    let protected = Protected::begin();
    let result = thread_stack::run_left_out_of_dumps(work);
    drop(protected);
    result
}

/// Ends with the thread's work, also where that panics.
struct Protected {
    heap: Option<usize>,
}

impl Protected {
    fn begin() -> Self {
        let heap = heaps::take();
        MODE.set(heap.map_or(AllocatorMode::Wiping, AllocatorMode::Heap));
        Self { heap }
    }
}

impl Drop for Protected {
    fn drop(&mut self) {
        if !matches!(MODE.get(), AllocatorMode::Heap(_)) {
            heaps::forget_without();
        }
        // What the thread frees while it ends is still wiped.
        MODE.set(AllocatorMode::Wiping);
        if let Some(heap) = self.heap {
            heaps::give_back(heap);
        }
    }
}

/// Runs `work` with the system's allocator: for what is large and holds no secret, such as roots of trust.
pub fn with_plain_memory<T>(work: impl FnOnce() -> T) -> T {
    in_mode(AllocatorMode::Plain, work)
}

/// Runs `work` with every byte that it frees overwritten first: for a parser that copies a secret on its way. On a protected
/// thread that is so already.
pub fn with_wiped_memory<T>(work: impl FnOnce() -> T) -> T {
    let mode = MODE.get();
    in_mode(if mode == AllocatorMode::Plain { AllocatorMode::Wiping } else { mode }, work)
}

fn in_mode<T>(mode: AllocatorMode, work: impl FnOnce() -> T) -> T {
    struct Back(AllocatorMode);
    impl Drop for Back {
        fn drop(&mut self) {
            MODE.set(self.0);
        }
    }
    let _back = Back(MODE.replace(mode));
    work()
}

/// A block of this thread's heap; null where it has none or that has no room.
fn of_heap(layout: Layout) -> *mut u8 {
    let mode = MODE.get();
    let (AllocatorMode::Heap(index) | AllocatorMode::FullHeap(index)) = mode else { return null_mut() };
    if let Some(block) = heaps::allocate(index, layout) {
        return block.as_ptr();
    }
    if matches!(mode, AllocatorMode::Heap(_)) {
        MODE.set(AllocatorMode::FullHeap(index));
        heaps::note_without();
    }
    null_mut()
}

/// Overwrites a block that is about to be freed.
///
/// # Safety
/// It is a live block of `size` bytes that nobody else uses.
unsafe fn wipe(pointer: *mut u8, size: usize) {
    // SAFETY: the caller's; the bytes may be uninitialized, which `MaybeUninit` allows. Volatile writes: those before a
    // `free` are else dead.
    unsafe { std::slice::from_raw_parts_mut(pointer.cast::<MaybeUninit<u8>>(), size) }.zeroize();
}

// SAFETY: it is `System`, which keeps the contract, with the same pointers and layouts, except for blocks of
// `guarded::heaps`, which are recognized by their address; what `dealloc` writes to is still the caller's block.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if MODE.get() != AllocatorMode::Plain {
            let block = of_heap(layout);
            if !block.is_null() {
                return block;
            }
        }
        // SAFETY: the caller's promises are those that `System` requires.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if MODE.get() != AllocatorMode::Plain {
            let block = of_heap(layout);
            if !block.is_null() {
                // SAFETY: a block of at least that size. One that was used before holds the address of another.
                unsafe { block.write_bytes(0, layout.size()) };
                return block;
            }
        }
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if heaps::contains(pointer) {
            // SAFETY: the caller says that it is a live block of this layout that nobody else uses.
            unsafe { wipe(pointer, layout.size()) };
            // SAFETY: its address says that it is of a heap.
            return unsafe { heaps::release(pointer, layout) };
        }
        if MODE.get() != AllocatorMode::Plain {
            // SAFETY: as above.
            unsafe { wipe(pointer, layout.size()) };
        }
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if MODE.get() == AllocatorMode::Plain && !heaps::contains(pointer) {
            // SAFETY: as in `alloc`.
            return unsafe { System.realloc(pointer, layout, new_size) };
        }
        // Not the system's: it may move the block and free the old one as it is.
        // SAFETY: the caller says that `new_size` is not 0 and does not overflow when it is rounded up.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(new_size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both blocks are at least as large as the smaller of the sizes, and the new one is another block.
            unsafe { std::ptr::copy_nonoverlapping(pointer, new, layout.size().min(new_size)) };
            // SAFETY: the old block is the caller's, who gave it up.
            unsafe { self.dealloc(pointer, layout) };
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_grows_keeps_its_bytes() {
        on_protected_thread(|| {
            let mut bytes: Vec<u16> = Vec::new();
            for number in 0..10_000 {
                bytes.push(number);
            }
            bytes.truncate(100);
            bytes.shrink_to_fit();
            assert_eq!(bytes, (0..100).collect::<Vec<_>>());
        });
    }

    /// How many bytes of the pattern are where a block was; read through the kernel, as the block is nobody's now.
    fn left_of(address: u64, memory: &std::fs::File) -> usize {
        use std::os::unix::fs::FileExt;
        let mut bytes = [0_u8; 2048];
        memory.read_exact_at(&mut bytes, address + 1024).expect("memory that the heap keeps");
        bytes.iter().filter(|byte| **byte == 0x5A).count()
    }

    #[test]
    fn a_block_that_is_freed_or_moves_is_wiped() {
        let freed = move |grows: bool| {
            let mut bytes = vec![0x5A_u8; 4096];
            let address = std::hint::black_box(bytes.as_ptr()) as u64;
            // Behind it, so that it cannot grow in place, nor be given back to the system.
            let behind = std::hint::black_box(vec![1_u8; 4096]);
            if grows {
                bytes.reserve_exact(64 * 1024);
            } else {
                drop(bytes);
            }
            let memory = std::fs::File::open("/proc/self/mem").expect("our own memory");
            let left = left_of(address, &memory);
            drop(behind);
            left
        };
        let plain = freed(false);
        // As on a thread for which there is no heap.
        let wiping = std::thread::spawn(move || {
            MODE.set(AllocatorMode::Wiping);
            [freed(false), freed(true)]
        });
        let wiping = wiping.join().expect("no panic");
        assert!(plain > 1024, "the test sees what is not wiped: {plain}");
        assert_eq!(wiping, [0, 0]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_protected_thread_has_is_in_no_dump_and_no_fork() {
        let flags = |address: usize| {
            let smaps = std::fs::read_to_string("/proc/self/smaps").expect("Linux");
            let range = |line: &str| {
                let (start, end) = line.split(' ').next()?.split_once('-')?;
                Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
            };
            let lines = smaps.lines().skip_while(|line| !range(line).is_some_and(|range| range.contains(&address)));
            let flags = lines.skip(1).find_map(|line| line.strip_prefix("VmFlags:")).unwrap_or_default().to_owned();
            [flags.contains(" dd"), flags.contains(" wf")]
        };
        // AddressSanitizer has locals elsewhere when it is to find uses after a return.
        let options = std::env::var("ASAN_OPTIONS").unwrap_or_default();
        let is_on_stack = !options.contains("detect_stack_use_after_return=1");
        let kept = std::thread::spawn(move || {
            let (kept, stack) = on_protected_thread(|| {
                let on_stack = 0_u8;
                let (small, large) = (Box::new(1_u64), vec![7_u8; 200_000]);
                let mut addresses = vec![&raw const *small as usize, large.as_ptr() as usize];
                addresses.extend(is_on_stack.then_some(&raw const on_stack as usize));
                for address in addresses {
                    assert_eq!(flags(address), [true, true], "{address:x}");
                }
                (Box::new([9_u8; 64]), &raw const on_stack as usize)
            });
            assert!(!is_on_stack || flags(stack) == [false, false], "as the C library had it");
            kept
        })
        .join()
        .expect("no panic");
        // What outlives the thread stays where it is, and is freed by another one.
        assert!(heaps::contains(kept.as_ptr()) && *kept == [9; 64]);
        let address = kept.as_ptr();
        drop(kept);
        assert!(heaps::contains(address));
    }

    #[test]
    fn heaps_of_many_threads_keep_what_is_in_them() {
        let threads: Vec<_> = (0..24_u8)
            .map(|number| {
                std::thread::spawn(move || {
                    on_protected_thread(|| {
                        let blocks: Vec<Vec<u8>> = (1..400).map(|length| vec![number; length * 7]).collect();
                        std::thread::yield_now();
                        assert!(blocks.iter().all(|block| block.iter().all(|byte| *byte == number)));
                        blocks.into_iter().step_by(2).collect::<Vec<_>>()
                    })
                })
            })
            .collect();
        for (number, thread) in threads.into_iter().enumerate() {
            let blocks = thread.join().expect("no panic");
            assert!(blocks.iter().all(|block| block.iter().all(|byte| usize::from(*byte) == number)));
        }
    }
}
