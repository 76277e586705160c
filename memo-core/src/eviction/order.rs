//! The order in which entries are evicted, by its policy. It does not depend on the type of the values.

use super::policy::Policy;
use super::queues::Queues;
use super::recency::Recency;
use super::slot::{Look, SlotIndex};
use super::uses::MAX_USES;
use crate::platform::sort;

pub(crate) enum Order {
    Lru(Recency),
    Queues(Box<dyn Queues>),
}

impl Order {
    pub(crate) fn new(policy: Policy) -> Self {
        match policy {
            Policy::Lru => Self::Lru(Recency::new()),
            Policy::Adaptive(make) | Policy::Cost(make) => Self::Queues((make.0)()),
        }
    }

    /// Returns the bits of stamps that count uses.
    pub(crate) fn count_mask(policy: Policy) -> u64 {
        match policy {
            Policy::Lru => 0,
            Policy::Adaptive(_) | Policy::Cost(_) => MAX_USES,
        }
    }

    /// Returns whether every entry has a record. If not, all entries must be filed first.
    pub(crate) fn is_filed(&self) -> bool {
        match self {
            Self::Lru(recency) => recency.is_filed(),
            Self::Queues(queues) => queues.is_filed(),
        }
    }

    /// Removes all records. Necessary when entries have moved to other slots.
    pub(crate) fn forget(&mut self) {
        match self {
            Self::Lru(recency) => recency.forget(),
            Self::Queues(queues) => queues.forget(),
        }
    }

    /// Files all entries. Each is given by its stamp and the number of its slot.
    pub(crate) fn file_all(&mut self, mut entries: Vec<(u64, u32)>, look: &Look<'_, '_>) {
        sort::sort(&mut entries);
        match self {
            Self::Lru(recency) => recency.file_all(&entries),
            Self::Queues(queues) => queues.file_all(&entries, look),
        }
    }

    /// Records a new entry; `len` is the number of entries.
    pub(crate) fn record(&mut self, stamp: u64, slot: SlotIndex, len: usize, look: &Look<'_, '_>) {
        match self {
            Self::Lru(recency) => recency.record(stamp, slot, len),
            Self::Queues(queues) => {
                if let Some(entry) = look(slot) {
                    queues.record(slot, entry, len, look);
                }
            }
        }
    }

    /// Takes the record of the entry that leaves. `look` tells of the entry in a slot.
    pub(crate) fn take(&mut self, look: &Look<'_, '_>) -> Option<SlotIndex> {
        match self {
            Self::Lru(recency) => recency.take(look),
            Self::Queues(queues) => queues.take(look),
        }
    }

    /// Returns the bytes that a policy that is simulated takes.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Lru(_) => 0,
            Self::Queues(queues) => queues.size(),
        }
    }

    /// Returns the slots of two entries that may leave next, the more likely one first.
    pub(crate) fn next(&self) -> (Option<SlotIndex>, Option<SlotIndex>) {
        match self {
            Self::Lru(recency) => recency.next(),
            Self::Queues(queues) => queues.next(),
        }
    }
}
