//! A table of pointers to entries, read without a lock and changed by one writer at a time.
//!
//! A bucket is a cache line: seven pointers, seven tags of a byte that save looking at most entries in vain, and a
//! count of the entries that found no room in the bucket and stand further on, so that a search knows where to end and
//! a removal leaves nothing behind. (The layout follows Bronson and Shi, "Open-sourcing F14", 2019.) An entry stays
//! in its slot until it is removed, and a table that is full is replaced by a larger one: who reads meanwhile sees the
//! old one as it was. A reader may miss what is just being inserted, never take one entry for another: a tag is but a
//! hint, and an entry's hash and key do not change.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64};

use super::entry::{Entry, EntryRef, OwnedEntry, low_half, prefetch};
use crate::epoch::participant::EpochGuard;

const SLOTS: usize = 7;

#[repr(C, align(64))]
struct Bucket<H> {
    /// Seven tags, the first slot's in the lowest byte; in the highest byte the count of those who went on.
    tags: AtomicU64,
    slots: [AtomicPtr<Entry<H>>; SLOTS],
}

impl<H> Bucket<H> {
    const fn empty() -> Self {
        Self { tags: AtomicU64::new(0), slots: [const { AtomicPtr::new(null_mut()) }; SLOTS] }
    }

    // By shifts: a byte written into a word that is read back at once stalls the processor.
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

    /// Puts `entry` into a slot, and hands out what was there. There is one writer, so nothing comes between.
    fn exchange(slot: &AtomicPtr<Entry<H>>, entry: *mut Entry<H>) -> Option<NonNull<Entry<H>>> {
        let before = slot.load(Relaxed);
        slot.store(entry, Release);
        NonNull::new(before)
    }

    /// Counts one more entry that went on, or one less. A count that reached 255 is no longer known, and stays.
    fn change_overflow(&self, change: i8) {
        let overflow = self.tag(SLOTS);
        if overflow < u8::MAX {
            self.set_tag(SLOTS, overflow.saturating_add_signed(change));
        }
    }
}

/// Where an entry stands for as long as it is in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotIndex(pub(super) u32);

impl SlotIndex {
    fn new(bucket: usize, slot: usize) -> Self {
        // `Table::with_buckets` sees to it that it fits.
        Self(u32::try_from(bucket * SLOTS + slot).unwrap_or(u32::MAX))
    }

    fn parts(self) -> (usize, usize) {
        (self.0 as usize / SLOTS, self.0 as usize % SLOTS)
    }
}

/// For as long as it is there, nothing that is in sight of who has it is freed.
#[derive(Clone, Copy)]
pub(super) struct ReadGuard<'p>(PhantomData<&'p ()>);

impl<'p> ReadGuard<'p> {
    /// What is taken out of sight meanwhile is freed after a grace, which waits for the pin.
    #[inline]
    pub(super) fn of_pin(_: &'p EpochGuard) -> Self {
        Self(PhantomData)
    }

    /// Who has the limbo of a shard sees nothing in its table that was taken out before, and nothing is taken out without
    /// it.
    ///
    /// # Safety
    /// It serves to read the table of that shard alone, and what is taken out of that goes to this garbage.
    #[inline]
    pub(super) unsafe fn of_shard_lock<T>(_: &'p T) -> Self {
        Self(PhantomData)
    }
}

/// An entry that was taken out of sight, which others may still be looking at.
#[must_use = "it is freed through a limbo"]
pub(super) struct Retired<H>(NonNull<Entry<H>>);

// SAFETY: a node on its way to being freed, see there.
unsafe impl<H: Send + Sync> Send for Retired<H> {}

impl<H> Retired<H> {
    /// # Safety
    /// Whoever was reading when it was retired has ended.
    pub(super) unsafe fn into_entry(self) -> OwnedEntry<H> {
        // SAFETY: the pointer left its slot for another, so that this is the only one; nobody reads it.
        unsafe { OwnedEntry::from_raw(self.0) }
    }

    pub(super) fn entry(&self) -> EntryRef<'_, H> {
        // SAFETY: it is freed by `into_node` alone, which takes this.
        unsafe { EntryRef::new(self.0) }
    }
}

pub(super) struct Table<H> {
    buckets: Box<[Bucket<H>]>,
}

/// The table that is in use.
pub(super) struct Root<H>(AtomicPtr<Table<H>>);

