//! Tests of the estimate against exact hit ratios, and of what it makes of removals and times.

mod accuracy;
mod exact;
mod miniatures;
pub(crate) mod requests;
mod times;
mod weights;
mod windows;

use super::estimator::{Estimator, Times};
use super::sampler::Sampler;
use crate::eviction::policy::Policy;
use crate::platform::clock::NEVER;

/// The times of a cache whose entries live for ever.
const ENDLESS: Times = Times { now: 0, ttl: NEVER, idle: NEVER };

/// Makes a hash of a key, as a cache with this seed would.
fn hash(key: u64, seed: u64) -> u64 {
    let mut hash = key.wrapping_add(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        hash = (hash ^ (hash >> 29)).wrapping_mul(factor);
    }
    hash ^ (hash >> 32)
}

/// Passes references to a sampler as a cache does. Each of them is a call.
fn observe(sampler: &Sampler, keys: impl IntoIterator<Item = u64>, seed: u64, times: Times) -> u64 {
    let mut calls = 0;
    for key in keys {
        calls += 1;
        let hash = hash(key, seed);
        if sampler.samples(hash) {
            sampler.reference(hash, times, &|| calls);
        }
    }
    calls
}
