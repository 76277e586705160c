//! `fn(u64) -> u64`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cached::macros::concurrent_cached;
use memokit::memoize;

use super::by_hand::{self, Map, Moka, Quick};
use super::{EVICTING_MAX, FILLING_MAX, LARGE_MAX, SMALL_MAX, all};
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

/// Defines a module with a function for each crate that has an attribute.
macro_rules! annotated {
    ($name:ident: memokit[$($memokit:tt)*] cached[$($cached:tt)*] memoize[$($memoize:tt)*]) => {
        #[allow(dead_code, reason = "not every module is used for both hits and misses")]
        mod $name {
            use super::*;

            #[memoize($($memokit)*)]
            fn memo(n: u64) -> u64 {
                compute(n)
            }

            #[concurrent_cached($($cached)*)]
            fn cached(n: u64) -> u64 {
                compute(n)
            }

            #[::memoize::memoize(SharedCache, $($memoize)*)]
            fn owning(n: u64) -> u64 {
                compute(n)
            }

            pub(super) fn over(keys: &Arc<[u64]>) -> [Contender; 3] {
                [
                    Contender::over("memokit", keys, |&n| memo(n)),
                    Contender::over("cached", keys, |&n| cached(n)),
                    Contender::over("memoize", keys, |&n| owning(n)),
                ]
            }

            pub(super) fn fresh() -> [Contender; 3] {
                [
                    Contender::fresh("memokit", memo, || memo_memo().clear()),
                    Contender::fresh("cached", cached, || CACHED.clear()),
                    Contender::fresh("memoize", owning, memoized_flush_owning),
                ]
            }
        }
    };
}

annotated!(small: memokit[max = 2000] cached[max_size = 2000] memoize[Capacity: 2000]);
annotated!(large: memokit[max = 2_000_000] cached[max_size = 2_000_000] memoize[Capacity: 2_000_000]);
annotated!(filling: memokit[max = 200_000] cached[max_size = 200_000] memoize[Capacity: 200_000]);
annotated!(evicting: memokit[max = 100_000] cached[max_size = 100_000] memoize[Capacity: 100_000]);

annotated!(small_expiring: memokit[max = 2000, ttl = "1h"] cached[max_size = 2000, ttl_secs = 3600]
    memoize[Capacity: 2000, TimeToLive: HOUR]);
annotated!(large_expiring: memokit[max = 2_000_000, ttl = "1h"] cached[max_size = 2_000_000, ttl_secs = 3600]
    memoize[Capacity: 2_000_000, TimeToLive: HOUR]);
annotated!(filling_expiring: memokit[max = 200_000, ttl = "1h"] cached[max_size = 200_000, ttl_secs = 3600]
    memoize[Capacity: 200_000, TimeToLive: HOUR]);
annotated!(evicting_expiring: memokit[max = 100_000, ttl = "1h"] cached[max_size = 100_000, ttl_secs = 3600]
    memoize[Capacity: 100_000, TimeToLive: HOUR]);

/// The default of memoize: each thread has a cache of its own.
#[allow(dead_code, reason = "memoize defines functions that are not used")]
mod of_thread {
    #[memoize::memoize(Capacity: 2000)]
    pub(super) fn owning(n: u64) -> u64 {
        super::compute(n)
    }
}

const WAITING: &str = "quick_cache, waiting";

const HOUR: Duration = Duration::from_secs(3600);

/// quick_cache has no time to live, so the time of insertion is stored with the value.
type Stamped = quick_cache::sync::Cache<u64, (u64, Instant)>;

#[inline]
fn by_quick(cache: &Quick<u64>, n: u64) -> u64 {
    by_hand::quick(cache, &n, || n, || compute(n))
}

/// Behaves like a memoized function: if several callers miss on a key at once, one computes and the others wait.
#[inline]
fn by_waiting(cache: &Quick<u64>, n: u64) -> u64 {
    cache.get_or_insert_with(&n, || Ok::<_, Infallible>(compute(n))).unwrap_or_else(|e| match e {})
}

#[inline]
fn by_moka(cache: &Moka<u64>, n: u64) -> u64 {
    by_hand::moka(cache, &n, || n, || compute(n))
}

#[inline]
fn by_map(map: &Map<u64>, n: u64) -> u64 {
    by_hand::map(map, &n, || n, || compute(n))
}

#[inline]
fn by_stamp(cache: &Stamped, n: u64) -> u64 {
    match cache.get(&n) {
        Some((value, since)) if since.elapsed() < HOUR => value,
        _ => {
            let value = compute(n);
            cache.insert(n, (value, Instant::now()));
            value
        }
    }
}

fn expiring_moka(max: usize) -> Moka<u64> {
    Moka::builder().max_capacity(max as u64).time_to_live(HOUR).build()
}

fn keys(count: usize) -> Arc<[u64]> {
    (0..count as u64).map(mix).collect()
}

fn hits(keys: &Arc<[u64]>, max: usize, annotated: [Contender; 3]) -> Vec<Contender> {
    let (quick, moka, map) = (Quick::new(max), Moka::new(max as u64), Map::default());
    let by_hand = [
        Contender::over("quick_cache", keys, move |&n| by_quick(&quick, n)),
        Contender::over("moka", keys, move |&n| by_moka(&moka, n)),
        Contender::over("mutex_map", keys, move |&n| by_map(&map, n)),
    ];
    all(annotated, by_hand)
}

pub(crate) fn small(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    let mut contenders = hits(&keys, SMALL_MAX, small::over(&keys));
    contenders.extend(limits(&keys));
    contenders
}

