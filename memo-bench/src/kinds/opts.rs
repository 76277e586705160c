//! `fn(&Opts) -> u64`. `Opts` is a typical struct of options.

use std::sync::Arc;

use cached::macros::concurrent_cached;
use memokit::memoize;
use serde::Serialize;

use super::by_hand::{self, Map, Moka, Quick};
use super::{LARGE_MAX, SMALL_MAX, all};
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

/// Defines a module with a function for each crate that has an attribute.
macro_rules! annotated {
    ($name:ident: memokit[$($memokit:tt)*] cached[$($cached:tt)*] memoize[$($memoize:tt)*]) => {
        #[allow(dead_code, reason = "memoize defines functions that are not used")]
        mod $name {
            use super::*;

            #[memoize($($memokit)*)]
            fn memo(opts: &Opts) -> u64 {
                search(opts)
            }

            #[concurrent_cached($($cached)*, key = "Opts", convert = { opts.clone() })]
            fn cached(opts: &Opts) -> u64 {
                search(opts)
            }

            #[::memoize::memoize(SharedCache, $($memoize)*)]
            fn owning(opts: Opts) -> u64 {
                search(&opts)
            }

            pub(super) fn over(keys: &Arc<[Opts]>) -> [Contender; 3] {
                [
                    Contender::over("memokit", keys, memo),
                    Contender::over("cached", keys, cached),
                    Contender::over("memoize", keys, |opts| owning(opts.clone())),
                ]
            }
        }
    };
}

annotated!(small: memokit[max = 2000] cached[max_size = 2000] memoize[Capacity: 2000]);
annotated!(large: memokit[max = 2_000_000] cached[max_size = 2_000_000] memoize[Capacity: 2_000_000]);

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

fn keys(count: usize) -> Arc<[Opts]> {
    (0..count as u64).map(|n| key(mix(n))).collect()
}

fn hits(keys: &Arc<[Opts]>, max: usize, annotated: [Contender; 3]) -> Vec<Contender> {
    let (quick, moka, map) = (Quick::new(max), Moka::new(max as u64), Map::default());
    let by_quick = move |o: &Opts| by_hand::quick(&quick, o, || o.clone(), || search(o));
    let by_moka = move |o: &Opts| by_hand::moka(&moka, o, || o.clone(), || search(o));
    let by_map = move |o: &Opts| by_hand::map(&map, o, || o.clone(), || search(o));
    let by_hand = [
        Contender::over("quick_cache", keys, by_quick),
        Contender::over("moka", keys, by_moka),
        Contender::over("mutex_map", keys, by_map),
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
