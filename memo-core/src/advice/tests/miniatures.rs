//! The curve of a policy that is not LRU. `cache/tests/advised.rs` compares it with the cache.

use super::super::estimator::{SIMULATED_PAUSE, WINDOW};
use super::requests::cycle;
use super::*;
use crate::eviction::price::Price;

fn simulated(counts_entries: bool) -> Estimator {
    Estimator::new(counts_entries, Policy::adaptive())
}

/// Returns how many references hit at a capacity.
fn hits(estimator: &Estimator, capacity: u64) -> f64 {
    let mut found = 0.0;
    estimator.curve(0, 0.0, &mut |at, sum| {
        if at <= capacity {
            found = sum;
        }
    });
    found
}

#[test]
fn a_loop_hits_by_as_much_as_it_fits() {
    let mut estimator = simulated(true);
    for key in cycle(300, 40) {
        estimator.reference(hash(u64::from(key), 1), ENDLESS);
    }
    let best = |room: f64| room * 39.0;
    // LRU hits nothing there.
    let half = hits(&estimator, 150);
    assert!(half > best(150.0) * 0.85 && half <= best(150.0), "{half}");
    assert_eq!(hits(&estimator, 300), best(300.0));
}

#[test]
fn capacities_are_those_of_weights() {
    let mut estimator = simulated(false);
    for key in cycle(300, 40) {
        let hash = hash(u64::from(key), 1);
        estimator.reference(hash, ENDLESS);
        estimator.kept(hash, ENDLESS, NEVER, (1000, Price::UNKNOWN));
    }
    let half = hits(&estimator, 150_000);
    assert!(half > 150.0 * 39.0 * 0.85 && half <= 150.0 * 39.0, "{half}");
    assert_eq!(hits(&estimator, 300_000), 300.0 * 39.0);
}

#[test]
fn calls_after_a_removal_or_too_late_hit_at_no_capacity() {
    let mut estimator = simulated(true);
    let times = |now| Times { now, ttl: 1000, idle: NEVER };
    let keys = || (0..100).map(|key| hash(key, 1));
    keys().for_each(|hash| estimator.reference(hash, times(0)));
    keys().take(50).for_each(|hash| estimator.forget(hash));
    keys().for_each(|hash| estimator.reference(hash, times(10)));
    assert_eq!(hits(&estimator, 100), 50.0);
    keys().for_each(|hash| estimator.reference(hash, times(2000)));
    assert_eq!(hits(&estimator, 100), 50.0);
    estimator.forget_all();
    keys().for_each(|hash| estimator.reference(hash, times(2010)));
    assert_eq!(hits(&estimator, 100), 50.0);
    // Those that were removed left their places.
    keys().rev().take(20).for_each(|hash| estimator.reference(hash, times(2020)));
    assert_eq!(hits(&estimator, 100), 70.0);
    assert!(hits(&estimator, 50) < 70.0);
}

#[test]
fn sampling_pauses_for_longer_where_a_sample_costs_more() {
    let sampler = Sampler::new(true, Policy::adaptive());
    observe(&sampler, (0..WINDOW).map(|at| at % 5), 1, ENDLESS);
    assert!(!sampler.samples(0), "no call is sampled");
    sampler.resume(&|| SIMULATED_PAUSE * WINDOW - 1);
    assert!(!sampler.samples(0));
    sampler.resume(&|| SIMULATED_PAUSE * WINDOW);
    assert!(sampler.samples(0));
}

#[test]
fn memory_is_bounded() {
    let sampler = Sampler::new(true, Policy::adaptive());
    observe(&sampler, (0..4_000_000).chain(0..1_000_000), 1, ENDLESS);
    let bytes = sampler.estimator().size();
    println!("{bytes} bytes");
    assert!(bytes <= 6 << 20, "{bytes} bytes");
}
