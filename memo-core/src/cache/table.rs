//! A table of pointers to entries. Readers use it without a lock; there is one writer at a time.
//!
//! A bucket is one cache line: seven pointers, seven tags of one byte, and the overflow count. A tag is a part of the
//! hash, so that a search looks at few entries with another key. The overflow count is the number of entries that found
//! this bucket full and are in a later bucket. It tells a search where to end, so a removal leaves no mark in the slot.
//! (The layout follows Bronson and Shi, "Open-sourcing F14", 2019.)
//!
//! An entry stays in its slot until it is removed. A full table is replaced by a larger one, an almost empty one by a
//! smaller one, and readers of the old table still find its entries. A reader may miss an entry that is being inserted,
//! but it never takes one entry for another: a tag is only a hint, and the hash and the key of an entry do not change.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64};

use super::entry::{Entry, EntryRef, OwnedEntry, low_half, prefetch};
use crate::epoch::participant::EpochGuard;
use crate::eviction::slot::SlotIndex;

const SLOTS: usize = 7;
/// A table is full when this many slots of a bucket are taken on average. With more, searches that find nothing would
/// be long.
const FILLED_SLOTS: usize = 5;

#[repr(C, align(64))]
struct Bucket<H> {
    /// Seven tags, that of the first slot in the lowest byte. The highest byte is the overflow count.
    tags: AtomicU64,
    slots: [AtomicPtr<Entry<H>>; SLOTS],
}

impl<H> Bucket<H> {
    const fn empty() -> Self {
        Self { tags: AtomicU64::new(0), slots: [const { AtomicPtr::new(null_mut()) }; SLOTS] }
    }

    // By shifts, because a byte that is written into a word and read back at once stalls the processor.
    fn tag(&self, slot: usize) -> u8 {
        (self.tags.load(Relaxed) >> (8 * slot)).to_le_bytes()[0]
    }

    fn set_tag(&self, slot: usize, tag: u8) {
        let others = self.tags.load(Relaxed) & !(0xff << (8 * slot));
        self.tags.store(others | u64::from(tag) << (8 * slot), Release);
    }

    fn free_slot(&self) -> Option<usize> {
        let free = zero_bytes(self.tags.load(Relaxed));
        (free != 0).then(|| free.trailing_zeros() as usize / 8)
    }

    /// Puts `entry` into a slot, and returns the entry that was there. There is one writer, so a load and a store are
    /// enough.
    fn exchange(slot: &AtomicPtr<Entry<H>>, entry: *mut Entry<H>) -> Option<NonNull<Entry<H>>> {
        let before = slot.load(Relaxed);
        slot.store(entry, Release);
        NonNull::new(before)
    }

    /// Adds 1 or -1 to the overflow count. A count of 255 means that the count is not known any more, and does not
    /// change.
    fn change_overflow(&self, change: i8) {
        let overflow = self.tag(SLOTS);
        if overflow < u8::MAX {
            self.set_tag(SLOTS, overflow.saturating_add_signed(change));
        }
    }
}

/// Returns the index of a slot of a bucket.
fn slot_index(bucket: usize, slot: usize) -> SlotIndex {
    // It fits: `Table::with_buckets` asserts that.
    SlotIndex(u32::try_from(bucket * SLOTS + slot).unwrap_or(u32::MAX))
}

/// Returns the bucket of a slot, and which of its slots it is.
fn parts(slot: SlotIndex) -> (usize, usize) {
    (slot.0 as usize / SLOTS, slot.0 as usize % SLOTS)
}

/// As long as a guard exists, nothing that its holder can reach is freed.
#[derive(Clone, Copy)]
pub(super) struct ReadGuard<'p>(PhantomData<&'p ()>);

impl<'p> ReadGuard<'p> {
    /// What is removed during the pin is freed after its epoch is over, and the epoch is not over while the pin exists.
    #[inline]
    pub(super) fn of_pin(_: &'p EpochGuard) -> Self {
        Self(PhantomData)
    }