// SAFETY: a root owns a table and the nodes in it, and shows the values in them to all threads.
unsafe impl<H: Send + Sync> Send for Root<H> {}
unsafe impl<H: Send + Sync> Sync for Root<H> {}

/// A table that was taken out of use, which others may still be reading.
#[must_use = "it is freed through a limbo"]
pub(super) struct RetiredTable<H> {
    at: NonNull<Table<H>>,
    /// They went out of use with it.
    with_entries: bool,
}

// SAFETY: a table on its way to being freed, see there.
unsafe impl<H: Send + Sync> Send for RetiredTable<H> {}

impl<H> RetiredTable<H> {
    /// # Safety
    /// Whoever was reading when it was retired has ended.
    pub(super) unsafe fn into_entries(self) -> Vec<OwnedEntry<H>> {
        // SAFETY: it left its root by a swap, so that this is the only pointer to it; nobody reads it.
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
        // SAFETY: from `Box::into_raw`; freed by `RetiredTable::into_nodes` alone, which the guard keeps off, or with the
        // root.
        unsafe { &*self.0.load(Acquire) }
    }

    /// Puts a table of twice the size with the same entries into use. For the one writer.
    pub(super) fn grow(&self, guard: ReadGuard<'_>) -> Option<RetiredTable<H>> {
        let larger = self.read(guard).grown();
        self.exchange(larger, false)
    }

    /// Puts an empty table into use.
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

// 0 is a free slot's.
#[inline]
fn tag(hash: u64) -> u8 {
    ((hash >> 56) as u8).max(1)
}

/// In each byte that may be zero the highest bit; above the lowest zero byte there may be false ones.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    word.wrapping_sub(LOW) & !word & (LOW << 7) & (u64::MAX >> 8)
}

/// The bucket after `bucket`, of so many, for entries of this tag. Strides are odd, and so pass all buckets; they
/// differ, so that full buckets do not gather.
fn next_bucket(buckets: usize, bucket: usize, tag: u8) -> usize {
    (bucket + 2 * usize::from(tag) + 1) & (buckets - 1)
}

/// Where a search goes on after `bucket`, which is seldom: out of line, so that it prepares nothing for that. Nowhere,
/// once it comes back to where it began.
#[cold]
#[inline(never)]
fn next_in_search(buckets: usize, bucket: usize, hash: u64) -> Option<usize> {
    let home = low_half(hash) as usize & (buckets - 1);
    Some(next_bucket(buckets, bucket, tag(hash))).filter(|&at| at != home)
}

impl<H> Table<H> {
    /// # Panics
    /// With 2^32 places in one shard.
    fn with_buckets(n: usize) -> Self {
        assert!(u32::try_from(n * SLOTS).is_ok(), "a shard holds less than 2^32 entries");
        Self { buckets: (0..n).map(|_| Bucket::empty()).collect() }
    }

    /// How many entries it takes before a larger one is due: five of seven slots, so that searches in vain
    /// are short.
    pub(super) fn capacity(&self) -> usize {
        self.buckets.len() * (SLOTS - 2)
    }

    #[inline]
    fn home_bucket(&self, hash: u64) -> usize {
        low_half(hash) as usize & (self.buckets.len() - 1)
    }

    fn next_bucket(&self, bucket: usize, tag: u8) -> usize {
        next_bucket(self.buckets.len(), bucket, tag)
    }

