//! Bytes an entry in caches of a million entries, just filled and after twice as many other keys came by.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cached::macros::concurrent_cached;
use memokit::memoize;

use crate::access::mix;
use crate::allocator;
use crate::command::Plan;
use crate::compute::compute;

const ENTRIES: u64 = 1_000_000;

/// What one contender took.
pub(crate) struct Taken {
    pub(crate) name: &'static str,
    /// Held after the churn.
    pub(crate) entries: u64,
    /// Bytes by entry held.
    pub(crate) filled: f64,
    pub(crate) churned: f64,
    /// The most during the filling, by entry.
    pub(crate) peak: f64,
}

#[memoize(max = 1_000_000)]
fn memoized(n: u64) -> u64 {
    compute(n)
}

#[concurrent_cached(max_size = 1_000_000)]
fn sharded(n: u64) -> u64 {
    compute(n)
}

/// `make` returns a call and a count of the entries.
fn take<C: Fn(u64), L: Fn() -> u64>(
    name: &'static str,
    plan: &Plan,
    make: impl FnOnce() -> (C, L),
) -> Option<Taken> {
    if !plan.wants(&format!("memory/{name}")) {
        return None;
    }
    let entries = if plan.quick { 1000 } else { ENTRIES };
    let before = allocator::live();
    allocator::take_peak();
    let (call, len) = make();
    (0..entries).for_each(|n| call(mix(n)));
    let by_entry = |bytes: i64| (bytes - before) as f64 / len() as f64;
    let peak = by_entry(allocator::take_peak());
    let filled = by_entry(allocator::live());
    (entries..3 * entries).for_each(|n| call(mix(n)));
    Some(Taken { name, entries: len(), filled, churned: by_entry(allocator::live()), peak })
}

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Taken>, String> {
    allocator::start();
    let memokit = take("memokit", plan, || (|n| _ = memoized(n), || memoized_memo().len() as u64));
    let quick = quick_cache::sync::Cache::<u64, u64>::new;
    let quick_cache = take("quick_cache", plan, || {
        let cache = &*Box::leak(Box::new(quick(if plan.quick { 1000 } else { 1_000_000 })));
        (move |n| cache.insert(n, compute(n)), move || cache.len() as u64)
    });
    let cached = take("cached", plan, || (|n| _ = sharded(n), || SHARDED.len() as u64));
    let moka = take("moka", plan, || {
        let cache = &*Box::leak(Box::new(moka::sync::Cache::<u64, u64>::new(ENTRIES)));
        let len = move || {
            cache.run_pending_tasks();
            cache.entry_count()
        };
        (move |n| cache.insert(n, compute(n)), len)
    });
    let map = take("mutex_map", plan, || {
        let map = &*Box::leak(Box::new(Mutex::new(HashMap::new())));
        let locked = move || map.lock().unwrap_or_else(PoisonError::into_inner);
        (move |n| _ = locked().insert(n, compute(n)), move || locked().len() as u64)
    });
    let all: Vec<_> = [memokit, quick_cache, cached, moka, map].into_iter().flatten().collect();
    if all.is_empty() { Err("no contender of that name".into()) } else { Ok(all) }
}
