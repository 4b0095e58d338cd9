//! The free parts of a mapping: first fit, with adjacent parts merged, in steps of 16 bytes.

/// What every place begins at a multiple of: two places never share one of a processor's words.
const STEP: usize = 16;

/// The free ranges of a mapping, by their start.
#[derive(Debug)]
pub struct FreeList {
    capacity: usize,
    /// Start and length, in order; no two touch.
    ranges: Vec<(usize, usize)>,
}

impl FreeList {
    pub fn new(capacity: usize) -> Self {
        Self { capacity, ranges: vec![(0, capacity)] }
    }

    /// Takes the first range that is long enough.
    pub fn take(&mut self, length: usize) -> Option<usize> {
        let length = rounded(length);
        let index = self.ranges.iter().position(|(_, free)| *free >= length)?;
        let (start, free) = &mut self.ranges[index];
        let taken = *start;
        *start += length;
        *free -= length;
        if *free == 0 {
            self.ranges.remove(index);
        }
        Some(taken)
    }

    /// Gives a range back, and joins it with its free neighbours.
    pub fn give(&mut self, start: usize, length: usize) {
        let length = rounded(length);
        let next = self.ranges.partition_point(|(known, _)| *known < start);
        self.ranges.insert(next, (start, length));
        self.join(next);
        if next > 0 {
            self.join(next - 1);
        }
    }

    pub fn is_untouched(&self) -> bool {
        self.ranges == [(0, self.capacity)]
    }

    /// Joins a range with the next one where they touch.
    fn join(&mut self, index: usize) {
        let Some(&(next_start, next_length)) = self.ranges.get(index + 1) else { return };
        let (start, length) = &mut self.ranges[index];
        if *start + *length == next_start {
            *length += next_length;
            self.ranges.remove(index + 1);
        }
    }
}

/// The bytes that a place of `length` takes.
pub fn rounded(length: usize) -> usize {
    length.next_multiple_of(STEP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mapping_is_filled_to_the_last_step() {
        let mut list = FreeList::new(64);
        assert_eq!([list.take(1), list.take(16), list.take(17)], [Some(0), Some(16), Some(32)]);
        assert_eq!(list.take(1), None);
        list.give(16, 16);
        assert_eq!(list.take(17), None);
        assert_eq!(list.take(16), Some(16));
    }

    proptest! {
        #[test]
        fn places_never_overlap_and_all_comes_back(steps in prop::collection::vec((1_usize..200, any::<bool>()), 1..200)) {
            let mut list = FreeList::new(4096);
            let mut taken: Vec<(usize, usize)> = Vec::new();
            for (length, gives) in steps {
                if gives && !taken.is_empty() {
                    let (start, length) = taken.remove(length % taken.len());
                    list.give(start, length);
                } else if let Some(start) = list.take(length) {
                    prop_assert!(start + length <= 4096 && start % STEP == 0);
                    prop_assert!(taken.iter().all(|(other, size)| start + length <= *other || other + size <= start));
                    taken.push((start, length));
                }
            }
            for (start, length) in taken {
                list.give(start, length);
            }
            prop_assert!(list.is_untouched());
        }
    }
}
