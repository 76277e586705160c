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
