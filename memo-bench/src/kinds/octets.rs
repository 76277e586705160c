//! `fn(&[u8]) -> u64` and `fn(Vec<u8>) -> u64`, with 4 KiB.

use std::sync::Arc;

use cached::macros::concurrent_cached;
use memokit::memoize;

use super::by_hand::{self, Map, Moka, Quick};
use super::{SMALL_MAX, all};
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

const LEN: u64 = 4096;

#[inline]
fn check(bytes: &[u8]) -> u64 {
    compute(bytes.iter().take(64).map(|byte| u64::from(*byte)).sum())
}

#[memoize(max = 2000)]
fn memo(bytes: &[u8]) -> u64 {
    check(bytes)
}

#[concurrent_cached(max_size = 2000, key = "Vec<u8>", convert = { bytes.to_vec() })]
fn cached(bytes: &[u8]) -> u64 {
    check(bytes)
}

#[memoize(max = 2000)]
fn memo_owning(bytes: Vec<u8>) -> u64 {
    check(&bytes)
}

#[concurrent_cached(max_size = 2000)]
fn cached_owning(bytes: Vec<u8>) -> u64 {
    check(&bytes)
}

#[::memoize::memoize(SharedCache, Capacity: 2000)]
fn owning(bytes: Vec<u8>) -> u64 {
    check(&bytes)
}

fn keys(count: usize) -> Arc<[Vec<u8>]> {
    let key = |n: u64| (0..LEN / 8).flat_map(move |at| mix(n.wrapping_add(at)).to_le_bytes());
    (0..count as u64).map(|n| key(mix(n)).collect()).collect()
}

pub(crate) fn borrowed(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    let (quick, moka) = (Quick::<Vec<u8>>::new(SMALL_MAX), Moka::new(SMALL_MAX as u64));
    let map = Map::<Vec<u8>>::default();
    let by_quick = move |b: &[u8]| by_hand::quick(&quick, b, || b.to_vec(), || check(b));
    let by_moka = move |b: &[u8]| by_hand::moka(&moka, b, || b.to_vec(), || check(b));
    let by_map = move |b: &[u8]| by_hand::map(&map, b, || b.to_vec(), || check(b));
    let annotated = [
        Contender::over("memokit", &keys, |bytes| memo(bytes)),
        Contender::over("cached", &keys, |bytes| cached(bytes)),
        Contender::over("memoize", &keys, |bytes| owning(bytes.clone())),
    ];
    let by_hand = [
        Contender::over("quick_cache", &keys, move |bytes| by_quick(bytes)),
        Contender::over("moka", &keys, move |bytes| by_moka(bytes)),
        Contender::over("mutex_map", &keys, move |bytes| by_map(bytes)),
    ];
    all(annotated, by_hand)
}

/// The function owns its argument. The time of every contender includes the copy that the caller makes.
pub(crate) fn owned(count: usize) -> Vec<Contender> {
    let keys = keys(count);
    let (quick, moka) = (Quick::<Vec<u8>>::new(SMALL_MAX), Moka::new(SMALL_MAX as u64));
    let map = Map::<Vec<u8>>::default();
    let by_quick = move |b: Vec<u8>| {
        let value = || check(&b);
        by_hand::quick(&quick, b.as_slice(), || b.clone(), value)
    };
    let by_moka = move |b: Vec<u8>| {
        let value = || check(&b);
        by_hand::moka(&moka, b.as_slice(), || b.clone(), value)
    };
    let by_map = move |b: Vec<u8>| {
        let value = || check(&b);
        by_hand::map(&map, b.as_slice(), || b.clone(), value)
    };
    let annotated = [
        Contender::over("memokit", &keys, |bytes| memo_owning(bytes.clone())),
        Contender::over("cached", &keys, |bytes| cached_owning(bytes.clone())),
        Contender::over("memoize", &keys, |bytes| owning(bytes.clone())),
    ];
    let by_hand = [
        Contender::over("quick_cache", &keys, move |bytes| by_quick(bytes.clone())),
        Contender::over("moka", &keys, move |bytes| by_moka(bytes.clone())),
        Contender::over("mutex_map", &keys, move |bytes| by_map(bytes.clone())),
    ];
    all(annotated, by_hand)
}
