//! Finds the elements of a list by their hashes. It does not depend on the type of the elements, so it is compiled once
//! for all types.

use hashbrown::HashTable;

/// The positions of a list's elements. Each push and each removal is done both here and in the list.
pub(super) struct Index {
    /// The hash of each element, in the order of the list.
    hashes: Vec<u64>,
    /// The positions of the elements. Empty until there are more than [`MAX_UNINDEXED`] elements; then in use until no
    /// element is left.
    table: HashTable<usize>,
}

/// Up to this many elements are searched one by one.
const MAX_UNINDEXED: usize = 8;

impl Index {
    pub(super) const fn new() -> Self {
        Self { table: HashTable::new(), hashes: Vec::new() }
    }

    /// Returns the position of the element with this hash for which `is_match` is true.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_match: impl Fn(usize) -> bool) -> Option<usize> {
        if self.table.is_empty() {
            return (0..self.hashes.len()).find(|&at| self.hashes[at] == hash && is_match(at));
        }
        self.find_by_table(hash, &is_match)
    }

    #[inline(never)]
    fn find_by_table(&self, hash: u64, is_match: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.table.find(hash, |&at| self.hashes[at] == hash && is_match(at)).copied()
    }

    #[inline]
    pub(super) fn push(&mut self, hash: u64) {
        self.hashes.push(hash);
        if self.hashes.len() > MAX_UNINDEXED || !self.table.is_empty() {
            self.add_missing_to_table();
        }
    }

    /// Adds to the table the positions that it does not have yet. After that it has all.
    #[inline(never)]
    fn add_missing_to_table(&mut self) {
        for at in self.table.len()..self.hashes.len() {
            self.table.insert_unique(self.hashes[at], at, |&at| self.hashes[at]);
        }
    }

    /// Removes the element at `at`. The last element takes its position.
    #[inline]
    pub(super) fn swap_remove(&mut self, at: usize) {
        if !self.table.is_empty() {
            self.remove_from_table(at);
        }
        self.hashes.swap_remove(at);
    }

    /// Removes `at` from the table, and gives the last element the position `at`.
    #[inline(never)]
    fn remove_from_table(&mut self, at: usize) {
        let last = self.hashes.len() - 1;
        if let Ok(found) = self.table.find_entry(self.hashes[at], |&found| found == at) {
            found.remove();
        }
        if let Some(moved) = self.table.find_mut(self.hashes[last], |&found| found == last) {
            *moved = at;
        }
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
