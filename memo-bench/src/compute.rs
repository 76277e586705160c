//! The function that every contender computes on a miss, and a count of its runs. It is cheap, so that a time shows the
//! cost of the cache.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

#[inline]
pub(crate) fn compute(n: u64) -> u64 {
    COMPUTED.fetch_add(1, Relaxed);
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n
}

/// Returns the number of computations so far. A loop of hits must not change it.
pub(crate) fn computed() -> u64 {
    COMPUTED.load(Relaxed)
}
