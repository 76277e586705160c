//! How much a cache holds, and how much it may hold: the number of entries, and the sum of their weights.

use std::ops::{AddAssign, SubAssign};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::entry::EntryRef;
use crate::eviction::policy::Policy;
use crate::eviction::steps::EXACT;
use crate::front::table;
use crate::platform::clock::Millis;
use crate::statistics::explanation::Bound;

/// A `max` that is no bound.
pub(crate) const UNBOUNDED: usize = usize::MAX;

/// How much a cache may hold, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max: usize,
    /// The bound on the sum of weights. If there is none, entries have no weights.
    pub(crate) max_bytes: Option<u64>,
    /// The number of shards. If there is none, it is chosen by the bounds.
    pub(crate) shards: Option<usize>,
    /// For this long after its expiry time an entry may be served while another caller computes the value again, in ms.
    pub(crate) stale: Millis,
    /// For this long after its last use an entry lives, in ms.
    pub(crate) idle: Option<Millis>,
    /// How much of its time to live an entry has left when it is due to be computed again, in parts of [`WHOLE`]. 0: it
    /// is not.
    pub(crate) refresh_rest: u64,
    /// Whether entries have the time at which they were computed.
    pub(crate) timed: bool,
    /// If entries have tags: what tells these apart from equal ones of other isolations, or 0.
    pub(crate) tagged: Option<u64>,
    /// How many departures are remembered.
    pub(crate) departures: usize,
    /// Which entry leaves when there is no room.
    pub(crate) policy: Policy,
}

/// All of a time to live.
pub(crate) const WHOLE: u64 = 1 << 20;

/// A number of entries and the sum of their weights.
#[derive(Clone, Copy, Default)]
pub(super) struct Load {
    pub(super) entries: usize,
    pub(super) bytes: u64,
}

impl Load {
    pub(super) fn of<H>(entry: EntryRef<'_, H>) -> Self {
        Self { entries: 1, bytes: entry.weight() }
    }

    pub(super) fn is_none(self) -> bool {
        self.entries == 0
    }
}

impl AddAssign for Load {
    /// Does not overflow: a sum is made of loads that were within the bound, or of single entries removed from such a
    /// load.
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }
}

impl SubAssign for Load {
    fn sub_assign(&mut self, other: Self) {
        self.entries -= other.entries;
        self.bytes -= other.bytes;
    }
}

/// What all shards hold together, and the bounds on it.
pub(super) struct Capacity {
    max: AtomicUsize,
    /// The number of entries, expired ones and places reserved for running insertions included. Never more than `max`.
    entries: AtomicUsize,
    /// None if entries have no weights.
    max_bytes: Option<AtomicU64>,
    /// The sum of the weights. An insertion adds its weight before its entry can be seen, and a removal subtracts the
    /// weight after the entry can no longer be seen. So the sum is never more than `max_bytes`, except while
    /// `max_bytes` is being lowered.
    bytes: AtomicU64,
}

