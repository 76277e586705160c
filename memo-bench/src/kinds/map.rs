//! `fn(&HashMap<String, u32>) -> u64`, with eight entries. The standard map is not `Hash`. So the rivals use a
//! hand-written newtype that adds up the hashes of its entries.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

use cached::macros::concurrent_cached;
use memokit::memoize;
use quick_cache::{DefaultHashBuilder, Equivalent};

use super::by_hand::{self, Map, Moka, Quick};
use super::{SMALL_MAX, all};
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

#[::memoize::memoize(SharedCache, Capacity: 2000)]
fn owning(weights: Owned) -> u64 {
    total(&weights.0)
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
    let (quick, moka) = (Quick::new(SMALL_MAX), Moka::new(SMALL_MAX as u64));
    let by_quick = move |weights: &Weights| {
        let own = || Owned(weights.clone());
        by_hand::quick(&quick, &Borrowed(weights), own, || total(weights))
    };
    let by_moka = move |weights: &Weights| {
        let own = || Owned(weights.clone());
        by_hand::moka(&moka, &Borrowed(weights), own, || total(weights))
    };
    let map = Map::<Vec<(String, u32)>>::default();
    let by_map = move |weights: &Weights| {
        let mut sorted: Vec<_> = weights.iter().map(|(word, n)| (word.clone(), *n)).collect();
        sorted.sort_unstable();
        *by_hand::locked(&map).entry(sorted).or_insert_with(|| total(weights))
    };
    let annotated = [
        Contender::over("memokit", &keys, memo),
        Contender::over("cached", &keys, cached),
        Contender::over("memoize", &keys, |weights| owning(Owned(weights.clone()))),
    ];
    let by_hand = [
        Contender::over("quick_cache", &keys, by_quick),
        Contender::over("moka", &keys, by_moka),
        Contender::over("mutex_map", &keys, by_map),
    ];
    all(annotated, by_hand)
}
