//! `fn(u64) -> u64`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cached::macros::concurrent_cached;
use memokit::memoize;

use super::{LARGE_MAX, SMALL_MAX};
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

#[memoize(max = 2000)]
fn memo_small(n: u64) -> u64 {
    compute(n)
}

#[concurrent_cached(max_size = 2000)]
fn cached_small(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 2_000_000)]
fn memo_large(n: u64) -> u64 {
    compute(n)
}

#[concurrent_cached(max_size = 2_000_000)]
fn cached_large(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 2000, ttl = "1h")]
fn memo_expiring(n: u64) -> u64 {
    compute(n)
}

#[concurrent_cached(max_size = 2000, ttl_secs = 3600)]
fn cached_expiring(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 200_000)]
fn memo_filling(n: u64) -> u64 {
    compute(n)
}

#[concurrent_cached(max_size = 200_000)]
fn cached_filling(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 100_000)]
fn memo_evicting(n: u64) -> u64 {
    compute(n)
}

#[concurrent_cached(max_size = 100_000)]
fn cached_evicting(n: u64) -> u64 {
    compute(n)
}

type Quick = quick_cache::sync::Cache<u64, u64>;
type Moka = moka::sync::Cache<u64, u64>;
type Map = Mutex<HashMap<u64, u64>>;

#[inline]
fn by_quick(cache: &Quick, n: u64) -> u64 {
    cache.get(&n).unwrap_or_else(|| {
        let value = compute(n);
        cache.insert(n, value);
        value
    })
}

#[inline]
fn by_moka(cache: &Moka, n: u64) -> u64 {
    cache.get(&n).unwrap_or_else(|| {
        let value = compute(n);
        cache.insert(n, value);
        value
    })
}

#[inline]
fn by_map(map: &Map, n: u64) -> u64 {
    *map.lock().unwrap_or_else(PoisonError::into_inner).entry(n).or_insert_with(|| compute(n))
}

fn keys(count: usize) -> Arc<[u64]> {
    (0..count as u64).map(mix).collect()
}

fn hits(
    count: usize,
    max: usize,
    memo: impl Fn(u64) -> u64 + Send + Sync + 'static,
    cached: impl Fn(u64) -> u64 + Send + Sync + 'static,
) -> Vec<Contender> {
    let keys = keys(count);
    let (quick, moka, map) = (Quick::new(max), Moka::new(max as u64), Map::default());
    vec![
        Contender::over("memokit", &keys, move |&n| memo(n)),
        Contender::over("quick_cache", &keys, move |&n| by_quick(&quick, n)),
        Contender::over("cached", &keys, move |&n| cached(n)),
        Contender::over("moka", &keys, move |&n| by_moka(&moka, n)),
        Contender::over("mutex_map", &keys, move |&n| by_map(&map, n)),
    ]
}

pub(crate) fn small(count: usize) -> Vec<Contender> {
    hits(count, SMALL_MAX, memo_small, cached_small)
}

pub(crate) fn large(count: usize) -> Vec<Contender> {
    hits(count, LARGE_MAX, memo_large, cached_large)
}

/// With a time to live, beside the same without.
pub(crate) fn expiring(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    let hour = Duration::from_secs(3600);
    let stamped = quick_cache::sync::Cache::<u64, (u64, Instant)>::new(SMALL_MAX);
    let moka = Moka::builder().max_capacity(SMALL_MAX as u64).time_to_live(hour).build();
    let by_stamp = move |n| match stamped.get(&n) {
        Some((value, since)) if since.elapsed() < hour => value,
        _ => {
            let value = compute(n);
            stamped.insert(n, (value, Instant::now()));
            value
        }
    };
    vec![
        Contender::over("memokit", &keys, |&n| memo_expiring(n)),
        Contender::over("memokit, no ttl", &keys, |&n| memo_small(n)),
        Contender::over("quick_cache+Instant", &keys, move |&n| by_stamp(n)),
        Contender::over("cached", &keys, |&n| cached_expiring(n)),
        Contender::over("cached, no ttl", &keys, |&n| cached_small(n)),
        Contender::over("moka", &keys, move |&n| by_moka(&moka, n)),
    ]
}

/// Misses in a cache with room.
pub(crate) fn filling(_: usize) -> Vec<Contender> {
    let quick = Arc::new(Quick::new(200_000));
    let moka = Arc::new(Moka::new(200_000));
    let map = Arc::new(Map::default());
    let (quick_too, moka_too, map_too) = (Arc::clone(&quick), Arc::clone(&moka), Arc::clone(&map));
    vec![
        Contender::fresh("memokit", memo_filling, || memo_filling_memo().clear()),
        Contender::fresh("quick_cache", move |n| by_quick(&quick, n), move || quick_too.clear()),
        Contender::fresh("cached", cached_filling, || CACHED_FILLING.clear()),
        Contender::fresh(
            "moka",
            move |n| by_moka(&moka, n),
            move || {
                moka_too.invalidate_all();
                moka_too.run_pending_tasks();
            },
        ),
        Contender::fresh(
            "mutex_map",
            move |n| by_map(&map, n),
            move || {
                map_too.lock().unwrap_or_else(PoisonError::into_inner).clear();
            },
        ),
    ]
}

/// Misses in a full cache.
pub(crate) fn evicting(_: usize) -> Vec<Contender> {
    let quick = Quick::new(100_000);
    let moka = Moka::new(100_000);
    vec![
        Contender::fresh("memokit", memo_evicting, || ()),
        Contender::fresh("quick_cache", move |n| by_quick(&quick, n), || ()),
        Contender::fresh("cached", cached_evicting, || ()),
        Contender::fresh("moka", move |n| by_moka(&moka, n), || ()),
    ]
}