    /// The holder of the locked state of a shard cannot reach what was removed before, and nothing is removed without
    /// that lock.
    ///
    /// # Safety
    /// The guard is used only to read the table of that shard, and what is removed from that table goes to this
    /// garbage.
    #[inline]
    pub(super) unsafe fn of_shard_lock<T>(_: &'p T) -> Self {
        Self(PhantomData)
    }
}

/// An entry that was removed from a table. Readers may still use it.
#[must_use = "it must be retired to a garbage, which frees it"]
pub(super) struct Retired<H>(NonNull<Entry<H>>);

// SAFETY: it owns an entry that only waits to be freed. For the entry itself, see `OwnedEntry`.
unsafe impl<H: Send + Sync> Send for Retired<H> {}

impl<H> Retired<H> {
    /// # Safety
    /// All readers that were pinned when the entry was retired have ended.
    pub(super) unsafe fn into_entry(self) -> OwnedEntry<H> {
        // SAFETY: the pointer was replaced in its slot, so this is the only pointer to the entry, and no reader uses
        // it.
        unsafe { OwnedEntry::from_raw(self.0) }
    }

    pub(super) fn entry(&self) -> EntryRef<'_, H> {
        // SAFETY: the entry is freed by `into_entry` only, which consumes `self`.
        unsafe { EntryRef::new(self.0) }
    }
}

pub(super) struct Table<H> {
    buckets: Box<[Bucket<H>]>,
}

/// The table in use.
pub(super) struct Root<H>(AtomicPtr<Table<H>>);

// SAFETY: a root owns a table and its entries, and all threads can read the values in them.
unsafe impl<H: Send + Sync> Send for Root<H> {}
unsafe impl<H: Send + Sync> Sync for Root<H> {}

/// A table that is no longer in use. Readers may still use it.
#[must_use = "it must be retired to a garbage, which frees it"]
pub(super) struct RetiredTable<H> {
    at: NonNull<Table<H>>,
    /// Whether the entries in the table were removed with it.
    with_entries: bool,
}

// SAFETY: it owns a table that only waits to be freed. For the entries, see `OwnedEntry`.
unsafe impl<H: Send + Sync> Send for RetiredTable<H> {}

impl<H> RetiredTable<H> {
    /// # Safety
    /// All readers that were pinned when the table was retired have ended.
    pub(super) unsafe fn into_entries(self) -> Vec<OwnedEntry<H>> {
        // SAFETY: the pointer was swapped out of its root, so this is the only pointer to the table, and no reader uses
        // it.
        let table = unsafe { Box::from_raw(self.at.as_ptr()) };
        if self.with_entries { table.into_entries() } else { Vec::new() }
    }
}

impl<H> Root<H> {
    pub(super) fn new() -> Self {
        Self(AtomicPtr::new(Box::into_raw(Box::new(Table::with_buckets(1)))))
    }

    #[inline]
    pub(super) fn read<'p>(&'p self, _: ReadGuard<'p>) -> &'p Table<H> {
        // SAFETY: the pointer is from `Box::into_raw`. The table is freed by `RetiredTable::into_entries` only, which
        // does not happen while the guard exists, or together with the root.
        unsafe { &*self.0.load(Acquire) }
    }

    /// Replaces the table by one of twice the size with the same entries. Called by the one writer only.
    pub(super) fn grow(&self, guard: ReadGuard<'_>) -> Option<RetiredTable<H>> {
        let table = self.read(guard);
        self.exchange(table.resized(2 * table.buckets()), false)
    }

    /// Replaces the table by the smallest one that takes its `len` entries. Returns `None` if it is that already.
    /// Called by the one writer only.
    pub(super) fn shrink(&self, guard: ReadGuard<'_>, len: usize) -> Option<RetiredTable<H>> {
        let table = self.read(guard);
        let buckets = Table::<H>::buckets_for(len);
        if buckets >= table.buckets() {
            return None;
        }
        self.exchange(table.resized(buckets), false)
    }

    /// Replaces the table by an empty one.
    pub(super) fn empty(&self) -> Option<RetiredTable<H>> {
        self.exchange(Table::with_buckets(1), true)
    }

