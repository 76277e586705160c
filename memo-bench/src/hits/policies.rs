//! The caches that are measured, and the two models that they are compared with.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::functions::{self, Function, functions};
use super::trace::Trace;
use super::{belady, lirs, lru, s3_fifo, sieve};
use crate::compute::{compute, computed};
use crate::kinds::by_hand;

pub(crate) struct Policy {
    pub(crate) name: &'static str,
    /// Returns the hit ratio over a whole trace, for a cache with this number of entries.
    pub(crate) ratio: fn(&Trace, usize) -> Result<f64, String>,
}

/// The models, memokit, and the rivals that have a bound.
pub(crate) const POLICIES: [Policy; 10] = [
    Policy { name: "MIN", ratio: |trace, max| Ok(share(trace, belady::hits(trace, max))) },
    Policy { name: "memokit", ratio: memokit },
    Policy { name: "adaptive", ratio: adaptive },
    Policy { name: "LRU", ratio: |trace, max| Ok(share(trace, lru::hits(trace, max))) },
    Policy { name: "SIEVE", ratio: |trace, max| Ok(share(trace, sieve::hits(trace, max))) },
    Policy { name: "S3-FIFO", ratio: |trace, max| Ok(share(trace, s3_fifo::hits(trace, max))) },
    Policy { name: "LIRS", ratio: |trace, max| Ok(share(trace, lirs::hits(trace, max))) },
    Policy { name: "quick_cache", ratio: quick_cache },
    Policy { name: "cached", ratio: cached },
    Policy { name: "moka", ratio: moka },
];

pub(super) const MIN: usize = 0;
pub(super) const MEMOKIT: usize = 1;
pub(super) const ADAPTIVE_POLICY: usize = 2;
pub(super) const LRU: usize = 3;

fn share(trace: &Trace, hits: usize) -> f64 {
    hits as f64 / trace.requests.len() as f64
}

/// The number of runs, each with different keys and an empty cache. A ratio is the mean of the runs, because chance
/// decides which keys share a shard.
const RUNS: u64 = 3;

fn mean<F: FnMut(u64) -> u64>(trace: &Trace, mut cache: impl FnMut() -> F) -> f64 {
    let runs = (0..RUNS).map(|run| {
        let mut call = cache();
        let before = computed();
        for id in &trace.requests {
            black_box(call(run << 32 | u64::from(*id)));
        }
        // A hit is a call that computed nothing.
        1.0 - (computed() - before) as f64 / trace.requests.len() as f64
    });
    runs.sum::<f64>() / RUNS as f64
}

functions! {
    BY_RECENCY, "lru", compute, a0 a1 a2 a3 a4 a5 a6 a7 b0 b1 b2 b3 b4 b5 b6 b7 c0 c1 c2 c3 c4 c5 c6 c7
}

functions! {
    ADAPTIVE, "adaptive", compute, d0 d1 d2 d3 d4 d5 d6 d7 e0 e1 e2 e3 e4 e5 e6 e7 f0 f1 f2 f3 f4 f5 f6 f7
}

fn memokit(trace: &Trace, capacity: usize) -> Result<f64, String> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    replay(trace, capacity, BY_RECENCY.get(NEXT.fetch_add(1, Relaxed)))
}

fn adaptive(trace: &Trace, capacity: usize) -> Result<f64, String> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    replay(trace, capacity, ADAPTIVE.get(NEXT.fetch_add(1, Relaxed)))
}

fn replay(trace: &Trace, capacity: usize, function: Option<&Function>) -> Result<f64, String> {
    functions::set_max(capacity);
    let function = function.ok_or("at most 6 traces can be replayed in one run")?;
    Ok(mean(trace, || {
        (function.clear)();
        function.call
    }))
}

fn quick_cache(trace: &Trace, capacity: usize) -> Result<f64, String> {
    Ok(mean(trace, || {
        let cache = quick_cache::sync::Cache::<u64, u64>::new(capacity);
        move |id| by_hand::quick(&cache, &id, || id, || compute(id))
    }))
}

/// Uses the store of `#[concurrent_cached(max_size = ...)]` directly, because the bound in that attribute is a literal.
fn cached(trace: &Trace, capacity: usize) -> Result<f64, String> {
    Ok(mean(trace, || {
        let cache = cached::ShardedLruCache::<u64, u64>::new(capacity);
        move |id| cache.get_or_set_with(id, || compute(id))
    }))
}

fn moka(trace: &Trace, capacity: usize) -> Result<f64, String> {
    Ok(mean(trace, || {
        let cache = moka::sync::Cache::<u64, u64>::new(capacity as u64);
        move |id| by_hand::moka(&cache, &id, || id, || compute(id))
    }))
}
