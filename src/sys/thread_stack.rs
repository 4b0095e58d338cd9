//! The stack of a thread whose frames may contain secrets: it is overwritten afterwards, or excluded from core dumps
//! and forks in the meantime.

/// A cipher or an HPKE operation reaches 15 KiB down, and 82 KiB when it is built without optimization (measured).
const CIPHER_STACK_BYTES: usize = 96 * 1024;

/// Runs `operation` below this frame, then wipes what it left there. A result must keep its secrets elsewhere.
///
/// The crates of ciphers and hashes wipe keys, but not the copies that come of passing them about by value, nor what the
/// compiler spills.
pub fn on_wiped_stack<T>(operation: impl FnOnce() -> T) -> T {
    on_wiped_stack_of::<CIPHER_STACK_BYTES, T>(operation)
}

/// Wipes no more than `BYTES`, for an operation that is known to reach down no further.
pub fn on_wiped_stack_of<const BYTES: usize, T>(operation: impl FnOnce() -> T) -> T {
    let result = in_own_frame(operation);
    zeroize::zeroize_stack::<BYTES>();
    result
}

/// Calls `operation` in its own frame. Inlined, its locals would be above what is wiped or left out.
#[inline(never)]
pub(crate) fn in_own_frame<T>(operation: impl FnOnce() -> T) -> T {
    operation()
}

/// More than the largest page, so that what is called begins on a page below this frame's end.
#[cfg(target_os = "linux")]
const PAD_BYTES: usize = 64 * 1024;

/// Runs `work`; the stack below it is in no core dump and in no fork meanwhile. What is above, the C library's own
/// description of the thread included, which it reads in a fork, is not touched. Elsewhere than on Linux there is no
/// such thing.
#[cfg(target_os = "linux")]
#[inline(never)]
pub fn run_left_out_of_dumps<T>(work: impl FnOnce() -> T) -> T {
    let mut pad = std::mem::MaybeUninit::<[u8; PAD_BYTES]>::uninit();
    let above = std::hint::black_box(&mut pad).as_mut_ptr() as usize + PAD_BYTES;
    let left_out = LeftOut::below(above);
    let result = in_own_frame(work);
    drop(left_out);
    result
}

/// Runs `work` and nothing else: there is no such advice here.
#[cfg(not(target_os = "linux"))]
pub fn run_left_out_of_dumps<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// A part of this thread's stack, until it is dropped. The C library gives stacks to other threads later, whose forks
/// need theirs.
#[cfg(target_os = "linux")]
struct LeftOut {
    start: *mut libc::c_void,
    length: usize,
}

#[cfg(target_os = "linux")]
impl LeftOut {
    fn below(address: usize) -> Option<Self> {
        let page = rustix::param::page_size();
        let start = own_stack_start()?.next_multiple_of(page);
        let length = (address / page * page).checked_sub(start)?;
        let it = Self { start: start as *mut _, length };
        it.advise(libc::MADV_DONTDUMP);
        it.advise(libc::MADV_WIPEONFORK);
        Some(it)
    }

    fn advise(&self, advice: libc::c_int) {
        // SAFETY: pages of this thread's own stack; what they hold in this process stays as it is.
        let _ = unsafe { libc::madvise(self.start, self.length, advice) };
    }
}

#[cfg(target_os = "linux")]
impl Drop for LeftOut {
    fn drop(&mut self) {
        self.advise(libc::MADV_KEEPONFORK);
        self.advise(libc::MADV_DODUMP);
    }
}

/// The lowest address of this thread's stack.
#[cfg(target_os = "linux")]
fn own_stack_start() -> Option<usize> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: it writes the attributes of the thread that calls it.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut start, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes were written above.
    let found = unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &mut start, &mut size) };
    // SAFETY: as above; it frees what the first call may have allocated.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    (found == 0).then_some(start as usize)
}
