//! `fn(u64) -> u64` with results stored on disk, compared with the same function in memory only.

use std::sync::Arc;

use memokit::memoize;

use super::SMALL_MAX;
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;
use crate::scratch;

#[memoize(max = 2000, persist = scratch::directory("small"), durability = "os")]
fn small(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 2000)]
fn small_in_memory(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 200_000, persist = scratch::directory("filling"), durability = "os")]
fn filling(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 200_000)]
fn filling_in_memory(n: u64) -> u64 {
    compute(n)
}

pub(crate) fn hits(count: usize) -> Vec<Contender> {
    debug_assert!(count <= SMALL_MAX);
    let keys: Arc<[u64]> = (0..count as u64).map(mix).collect();
    vec![
        Contender::over("memokit", &keys, |&n| small(n)),
        Contender::over("memokit, in memory", &keys, |&n| small_in_memory(n)),
    ]
}

pub(crate) fn misses(_: usize) -> Vec<Contender> {
    vec![
        Contender::fresh("memokit", filling, || filling_memo().clear()),
        Contender::fresh("memokit, in memory", filling_in_memory, || {
            filling_in_memory_memo().clear();
        }),
    ]
}
