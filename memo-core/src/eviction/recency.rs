//! Finds the least recently used entry. This is exact LRU without a linked list: hits write stamps.
//!
//! Each entry has a record, filed under the stamp that the entry had at that time. If the entry of the oldest record
//! was used since, the record is filed again under the new stamp. Otherwise this entry is the least recently used,
//! because no entry's stamp is older than that of its record.

use super::records::Records;
use super::slot::{Look, SlotIndex};
use super::uses::Uses;

/// The entries of a shard, ordered by their last known use.
pub(crate) struct Recency {
    records: Records,
    /// Whether every entry has a record. Nothing is recorded before the first eviction.
    is_filed: bool,
}

impl Recency {
    pub(crate) const fn new() -> Self {
        Self { records: Records::new(), is_filed: false }
    }

    /// Returns whether every entry has a record. If not, all entries must be filed first.
    pub(crate) fn is_filed(&self) -> bool {
        self.is_filed
    }

    /// Removes all records. Necessary when entries have moved to other slots.
    pub(crate) fn forget(&mut self) {
        *self = Self::new();
    }

    /// Files all entries. Each is given by its stamp and the number of its slot, and they are sorted.
    pub(crate) fn file_all(&mut self, entries: &[(u64, u32)]) {
        self.forget();
        self.is_filed = true;
        for &(stamp, slot) in entries {
            self.records.file(stamp, SlotIndex(slot));
        }
    }

    /// Records a new entry; `len` is the number of entries. Records of removed entries are skipped when they are taken.
    /// If there are too many of these, all records are removed.
    pub(crate) fn record(&mut self, stamp: u64, slot: SlotIndex, len: usize) {
        if self.records.len() > 2 * len + 64 {
            self.forget();
        }
        if self.is_filed {
            self.records.file(stamp, slot);
        }
    }

    /// Takes the record of the least recently used entry; `look` tells of the entry in a slot. If other threads use
    /// entries meanwhile, they are filed again, a limited number of times.
    pub(crate) fn take(&mut self, look: &Look<'_, '_>) -> Option<SlotIndex> {
        let mut refiles_left = self.records.len();
        while let Some((filed, slot)) = self.records.pop() {
            let Some(stamp) = look(slot).map(Uses::stamp) else { continue };
            if stamp <= filed || refiles_left == 0 {
                return Some(slot);
            }
            refiles_left -= 1;
            self.records.file(stamp, slot);
        }
        None
    }

    /// Returns the slots of the two entries whose records are the oldest, or fewer.
    pub(crate) fn next(&self) -> (Option<SlotIndex>, Option<SlotIndex>) {
        self.records.next()
    }
}
