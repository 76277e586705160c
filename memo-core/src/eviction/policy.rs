//! The eviction policies.

/// Which entry leaves a full cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The least recently used entry leaves.
    #[default]
    Lru,
    /// Entries that were used once leave before those that are used again and again; how long they may wait for a
    /// second use depends on what the cache has seen.
    Adaptive,
    /// What took long to compute, for its weight, stays longer.
    Cost,
}

impl Policy {
    /// Returns its word in the attribute.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Lru => "lru",
            Self::Adaptive => "adaptive",
            Self::Cost => "cost",
        }
    }
}
