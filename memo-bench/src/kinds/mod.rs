//! The kinds of keys, each with its contenders: an annotated function of memokit, what a careful author writes by hand
//! over each rival, and the rivals' own annotations. memoize's functions own their arguments, which whoever calls them
//! has to make; its cache is shared by all threads, as the others' are.

#![allow(clippy::needless_pass_by_value, reason = "keys are owned where an attribute has them so")]

pub(crate) mod by_hand;
pub(crate) mod map;
pub(crate) mod number;
pub(crate) mod octets;
pub(crate) mod opts;
pub(crate) mod stored;
pub(crate) mod text;

use crate::contender::Contender;

/// Room in every bounded cache of a comparison of hits: twice its keys, so that a rival whose shards fill unevenly
/// keeps all of them too. The annotations say the same numbers.
const SMALL_MAX: usize = 2000;
const LARGE_MAX: usize = 2_000_000;

/// Room where nothing is evicted, and where every insertion evicts.
const FILLING_MAX: usize = 200_000;
const EVICTING_MAX: usize = 100_000;

/// All in the order of the tables.
fn all(
    [memokit, cached, memoize]: [Contender; 3],
    [quick_cache, moka, mutex_map]: [Contender; 3],
) -> Vec<Contender> {
    vec![memokit, quick_cache, cached, moka, memoize, mutex_map]
}
