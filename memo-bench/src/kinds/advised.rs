//! `fn(u64) -> u64` with `advise`.

use std::sync::Arc;

use memokit::memoize;

use super::SMALL_MAX;
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

/// After this many calls of few keys, all of which are sampled, sampling pauses.
pub(crate) const SAMPLED: usize = 1 << 20;

#[memoize(max = 2000, advise)]
fn early(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 2000, advise)]
fn late(n: u64) -> u64 {
    compute(n)
}

fn keys(count: usize) -> Arc<[u64]> {
    debug_assert!(count <= SMALL_MAX);
    (0..count as u64).map(mix).collect()
}

pub(crate) fn sampled(count: usize) -> Vec<Contender> {
    vec![Contender::over("memokit", &keys(count), |&n| early(n))]
}

pub(crate) fn paused(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    let of_all = Arc::clone(&keys);
    let mut contender = Contender::over("memokit", &keys, |&n| late(n));
    contender.prepare = Box::new(move || {
        for at in 0..SAMPLED + 4096 {
            late(of_all[at % of_all.len()]);
        }
    });
    vec![contender]
}
