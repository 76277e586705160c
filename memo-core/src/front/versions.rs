//! The versions of the parts of a shard. A part has a new one whenever one of its entries is replaced or removed. Who
//! has read a version and then an entry knows that the entry still counts as long as the version is the same. (A
//! sequence lock whose readers keep what they have read: Lameter, "Effective synchronization on Linux/NUMA systems",
//! 2005.)
//!
//! No two parts of any caches, and no two moments, have the same version. An odd one is that of a part in the middle of
//! a change.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
#[cfg(not(all(test, memokit_model)))]
use std::sync::atomic::{AtomicU64, fence};

#[cfg(all(test, memokit_model))]
use shuttle::sync::atomic::{AtomicU64, fence};

/// The number of parts of a shard. A removal takes the values of one of them from all threads.
pub(crate) const PARTS: usize = 16;
/// How many versions a part takes at a time of those that nobody has had.
const BLOCK: u64 = 1 << 6;
/// The bits of a version.
pub(super) const BITS: u32 = 48;

/// Hands out versions that nobody has had.
struct Source(std::sync::atomic::AtomicU64);

static SOURCE: Source = Source::from(BLOCK);

impl Source {
    const fn from(next: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(next))
    }

    /// Returns the first version of a block. Zero is no version. After the last version the first one comes again: it
    /// would take an entry that was remembered all that time for it to be mistaken.
    fn block(&self) -> u64 {
        loop {
            let first = self.0.fetch_add(BLOCK, Relaxed) & ((1 << BITS) - 1);
            if first != 0 {
                return first;
            }
        }
    }
}

/// The versions of the parts of a shard. Changed under its lock.
#[derive(Debug)]
pub(crate) struct Versions([AtomicU64; PARTS]);

/// A version of a part that is not being changed, read before an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version(pub(super) u64);

/// Exists while an entry is replaced.
pub(crate) struct Changing<'a>(&'a AtomicU64);

impl Versions {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(SOURCE.block())))
    }

    /// Returns the part of a key. `low_hash`: the lower half of its hash, of which tables use the lowest bits.
    #[inline]
    pub(crate) fn part(low_hash: u32) -> usize {
        (low_hash >> (u32::BITS - PARTS.ilog2())) as usize
    }

    /// Returns the version of a part, unless it is being changed.
    #[inline]
    pub(crate) fn read(&self, part: usize) -> Option<Version> {
        let version = self.0[part % PARTS].load(Acquire);
        (version % 2 == 0).then_some(Version(version))
    }

    #[inline]
    pub(super) fn now(&self, part: usize) -> u64 {
        self.0[part % PARTS].load(Acquire)
    }

    /// Begins to replace an entry: what is remembered of the part does not count any more, before anyone can see the
    /// new entry.
    pub(crate) fn change(&self, low_hash: u32) -> Changing<'_> {
        let version = &self.0[Self::part(low_hash)];
        version.store(version.load(Relaxed) + 1, Relaxed);
        fence(Release);
        Changing(version)
    }

    /// Notes that an entry was removed. Who misses it computes its value and inserts it under the lock that the caller
    /// has. So nobody sees another value of the key before this.
    pub(crate) fn removed(&self, low_hash: u32) {
        advance(&self.0[Self::part(low_hash)], 2);
    }

    /// Notes that what is remembered of any entry does not count any more.
    pub(crate) fn all_removed(&self) {
        self.0.iter().for_each(|version| advance(version, 2));
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        advance(self.0, 1);
    }
}

/// Gives a part a version that is `by` later, or the first of a new block if that is the end of one. At a million
/// removals a second, the versions last for more than four years, and for 2^38 shards of caches that are made and
/// dropped.
fn advance(version: &AtomicU64, by: u64) {
    let next = version.load(Relaxed) + by;
    version.store(if next % BLOCK == 0 { SOURCE.block() } else { next }, Release);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_version_comes_twice() {
        let (one, other) = (Versions::new(), Versions::new());
        let mut seen: HashSet<u64> = HashSet::new();
        let mut note = |versions: &Versions| {
            versions.0.iter().for_each(|version| assert!(seen.insert(version.load(Relaxed))));
        };
        for _ in 0..2 * BLOCK {
            note(&one);
            note(&other);
            one.all_removed();
            (0..16_u32).for_each(|part| drop(other.change(part << 28)));
        }
    }

    #[test]
    fn no_version_is_zero_or_reaches_into_the_bits_of_the_kinds() {
        let source = Source::from((1 << BITS) - BLOCK);
        assert_eq!([source.block(), source.block()], [(1 << BITS) - BLOCK, BLOCK]);
    }

    #[test]
    fn a_part_that_is_changed_has_no_version() {
        let versions = Versions::new();
        let (part, before) = (Versions::part(5 << 28), versions.read(5));
        assert!(part == 5 && before.is_some());
        let changing = versions.change(5 << 28);
        assert_eq!(versions.read(5), None);
        assert!(versions.read(6).is_some());
        drop(changing);
        assert!(versions.read(5).is_some_and(|now| Some(now) != before));
    }
}
