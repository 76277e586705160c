//! The order in which entries are evicted, by its policy. It does not depend on the type of the values.

use super::policy::Policy;
use super::queues::Queues;
use super::recency::Recency;
use super::slot::{Look, SlotIndex};
use super::uses::MAX_USES;
use crate::platform::sort;

pub(crate) enum Order {
    Lru(Recency),
    Adaptive(Box<dyn Queues>),
}

impl Order {
    pub(crate) fn new(policy: Policy) -> Self {
        match policy {
            Policy::Lru => Self::Lru(Recency::new()),
            Policy::Adaptive(make) => Self::Adaptive((make.0)()),
        }
    }

    /// Returns the bits of stamps that count uses.
    pub(crate) fn count_mask(policy: Policy) -> u64 {
        match policy {
            Policy::Lru => 0,
            Policy::Adaptive(_) => MAX_USES,
        }
    }

    /// Returns whether every entry has a record. If not, all entries must be filed first.
    pub(crate) fn is_filed(&self) -> bool {
        match self {
            Self::Lru(recency) => recency.is_filed(),
            Self::Adaptive(adaptive) => adaptive.is_filed(),
        }
    }

    /// Removes all records. Necessary when entries have moved to other slots.
    pub(crate) fn forget(&mut self) {
        match self {
            Self::Lru(recency) => recency.forget(),
            Self::Adaptive(adaptive) => adaptive.forget(),
        }
    }

    /// Files all entries. Each is given by its stamp and the number of its slot.
    pub(crate) fn file_all(&mut self, mut entries: Vec<(u64, u32)>, look: &Look<'_, '_>) {
        sort::sort(&mut entries);
        match self {
            Self::Lru(recency) => recency.file_all(&entries),
            Self::Adaptive(adaptive) => adaptive.file_all(&entries, look),
        }
    }

    /// Takes the record of the entry that leaves. `look` tells of the entry in a slot.
    pub(crate) fn take(&mut self, look: &Look<'_, '_>) -> Option<SlotIndex> {
        match self {
            Self::Lru(recency) => recency.take(look),
            Self::Adaptive(adaptive) => adaptive.take(look),
        }
    }

    /// Returns the slots of two entries that may leave next, the more likely one first.
    pub(crate) fn next(&self) -> (Option<SlotIndex>, Option<SlotIndex>) {
        match self {
            Self::Lru(recency) => recency.next(),
            Self::Adaptive(adaptive) => adaptive.next(),
        }
    }
}