    fn exchange(&self, table: Table<H>, with_entries: bool) -> Option<RetiredTable<H>> {
        let before = self.0.swap(Box::into_raw(Box::new(table)), Release);
        NonNull::new(before).map(|at| RetiredTable { at, with_entries })
    }
}

impl<H> Drop for Root<H> {
    fn drop(&mut self) {
        let at = NonNull::new(*self.0.get_mut());
        let table = at.map(|at| RetiredTable { at, with_entries: true });
        // SAFETY: nobody borrows the root, so nobody reads its table.
        table.into_iter().for_each(|table| drop(unsafe { table.into_entries() }));
    }
}

// Never 0, which is the tag of a free slot.
#[inline]
fn tag(hash: u64) -> u8 {
    ((hash >> 56) as u8).max(1)
}

/// Returns a word with the highest bit set in each of the lower seven bytes that is zero in `word`. Above the lowest
/// zero byte, bits may be set falsely.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    word.wrapping_sub(LOW) & !word & (LOW << 7) & (u64::MAX >> 8)
}

/// Returns the bucket that is searched after `bucket` for entries with this tag. `buckets` is a power of two and the
/// stride is odd, so a search visits all buckets. Strides differ between tags, so that full buckets do not form
/// clusters.
fn next_bucket(buckets: usize, bucket: usize, tag: u8) -> usize {
    (bucket + 2 * usize::from(tag) + 1) & (buckets - 1)
}

/// Returns the bucket where a search continues after `bucket`, or none when it is back at its first bucket. This is
/// rare. It is not inlined, so that the common path of a search has no instructions for it.
#[cold]
#[inline(never)]
fn next_in_search(buckets: usize, bucket: usize, hash: u64) -> Option<usize> {
    let home = low_half(hash) as usize & (buckets - 1);
    Some(next_bucket(buckets, bucket, tag(hash))).filter(|&at| at != home)
}

impl<H> Table<H> {
    /// # Panics
    /// If there would be 2^32 slots or more in one shard.
    fn with_buckets(n: usize) -> Self {
        assert!(u32::try_from(n * SLOTS).is_ok(), "a shard holds fewer than 2^32 entries");
        Self { buckets: (0..n).map(|_| Bucket::empty()).collect() }
    }

    /// Returns how many entries the table takes before it must grow.
    pub(super) fn capacity(&self) -> usize {
        self.buckets.len() * FILLED_SLOTS
    }

    /// Returns the least number of buckets that take this many entries.
    fn buckets_for(len: usize) -> usize {
        len.div_ceil(FILLED_SLOTS).next_power_of_two()
    }

    #[inline]
    fn home_bucket(&self, hash: u64) -> usize {
        low_half(hash) as usize & (self.buckets.len() - 1)
    }

    fn next_bucket(&self, bucket: usize, tag: u8) -> usize {
        next_bucket(self.buckets.len(), bucket, tag)
    }

