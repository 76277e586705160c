//! `fn(&[u8]) -> u64`, of 4 KiB.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cached::macros::concurrent_cached;
use memokit::memoize;

use super::SMALL_MAX;
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

fn key(n: u64) -> Vec<u8> {
    (0..LEN / 8).flat_map(|at| mix(n.wrapping_add(at)).to_le_bytes()).collect()
}

pub(crate) fn contenders(count: usize) -> Vec<Contender> {
    let keys: Arc<[Vec<u8>]> = (0..count as u64).map(|n| key(mix(n))).collect();
    let quick = quick_cache::sync::Cache::<Vec<u8>, u64>::new(SMALL_MAX);
    let by_quick = move |bytes: &[u8]| {
        quick.get(bytes).unwrap_or_else(|| {
            let value = check(bytes);
            quick.insert(bytes.to_vec(), value);
            value
        })
    };
    let moka = moka::sync::Cache::<Vec<u8>, u64>::new(SMALL_MAX as u64);
    let by_moka = move |bytes: &[u8]| {
        moka.get(bytes).unwrap_or_else(|| {
            let value = check(bytes);
            moka.insert(bytes.to_vec(), value);
            value
        })
    };
    let map = Mutex::<HashMap<Vec<u8>, u64>>::default();
    let by_map = move |bytes: &[u8]| {
        let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(bytes).copied().unwrap_or_else(|| {
            let value = check(bytes);
            map.insert(bytes.to_vec(), value);
            value
        })
    };
    vec![
        Contender::over("memokit", &keys, |bytes| memo(bytes)),
        Contender::over("quick_cache", &keys, move |bytes| by_quick(bytes)),
        Contender::over("cached", &keys, |bytes| cached(bytes)),
        Contender::over("moka", &keys, move |bytes| by_moka(bytes)),
        Contender::over("mutex_map", &keys, move |bytes| by_map(bytes)),
    ]
}
