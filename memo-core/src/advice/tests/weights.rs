//! What the estimate makes of weights.

use super::*;
use crate::eviction::price::Price;

#[test]
fn the_largest_weights_do_not_overflow() {
    let mut estimator = Estimator::new(false, Policy::Lru);
    for round in 0..3 {
        for key in 0..200 {
            estimator.reference(hash(key, 1), ENDLESS);
            let weight = if key % 2 == round % 2 { u64::MAX } else { u64::MAX / 2 };
            estimator.kept(hash(key, 1), ENDLESS, NEVER, (weight, Price::UNKNOWN));
        }
    }
    let mut all = Vec::new();
    estimator.curve(600, 0.0, &mut |distance, sum| all.push((distance, sum)));
    assert!(all.is_sorted() && all.last().is_some_and(|(_, sum)| *sum == 400.0), "{all:?}");
}