    /// Returns the entry with this hash for whose key `matches` returns true.
    #[inline]
    pub(super) fn find<'p>(
        &'p self,
        guard: ReadGuard<'p>,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
    ) -> Option<(SlotIndex, EntryRef<'p, H>)> {
        let mut at = self.home_bucket(hash);
        loop {
            let bucket = &self.buckets[at];
            let tags = bucket.tags.load(Acquire);
            let mut candidates = zero_bytes(tags ^ (u64::from(tag(hash)) * 0x0101_0101_0101_0101));
            while candidates != 0 {
                let slot = candidates.trailing_zeros() as usize / 8;
                if let Some(entry) = self.read(guard, &bucket.slots[slot]) {
                    if entry.low_hash() == low_half(hash) && matches(entry.key()) {
                        return Some((slot_index(at, slot), entry));
                    }
                }
                candidates &= candidates - 1;
            }
            if tags >> 56 == 0 {
                return None;
            }
            at = next_in_search(self.buckets.len(), at, hash)?;
        }
    }

    #[inline]
    fn read<'p>(&'p self, _: ReadGuard<'p>, slot: &AtomicPtr<Entry<H>>) -> Option<EntryRef<'p, H>> {
        let at = NonNull::new(slot.load(Acquire))?;
        // SAFETY: an entry in a slot is freed after it went through `Retired::into_entry`, which does not happen while
        // the guard exists, or together with the table.
        Some(unsafe { EntryRef::new(at) })
    }

    /// Returns the entry in `slot`.
    pub(super) fn at<'p>(
        &'p self,
        guard: ReadGuard<'p>,
        slot: SlotIndex,
    ) -> Option<EntryRef<'p, H>> {
        let (bucket, slot) = parts(slot);
        self.read(guard, &self.buckets.get(bucket)?.slots[slot])
    }

    /// Prefetches what [`Self::at`] reads: the bucket of `slot`, and the entry in the slot `entry`, whose bucket was
    /// prefetched before.
    pub(super) fn prefetch(
        &self,
        guard: ReadGuard<'_>,
        slot: Option<SlotIndex>,
        entry: Option<SlotIndex>,
    ) {
        if let Some(entry) = entry.and_then(|slot| self.at(guard, slot)) {
            entry.prefetch();
        }
        if let Some(bucket) = slot.and_then(|slot| self.buckets.get(parts(slot).0)) {
            prefetch(bucket);
        }
    }

    pub(super) fn iter<'p>(&'p self, guard: ReadGuard<'p>) -> Entries<'p, H> {
        Entries { table: self, guard, next: 0, end: self.buckets.len() * SLOTS }
    }

    /// Returns the slots of one bucket, which is less than [`Self::buckets`].
    pub(super) fn slots_of(bucket: usize) -> impl Iterator<Item = SlotIndex> {
        (0..SLOTS).map(move |slot| slot_index(bucket, slot))
    }

    pub(super) fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// Puts an entry into a free slot. The writer makes sure that there is one, and that no other entry has its key.
    pub(super) fn insert(&self, hash: u64, entry: OwnedEntry<H>) -> SlotIndex {
        self.insert_raw(hash, entry.into_raw())
    }

    fn insert_raw(&self, hash: u64, entry: *mut Entry<H>) -> SlotIndex {
        let (mut at, tag) = (self.home_bucket(hash), tag(hash));
        loop {
            let bucket = &self.buckets[at];
            if let Some(slot) = bucket.free_slot() {
                bucket.slots[slot].store(entry, Release);
                bucket.set_tag(slot, tag);
                return slot_index(at, slot);
            }
            bucket.change_overflow(1);
            at = self.next_bucket(at, tag);
        }
    }

    /// Replaces the entry in `slot` by another with the same key. Returns the old entry.
    pub(super) fn replace(&self, slot: SlotIndex, entry: OwnedEntry<H>) -> Option<Retired<H>> {
        let (bucket, slot) = parts(slot);
        Bucket::exchange(&self.buckets[bucket].slots[slot], entry.into_raw()).map(Retired)
    }

    /// Removes the entry in `slot`, and returns it.
    pub(super) fn remove(&self, slot: SlotIndex) -> Option<Retired<H>> {
        let (bucket, slot) = parts(slot);
        let entry = Bucket::exchange(&self.buckets[bucket].slots[slot], null_mut())?;
        let tag = self.buckets[bucket].tag(slot);
        self.buckets[bucket].set_tag(slot, 0);
        // SAFETY: the entry was just removed from its slot, and only this writer retires entries, so it is not freed
        // yet.
        let hash = unsafe { EntryRef::new(entry) }.low_hash();
        let mut passed = self.home_bucket(u64::from(hash));
        while passed != bucket {
            self.buckets[passed].change_overflow(-1);
            passed = self.next_bucket(passed, tag);
        }
        Some(Retired(entry))
    }

    /// Returns a table of another size with the same entries. It has to have room for them.
    fn resized(&self, buckets: usize) -> Self {
        let resized = Self::with_buckets(buckets);
        for bucket in &self.buckets {
            let tags = bucket.tags.load(Relaxed).to_le_bytes();
            for (slot, entry) in bucket.slots.iter().enumerate() {
                if let Some(at) = NonNull::new(entry.load(Relaxed)) {
                    // SAFETY: the entry is in the table, and stays there because the only writer is busy here.
                    let low = unsafe { EntryRef::new(at) }.low_hash();
                    resized.insert_raw(u64::from(tags[slot]) << 56 | u64::from(low), at.as_ptr());
                }
            }
        }
        resized
    }

    fn into_entries(mut self) -> Vec<OwnedEntry<H>> {
        let mut entries = Vec::new();
        for bucket in &mut self.buckets {
            for slot in &mut bucket.slots {
                if let Some(at) = NonNull::new(*slot.get_mut()) {
                    // SAFETY: the pointer is from `insert`, and this table, which nobody else uses, is the only one
                    // that has it.
                    entries.push(unsafe { OwnedEntry::from_raw(at) });
                }
            }
        }
        entries
    }
}

