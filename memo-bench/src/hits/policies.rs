//! The caches that are asked, and the two models beside them.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memokit::memoize;

use super::trace::Trace;
use super::{belady, lru};
use crate::compute::{compute, computed};
use crate::kinds::by_hand;

pub(crate) struct Policy {
    pub(crate) name: &'static str,
    /// The hit ratio over a whole trace of a cache of so many entries.
    pub(crate) ratio: fn(&Trace, usize) -> Result<f64, String>,
}

/// The models, memokit, and the rivals that have a bound.
pub(crate) const POLICIES: [Policy; 6] = [
    Policy { name: "MIN", ratio: |trace, max| Ok(share(trace, belady::hits(trace, max))) },
    Policy { name: "memokit", ratio: memokit },
    Policy { name: "LRU", ratio: |trace, max| Ok(share(trace, lru::hits(trace, max))) },
    Policy { name: "quick_cache", ratio: quick_cache },
    Policy { name: "cached", ratio: cached },
    Policy { name: "moka", ratio: moka },
];

pub(super) const MEMOKIT: usize = 1;
pub(super) const LRU: usize = 2;

fn share(trace: &Trace, hits: usize) -> f64 {
    hits as f64 / trace.requests.len() as f64
}

/// Which keys share a shard is chance: the mean of so many runs, each with other keys and an empty cache.
const RUNS: u64 = 3;

fn mean<F: FnMut(u64) -> u64>(trace: &Trace, mut cache: impl FnMut() -> F) -> f64 {
    let runs = (0..RUNS).map(|run| {
        let mut call = cache();
        let before = computed();
        for id in &trace.requests {
            black_box(call(run << 32 | u64::from(*id)));
        }
        // Hits are the calls that computed nothing.
        1.0 - (computed() - before) as f64 / trace.requests.len() as f64
    });
    runs.sum::<f64>() / RUNS as f64
}

/// The bound of the function that is called first next.
static MAX: AtomicUsize = AtomicUsize::new(0);

struct Function {
    call: fn(u64) -> u64,
    clear: fn(),
}

/// An annotated function for each capacity, made with its bound as a user's is, not bounded anew.
macro_rules! functions {
    ($($name:ident)*) => {
        $(mod $name {
            use super::*;

            #[memoize(max = MAX.load(Relaxed))]
            pub(super) fn call(id: u64) -> u64 {
                compute(id)
            }

            pub(super) fn clear() {
                call_memo().clear();
            }
        })*
        const FUNCTIONS: &[Function] = &[$(Function { call: $name::call, clear: $name::clear }),*];
    };
}

functions! {
    a0 a1 a2 a3 a4 a5 a6 a7 b0 b1 b2 b3 b4 b5 b6 b7 c0 c1 c2 c3 c4 c5 c6 c7 d0 d1 d2 d3 d4 d5 d6 d7
}

fn memokit(trace: &Trace, capacity: usize) -> Result<f64, String> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    MAX.store(capacity, Relaxed);
    let function = FUNCTIONS.get(NEXT.fetch_add(1, Relaxed)).ok_or("at most 8 traces at once")?;
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

/// The store of `#[concurrent_cached(max_size = ...)]`, whose bound there is a literal.
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
