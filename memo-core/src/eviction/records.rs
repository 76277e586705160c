//! Records of entries in the order of their stamps.

use std::collections::VecDeque;

use super::slot::SlotIndex;

/// Slots, each filed under a stamp.
pub(super) struct Records {
    /// Ordered by stamp, the oldest first. Each has a record.
    steps: VecDeque<Step>,
    len: usize,
    /// Emptied lists, kept for reuse. In a small shard each use is a step, and without these lists each insertion would
    /// allocate.
    spare: Vec<Vec<SlotIndex>>,
}

/// The records with the same stamp.
struct Step {
    stamp: u64,
    /// In the order in which they were filed.
    slots: Vec<SlotIndex>,
    /// How many records were taken from the front.
    taken: usize,
}

impl Step {
    #[inline]
    fn records(&self) -> impl Iterator<Item = (u64, SlotIndex)> {
        self.slots.iter().skip(self.taken).map(|slot| (self.stamp, *slot))
    }
}

const MAX_SPARE: usize = 4;

impl Records {
    pub(super) const fn new() -> Self {
        Self { steps: VecDeque::new(), len: 0, spare: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn file(&mut self, stamp: u64, slot: SlotIndex) {
        self.len += 1;
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

    /// Returns all records, the oldest first.
    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, SlotIndex)> {
        self.steps.iter().flat_map(Step::records)
    }

    /// Removes and returns the oldest record.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<(u64, SlotIndex)> {
        let step = self.steps.front_mut()?;
        let record = (step.stamp, *step.slots.get(step.taken)?);
        step.taken += 1;
        self.len -= 1;
        if step.taken == step.slots.len() {
            self.remove_first();
        }
        Some(record)
    }

    fn remove_first(&mut self) {
        let Some(Step { mut slots, .. }) = self.steps.pop_front() else { return };
        if self.spare.len() < MAX_SPARE {
            slots.clear();
            self.spare.push(slots);
        }
    }

    /// Returns the bytes that they take.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let slots = self.steps.iter().map(|step| &step.slots).chain(&self.spare);
        let slots: usize = slots.map(|slots| slots.capacity() * size_of::<SlotIndex>()).sum();
        self.steps.capacity() * size_of::<Step>() + slots
    }

    /// Returns the stamp of the oldest record.
    pub(super) fn oldest(&self) -> Option<u64> {
        Some(self.steps.front()?.stamp)
    }

    /// Returns the next two records of the oldest step, or fewer if the step has fewer.
    pub(super) fn next(&self) -> (Option<SlotIndex>, Option<SlotIndex>) {
        let oldest = self.steps.front();
        let nth = |n: usize| oldest.and_then(|step| step.slots.get(step.taken + n)).copied();
        (nth(0), nth(1))
    }
}
