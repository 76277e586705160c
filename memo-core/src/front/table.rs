//! The table of a thread: values of one word by keys of one word, of all caches together. A key has one of two places.
//!
//! Only its thread uses it, so its atomics are plain loads and stores.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::versions::{BITS, PARTS, Version, Versions};
use crate::platform::sync::MODELLED;

/// So many that the table takes 64 KiB in all.
const SETS: usize = 2048 / WAYS;
const WAYS: usize = 2;
/// One value in so many takes the place of another key's. If each did, keys that share a set would be written at each
/// hit.
const REPLACED_EVERY: u64 = if MODELLED { 1 } else { 4 };

/// A key of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WordKey {
    pub(crate) word: u64,
    /// The types of the arguments: keys of several types may meet in one cache.
    pub(crate) kinds: u16,
}

/// What is known of a value that was found in a cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) value: u64,
    /// That of the part of the shard, read before.
    pub(crate) version: Version,
    pub(crate) place: Place,
    /// From which count of uses of the shard on the next use of the entry has to be noted.
    pub(crate) noted_until: u64,
}

/// Where an entry is: the index of its shard, and its part there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) shard: usize,
    pub(crate) part: usize,
}

/// The places of the keys that share them. One with a zero for a version remembers nothing, because no part has it.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Set {
    keys: [AtomicU64; WAYS],
    values: [AtomicU64; WAYS],
    /// The kinds of the key above the version.
    versions: [AtomicU64; WAYS],
    /// `noted_until`, without its highest bits, above the place.
    abouts: [AtomicU64; WAYS],
}

/// What a thread remembers.
#[derive(Debug)]
pub(crate) struct Front {
    sets: Box<[Set; SETS]>,
    /// The number of the thread's participant.
    thread: usize,
}

/// Something that was remembered. It counts if its version and its uses are those of now.
#[derive(Clone, Copy)]
pub(crate) struct Recalled<'a> {
    set: &'a Set,
    way: usize,
    about: u64,
    kinds: u16,
}

impl Front {
    pub(crate) fn new(thread: usize) -> Self {
        let sets: Box<[Set]> = (0..SETS).map(|_| Set::default()).collect();
        Self { sets: sets.try_into().expect("it has as many"), thread }
    }

    /// Returns the number of the thread's participant.
    #[inline]
    pub(crate) fn thread(&self) -> usize {
        self.thread
    }

    /// Returns the set of a key. `cache`: what differs between caches, so that they have different sets for it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is left has as many bits as an index"
    )]
    #[inline]
    fn set(&self, key: WordKey, cache: usize) -> &Set {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let spread = (key.word ^ cache as u64).wrapping_mul(SPREAD);
        &self.sets[(spread >> (u64::BITS - SETS.ilog2())) as usize % SETS]
    }

    /// Returns what is remembered of `key`.
    #[inline]
    pub(crate) fn recall(&self, key: WordKey, cache: usize) -> Option<Recalled<'_>> {
        let set = self.set(key, cache);
        let way = set.way_of(key.word)?;
        let about = set.abouts[way].load(Relaxed);
        Some(Recalled { set, way, about, kinds: key.kinds })
    }

    /// Remembers a value. `offers`: how many the thread could have remembered. If all places are taken by other keys,
    /// it decides whether this one takes one of them.
    pub(crate) fn put(&self, key: WordKey, cache: usize, found: &Found, offers: u64) {
        let set = self.set(key, cache);
        let free = || (0..WAYS).find(|way| set.versions[*way].load(Relaxed) == 0);
        let replaced = || {
            let way = (offers / REPLACED_EVERY) as usize % WAYS;
            (offers % REPLACED_EVERY == 0).then_some(way)
        };
        let way = set.way_of(key.word).or_else(free).or_else(replaced);
        let Some(way) = way else { return };
        set.keys[way].store(key.word, Relaxed);
        set.values[way].store(found.value, Relaxed);
        set.versions[way].store(found.version.0 | kinds_above(key.kinds), Relaxed);
        let place = found.place.shard * PARTS + found.place.part;
        set.abouts[way].store(found.noted_until << PLACE_BITS | place as u64, Relaxed);
    }
}

impl Set {
    /// Returns the way of a key. The choice has no branch, since none of them could be predicted.
    #[inline]
    fn way_of(&self, key: u64) -> Option<usize> {
        let is_at = |way: usize| self.keys[way].load(Relaxed) == key;
        let way = (1..WAYS).fold(0, |found, way| found | if is_at(way) { way } else { 0 });
        is_at(way).then_some(way)
    }
}

const PLACE_BITS: u32 = 20;
const PLACE_MASK: u64 = (1 << PLACE_BITS) - 1;
/// The places of a cache with more shards than this do not fit into their bits.
pub(crate) const MAX_SHARDS: usize = (1 << PLACE_BITS) / PARTS;
/// No use of an entry has to be noted as many uses of the shard or more before `noted_until`. So an entry that was used
/// long ago does not count as just used, but within these after each 2^44 uses. An entry of which hits were noted
/// more rarely would not be recalled.
const MAX_LEFT: u64 = 1 << 8;

#[inline]
fn kinds_above(kinds: u16) -> u64 {
    u64::from(kinds) << BITS
}

impl Recalled<'_> {
    #[inline]
    fn place(self) -> usize {
        (self.about & PLACE_MASK) as usize
    }

    /// Returns the index of the shard, if what is remembered is of this cache.
    #[inline]
    pub(crate) fn shard(self) -> usize {
        self.place() / PARTS
    }

    /// Returns the value if it still counts. `versions`: those of the shard. `uses`: how often its entries were used.
    #[inline]
    pub(crate) fn value(self, versions: &Versions, uses: u64) -> Option<u64> {
        let now = versions.now(self.place()) | kinds_above(self.kinds);
        let left = self.about.wrapping_sub(uses << PLACE_BITS) >> PLACE_BITS;
        (now == self.set.versions[self.way].load(Relaxed) && left < MAX_LEFT)
            .then(|| self.set.values[self.way].load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_long_ago_does_not_seem_to_be_used_just_now() {
        let (front, versions) = (Front::new(0), Versions::new());
        let (key, stamp) = (WordKey { word: 1, kinds: 4 }, 1_000_u64);
        let place = Place { shard: 0, part: 3 };
        let version = versions.read(3).expect("nobody changes it");
        front.put(key, 7, &Found { value: 5, version, place, noted_until: stamp }, 0);
        let value = |uses| front.recall(key, 7).and_then(|found| found.value(&versions, uses));
        assert_eq!((value(stamp - 1), value(stamp), value(stamp + 1)), (Some(5), Some(5), None));
        for uses in 1..44 {
            assert_eq!(value(stamp + (1 << uses)), None, "after 2^{uses} uses");
        }
    }
}
