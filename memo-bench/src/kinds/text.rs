//! `fn(&str, u32) -> u64`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cached::macros::concurrent_cached;
use memokit::memoize;
use quick_cache::Equivalent;

use super::SMALL_MAX;
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

#[inline]
fn price(symbol: &str, amount: u32) -> u64 {
    compute(symbol.len() as u64 + u64::from(amount))
}

#[memoize(max = 2000)]
fn memo(symbol: &str, amount: u32) -> u64 {
    price(symbol, amount)
}

#[concurrent_cached(max_size = 2000, key = "(String, u32)", convert = { (symbol.to_owned(), amount) })]
fn cached(symbol: &str, amount: u32) -> u64 {
    price(symbol, amount)
}

#[memoize(max = 200_000)]
fn memo_filling(symbol: &str, amount: u32) -> u64 {
    price(symbol, amount)
}

#[concurrent_cached(max_size = 200_000, key = "(String, u32)", convert = { (symbol.to_owned(), amount) })]
fn cached_filling(symbol: &str, amount: u32) -> u64 {
    price(symbol, amount)
}

type Owned = (String, u32);
type Quick = quick_cache::sync::Cache<Owned, u64>;
type Moka = moka::sync::Cache<Owned, u64>;

/// Hashes as [`Owned`] does, and owns nothing.
#[derive(Hash)]
struct Borrowed<'a>(&'a str, u32);

impl Equivalent<Owned> for Borrowed<'_> {
    #[inline]
    fn equivalent(&self, key: &Owned) -> bool {
        self.1 == key.1 && self.0 == key.0
    }
}

#[inline]
fn by_quick(cache: &Quick, symbol: &str, amount: u32) -> u64 {
    cache.get(&Borrowed(symbol, amount)).unwrap_or_else(|| {
        let value = price(symbol, amount);
        cache.insert((symbol.to_owned(), amount), value);
        value
    })
}

#[inline]
fn by_moka(cache: &Moka, symbol: &str, amount: u32) -> u64 {
    cache.get(&Borrowed(symbol, amount)).unwrap_or_else(|| {
        let value = price(symbol, amount);
        cache.insert((symbol.to_owned(), amount), value);
        value
    })
}

/// A map of maps: what std offers for a borrowed pair.
type Map = Mutex<HashMap<String, HashMap<u32, u64>>>;

#[inline]
fn by_map(map: &Map, symbol: &str, amount: u32) -> u64 {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    match map.get(symbol).and_then(|amounts| amounts.get(&amount)) {
        Some(value) => *value,
        None => {
            let value = price(symbol, amount);
            map.entry(symbol.to_owned()).or_default().insert(amount, value);
            value
        }
    }
}

fn key(n: u64) -> Owned {
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
    let amount = n as u32 % 1000;
    (format!("customer-{:07}", n % 10_000_000), amount)
}

pub(crate) fn contenders(count: usize) -> Vec<Contender> {
    let keys: Arc<[Owned]> = (0..count as u64).map(|n| key(mix(n))).collect();
    let (quick, moka) = (Quick::new(SMALL_MAX), Moka::new(SMALL_MAX as u64));
    let map = Map::default();
    vec![
        Contender::over("memokit", &keys, |(symbol, amount)| memo(symbol, *amount)),
        Contender::over("quick_cache", &keys, move |(s, amount)| by_quick(&quick, s, *amount)),
        Contender::over("cached", &keys, |(symbol, amount)| cached(symbol, *amount)),
        Contender::over("moka", &keys, move |(s, amount)| by_moka(&moka, s, *amount)),
        Contender::over("mutex_map", &keys, move |(s, amount)| by_map(&map, s, *amount)),
    ]
}

/// Misses in a cache with room; the text of each key is made within the measured time, by all alike.
pub(crate) fn filling(_: usize) -> Vec<Contender> {
    let quick = Arc::new(Quick::new(200_000));
    let moka = Arc::new(Moka::new(200_000));
    let (quick_too, moka_too) = (Arc::clone(&quick), Arc::clone(&moka));
    let with = |f: fn(&str, u32) -> u64| {
        move |n| {
            let (symbol, amount) = fresh(n);
            f(&symbol, amount)
        }
    };
    let by_quick = move |n| {
        let (symbol, amount) = fresh(n);
        by_quick(&quick, &symbol, amount)
    };
    let by_moka = move |n| {
        let (symbol, amount) = fresh(n);
        by_moka(&moka, &symbol, amount)
    };
    vec![
        Contender::fresh("memokit", with(memo_filling), || memo_filling_memo().clear()),
        Contender::fresh("quick_cache", by_quick, move || quick_too.clear()),
        Contender::fresh("cached", with(cached_filling), || CACHED_FILLING.clear()),
        Contender::fresh("moka", by_moka, move || {
            moka_too.invalidate_all();
            moka_too.run_pending_tasks();
        }),
    ]
}

/// Unlike [`key`], no two numbers share one.
fn fresh(n: u64) -> Owned {
    (format!("{n:016x}"), 7)
}
