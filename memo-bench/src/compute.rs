//! What every contender computes on a miss, cheap so that the cache's own cost shows, and how often it was computed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

#[inline]
pub(crate) fn compute(n: u64) -> u64 {
    COMPUTED.fetch_add(1, Relaxed);
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n
}

/// Computations so far: between two readings a loop of hits must add none.
pub(crate) fn computed() -> u64 {
    COMPUTED.load(Relaxed)
}
