//! The kinds of keys, each with its contenders: a function annotated by memokit, functions with the rivals'
//! annotations, and the code that a careful author writes by hand for each rival without one. memoize's functions own
//! their arguments, so the caller has to make them. Its cache is shared by all threads, like the other caches.

#![allow(clippy::needless_pass_by_value, reason = "some attributes need owned keys")]

pub(crate) mod advised;
pub(crate) mod by_hand;
pub(crate) mod map;
pub(crate) mod number;
pub(crate) mod objects;
pub(crate) mod octets;
pub(crate) mod opts;
pub(crate) mod stored;
pub(crate) mod text;

use crate::contender::Contender;

/// The capacities of bounded caches in comparisons of hits: twice the number of keys, so that a rival whose shards fill
/// unevenly keeps all keys too. The annotations contain the same numbers.
const SMALL_MAX: usize = 2000;
const LARGE_MAX: usize = 2_000_000;

/// The capacity in cases without eviction, and the one in cases where every insertion evicts.
const FILLING_MAX: usize = 200_000;
const EVICTING_MAX: usize = 100_000;

/// Returns all contenders in the order of the tables.
fn all(
    [memokit, cached, memoize]: [Contender; 3],
    [quick_cache, moka, mutex_map]: [Contender; 3],
) -> Vec<Contender> {
    vec![memokit, quick_cache, cached, moka, memoize, mutex_map]
}