    /// The entry of this hash whose key `matches`.
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
                        return Some((SlotIndex::new(at, slot), entry));
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
        // SAFETY: what a slot points at is freed by `Retired::into_node` alone, which the guard keeps off, or together
        // with the table.
        Some(unsafe { EntryRef::new(at) })
    }

    /// The entry that stands at `place`.
    pub(super) fn at<'p>(
        &'p self,
        guard: ReadGuard<'p>,
        slot: SlotIndex,
    ) -> Option<EntryRef<'p, H>> {
        let (bucket, slot) = slot.parts();
        self.read(guard, &self.buckets.get(bucket)?.slots[slot])
    }

    /// Has the processor fetch what [`Self::at`] reads: the slot at one place, the entry at another whose slot came before.
    pub(super) fn prefetch(
        &self,
        guard: ReadGuard<'_>,
        slot: Option<SlotIndex>,
        entry: Option<SlotIndex>,
    ) {
        if let Some(entry) = entry.and_then(|slot| self.at(guard, slot)) {
            entry.prefetch();
        }
        if let Some(bucket) = slot.and_then(|slot| self.buckets.get(slot.parts().0)) {
            prefetch(bucket);
        }
    }

    pub(super) fn iter<'p>(&'p self, guard: ReadGuard<'p>) -> Entries<'p, H> {
        Entries { table: self, guard, next: 0, end: self.buckets.len() * SLOTS }
    }

    /// The places in one bucket, of those that there are by number.
    pub(super) fn slots_of(&self, bucket: usize) -> impl Iterator<Item = SlotIndex> + use<H> {
        (0..SLOTS).map(move |slot| SlotIndex::new(bucket, slot))
    }

    pub(super) fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// Puts an entry into a free slot. The writer sees to it that there is one, and that no other has its key.
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
                return SlotIndex::new(at, slot);
            }
            bucket.change_overflow(1);
            at = self.next_bucket(at, tag);
        }
    }

    /// Puts an entry in the place of another with its key.
    pub(super) fn replace(&self, slot: SlotIndex, entry: OwnedEntry<H>) -> Option<Retired<H>> {
        let (bucket, slot) = slot.parts();
        Bucket::exchange(&self.buckets[bucket].slots[slot], entry.into_raw()).map(Retired)
    }

    /// Takes the entry at `place` out of sight.
    pub(super) fn remove(&self, slot: SlotIndex) -> Option<Retired<H>> {
        let (bucket, slot) = slot.parts();
        let entry = Bucket::exchange(&self.buckets[bucket].slots[slot], null_mut())?;
        let tag = self.buckets[bucket].tag(slot);
        self.buckets[bucket].set_tag(slot, 0);
        // SAFETY: it was in its slot a moment ago, and nobody else takes entries out.
        let hash = unsafe { EntryRef::new(entry) }.low_hash();
        let mut passed = self.home_bucket(u64::from(hash));
        while passed != bucket {
            self.buckets[passed].change_overflow(-1);
            passed = self.next_bucket(passed, tag);
        }
        Some(Retired(entry))
    }

    /// A table of twice the size with the same entries.
    fn grown(&self) -> Self {
        let larger = Self::with_buckets(self.buckets.len() * 2);
        for bucket in &self.buckets {
            let tags = bucket.tags.load(Relaxed).to_le_bytes();
            for (slot, entry) in bucket.slots.iter().enumerate() {
                if let Some(at) = NonNull::new(entry.load(Relaxed)) {
                    // SAFETY: the entry is in sight, and stays so: the writer is growing.
                    let low = unsafe { EntryRef::new(at) }.low_hash();
                    larger.insert_raw(u64::from(tags[slot]) << 56 | u64::from(low), at.as_ptr());
                }
            }
        }
        larger
    }

    fn into_entries(mut self) -> Vec<OwnedEntry<H>> {
        let mut entries = Vec::new();
        for bucket in &mut self.buckets {
            for slot in &mut bucket.slots {
                if let Some(at) = NonNull::new(*slot.get_mut()) {
                    // SAFETY: from `insert`, and gone with the table, which nobody else has.
                    entries.push(unsafe { OwnedEntry::from_raw(at) });
                }
            }
        }
        entries
    }
}

/// The entries in a row of slots. (Iterators of iterators are several times the code, for each kind of result.)
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
            let slot = SlotIndex::new(self.next / SLOTS, self.next % SLOTS);
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
    use super::super::entry::NewEntry;
    use super::super::garbage::Garbage;
    use super::*;
    use crate::epoch::participant::pin;
    use crate::platform::clock::NEVER;

    fn overflow_total(table: &Table<u64>) -> usize {
        let counts = table.buckets.iter().map(|b| (b.tags.load(Relaxed) >> 56) as usize);
        counts.sum()
    }

    /// A counter of buckets that were passed that never came down would make every search in vain walk on.
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
            let fresh = NewEntry { held: n, expires: NEVER, weight: None, never_refreshed: false };
            root.read(guard).insert(hash(n), OwnedEntry::new(hash(n), &n.to_le_bytes(), fresh));
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
        let remaining: Vec<SlotIndex> = table.iter(guard).map(|(slot, _)| slot).collect();
        remaining
            .iter()
            .for_each(|&slot| table.remove(slot).into_iter().for_each(|e| garbage.retire(e)));
        assert_eq!(overflow_total(table), 0);
    }
}
