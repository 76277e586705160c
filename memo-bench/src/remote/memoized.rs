//! The memoized functions, and the tier that they share.

use std::sync::LazyLock;

use memo_redis::Builder;
use memokit::memoize;
use memokit::remote::{Tier, TierOptions};

use super::server;
use super::value::made;
use crate::compute::compute;

fn tier() -> &'static Tier {
    static TIER: LazyLock<Tier> = LazyLock::new(|| {
        Tier::new(Builder::new(server::url()).store(), TierOptions::new().namespace("bench"))
    });
    &TIER
}

/// Memory holds few of the results that are called for in turn, so that every call asks the tier.
#[memoize(max = 64, remote = tier(), remote_limit = "10s")]
pub(super) fn sought(len: usize, n: u64) -> Vec<u8> {
    made(len, n)
}

#[memoize(max = 64, remote = tier(), remote_limit = "10s")]
pub(super) async fn sought_by_task(len: usize, n: u64) -> Vec<u8> {
    made(len, n)
}

#[memoize(max = 64, remote = tier(), remote_limit = "10s")]
pub(super) fn missed(len: usize, n: u64) -> Vec<u8> {
    made(len, n)
}

#[memoize(max = 64, remote = tier(), remote_limit = "10s")]
pub(super) async fn missed_by_task(len: usize, n: u64) -> Vec<u8> {
    made(len, n)
}

#[memoize(max = 2000, remote = tier(), remote_limit = "10s")]
pub(super) fn held(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 2000)]
pub(super) fn local(n: u64) -> u64 {
    compute(n)
}

/// The same function once more: how much it differs from the other one is chance.
#[memoize(max = 2000)]
pub(super) fn local_too(n: u64) -> u64 {
    compute(n)
}

/// Waits until all results are written.
pub(super) fn flush() {
    sought_memo().flush().expect("the server takes all results");
}

/// Fails if calls that were to ask the tier found their results in memory.
pub(super) fn check() -> Result<(), String> {
    let all = [sought_memo().stats(), sought_by_task_memo().stats()];
    match all.iter().map(|stats| stats.hits - stats.remote_hits).sum::<u64>() {
        0 => Ok(()),
        hits => Err(format!("{hits} results that were to be sought in the tier were in memory")),
    }
}
