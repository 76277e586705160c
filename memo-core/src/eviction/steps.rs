//! How uses are counted in steps, and how rarely a use is noted: in the shards of a cache (`stamps.rs`), and in its
//! miniatures (`advice/pace.rs`), which have to do the same.

/// A cache bounded to at most this many entries has one shard and exact recency. A shard of a cache that is bounded by
/// weight also has exact recency while it holds at most this many entries.
pub(crate) const EXACT: usize = 128;

/// While a full shard counts as many uses as it has entries, its stamp advances by this many steps.
pub(crate) const STEPS_PER_SHARD: usize = 64;
/// Once entries are evicted, an entry is not stamped again for at most this many steps: for fewer, or none, in a small
/// shard.
const MAX_SLACK_STEPS: usize = 4;

/// Returns for how many steps an entry is not stamped again, in a shard with room for `share` entries. Before the first
/// eviction, the order within the more recently used half of the entries does not matter. After it, the order matters,
/// except within a few steps. In a small shard each use is a step and is stamped, except another use of the entry that
/// was used last.
pub(crate) fn slack(share: usize, is_exact: bool, evicts: bool) -> usize {
    if is_exact {
        1
    } else if evicts {
        (share / STEPS_PER_SHARD).min(MAX_SLACK_STEPS)
    } else {
        (share / 2 / (share / STEPS_PER_SHARD + 1)).saturating_sub(1)
    }
}
