//! `fn(&Opts) -> u64`, a struct such as functions take for options.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cached::macros::concurrent_cached;
use memokit::memoize;
use serde::Serialize;

use super::SMALL_MAX;
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct Opts {
    query: String,
    limit: u32,
    columns: Vec<String>,
    exact: bool,
}

#[inline]
fn search(opts: &Opts) -> u64 {
    compute(opts.query.len() as u64 + u64::from(opts.limit) + opts.columns.len() as u64)
}

#[memoize(max = 2000)]
fn memo(opts: &Opts) -> u64 {
    search(opts)
}

#[concurrent_cached(max_size = 2000, key = "Opts", convert = { opts.clone() })]
fn cached(opts: &Opts) -> u64 {
    search(opts)
}

fn key(n: u64) -> Opts {
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
    let limit = n as u32 % 1000;
    Opts {
        query: format!("name = 'customer-{:07}'", n % 10_000_000),
        limit,
        columns: ["identifier", "name", "balance"].map(str::to_owned).to_vec(),
        exact: n.is_multiple_of(2),
    }
}

pub(crate) fn contenders(count: usize) -> Vec<Contender> {
    let keys: Arc<[Opts]> = (0..count as u64).map(|n| key(mix(n))).collect();
    let quick = quick_cache::sync::Cache::<Opts, u64>::new(SMALL_MAX);
    let by_quick = move |opts: &Opts| {
        quick.get(opts).unwrap_or_else(|| {
            let value = search(opts);
            quick.insert(opts.clone(), value);
            value
        })
    };
    let moka = moka::sync::Cache::<Opts, u64>::new(SMALL_MAX as u64);
    let by_moka = move |opts: &Opts| {
        moka.get(opts).unwrap_or_else(|| {
            let value = search(opts);
            moka.insert(opts.clone(), value);
            value
        })
    };
    let map = Mutex::<HashMap<Opts, u64>>::default();
    let by_map = move |opts: &Opts| {
        let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(opts).copied().unwrap_or_else(|| {
            let value = search(opts);
            map.insert(opts.clone(), value);
            value
        })
    };
    vec![
        Contender::over("memokit", &keys, memo),
        Contender::over("quick_cache", &keys, by_quick),
        Contender::over("cached", &keys, cached),
        Contender::over("moka", &keys, by_moka),
        Contender::over("mutex_map", &keys, by_map),
    ]
}