/// What no cache that threads share can be expected to pass: a map of each thread with the hasher of quick_cache, and an
/// array, for which a key is not even hashed.
fn limits(keys: &Arc<[u64]>) -> [Contender; 2] {
    thread_local! {
        static MAP: RefCell<HashMap<u64, u64, quick_cache::DefaultHashBuilder>> = RefCell::default();
    }
    let by_map = |n| MAP.with_borrow_mut(|map| *map.entry(n).or_insert_with(|| compute(n)));
    let values: Vec<_> = keys.iter().map(|&n| compute(n)).collect();
    let array = move |order: &[u32]| {
        order.iter().fold(0, |sum: u64, &at| sum.wrapping_add(values[at as usize]))
    };
    [
        Contender::over("limit, thread's map", keys, move |&n| by_map(n)),
        Contender { name: "limit, array", run: Box::new(array), prepare: Box::new(|| ()) },
    ]
}

/// Compares memokit's cache, which all threads share, with caches that are not shared between threads.
pub(crate) fn of_thread(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    let [memokit, ..] = small::over(&keys);
    vec![memokit, Contender::over("memoize", &keys, |&n| of_thread::owning(n))]
}

pub(crate) fn large(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    hits(&keys, LARGE_MAX, large::over(&keys))
}

/// Returns contenders with a time to live, and memokit and cached also without it.
fn expiring_hits(
    keys: &Arc<[u64]>,
    max: usize,
    [memokit, cached, memoize]: [Contender; 3],
    [mut plain_memokit, mut plain_cached, _]: [Contender; 3],
) -> Vec<Contender> {
    let (stamped, moka) = (Stamped::new(max), expiring_moka(max));
    plain_memokit.name = "memokit, no ttl";
    plain_cached.name = "cached, no ttl";
    vec![
        memokit,
        plain_memokit,
        Contender::over("quick_cache+Instant", keys, move |&n| by_stamp(&stamped, n)),
        cached,
        plain_cached,
        Contender::over("moka", keys, move |&n| by_moka(&moka, n)),
        memoize,
    ]
}

pub(crate) fn small_expiring(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    expiring_hits(&keys, SMALL_MAX, small_expiring::over(&keys), small::over(&keys))
}

pub(crate) fn large_expiring(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    expiring_hits(&keys, LARGE_MAX, large_expiring::over(&keys), large::over(&keys))
}

/// Misses in a cache with room.
pub(crate) fn filling(_: usize) -> Vec<Contender> {
    let quick = Arc::new(Quick::new(FILLING_MAX));
    let waiting = Arc::new(Quick::new(FILLING_MAX));
    let moka = Arc::new(Moka::new(FILLING_MAX as u64));
    let map = Arc::new(Map::default());
    let (quick_too, moka_too, map_too) = (Arc::clone(&quick), Arc::clone(&moka), Arc::clone(&map));
    let waiting_too = Arc::clone(&waiting);
    let clear_waiting = move || waiting_too.clear();
    let clear_moka = move || by_hand::clear_moka(&moka_too);
    let clear_map = move || by_hand::locked(&map_too).clear();
    let by_hand = [
        Contender::fresh("quick_cache", move |n| by_quick(&quick, n), move || quick_too.clear()),
        Contender::fresh("moka", move |n| by_moka(&moka, n), clear_moka),
        Contender::fresh("mutex_map", move |n| by_map(&map, n), clear_map),
    ];
    let mut contenders = all(filling::fresh(), by_hand);
    contenders
        .insert(2, Contender::fresh(WAITING, move |n| by_waiting(&waiting, n), clear_waiting));
    contenders
}

pub(crate) fn filling_expiring(_: usize) -> Vec<Contender> {
    let quick = Arc::new(Stamped::new(FILLING_MAX));
    let moka = Arc::new(expiring_moka(FILLING_MAX));
    let (quick_too, moka_too) = (Arc::clone(&quick), Arc::clone(&moka));
    let clear_moka = move || by_hand::clear_moka(&moka_too);
    let clear_quick = move || quick_too.clear();
    let [memokit, cached, memoize] = filling_expiring::fresh();
    vec![
        memokit,
        Contender::fresh("quick_cache+Instant", move |n| by_stamp(&quick, n), clear_quick),
        cached,
        Contender::fresh("moka", move |n| by_moka(&moka, n), clear_moka),
        memoize,
    ]
}

/// Misses in a full cache.
pub(crate) fn evicting(_: usize) -> Vec<Contender> {
    let (quick, moka) = (Quick::new(EVICTING_MAX), Moka::new(EVICTING_MAX as u64));
    let waiting = Quick::new(EVICTING_MAX);
    let [memokit, cached, memoize] = evicting::fresh().map(Contender::prepared_once);
    vec![
        memokit,
        Contender::fresh("quick_cache", move |n| by_quick(&quick, n), || ()),
        Contender::fresh(WAITING, move |n| by_waiting(&waiting, n), || ()),
        cached,
        Contender::fresh("moka", move |n| by_moka(&moka, n), || ()),
        memoize,
    ]
}

pub(crate) fn evicting_expiring(_: usize) -> Vec<Contender> {
    let (stamped, moka) = (Stamped::new(EVICTING_MAX), expiring_moka(EVICTING_MAX));
    let [memokit, cached, memoize] = evicting_expiring::fresh().map(Contender::prepared_once);
    vec![
        memokit,
        Contender::fresh("quick_cache+Instant", move |n| by_stamp(&stamped, n), || ()),
        cached,
        Contender::fresh("moka", move |n| by_moka(&moka, n), || ()),
        memoize,
    ]
}

/// Hits and misses with more keys than the caches have room for.
pub(crate) fn mixed(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    let mut contenders = hits(&keys, EVICTING_MAX, evicting::over(&keys));
    contenders.retain(|contender| contender.name != "mutex_map");
    contenders
}