/// The entries in a range of slots. (A nested iterator would be several times as much code, for each type of value.)
pub(super) struct Entries<'p, H> {
    table: &'p Table<H>,
    guard: ReadGuard<'p>,
    next: usize,
    end: usize,
}

impl<'p, H> Iterator for Entries<'p, H> {
    type Item = (SlotIndex, EntryRef<'p, H>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.end {
            let slot = slot_index(self.next / SLOTS, self.next % SLOTS);
            self.next += 1;
            if let Some(entry) = self.table.at(self.guard, slot) {
                return Some((slot, entry));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Draft, Lifetime, NewEntry, Words};
    use super::super::garbage::Garbage;
    use super::*;
    use crate::epoch::participant::pin;
    use crate::platform::clock::NEVER;

    fn overflow_total(table: &Table<u64>) -> usize {
        let counts = table.buckets.iter().map(|b| (b.tags.load(Relaxed) >> 56) as usize);
        counts.sum()
    }

    /// If overflow counts never went down, every search that finds nothing would visit many buckets.
    #[test]
    fn searches_stay_short_after_many_insertions_and_removals() {
        let (pin, mut garbage) = (pin(), Garbage::new());
        let guard = ReadGuard::of_pin(&pin);
        let root = Root::new();
        let hash = |n: u64| (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(20) ^ n;
        let mut len = 0;
        for n in 0..30_000_u64 {
            if len == root.read(guard).capacity() {
                root.grow(guard).into_iter().for_each(|table| garbage.retire_table(table));
            }
            let new_entry =
                NewEntry { held: n, lifetime: Lifetime::until(NEVER), weight: None, cost: None };
            let draft = Draft::new(hash(n), &n.to_le_bytes(), Words::default());
            root.read(guard).insert(hash(n), draft.fill(new_entry, None));
            len += 1;
            if let Some(removed) = n.checked_sub(1000) {
                let matches = |key: &[u8]| key == removed.to_le_bytes();
                let (slot, _) = root.read(guard).find(guard, hash(removed), matches).unwrap();
                root.read(guard).remove(slot).into_iter().for_each(|entry| garbage.retire(entry));
                len -= 1;
            }
        }
        let table = root.read(guard);
        assert!(overflow_total(table) <= len / 4, "{} of {len}", overflow_total(table));
        root.shrink(guard, len).into_iter().for_each(|table| garbage.retire_table(table));
        assert!(root.shrink(guard, len).is_none());
        let table = root.read(guard);
        assert_eq!((table.buckets(), table.iter(guard).count()), (256, len));
        for n in 29_000..30_000_u64 {
            assert!(table.find(guard, hash(n), |key| key == n.to_le_bytes()).is_some());
        }
        let remaining: Vec<SlotIndex> = table.iter(guard).map(|(slot, _)| slot).collect();
        remaining
            .iter()
            .for_each(|&slot| table.remove(slot).into_iter().for_each(|e| garbage.retire(e)));
        assert_eq!(overflow_total(table), 0);
    }
}
