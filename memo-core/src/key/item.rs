//! The items of an unordered group among the bytes of a key, and their order.

use std::cmp::Ordering;

use crate::platform::sort::sort_by;

/// An item of a group: its position among the bytes, and its first bytes, which usually decide its position in the
/// sorted order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    start: usize,
    /// The end of the name of a field, or of the key of an entry.
    name_end: usize,
    end: usize,
    first: u64,
}

impl Item {
    /// Begins an item at this position.
    #[inline]
    pub(super) fn at(start: usize) -> Self {
        Self { start, name_end: start, end: start, first: 0 }
    }

    /// Ends its name.
    #[inline]
    pub(super) fn split(&mut self, at: usize) {
        self.name_end = at;
    }

    /// Ends it. Its bytes are among these.
    #[inline]
    pub(super) fn close(&mut self, at: usize, all: &[u8]) {
        self.end = at;
        self.first = first(self.bytes(all));
    }

    #[inline]
    pub(super) fn bytes<'a>(&self, all: &'a [u8]) -> &'a [u8] {
        &all[self.start..self.end]
    }

    fn name<'a>(&self, all: &'a [u8]) -> &'a [u8] {
        &all[self.start..self.name_end]
    }

    /// Compares by bytes; a prefix comes first. Shorter items have zeros in `first`. If `first` is equal, all bytes
    /// decide.
    #[inline]
    fn order(&self, other: &Self, all: &[u8]) -> Ordering {
        self.first.cmp(&other.first).then_with(|| self.bytes(all).cmp(other.bytes(all)))
    }
}

/// Returns the first eight bytes as a number with the same order as the bytes.
#[inline]
fn first(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut first = [0; 8];
        first[..bytes.len()].copy_from_slice(bytes);
        first
    }))
}

/// Sorts the items. Returns whether they were in order.
#[inline]
pub(super) fn sort(items: &mut [Item], all: &[u8]) -> bool {
    let in_order = items.is_sorted_by(|a, b| a.order(b, all).is_le());
    if !in_order {
        sort_unsorted(items, all);
    }
    in_order
}

// Not inlined, because it is much code.
#[inline(never)]
fn sort_unsorted(items: &mut [Item], all: &[u8]) {
    sort_by(items, |a, b| a.order(b, all));
}

/// Replaces the bytes of `sorted` by those of the items, one after another.
pub(super) fn join(items: &[Item], all: &[u8], sorted: &mut Vec<u8>) {
    sorted.clear();
    for item in items {
        sorted.extend_from_slice(item.bytes(all));
    }
}

/// Reports whether two fields have the same name, or two entries the same key. In sorted order such items are
/// neighbours. Their own order could have a meaning, so sorting them could confuse two values.
pub(super) fn has_duplicate_name(sorted: &[Item], all: &[u8]) -> bool {
    sorted.windows(2).any(|pair| pair[0].name(all) == pair[1].name(all))
}
