//! Pauses, and changes of the requests.

use super::super::estimator::{MAX_KEYS, PAUSE, WINDOW};
use super::requests::cycle;
use super::*;

/// Returns the hit ratio of a capacity, by the estimate.
fn hit_ratio(sampler: &Sampler, calls: u64, capacity: u64) -> f64 {
    let estimate = sampler.estimate(calls).expect("there were enough calls");
    estimate
        .curve
        .iter()
        .rfind(|point| point.capacity <= capacity)
        .map_or(0.0, |point| point.hit_ratio)
}

fn cycles(keys: u32, count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |at| at % u64::from(keys))
}

#[test]
fn sampling_pauses_until_it_was_rare() {
    let sampler = Sampler::new(true, Policy::Lru);
    observe(&sampler, cycles(500, WINDOW), 1, ENDLESS);
    assert!(!sampler.samples(0), "no call is sampled");
    let curve = || (hit_ratio(&sampler, 2 * WINDOW, 499), hit_ratio(&sampler, 2 * WINDOW, 500));
    assert!(curve().0 < 0.001 && curve().1 > 0.999, "{:?}", curve());
    sampler.resume(&|| PAUSE * WINDOW - 1);
    assert!(!sampler.samples(0));
    sampler.resume(&|| PAUSE * WINDOW);
    assert!(sampler.samples(0) && sampler.samples(u64::MAX - 1));
    // What was used before the pause is not known to be a miss after it.
    observe(&sampler, cycles(500, 1000), 1, ENDLESS);
    assert!(curve().1 > 0.999, "{:?}", curve());
}

#[test]
fn the_curve_follows_a_change() {
    let sampler = Sampler::new(true, Policy::Lru);
    let mut calls = 0;
    for keys in [100, 400, 400, 400] {
        observe(&sampler, cycles(keys, WINDOW), u64::from(keys), ENDLESS);
        calls += PAUSE * WINDOW;
        sampler.resume(&|| calls);
    }
    let ratio = hit_ratio(&sampler, calls, 399);
    assert!(ratio < 0.15, "{ratio}");
}

#[test]
fn the_sample_grows_again_when_the_keys_have_changed() {
    let mut estimator = Estimator::new(true, Policy::Lru);
    let refer = |keys: std::ops::Range<u64>, estimator: &mut Estimator| {
        for key in keys {
            let hash = hash(key, 1);
            if hash < estimator.threshold() {
                estimator.reference(hash, ENDLESS);
            }
        }
    };
    refer(0..1_000_000, &mut estimator);
    let before = estimator.threshold();
    assert!(
        estimator.end_window(PAUSE * WINDOW).is_none(),
        "no pause: less than a 64th was sampled"
    );
    assert!(estimator.threshold() >= before);
    // Of few keys only.
    cycle(1000, 3)
        .iter()
        .for_each(|key| refer(u64::from(*key)..u64::from(*key) + 1, &mut estimator));
    estimator.end_window(2 * PAUSE * WINDOW);
    assert!(estimator.threshold() > 10 * before, "{before} {}", estimator.threshold());
    assert!(estimator.len() <= MAX_KEYS / 20);
}
