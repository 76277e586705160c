//! The kinds of keys, each with its contenders: an annotated function of memokit, what a careful author writes by hand
//! over each rival, and the rival's own annotation where it has one.

pub(crate) mod map;
pub(crate) mod number;
pub(crate) mod octets;
pub(crate) mod opts;
pub(crate) mod text;

/// Room in every bounded cache of a comparison of hits: twice its keys, so that a rival whose shards fill unevenly
/// keeps all of them too. The annotations say the same numbers.
const SMALL_MAX: usize = 2000;
const LARGE_MAX: usize = 2_000_000;
