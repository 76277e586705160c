//! The store on disk of cached, redb. It reads the file at each call, and commits at each insertion, by default with a
//! sync.

use cached::RedbCache;
use cached::macros::concurrent_cached;

use super::directory;
use crate::compute::compute;

type Failed = cached::RedbCacheError;

fn open(name: &str, durable: bool) -> RedbCache<u64, u64> {
    let builder = RedbCache::builder(name).disk_dir(directory(name)).durable(durable);
    builder.build().expect("a database can be created in the temporary directory")
}

#[concurrent_cached(
    map_error = |e: Failed| e,
    ty = "RedbCache<u64, u64>",
    create = { open("synced", true) }
)]
fn synced(n: u64) -> Result<u64, Failed> {
    Ok(compute(n))
}

#[concurrent_cached(
    map_error = |e: Failed| e,
    ty = "RedbCache<u64, u64>",
    create = { open("unsynced", false) }
)]
fn unsynced(n: u64) -> Result<u64, Failed> {
    Ok(compute(n))
}

pub(super) fn at_synced(n: u64) -> u64 {
    synced(n).expect("the database can be read and written")
}

pub(super) fn at_unsynced(n: u64) -> u64 {
    unsynced(n).expect("the database can be read and written")
}