impl Capacity {
    pub(super) fn new(max: usize, max_bytes: Option<u64>) -> Self {
        Self {
            max: AtomicUsize::new(max),
            entries: AtomicUsize::new(0),
            max_bytes: max_bytes.map(AtomicU64::new),
            bytes: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn max(&self) -> usize {
        self.max.load(Relaxed)
    }

    pub(super) fn set_max(&self, max: usize) {
        self.max.store(max, Relaxed);
    }

    /// Returns the bound on the sum of weights. If there is none, entries have no weights.
    #[inline]
    pub(super) fn max_bytes(&self) -> Option<u64> {
        Some(self.max_bytes.as_ref()?.load(Relaxed))
    }

    #[inline]
    pub(super) fn weighs(&self) -> bool {
        self.max_bytes.is_some()
    }

    /// Returns false if entries have no weights.
    pub(super) fn set_max_bytes(&self, max: u64) -> bool {
        self.max_bytes.as_ref().map(|bound| bound.store(max, Relaxed)).is_some()
    }

    /// Returns whether an entry of this weight can be held at all. A bound of 0 allows none.
    #[inline]
    pub(super) fn admits(&self, weight: u64) -> bool {
        self.max() > 0 && self.max_bytes().is_none_or(|max| max > 0 && weight <= max)
    }

    /// Reserves a place for one entry. Returns false if there is none.
    #[inline]
    pub(super) fn reserve_place(&self) -> bool {
        let max = self.max();
        self.entries.fetch_update(Relaxed, Relaxed, |n| (n < max).then_some(n + 1)).is_ok()
    }

    /// Replaces the weight `before` by the weight `after` in the sum. Returns false if `after` does not fit. The caller
    /// holds the lock of the shard of both entries.
    pub(super) fn replace_weight(&self, before: u64, after: u64) -> bool {
        let Some(max) = self.max_bytes() else { return true };
        let change = |sum: u64| {
            let changed = (sum - before).checked_add(after)?;
            (changed <= max || changed <= sum).then_some(changed)
        };
        self.bytes.fetch_update(Relaxed, Relaxed, change).is_ok()
    }

    #[inline]
    pub(super) fn release_places(&self, places: usize) {
        self.release(Load { entries: places, bytes: 0 });
    }

    #[inline]
    pub(super) fn release(&self, load: Load) {
        if load.entries > 0 {
            self.entries.fetch_sub(load.entries, Relaxed);
        }
        if load.bytes > 0 {
            self.bytes.fetch_sub(load.bytes, Relaxed);
        }
    }

    /// Returns the bound that allows less than is held. This happens after a bound was lowered.
    #[inline]
    pub(super) fn exceeded(&self) -> Option<Bound> {
        if self.entries.load(Relaxed) > self.max() {
            return Some(Bound::Max);
        }
        let too_heavy = |max| self.bytes.load(Relaxed) > max;
        self.max_bytes().is_some_and(too_heavy).then_some(Bound::MaxBytes)
    }

    /// Returns what is held.
    #[inline]
    pub(super) fn load(&self) -> Load {
        Load { entries: self.entries.load(Relaxed), bytes: self.bytes.load(Relaxed) }
    }
}

/// The least average number of entries in a shard of a full cache.
const MIN_ENTRIES_PER_SHARD: usize = 512;

/// The least average weight of a shard of a full cache, in bytes: many times the weight of most entries.
const MIN_BYTES_PER_SHARD: u64 = 1 << 20;

/// A shard is chosen by at most 16 bits of a hash.
const MAX_SHARDS: usize = 1 << 16;
const _: () = assert!(MAX_SHARDS <= table::MAX_SHARDS);

/// Returns the number of shards, a power of two. It is `requested` (at most one per entry) if given. Otherwise it is
/// one if the bounds allow few entries or little weight, else as many as give each shard [`MIN_ENTRIES_PER_SHARD`]
/// entries and [`MIN_BYTES_PER_SHARD`], up to four per core.
pub(super) fn shard_count(requested: Option<usize>, max: usize, max_bytes: Option<u64>) -> usize {
    let at_most = |count: usize| 1 << count.max(1).ilog2();
    if let Some(requested) = requested {
        return requested.min(MAX_SHARDS).next_power_of_two().min(at_most(max));
    }
    if max <= EXACT {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(4, usize::from);
    let by_weight = max_bytes.map_or(UNBOUNDED, |max| saturated(max / MIN_BYTES_PER_SHARD));
    (4 * cores)
        .next_power_of_two()
        .min(at_most(max / MIN_ENTRIES_PER_SHARD))
        .min(at_most(by_weight))
}

fn saturated(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_as_many_as_requested_but_no_more_than_entries() {
        let unbounded = UNBOUNDED;
        for (requested, max, count) in [
            (1, unbounded, 1),
            (0, unbounded, 1),
            (3, unbounded, 4),
            (8, 10, 8),
            (8, 7, 4),
            (8, 1, 1),
            (8, 0, 1),
            (usize::MAX, unbounded, MAX_SHARDS),
        ] {
            assert_eq!(shard_count(Some(requested), max, None), count, "{requested} for {max}");
        }
    }

    #[test]
    fn a_small_weight_bound_gives_one_shard() {
        let wanted = shard_count(None, UNBOUNDED, None);
        assert!(wanted > 1);
        assert_eq!(shard_count(None, UNBOUNDED, Some(1000)), 1);
        assert_eq!(shard_count(None, UNBOUNDED, Some(2 << 20)), 2);
        assert_eq!(shard_count(None, UNBOUNDED, Some(u64::MAX)), wanted);
        assert_eq!(shard_count(None, EXACT, Some(u64::MAX)), 1);
    }

    #[test]
    fn weights_are_admitted_and_replaced_within_the_bound() {
        let capacity = Capacity::new(UNBOUNDED, Some(100));
        assert!(capacity.admits(100) && !capacity.admits(101) && !capacity.admits(u64::MAX));
        assert!(
            capacity.replace_weight(0, 60)
                && !capacity.replace_weight(0, u64::MAX)
                && !capacity.replace_weight(0, 41)
        );
        assert!(capacity.replace_weight(60, 100) && capacity.replace_weight(100, 50));
        assert_eq!(capacity.load().bytes, 50);
        assert!(capacity.set_max_bytes(10));
        assert_eq!(capacity.exceeded(), Some(Bound::MaxBytes));
        // A change that lowers the sum is never refused.
        assert!(capacity.replace_weight(50, 49) && !capacity.replace_weight(49, 50));
        capacity.set_max_bytes(0);
        assert!(!capacity.admits(0));
        let unweighed = Capacity::new(5, None);
        assert!(unweighed.admits(u64::MAX) && !unweighed.set_max_bytes(1));
    }
}
