//! What a thread with its own guarded memory reports: in a separate process, because the report covers a whole process.
#![cfg(target_os = "linux")]

use provider_env::sys::guarded::report;
use provider_env::sys::wiping_allocator::{on_protected_thread, with_plain_memory};

#[test]
fn memory_of_libraries_is_told_of_and_what_had_no_room() {
    let before = report().mapped_bytes;
    on_protected_thread(|| {
        let block = std::hint::black_box(vec![1_u8; 300_000]);
        let during = report();
        assert!(during.mapped_bytes >= before + 300_000 && during.excluded_from_core_dumps && during.wiped_on_fork);
        let roots = std::hint::black_box(with_plain_memory(|| vec![1_u8; 8 << 20]));
        assert!(report().excluded_from_core_dumps && report().mapped_bytes == during.mapped_bytes);
        drop((block, roots));
        // Larger than a heap: it is given nonetheless, and reported until the thread has ended.
        drop(std::hint::black_box(vec![1_u8; 8 << 20]));
        let without = report();
        assert!(!without.excluded_from_core_dumps && !without.locked && !without.refusals.is_empty());
    });
    let after = report();
    assert!(after.excluded_from_core_dumps && after.mapped_bytes < before + 300_000);
}
