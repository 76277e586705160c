//! Finds the elements of a list by their hashes. It does not depend on the type of the elements, so it is compiled once
//! for all types.

use std::num::NonZeroUsize;

/// The positions of a list's elements. Each push and each removal is done both here and in the list.
pub(super) struct Index {
    /// The hash of each element, in the order of the list.
    hashes: Vec<u64>,
    /// For each bucket the position of its last element, which `next` leads on from. The number of buckets is a power of
    /// two. There are none until there are more than [`MAX_UNINDEXED`] elements; then until no element is left.
    buckets: Vec<Link>,
    /// For each element another of its bucket. As long as there are no buckets it is empty.
    next: Vec<Link>,
}

/// A position, or none.
type Link = Option<NonZeroUsize>;

/// Up to this many elements are searched one by one.
const MAX_UNINDEXED: usize = 8;

fn link_to(at: usize) -> Link {
    NonZeroUsize::new(at + 1)
}

fn position(link: Link) -> Option<usize> {
    link.map(|link| link.get() - 1)
}

impl Index {
    pub(super) const fn new() -> Self {
        Self { hashes: Vec::new(), buckets: Vec::new(), next: Vec::new() }
    }

    /// Returns the position of the element with this hash for which `is_match` is true.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_match: impl Fn(usize) -> bool) -> Option<usize> {
        if self.buckets.is_empty() {
            return (0..self.hashes.len()).find(|&at| self.hashes[at] == hash && is_match(at));
        }
        self.find_in_bucket(hash, &is_match)
    }

    #[inline(never)]
    fn find_in_bucket(&self, hash: u64, is_match: &dyn Fn(usize) -> bool) -> Option<usize> {
        let mut link = self.buckets[self.bucket(hash)];
        while let Some(at) = position(link) {
            if self.hashes[at] == hash && is_match(at) {
                return Some(at);
            }
            link = self.next[at];
        }
        None
    }

    #[inline]
    pub(super) fn push(&mut self, hash: u64) {
        self.hashes.push(hash);
        if self.hashes.len() > MAX_UNINDEXED || !self.buckets.is_empty() {
            self.add_last();
        }
    }

    /// Puts the last element into its bucket. If there are too few buckets, makes more.
    #[inline(never)]
    fn add_last(&mut self) {
        if self.hashes.len() > self.buckets.len() {
            self.buckets = vec![None; self.hashes.len().next_power_of_two() * 2];
            self.next.clear();
        }
        for at in self.next.len()..self.hashes.len() {
            let bucket = self.bucket(self.hashes[at]);
            self.next.push(std::mem::replace(&mut self.buckets[bucket], link_to(at)));
        }
    }

    /// Removes the element at `at`. The last element takes its position.
    #[inline]
    pub(super) fn swap_remove(&mut self, at: usize) {
        if !self.buckets.is_empty() {
            self.remove_from_bucket(at);
        }
        self.hashes.swap_remove(at);
    }

    /// Removes `at` from its bucket, and gives the last element the position `at`.
    #[inline(never)]
    fn remove_from_bucket(&mut self, at: usize) {
        let last = self.hashes.len() - 1;
        let after = self.next[at];
        *self.link_to_mut(at) = after;
        if last != at {
            *self.link_to_mut(last) = link_to(at);
        }
        self.next.swap_remove(at);
        if last == 0 {
            self.buckets = Vec::new();
        }
    }

    /// Returns the link that leads to `at`: that of its bucket, or of the element before it.
    fn link_to_mut(&mut self, at: usize) -> &mut Link {
        let bucket = self.bucket(self.hashes[at]);
        if self.buckets[bucket] == link_to(at) {
            return &mut self.buckets[bucket];
        }
        let mut before = position(self.buckets[bucket]);
        while let Some(found) = before.filter(|&found| self.next[found] != link_to(at)) {
            before = position(self.next[found]);
        }
        &mut self.next[before.expect("each element is in its bucket")]
    }

    fn bucket(&self, hash: u64) -> usize {
        // All hashes of a shard may have some bits in common, but their products differ in the highest ones.
        let spread = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        usize::try_from(spread).expect("32 bits") & (self.buckets.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_finds_the_elements_of_its_list_and_no_others() {
        let (mut index, mut list) = (Index::new(), Vec::new());
        let mut random = 7_u64;
        for round in 0..5000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = random >> 33;
            // Two numbers share one hash. They are told apart by their values.
            let hash = |number: u64| number / 2;
            if number % 5 < 3 || list.is_empty() {
                index.push(hash(number));
                list.push((number, round));
            } else {
                let at = usize::try_from(number).unwrap() % list.len();
                index.swap_remove(at);
                list.swap_remove(at);
            }
            for at in (0..list.len()).step_by(1 + list.len() / 10) {
                let found = index.find(hash(list[at].0), |found| list[found] == list[at]);
                assert_eq!(found, Some(at));
            }
            assert_eq!(index.find(u64::MAX, |_| true), None);
        }
    }
}
