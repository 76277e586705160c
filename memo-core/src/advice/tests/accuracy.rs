//! The curve against exact hit ratios.

use super::super::estimator::MAX_KEYS;
use super::super::summary::Advice;
use super::exact::{List, hit_ratios};
use super::requests::{Random, cycle, traces, zipf};
use super::*;
use crate::advice::finding::Computations;
use crate::advice::unit::Unit;
use crate::eviction::price::Price;

const SEEDS: std::ops::Range<u64> = 0..5;

fn advice(sampler: &Sampler, calls: u64, unit: Unit) -> Advice {
    let computations = Computations { count: 0, mean: std::time::Duration::ZERO };
    let estimate = sampler.estimate(calls).expect("there were enough calls");
    Advice::of(estimate, computations, None, unit)
}

/// Returns the largest difference between the estimate and the exact hit ratio at capacities of 1 to 100 % of the keys.
fn largest_error(keys: &[u32], exact: &[f64], seed: u64) -> (f64, usize) {
    let sampler = Sampler::new(true, Policy::Lru);
    let calls = observe(&sampler, keys.iter().map(|key| u64::from(*key)), seed, ENDLESS);
    let advice = advice(&sampler, calls, Unit::Entries);
    let ids = exact.len() - 1;
    let errors = (1..=100).map(|percent| {
        let capacity = (ids * percent / 100).max(1);
        ((advice.hit_ratio_at(capacity as u64) - exact[capacity]).abs(), capacity)
    });
    errors.max_by(|a, b| a.0.total_cmp(&b.0)).expect("there are capacities")
}

fn check(name: &str, keys: &[u32]) {
    let exact = hit_ratios(keys);
    for seed in SEEDS {
        let (error, capacity) = largest_error(keys, &exact, seed);
        println!("{name}, {} ids, seed {seed}: {error:.4} at {capacity}", exact.len() - 1);
        assert!(error <= 0.02, "{name}, seed {seed}: {error} at {capacity}");
    }
}

#[test]
fn the_curve_of_real_requests_is_right() {
    let traces = traces();
    if traces.is_empty() {
        println!("skipped: there are no traces (MEMOKIT_TRACES names their folder)");
    }
    for (name, keys) in traces {
        check(&name, &keys);
    }
}

#[test]
fn the_curve_of_drawn_requests_is_right() {
    check("zipf", &zipf(100_000, 500_000, 1));
    check("cycle", &cycle(1011, 200));
}

#[test]
fn a_step_beyond_the_sample_is_found() {
    let count = 3 * MAX_KEYS as u32;
    for seed in SEEDS {
        let sampler = Sampler::new(true, Policy::Lru);
        let keys = cycle(count, 6).into_iter().map(u64::from);
        let calls = observe(&sampler, keys, seed, ENDLESS);
        let advice = advice(&sampler, calls, Unit::Entries);
        let at = |percent| advice.hit_ratio_at(u64::from(count) * percent / 100);
        assert!(at(96) < 0.02 && (at(104) - 5.0 / 6.0).abs() < 0.02, "{} {}", at(96), at(104));
    }
}

#[test]
fn a_sample_of_all_keys_gives_exact_hit_ratios() {
    for seed in 0..20 {
        let mut random = Random::new(1000 * seed);
        // Few enough that each distance has a bucket, and enough that the stack is built again.
        let keys: Vec<u32> =
            (0..5000).map(|_| random.below(250).min(random.below(250)) as u32).collect();
        let exact = hit_ratios(&keys);
        let mut estimator = Estimator::new(true, Policy::Lru);
        keys.iter().for_each(|key| estimator.reference(hash(u64::from(*key), seed), ENDLESS));
        let mut found = vec![0.0; exact.len()];
        estimator.curve(5000, 0.0, &mut |distance, sum| {
            found[distance as usize..].fill(sum / 5000.0);
        });
        for (capacity, (found, exact)) in found.iter().zip(&exact).enumerate() {
            assert!((found - exact).abs() < 1e-9, "{capacity}: {found} {exact}");
        }
    }
}

#[test]
fn distances_are_those_of_weights() {
    let mut random = Random::new(5);
    let weights: Vec<u64> = (0..40).map(|_| random.below(7)).collect();
    let capacities: Vec<u64> = (0..150).collect();
    let mut lists: Vec<_> = capacities.iter().map(|capacity| List::new(*capacity)).collect();
    let mut hits = vec![0_u32; lists.len()];
    let mut estimator = Estimator::new(false, Policy::Lru);
    for _ in 0..3000 {
        let key = random.below(40);
        let hash = hash(key, 3);
        estimator.reference(hash, ENDLESS);
        estimator.kept(hash, ENDLESS, NEVER, (weights[key as usize], Price::UNKNOWN));
        for (list, hits) in lists.iter_mut().zip(&mut hits) {
            *hits += u32::from(list.reference(key as u32, weights[key as usize]));
        }
    }
    let mut found = vec![0.0; lists.len()];
    estimator.curve(0, 0.0, &mut |distance, sum| {
        found.iter_mut().skip(distance as usize).for_each(|found| *found = sum);
    });
    let exact: Vec<f64> = hits.into_iter().map(f64::from).collect();
    assert_eq!(found, exact);
}

#[test]
fn memory_is_bounded() {
    let sampler = Sampler::new(true, Policy::Lru);
    observe(&sampler, 0..10_000_000, 1, ENDLESS);
    let estimator = sampler.estimator();
    assert!(estimator.sampled() > MAX_KEYS as u64);
    let bytes = estimator.size();
    assert!(bytes <= 2 << 20, "{bytes} bytes");
}
