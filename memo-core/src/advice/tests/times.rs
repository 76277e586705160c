//! What the estimate makes of times to live, idle times and invalidations.

use super::*;
use crate::eviction::price::Price;

/// Returns the references of a key that is asked for at these times: those that hit in a cache without a bound, those
/// that come too late, and those after a removal.
fn kinds(ttl: u64, idle: u64, asked: &[u64]) -> (f64, f64) {
    let mut estimator = Estimator::new(true, Policy::Lru);
    for now in asked {
        let times = Times { now: *now, ttl, idle };
        estimator.reference(9, times);
    }
    let (references, _) = estimator.curve(0, 0.0, &mut |_, _| ());
    (references.repeated.count, references.expired.count)
}

#[test]
fn a_call_after_the_time_to_live_hits_in_no_cache() {
    assert_eq!(kinds(1000, NEVER, &[0, 999]), (1.0, 0.0));
    assert_eq!(kinds(1000, NEVER, &[0, 1000]), (0.0, 1.0));
    // The time to live begins with the computation, and not with the last use.
    assert_eq!(kinds(1000, NEVER, &[0, 600, 1200]), (1.0, 1.0));
    assert_eq!(kinds(1000, NEVER, &[0, 600, 1200, 1900]), (2.0, 1.0));
}

#[test]
fn a_call_after_the_idle_time_hits_in_no_cache() {
    assert_eq!(kinds(NEVER, 1000, &[0, 900, 1800]), (2.0, 0.0));
    assert_eq!(kinds(NEVER, 1000, &[0, 1100]), (0.0, 1.0));
}

#[test]
fn a_value_lives_as_long_as_its_entry_says() {
    let mut estimator = Estimator::new(true, Policy::Lru);
    let times = |now| Times { now, ttl: NEVER, idle: NEVER };
    estimator.reference(9, times(0));
    estimator.kept(9, times(0), 500, (1, Price::UNKNOWN));
    // An entry that is put in again after an eviction does not prolong the life of the one in a larger cache.
    estimator.reference(9, times(400));
    estimator.kept(9, times(400), 900, (1, Price::UNKNOWN));
    estimator.reference(9, times(600));
    let (references, _) = estimator.curve(0, 0.0, &mut |_, _| ());
    assert_eq!((references.repeated.count, references.expired.count), (1.0, 1.0));
}

#[test]
fn a_call_after_a_removal_hits_in_no_cache() {
    let mut estimator = Estimator::new(true, Policy::Lru);
    (0..4).for_each(|key| estimator.reference(key, ENDLESS));
    estimator.forget(0);
    estimator.forget(0);
    estimator.reference(0, ENDLESS);
    estimator.forget_all();
    (0..4).for_each(|key| estimator.reference(key, ENDLESS));
    (0..4).for_each(|key| estimator.reference(key, ENDLESS));
    let (references, _) = estimator.curve(0, 0.0, &mut |_, _| ());
    let counts = [references.first, references.removed, references.repeated].map(|kind| kind.count);
    assert_eq!(counts, [4.0, 5.0, 4.0]);
}

#[test]
fn an_entry_from_outside_is_in_a_cache() {
    let mut estimator = Estimator::new(true, Policy::Lru);
    estimator.kept(7, ENDLESS, NEVER, (1, Price::UNKNOWN));
    estimator.reference(7, ENDLESS);
    let (references, _) = estimator.curve(0, 0.0, &mut |_, _| ());
    assert_eq!((references.first.count, references.repeated.count), (0.0, 1.0));
}
