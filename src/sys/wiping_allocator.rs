//! The addon's allocator: the system's, which on threads that ask for it wipes what is freed.
//!
//! Libraries that speak HTTP and TLS copy a header or a body into buffers of their own and free them as they are. What
//! they do runs on threads that called [`wipe_on_this_thread`], so that nothing of it stays in freed memory. On every
//! other thread the cost is one look at a thread-local.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem::MaybeUninit;

use zeroize::Zeroize;

thread_local! {
    // `const` and without a destructor: the allocator may look at it at any time of a thread's life.
    static WIPES: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator, with the wiping.
#[derive(Debug)]
pub struct WipingAllocator;

#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;

/// From now on everything that this thread frees is overwritten first, until the thread ends.
pub fn wipe_on_this_thread() {
    WIPES.set(true);
}

// SAFETY: it is `System`, which keeps the contract, with the same pointers and layouts; what `dealloc` writes to is
// still the caller's block.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if WIPES.get() {
            // SAFETY: the caller says that `pointer` is a live block of `layout.size()` bytes that nobody else uses;
            // they may be uninitialized, which `MaybeUninit` allows. Volatile writes: those before a `free` are else dead.
            unsafe { std::slice::from_raw_parts_mut(pointer.cast::<MaybeUninit<u8>>(), layout.size()) }.zeroize();
        }
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !WIPES.get() {
            // SAFETY: as in `alloc`.
            return unsafe { System.realloc(pointer, layout, new_size) };
        }
        // Not the system's: it may move the block and free the old one as it is.
        // SAFETY: the caller says that `new_size` is not 0 and does not overflow when it is rounded up.
        let new = unsafe { System.alloc(Layout::from_size_align_unchecked(new_size, layout.align())) };
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
        std::thread::spawn(|| {
            wipe_on_this_thread();
            let mut bytes: Vec<u16> = Vec::new();
            for number in 0..10_000 {
                bytes.push(number);
            }
            bytes.truncate(100);
            bytes.shrink_to_fit();
            assert_eq!(bytes, (0..100).collect::<Vec<_>>());
        })
        .join()
        .expect("no panic");
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
        let memory = std::fs::File::open("/proc/self/mem").expect("our own memory");
        let freed = |grows: bool| {
            let mut bytes = vec![0x5A_u8; 4096];
            let address = std::hint::black_box(bytes.as_ptr()) as u64;
            // Behind it, so that it cannot grow where it stands, nor be given back to the system.
            let behind = std::hint::black_box(vec![1_u8; 4096]);
            if grows {
                bytes.reserve_exact(64 * 1024);
            } else {
                drop(bytes);
            }
            let left = left_of(address, &memory);
            drop(behind);
            left
        };
        let (plain, wiping) = std::thread::scope(|scope| {
            let plain = scope.spawn(|| freed(false)).join().expect("no panic");
            let wiping = scope.spawn(|| {
                wipe_on_this_thread();
                [freed(false), freed(true)]
            });
            (plain, wiping.join().expect("no panic"))
        });
        assert!(plain > 1024, "the test sees what is not wiped: {plain}");
        assert_eq!(wiping, [0, 0]);
    }
}
