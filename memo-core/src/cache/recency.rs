//! Which entry was used least recently: exact LRU without a list, by stamps that hits write.
//!
//! Entries are filed under the stamp that they had, in the order of stamps. What is taken from the front and has been
//! used since is filed again; else it is the least recently used, since no entry's stamp is older than its record's.

use std::collections::VecDeque;

use super::table::SlotIndex;

/// The entries of a shard by their last use, as far as is known.
pub(super) struct Recency {
    /// By stamp, the oldest first.
    steps: VecDeque<Step>,
    records: usize,
    /// Emptied lists, so that a small shard, where each use is a step, need not allocate at each insertion.
    spare: Vec<Vec<SlotIndex>>,
    /// Every entry has a record. Nothing is recorded before the first eviction.
    complete: bool,
}

/// Sorts numbers by their stamps. Built once: it is much code.
#[inline(never)]
pub(super) fn sort(stamped: &mut [(u64, u32)]) {
    stamped.sort_unstable();
}

/// Records of one stamp.
struct Step {
    stamp: u64,
    /// In the order in which they came.
    slots: Vec<SlotIndex>,
    /// So many were taken from the front.
    taken: usize,
}

const MAX_SPARE: usize = 4;

impl Recency {
    pub(super) const fn new() -> Self {
        Self { steps: VecDeque::new(), records: 0, spare: Vec::new(), complete: false }
    }

    /// Are there records, or must all entries be filed first?
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Forgets all: places have changed.
    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }

    /// Files all entries, by the numbers of their places.
    pub(super) fn complete(&mut self, mut entries: Vec<(u64, u32)>) {
        self.forget();
        self.complete = true;
        sort(&mut entries);
        for (stamp, slot) in entries {
            self.file(stamp, SlotIndex(slot));
        }
    }

    /// Records a new entry, one of `len`. Records of entries that were removed are passed over when they are met; too
    /// many of them, and all are forgotten.
    pub(super) fn record(&mut self, stamp: u64, slot: SlotIndex, len: usize) {
        if self.records > 2 * len + 64 {
            self.forget();
        }
        if self.complete {
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

    /// The step of a stamp, made if there is none.
    fn step(&mut self, stamp: u64) -> &mut Step {
        let at = self.steps.partition_point(|step| step.stamp < stamp);
        if self.steps.get(at).is_none_or(|step| step.stamp != stamp) {
            let slots = self.spare.pop().unwrap_or_default();
            self.steps.insert(at, Step { stamp, slots, taken: 0 });
        }
        &mut self.steps[at]
    }

    /// Takes the record of the least recently used entry, by the stamp that is at each place now. Entries that others use
    /// meanwhile are filed again only so often.
    pub(super) fn take(
        &mut self,
        stamp_at: &dyn Fn(SlotIndex) -> Option<u64>,
    ) -> Option<SlotIndex> {
        let mut refiles_left = self.records;
        while let Some((filed, slot)) = self.pop() {
            let Some(stamp) = stamp_at(slot) else { continue };
            if stamp <= filed || refiles_left == 0 {
                return Some(slot);
            }
            refiles_left -= 1;
            self.file(stamp, slot);
        }
        None
    }

    /// The oldest record.
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

    /// The oldest records, as far as they are together.
    pub(super) fn next(&self) -> (Option<SlotIndex>, Option<SlotIndex>) {
        let oldest = self.steps.front();
        let nth = |n: usize| oldest.and_then(|step| step.slots.get(step.taken + n)).copied();
        (nth(0), nth(1))
    }
}
