//! The eviction policies.

use super::adaptive::Adaptive;
use super::greedy_dual::GreedyDual;
use super::queues::Queues;

/// Which entry leaves a full cache.
#[derive(Clone, Copy, Debug, Default)]
pub enum Policy {
    /// The least recently used entry leaves.
    #[default]
    Lru,
    /// Entries that were used once leave before those that are used again and again; how long they may wait for a
    /// second use depends on what the cache has seen.
    Adaptive(Make),
    /// What took long to compute, for its weight, stays longer.
    Cost(Make),
}

/// Makes the queues of a shard.
#[derive(Clone, Copy, Debug)]
pub struct Make(pub(super) fn() -> Box<dyn Queues>);

impl Policy {
    /// Inline, so that only who asks for it builds the policy.
    #[inline]
    pub(crate) fn adaptive() -> Self {
        Self::Adaptive(Make(|| Box::new(Adaptive::new())))
    }

    /// Inline for the same reason.
    #[inline]
    pub(crate) fn cost() -> Self {
        Self::Cost(Make(|| Box::new(GreedyDual::new())))
    }

    /// Returns whether entries have a price, so that computations are timed.
    pub(crate) fn is_priced(self) -> bool {
        match self {
            Self::Lru | Self::Adaptive(_) => false,
            Self::Cost(_) => true,
        }
    }
}
