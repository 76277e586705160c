//! The eviction policies.

use super::adaptive::Adaptive;
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
}
