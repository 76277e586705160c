//! The advice for the adaptive policy, against the hit ratios of the cache itself.

use super::policies::hash_of;
use super::*;
use crate::advice::estimator::Times;
use crate::advice::finding::Computations;
use crate::advice::sampler::Sampler;
use crate::advice::summary::Advice;
use crate::advice::tests::requests::{cycle, traces, zipf};
use crate::advice::unit::Unit;

const ENDLESS: Times = Times { now: 0, ttl: NEVER, idle: NEVER };

/// The capacities, in percent of the keys. In a loop that almost fits, the cache itself varies from run to run.
const PERCENT: [usize; 10] = [1, 2, 5, 7, 10, 15, 25, 35, 50, 80];

/// A trace with more requests takes too long in a debug build.
const SHORT: usize = if cfg!(debug_assertions) { 150_000 } else { usize::MAX };

/// Returns a hash of which the shard and the sample do not depend on the same bits.
fn hash(key: u32) -> u64 {
    hash_of(key).rotate_left(20)
}

/// Returns the hit ratio of the cache.
fn hit_ratio(keys: &[u32], max: usize) -> f64 {
    let cache: ShardedCache<u32> =
        ShardedCache::new(Limits { max, policy: Policy::adaptive(), ..LIMITS });
    let hits = keys.iter().filter(|key| {
        let bytes = key.to_le_bytes();
        let is_hit = cache.get(hash(**key), |stored| stored == bytes, false).is_some();
        if !is_hit {
            insert(&cache, hash(**key), &bytes, new_entry(**key));
        }
        is_hit
    });
    hits.count() as f64 / keys.len() as f64
}

fn advice(keys: &[u32]) -> Advice {
    let sampler = Sampler::new(true, Policy::adaptive());
    let calls = keys.len() as u64;
    for hash in keys.iter().map(|key| hash(*key)) {
        if sampler.samples(hash) {
            sampler.reference(hash, ENDLESS, &|| calls);
        }
    }
    let computations = Computations { count: 0, mean: std::time::Duration::ZERO };
    let estimate = sampler.estimate(calls).expect("there were enough calls");
    Advice::of(estimate, computations, None, Unit::Entries)
}

fn check(name: &str, keys: &[u32]) {
    let count = keys.iter().max().map_or(0, |last| *last as usize + 1);
    let advice = advice(keys);
    for percent in PERCENT {
        let max = (count * percent / 100).max(1);
        let (found, exact) = (advice.hit_ratio_at(max as u64), hit_ratio(keys, max));
        println!("{name}, {max}: {found:.4}, and the cache has {exact:.4}");
        assert!((found - exact).abs() <= 0.02, "{name}, {max}: {found}, the cache {exact}");
    }
}

#[test]
fn the_curve_of_real_requests_is_right() {
    let traces = traces();
    if traces.is_empty() {
        println!("skipped: there are no traces (MEMOKIT_TRACES names their folder)");
    }
    for (name, keys) in traces.iter().filter(|(_, keys)| keys.len() < SHORT) {
        check(name, keys);
    }
}

#[test]
fn the_curve_of_drawn_requests_is_right() {
    check("zipf", &zipf(60_000, 150_000, 1));
    check("cycle", &cycle(1000, 60));
}
