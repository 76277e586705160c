//! Numbers that differ from process to process and from call to call. They protect nothing.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

pub(crate) fn number() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Returns a time between half of `pause` and all of it, so that many do not come at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    half + half.mul_f64(f64::from(u32::try_from(number() >> 32).unwrap_or(0)) / f64::from(u32::MAX))
}
