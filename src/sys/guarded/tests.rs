//! Tests of guarded memory: what the kernel reports about it, and that no secret is left in it.

use super::*;

/// The `VmFlags` of the mapping that holds an address, from `/proc/self/smaps`.
#[cfg(target_os = "linux")]
fn flags_at(address: usize) -> String {
    let smaps = std::fs::read_to_string("/proc/self/smaps").expect("Linux");
    let mut inside = false;
    for line in smaps.lines() {
        if let Some((start, end)) = line.split(' ').next().and_then(|range| range.split_once('-'))
            && let (Ok(start), Ok(end)) = (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16))
        {
            inside = (start..end).contains(&address);
        }
        if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| inside) {
            return format!("{flags} ");
        }
    }
    String::new()
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_confirms_each_protection() {
    let bytes = GuardedBytes::zeroed(40);
    let flags = flags_at(bytes.as_ptr() as usize);
    let report = report();
    for (has, flag) in
        [(report.locked, " lo "), (report.excluded_from_core_dumps, " dd "), (report.wiped_on_fork, " wf ")]
    {
        assert_eq!(has, flags.contains(flag), "{flag} in {flags}");
    }
    assert!(report.excluded_from_core_dumps && report.wiped_on_fork && report.guard_pages);
}

#[cfg(target_os = "linux")]
#[test]
fn a_page_before_and_after_cannot_be_touched() {
    let large = GuardedBytes::zeroed(3 * 16 * 1024);
    let page = rustix::param::page_size();
    let (start, end) = (large.as_ptr() as usize, large.as_ptr() as usize + large.len());
    for outside in [start - 1, end.next_multiple_of(page)] {
        let flags = flags_at(outside);
        assert!(!flags.contains(" rd ") && !flags.contains(" wr "), "{flags}");
    }
}

#[test]
fn what_is_given_back_is_zero_when_it_is_given_out_again() {
    let mut first = GuardedBytes::zeroed(33);
    first.copy_from_slice(&[0xab; 33]);
    let address = first.as_ptr() as usize;
    drop(first);
    for _ in 0..100 {
        let next = GuardedBytes::zeroed(33);
        assert!(next.iter().all(|byte| *byte == 0));
        if next.as_ptr() as usize == address {
            return;
        }
    }
}

#[test]
fn nothing_takes_no_memory() {
    let none = GuardedBytes::zeroed(0);
    assert!(none.is_empty() && none.place.is_none());
}

#[test]
fn small_ones_share_and_a_large_one_does_not() {
    let small: Vec<GuardedBytes> = (0..500).map(|_| GuardedBytes::zeroed(48)).collect();
    let mut pages: Vec<usize> = small.iter().map(|bytes| bytes.as_ptr() as usize / 4096).collect();
    pages.sort_unstable();
    pages.dedup();
    assert!(pages.len() <= 500 * 48 / 4096 + 12, "{} pages for 500 secrets of 48 bytes", pages.len());
    let large = GuardedBytes::zeroed(1 << 20);
    assert!(large.iter().all(|byte| *byte == 0));
}

#[test]
fn threads_do_not_disturb_each_other() {
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            scope.spawn(move || {
                for round in 0..500_usize {
                    let mut bytes = GuardedBytes::zeroed(1 + round % 300);
                    bytes.fill(thread + 1);
                    std::thread::yield_now();
                    assert!(bytes.iter().all(|byte| *byte == thread + 1));
                }
            });
        }
    });
}
