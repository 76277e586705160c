//! How much a cache holds, and how much it may: entries, and the sum of their weights.

use std::ops::{AddAssign, SubAssign};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::entry::EntryRef;
use crate::platform::clock::Millis;

/// No bound.
pub(crate) const UNBOUNDED: usize = usize::MAX;

/// What a cache may hold, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max: usize,
    /// The bound on the sum of weights; without it nothing is weighed.
    pub(crate) max_bytes: Option<u64>,
    /// How many shards, if not as suits the bounds.
    pub(crate) shards: Option<usize>,
    /// For so long after its end an entry may be served while another is computed.
    pub(crate) stale: Millis,
    /// For so long after its last use an entry lives.
    pub(crate) idle: Option<Millis>,
}

/// Entries and the sum of their weights.
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
    /// A sum is of what was within the bound, or of single entries taken from it: it does not overflow.
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

/// What all shards hold, against the bounds on it.
pub(super) struct Capacity {
    max: AtomicUsize,
    /// Entries, expired ones included, and places reserved to insertions under way; never more than `max`.
    entries: AtomicUsize,
    /// None where entries are not weighed.
    max_bytes: Option<AtomicU64>,
    /// The sum of the weights, that of an insertion from before it is seen and that of a removal until it is not: never
    /// more than `max_bytes`, but while that is lowered.
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

    /// The bound on the sum of weights; without one nothing has a weight.
    #[inline]
    pub(super) fn max_bytes(&self) -> Option<u64> {
        Some(self.max_bytes.as_ref()?.load(Relaxed))
    }

    #[inline]
    pub(super) fn weighs(&self) -> bool {
        self.max_bytes.is_some()
    }

    /// False where entries have no weights.
    pub(super) fn set_max_bytes(&self, max: u64) -> bool {
        self.max_bytes.as_ref().map(|bound| bound.store(max, Relaxed)).is_some()
    }

    /// May an entry of this weight be held at all? A bound of 0 holds nothing.
    #[inline]
    pub(super) fn admits(&self, weight: u64) -> bool {
        self.max() > 0 && self.max_bytes().is_none_or(|max| max > 0 && weight <= max)
    }

    /// Takes a place, if there is one.
    #[inline]
    pub(super) fn reserve_place(&self) -> bool {
        let max = self.max();
        self.entries.fetch_update(Relaxed, Relaxed, |n| (n < max).then_some(n + 1)).is_ok()
    }

    /// Has an entry that weighs `after` in the place of one that weighs `before`, if that fits. By the one who has the
    /// lock of their shard.
    pub(super) fn exchange(&self, before: u64, after: u64) -> bool {
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

    /// Does it hold more than it may, since a bound was lowered?
    #[inline]
    pub(super) fn exceeded(&self) -> bool {
        let too_heavy = |max| self.bytes.load(Relaxed) > max;
        self.entries.load(Relaxed) > self.max() || self.max_bytes().is_some_and(too_heavy)
    }

    /// What it holds.
    #[inline]
    pub(super) fn load(&self) -> Load {
        Load { entries: self.entries.load(Relaxed), bytes: self.bytes.load(Relaxed) }
    }

    /// What it has room for.
    pub(super) fn room(&self) -> Load {
        let load = self.load();
        let bytes = self.max_bytes().unwrap_or(u64::MAX);
        Load {
            entries: self.max().saturating_sub(load.entries),
            bytes: bytes.saturating_sub(load.bytes),
        }
    }
}

/// Up to so many entries a cache has one shard and exact recency; so has a shard of one that is bounded by weight while
/// it holds no more.
pub(super) const EXACT: usize = 128;

/// The entries that a shard of a full cache holds on average, at the least.
const MIN_ENTRIES_PER_SHARD: usize = 512;

/// The weight that it holds, at the least: many times that of most entries.
const MIN_BYTES_PER_SHARD: u64 = 1 << 20;

/// A shard is chosen by so many bits of a hash at most.
const MAX_SHARDS: usize = 1 << 16;

/// How many shards: `asked` for, but no more than entries. Else one for few entries or little weight; else as many as
/// keep [`PER_SHARD`] entries and [`BYTES_PER_SHARD`] each, up to four a core. A power of two.
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
    fn weights_are_admitted_and_exchanged_within_the_bound() {
        let capacity = Capacity::new(UNBOUNDED, Some(100));
        assert!(capacity.admits(100) && !capacity.admits(101) && !capacity.admits(u64::MAX));
        assert!(
            capacity.exchange(0, 60)
                && !capacity.exchange(0, u64::MAX)
                && !capacity.exchange(0, 41)
        );
        assert!(capacity.exchange(60, 100) && capacity.exchange(100, 50));
        assert_eq!(capacity.load().bytes, 50);
        assert!(capacity.set_max_bytes(10) && capacity.exceeded());
        // What makes it lighter is never refused.
        assert!(capacity.exchange(50, 49) && !capacity.exchange(49, 50));
        capacity.set_max_bytes(0);
        assert!(!capacity.admits(0));
        let unweighed = Capacity::new(5, None);
        assert!(unweighed.admits(u64::MAX) && !unweighed.set_max_bytes(1));
    }
}
