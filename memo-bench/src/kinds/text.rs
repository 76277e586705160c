//! `fn(&str, u32) -> u64`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cached::macros::concurrent_cached;
use memokit::memoize;
use quick_cache::Equivalent;

use super::by_hand::{self, Moka, Quick};
use super::{EVICTING_MAX, FILLING_MAX, LARGE_MAX, SMALL_MAX, all};
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

#[inline]
fn price(symbol: &str, amount: u32) -> u64 {
    compute(symbol.len() as u64 + u64::from(amount))
}

/// Defines a module with a function for each crate that has an attribute.
macro_rules! annotated {
    ($name:ident: memokit[$($memokit:tt)*] cached[$($cached:tt)*] memoize[$($memoize:tt)*]) => {
        #[allow(dead_code, reason = "not every module is used for both hits and misses")]
        mod $name {
            use super::*;

            #[memoize($($memokit)*)]
            fn memo(symbol: &str, amount: u32) -> u64 {
                price(symbol, amount)
            }

            #[concurrent_cached($($cached)*, key = "(String, u32)", convert = { (symbol.to_owned(), amount) })]
            fn cached(symbol: &str, amount: u32) -> u64 {
                price(symbol, amount)
            }

            #[::memoize::memoize(SharedCache, $($memoize)*)]
            fn owning(symbol: String, amount: u32) -> u64 {
                price(&symbol, amount)
            }

            pub(super) fn over(keys: &Arc<[Owned]>) -> [Contender; 3] {
                [
                    Contender::over("memokit", keys, |(symbol, amount)| memo(symbol, *amount)),
                    Contender::over("cached", keys, |(symbol, amount)| cached(symbol, *amount)),
                    Contender::over("memoize", keys, |(symbol, amount)| owning(symbol.clone(), *amount)),
                ]
            }

            pub(super) fn fresh() -> [Contender; 3] {
                [
                    Contender::fresh("memokit", |n| memo(&text(n), 7), || memo_memo().clear()),
                    Contender::fresh("cached", |n| cached(&text(n), 7), || CACHED.clear()),
                    Contender::fresh("memoize", |n| owning(text(n), 7), memoized_flush_owning),
                ]
            }
        }
    };
}

annotated!(small: memokit[max = 2000] cached[max_size = 2000] memoize[Capacity: 2000]);
annotated!(large: memokit[max = 2_000_000] cached[max_size = 2_000_000] memoize[Capacity: 2_000_000]);
annotated!(filling: memokit[max = 200_000] cached[max_size = 200_000] memoize[Capacity: 200_000]);
annotated!(evicting: memokit[max = 100_000] cached[max_size = 100_000] memoize[Capacity: 100_000]);

type Owned = (String, u32);

/// Has the same hash as [`Owned`], and owns nothing.
#[derive(Hash)]
struct Borrowed<'a>(&'a str, u32);

impl Equivalent<Owned> for Borrowed<'_> {
    #[inline]
    fn equivalent(&self, key: &Owned) -> bool {
        self.1 == key.1 && self.0 == key.0
    }
}

#[inline]
fn by_quick(cache: &Quick<Owned>, symbol: &str, amount: u32) -> u64 {
    let own = || (symbol.to_owned(), amount);
    by_hand::quick(cache, &Borrowed(symbol, amount), own, || price(symbol, amount))
}

#[inline]
fn by_moka(cache: &Moka<Owned>, symbol: &str, amount: u32) -> u64 {
    let own = || (symbol.to_owned(), amount);
    by_hand::moka(cache, &Borrowed(symbol, amount), own, || price(symbol, amount))
}

/// A map of maps, because the standard map cannot look up a borrowed pair.
type Map = Mutex<HashMap<String, HashMap<u32, u64>>>;

#[inline]
fn by_map(map: &Map, symbol: &str, amount: u32) -> u64 {
    let mut map = by_hand::locked(map);
    match map.get(symbol).and_then(|amounts| amounts.get(&amount)) {
        Some(value) => *value,
        None => {
            let value = price(symbol, amount);
            map.entry(symbol.to_owned()).or_default().insert(amount, value);
            value
        }
    }
}

fn keys(count: usize) -> Arc<[Owned]> {
    let key = |n: u64| {
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
        let amount = n as u32 % 1000;
        (format!("customer-{:07}", n % 10_000_000), amount)
    };
    (0..count as u64).map(|n| key(mix(n))).collect()
}

fn hits(keys: &Arc<[Owned]>, max: usize, annotated: [Contender; 3]) -> Vec<Contender> {
    let (quick, moka, map) = (Quick::new(max), Moka::new(max as u64), Map::default());
    let by_hand = [
        Contender::over("quick_cache", keys, move |(s, amount)| by_quick(&quick, s, *amount)),
        Contender::over("moka", keys, move |(s, amount)| by_moka(&moka, s, *amount)),
        Contender::over("mutex_map", keys, move |(s, amount)| by_map(&map, s, *amount)),
    ];
    all(annotated, by_hand)
}

pub(crate) fn small(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    hits(&keys, SMALL_MAX, small::over(&keys))
}

pub(crate) fn large(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    hits(&keys, LARGE_MAX, large::over(&keys))
}

/// Returns sixteen characters, different for each number. All contenders make the text within the measured time.
fn text(n: u64) -> String {
    format!("{n:016x}")
}

/// Misses in a cache with room.
pub(crate) fn filling(_: usize) -> Vec<Contender> {
    let quick = Arc::new(Quick::new(FILLING_MAX));
    let moka = Arc::new(Moka::new(FILLING_MAX as u64));
    let (quick_too, moka_too) = (Arc::clone(&quick), Arc::clone(&moka));
    let clear_moka = move || by_hand::clear_moka(&moka_too);
    let clear_quick = move || quick_too.clear();
    let [memokit, cached, memoize] = filling::fresh();
    vec![
        memokit,
        Contender::fresh("quick_cache", move |n| by_quick(&quick, &text(n), 7), clear_quick),
        cached,
        Contender::fresh("moka", move |n| by_moka(&moka, &text(n), 7), clear_moka),
        memoize,
    ]
}

/// Misses in a full cache.
pub(crate) fn evicting(_: usize) -> Vec<Contender> {
    let (quick, moka) = (Quick::new(EVICTING_MAX), Moka::new(EVICTING_MAX as u64));
    let [memokit, cached, memoize] = evicting::fresh().map(Contender::prepared_once);
    vec![
        memokit,
        Contender::fresh("quick_cache", move |n| by_quick(&quick, &text(n), 7), || ()),
        cached,
        Contender::fresh("moka", move |n| by_moka(&moka, &text(n), 7), || ()),
        memoize,
    ]
}
