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

/// How much of what tasks seek may be in memory. The scheduler decides in which order they ask, so one that was late
/// in a round can meet in the next one what it stored itself. Calls of one thread after the other never do.
const MET_BY_TASKS: f64 = 0.01;

/// Fails if calls that were to ask the tier found their results in memory.
pub(super) fn check() -> Result<(), String> {
    for (stats, allowed) in
        [(sought_memo().stats(), 0.0), (sought_by_task_memo().stats(), MET_BY_TASKS)]
    {
        let met = stats.hits - stats.remote_hits;
        if met as f64 > allowed * stats.hits as f64 {
            let name = stats.name;
            return Err(format!(
                "{name}: {met} of {} hits were to be in the tier and were in memory",
                stats.hits
            ));
        }
    }
    Ok(())
}
