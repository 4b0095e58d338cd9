//! One mapping for secrets, with an inaccessible page before and after it, and the protections that the kernel gave it.

use std::ffi::c_void;
use std::ptr::NonNull;

use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mlock, mmap_anonymous, mprotect, munmap};

/// A protection of memory, as a table row: what it is called, and the call that gives it.
#[derive(Debug)]
pub struct Protection {
    /// The name in the reports that JavaScript gets.
    pub name: &'static str,
    pub syscall: &'static str,
    /// What to do about a refusal, as a sentence.
    pub remedy: &'static str,
    apply: unsafe fn(*mut c_void, usize) -> Result<(), Errno>,
}

impl PartialEq for Protection {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Protection {}

impl Protection {
    /// Gives it to a range of addresses. None changes what the bytes are in this process.
    ///
    /// # Safety
    /// The range is of mappings that belong to the caller.
    pub(super) unsafe fn give(&self, start: *mut c_void, length: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise is what each of the calls requires.
        unsafe { (self.apply)(start, length) }
    }
}

/// A page before and after: running over the end ends the process instead of reading a neighbour.
pub static GUARD_PAGES: Protection = Protection {
    name: "guardPages",
    syscall: "mmap",
    remedy: "The process has no memory or mappings left (vm.max_map_count)",
    apply: |_, _| Ok(()),
};

/// The memory is never in swap.
pub static LOCKED: Protection = Protection {
    name: "locked",
    syscall: "mlock",
    remedy: "Raise RLIMIT_MEMLOCK (LimitMEMLOCK= in a systemd unit)",
    // SAFETY: the caller's: its own mapping.
    apply: |start, length| unsafe { mlock(start, length) },
};

/// The memory is in no core dump.
pub static EXCLUDED_FROM_CORE_DUMPS: Protection = Protection {
    name: "excludedFromCoreDumps",
    syscall: "madvise",
    remedy: OLD_KERNEL,
    apply: exclude_from_core_dumps,
};

/// The memory is zero in a process that `fork` makes.
pub static WIPED_ON_FORK: Protection =
    Protection { name: "wipedOnFork", syscall: "madvise", remedy: OLD_KERNEL, apply: wipe_on_fork };

const OLD_KERNEL: &str = "Use Linux 4.14 or newer, and a sandbox that allows madvise";

/// Every protection that this system knows, in the order of the documentation.
#[cfg(target_os = "linux")]
pub static PROTECTIONS: &[&Protection] = &[&GUARD_PAGES, &LOCKED, &EXCLUDED_FROM_CORE_DUMPS, &WIPED_ON_FORK];

/// Every protection that this system knows: elsewhere there is no `MADV_DONTDUMP` and no `MADV_WIPEONFORK`.
#[cfg(not(target_os = "linux"))]
pub static PROTECTIONS: &[&Protection] = &[&GUARD_PAGES, &LOCKED];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedProtection {
    pub protection: &'static Protection,
    pub errno: i32,
}

/// A mapping of secrets between two guard pages.
#[derive(Debug)]
pub struct Mapping {
    /// The address of the guard page before.
    base: NonNull<c_void>,
    /// The bytes with both guard pages.
    total: usize,
    page: usize,
    pub refused: Vec<RefusedProtection>,
}

// SAFETY: an address range of the process, which belongs to this value and to no thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps at least `length` zero bytes.
    ///
    /// # Errors
    /// The kernel's, when there is no memory or no address range for it.
    pub fn new(length: usize) -> Result<Self, Errno> {
        let page = rustix::param::page_size();
        let payload = length.checked_next_multiple_of(page).ok_or(Errno::NOMEM)?;
        let total = payload.checked_add(2 * page).ok_or(Errno::NOMEM)?;
        // SAFETY: a fresh range wherever the kernel likes: nothing that exists is replaced.
        let base = unsafe { mmap_anonymous(std::ptr::null_mut(), total, ProtFlags::empty(), MapFlags::PRIVATE) }?;
        let base = NonNull::new(base).ok_or(Errno::NOMEM)?;
        let mut mapping = Self { base, total, page, refused: Vec::new() };
        let start = mapping.start().as_ptr().cast();
        // SAFETY: inside of the range that was just mapped. On failure the drop unmaps it.
        unsafe { mprotect(start, payload, MprotectFlags::READ | MprotectFlags::WRITE) }?;
        for protection in PROTECTIONS.iter().copied() {
            // SAFETY: as above.
            if let Err(errno) = unsafe { protection.give(start, payload) } {
                mapping.refused.push(RefusedProtection { protection, errno: errno.raw_os_error() });
            }
        }
        Ok(mapping)
    }

    /// The first byte that may be used.
    pub fn start(&self) -> NonNull<u8> {
        // SAFETY: one page into a mapping of at least three.
        unsafe { self.base.cast::<u8>().add(self.page) }
    }

    /// How many bytes may be used.
    pub fn length(&self) -> usize {
        self.total - 2 * self.page
    }

    pub fn has(&self, protection: &'static Protection) -> bool {
        PROTECTIONS.contains(&protection) && !self.refused.iter().any(|refusal| refusal.protection == protection)
    }

    /// Asks again for what was refused: a limit may have room by now.
    pub fn retry(&mut self) {
        let (start, length) = (self.start().as_ptr().cast(), self.length());
        // SAFETY: as in `new`.
        self.refused.retain(|refusal| unsafe { refusal.protection.give(start, length) }.is_err());
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the whole of what `new` mapped; whoever had a place in it has given it back, wiped.
        let unmapped = unsafe { munmap(self.base.as_ptr(), self.total) };
        debug_assert!(unmapped.is_ok(), "munmap of a mapping of ours");
    }
}

/// `madvise(2)` with `MADV_DONTDUMP`, which Linux has since 3.4.
#[cfg(target_os = "linux")]
unsafe fn exclude_from_core_dumps(start: *mut c_void, length: usize) -> Result<(), Errno> {
    // SAFETY: the caller's: its own mapping, whose content this advice leaves alone.
    unsafe { rustix::mm::madvise(start, length, rustix::mm::Advice::LinuxDontDump) }
}

/// `madvise(2)`, `MADV_WIPEONFORK`: Linux 4.14. For a private anonymous mapping, as this is.
#[cfg(target_os = "linux")]
unsafe fn wipe_on_fork(start: *mut c_void, length: usize) -> Result<(), Errno> {
    // SAFETY: as in `exclude_from_core_dumps`; in this process the content stays.
    unsafe { rustix::mm::madvise(start, length, rustix::mm::Advice::LinuxWipeOnFork) }
}

/// On other systems, it is not among [`PROTECTIONS`].
#[cfg(not(target_os = "linux"))]
unsafe fn exclude_from_core_dumps(_: *mut c_void, _: usize) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

#[cfg(not(target_os = "linux"))]
unsafe fn wipe_on_fork(_: *mut c_void, _: usize) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}
