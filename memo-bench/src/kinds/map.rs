//! `fn(&HashMap<String, u32>) -> u64`, of eight entries. The standard map is not `Hash`, so for the rivals a newtype is
//! written by hand that adds up the hashes of its entries.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cached::macros::concurrent_cached;
use memokit::memoize;
use quick_cache::{DefaultHashBuilder, Equivalent};

use super::SMALL_MAX;
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

type Weights = HashMap<String, u32>;

#[inline]
fn total(weights: &Weights) -> u64 {
    compute(weights.values().map(|weight| u64::from(*weight)).sum())
}

#[memoize(max = 2000)]
fn memo(weights: &Weights) -> u64 {
    total(weights)
}

#[concurrent_cached(max_size = 2000, key = "Owned", convert = { Owned(weights.clone()) })]
fn cached(weights: &Weights) -> u64 {
    total(weights)
}

#[derive(PartialEq, Eq, Clone)]
struct Owned(Weights);

struct Borrowed<'a>(&'a Weights);

static SEED: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

#[inline]
fn hash_unordered<H: Hasher>(weights: &Weights, state: &mut H) {
    let seed = &*SEED;
    let sum = weights.iter().fold(0, |sum: u64, entry| sum.wrapping_add(seed.hash_one(entry)));
    state.write_u64(sum);
}

impl Hash for Owned {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_unordered(&self.0, state);
    }
}

impl Hash for Borrowed<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_unordered(self.0, state);
    }
}

impl Equivalent<Owned> for Borrowed<'_> {
    #[inline]
    fn equivalent(&self, key: &Owned) -> bool {
        *self.0 == key.0
    }
}

fn key(n: u64) -> Weights {
    let words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];
    let weight = |at: u64| u32::try_from(mix(n + at) % 1000).unwrap_or(0);
    (0..).zip(words).map(|(at, word)| (word.to_owned(), weight(at))).collect()
}

pub(crate) fn contenders(count: usize) -> Vec<Contender> {
    let keys: Arc<[Weights]> = (0..count as u64).map(|n| key(mix(n))).collect();
    let quick = quick_cache::sync::Cache::<Owned, u64>::new(SMALL_MAX);
    let by_quick = move |weights: &Weights| {
        quick.get(&Borrowed(weights)).unwrap_or_else(|| {
            let value = total(weights);
            quick.insert(Owned(weights.clone()), value);
            value
        })
    };
    let moka = moka::sync::Cache::<Owned, u64>::new(SMALL_MAX as u64);
    let by_moka = move |weights: &Weights| {
        moka.get(&Borrowed(weights)).unwrap_or_else(|| {
            let value = total(weights);
            moka.insert(Owned(weights.clone()), value);
            value
        })
    };
    let map = Mutex::<HashMap<Vec<(String, u32)>, u64>>::default();
    let by_map = move |weights: &Weights| {
        let mut sorted: Vec<_> = weights.iter().map(|(word, n)| (word.clone(), *n)).collect();
        sorted.sort_unstable();
        let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
        *map.entry(sorted).or_insert_with(|| total(weights))
    };
    vec![
        Contender::over("memokit", &keys, memo),
        Contender::over("quick_cache", &keys, by_quick),
        Contender::over("cached", &keys, cached),
        Contender::over("moka", &keys, by_moka),
        Contender::over("mutex_map", &keys, by_map),
    ]
}
