//! Finds the least recently used entry. This is exact LRU without a linked list: hits write stamps.
//!
//! Each entry has a record, filed under the stamp that the entry had at that time. Records are ordered by stamp. If the
//! entry of the oldest record was used since, the record is filed again under the new stamp. Otherwise this entry is
//! the least recently used, because no entry's stamp is older than that of its record.

use std::collections::VecDeque;

use super::slot::{Look, SlotIndex};
use super::uses::Uses;

/// The entries of a shard, ordered by their last known use.
pub(crate) struct Recency {
    /// Ordered by stamp, the oldest first.
    steps: VecDeque<Step>,
    records: usize,
    /// Emptied lists, kept for reuse. In a small shard each use is a step, and without these lists each insertion would
    /// allocate.
    spare: Vec<Vec<SlotIndex>>,
    /// Whether every entry has a record. Nothing is recorded before the first eviction.
    is_filed: bool,
}

/// The records with the same stamp.
struct Step {
    stamp: u64,
    /// In the order in which they were filed.
    slots: Vec<SlotIndex>,
    /// How many records were taken from the front.
    taken: usize,
}

const MAX_SPARE: usize = 4;

impl Recency {
    pub(crate) const fn new() -> Self {
        Self { steps: VecDeque::new(), records: 0, spare: Vec::new(), is_filed: false }
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
            self.file(stamp, SlotIndex(slot));
        }
    }

    /// Records a new entry; `len` is the number of entries. Records of removed entries are skipped when they are taken.
    /// If there are too many of these, all records are removed.
    pub(crate) fn record(&mut self, stamp: u64, slot: SlotIndex, len: usize) {
        if self.records > 2 * len + 64 {
            self.forget();
        }
        if self.is_filed {
            self.file(stamp, slot);
        }
    }

    fn file(&mut self, stamp: u64, slot: SlotIndex) {
        self.records += 1;
        match self.steps.back_mut() {
            Some(last) if last.stamp == stamp => last.slots.push(slot),
            _ => self.step(stamp).slots.push(slot),
        }
    }

    /// Returns the step with this stamp. Creates it if there is none.
    fn step(&mut self, stamp: u64) -> &mut Step {
        let at = self.steps.partition_point(|step| step.stamp < stamp);
        if self.steps.get(at).is_none_or(|step| step.stamp != stamp) {
            let slots = self.spare.pop().unwrap_or_default();
            self.steps.insert(at, Step { stamp, slots, taken: 0 });
        }
        &mut self.steps[at]
    }

    /// Takes the record of the least recently used entry; `look` tells of the entry in a slot. If other threads use
    /// entries meanwhile, they are filed again, a limited number of times.
    pub(crate) fn take(&mut self, look: &Look<'_, '_>) -> Option<SlotIndex> {
        let mut refiles_left = self.records;
        while let Some((filed, slot)) = self.pop() {
            let Some(stamp) = look(slot).map(Uses::stamp) else { continue };
            if stamp <= filed || refiles_left == 0 {
                return Some(slot);
            }
            refiles_left -= 1;
            self.file(stamp, slot);
        }
        None
    }

    /// Removes and returns the oldest record.
    fn pop(&mut self) -> Option<(u64, SlotIndex)> {
        loop {
            let step = self.steps.front_mut()?;
            if let Some(&slot) = step.slots.get(step.taken) {
                step.taken += 1;
                self.records -= 1;
                return Some((step.stamp, slot));
            }
            let mut emptied = self.steps.pop_front()?.slots;
            if self.spare.len() < MAX_SPARE {
                emptied.clear();
                self.spare.push(emptied);
            }
        }
    }

    /// Returns the next two records of the oldest step, or fewer if the step has fewer.
    pub(crate) fn next(&self) -> (Option<SlotIndex>, Option<SlotIndex>) {
        let oldest = self.steps.front();
        let nth = |n: usize| oldest.and_then(|step| step.slots.get(step.taken + n)).copied();
        (nth(0), nth(1))
    }
}
