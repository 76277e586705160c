//! The table of a thread: values of one word by keys of one word, of all caches together. A key has one of two places.
//!
//! Only its thread uses it, so its atomics are plain loads and stores.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::versions::{BITS, PARTS, Version, Versions};

/// 64 KiB in all.
const SETS: usize = 2048 / WAYS;
const WAYS: usize = 2;

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
    /// The lower half of `noted_until` above the place.
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

    /// Remembers a value. `replaced`: in place of which of the other keys, if all places of this one are taken.
    pub(crate) fn put(&self, key: WordKey, cache: usize, found: &Found, replaced: Option<usize>) {
        let set = self.set(key, cache);
        let free = || (0..WAYS).find(|way| set.versions[*way].load(Relaxed) == 0);
        let way = set.way_of(key.word).or_else(free).or(replaced.map(|way| way % WAYS));
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

const PLACE_BITS: u32 = 32;

#[inline]
fn kinds_above(kinds: u16) -> u64 {
    u64::from(kinds) << BITS
}

impl Recalled<'_> {
    #[expect(clippy::cast_possible_truncation, reason = "takes the lower half")]
    #[inline]
    fn place(self) -> usize {
        self.about as u32 as usize
    }

    /// Returns the index of the shard, if what is remembered is of this cache.
    #[inline]
    pub(crate) fn shard(self) -> usize {
        self.place() / PARTS
    }

    /// Returns the value if it still counts. `versions`: those of the shard. `uses`: how often its entries were used.
    #[expect(clippy::cast_possible_truncation, reason = "takes the lower half")]
    #[inline]
    pub(crate) fn value(self, versions: &Versions, uses: u64) -> Option<u64> {
        let now = versions.now(self.place()) | kinds_above(self.kinds);
        let left = ((self.about >> PLACE_BITS) as u32).wrapping_sub(uses as u32) as i32;
        (now == self.set.versions[self.way].load(Relaxed) && left >= 0)
            .then(|| self.set.values[self.way].load(Relaxed))
    }
}
