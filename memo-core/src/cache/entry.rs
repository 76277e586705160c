//! An entry: one allocation with the value and, behind it, the bytes of the key and, where the cache weighs, the weight.
//!
//! Readers come by without a lock, so what changes in an entry is atomic, and the rest never does.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::{ManuallyDrop, offset_of};
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::key::tag::MAX_LENGTH;
use crate::platform::clock::{Millis, NEVER};

/// An entry to be: what is held, until when, and its weight where the cache weighs.
pub(crate) struct NewEntry<H> {
    pub(crate) held: H,
    pub(crate) expires: Millis,
    pub(crate) weight: Option<u64>,
    /// It is not computed anew ahead of its end: its life is shorter than that.
    pub(crate) never_refreshed: bool,
}

/// What an entry's allocation begins with; the key's bytes follow `hash`, in what would be padding, then the weight.
#[repr(C)]
pub(crate) struct Entry<H> {
    /// When it was last used, by the shard's own count.
    stamp: AtomicU64,
    /// The end of its life, two flags, and in the lowest bits the length of the key: together one word.
    packed: AtomicU64,
    held: H,
    /// The low half of the key's hash.
    hash: u32,
}

const LENGTH_BITS: u32 = 21;
const LENGTH_MASK: u64 = (1 << LENGTH_BITS) - 1;
const _: () = assert!((MAX_LENGTH as u64) < LENGTH_MASK);
/// A weight follows the key.
const WEIGHED: u64 = 1 << LENGTH_BITS;
/// It is not computed anew ahead of its end.
const NEVER_REFRESHED: u64 = 2 << LENGTH_BITS;
const END_SHIFT: u32 = LENGTH_BITS + 2;
/// Ends later than 69 years after the machine was started are never.
const END_NEVER: Millis = (1 << (64 - END_SHIFT)) - 1;

#[expect(clippy::cast_possible_truncation, reason = "the half is wanted")]
#[inline]
pub(super) fn low_half(hash: u64) -> u32 {
    hash as u32
}

/// Has the processor fetch a line of memory.
#[inline]
pub(super) fn prefetch<T>(_at: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which reads nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(_at.cast());
    }
}

/// Has it fetch an entry: the first bytes and the last before the key may be on two lines.
#[inline]
fn prefetch_entry<H>(entry: NonNull<Entry<H>>) {
    let at = entry.as_ptr().cast::<u8>();
    prefetch(at);
    prefetch(at.wrapping_add(offset_of!(Entry<H>, hash)));
}

/// The word with the end of an entry is no less if it never ends.
pub(super) const ENDLESS: u64 = END_NEVER << END_SHIFT;

impl<H> Entry<H> {
    const KEY: usize = offset_of!(Self, hash) + size_of::<u32>();

    #[inline]
    pub(crate) fn held(&self) -> &H {
        &self.held
    }

    #[inline]
    pub(super) fn low_hash(&self) -> u32 {
        self.hash
    }

    #[inline]
    pub(super) fn stamp(&self) -> &AtomicU64 {
        &self.stamp
    }

    #[inline]
    pub(crate) fn expires(&self) -> Millis {
        match self.packed.load(Relaxed) >> END_SHIFT {
            END_NEVER => NEVER,
            end => end,
        }
    }

    /// Is the word with its end no less than that? None is [`u64::MAX`], which no length of a key makes.
    #[inline]
    pub(super) fn outlasts(&self, word: u64) -> bool {
        self.packed.load(Relaxed) >= word
    }

    pub(super) fn set_expires(&self, expires: Millis) {
        let rest = self.packed.load(Relaxed) & (NEVER_REFRESHED | WEIGHED | LENGTH_MASK);
        self.packed.store(expires.min(END_NEVER) << END_SHIFT | rest, Relaxed);
    }

    #[inline]
    fn key_len(&self) -> usize {
        (self.packed.load(Relaxed) & LENGTH_MASK) as usize
    }

    pub(super) fn is_never_refreshed(&self) -> bool {
        self.packed.load(Relaxed) & NEVER_REFRESHED != 0
    }

    fn is_weighed(&self) -> bool {
        self.packed.load(Relaxed) & WEIGHED != 0
    }

    /// Sizes are such that allocators would give as much for the next smaller ones, so that most entries of a cache are
    /// of one size.
    ///
    /// # Panics
    /// If the key is longer than a key can be.
    pub(super) fn layout(key_len: usize, weighed: bool) -> Layout {
        assert!(key_len <= MAX_LENGTH, "a key is at most 1 MiB");
        let weight = if weighed { size_of::<u64>() } else { 0 };
        let size = (Self::KEY + key_len + weight).max(size_of::<Self>());
        let size = (size + 8).next_multiple_of(16) - 8;
        Layout::from_size_align(size, align_of::<Self>()).expect("a key is at most 1 MiB")
    }

    /// Bytes that the entry takes, its key included.
    pub(super) fn size(&self) -> usize {
        self.own_layout().size()
    }

    fn own_layout(&self) -> Layout {
        Self::layout(self.key_len(), self.is_weighed())
    }
}

/// An entry to be: all of it is written but the value and its end.
pub(crate) struct Draft<H>(NonNull<Entry<H>>);

// SAFETY: a draft is a box of atomics and of bytes that nobody writes; there is no `H` in it.
unsafe impl<H> Send for Draft<H> {}
unsafe impl<H> Sync for Draft<H> {}

impl<H> Draft<H> {
    /// `weighed`: with room for a weight.
    ///
    /// # Panics
    /// If `key` is longer than a key can be.
    pub(super) fn new(hash: u64, key: &[u8], weighed: bool) -> Self {
        let layout = Entry::<H>::layout(key.len(), weighed);
        // SAFETY: the layout's size is that of `Entry` at least, and so not zero.
        let Some(at) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        // SAFETY: allocated with this layout.
        unsafe { Self::write(at.cast(), hash, key, weighed) }
    }

    /// The same in the place of this one.
    ///
    /// # Safety
    /// It takes as much room.
    pub(super) unsafe fn reuse(self, hash: u64, key: &[u8], weighed: bool) -> Self {
        // SAFETY: allocated with a layout that is equal.
        unsafe { Self::write(ManuallyDrop::new(self).0, hash, key, weighed) }
    }

    /// # Safety
    /// `at` was allocated with the layout for this, and is nobody else's.
    unsafe fn write(at: NonNull<Entry<H>>, hash: u64, key: &[u8], weighed: bool) -> Self {
        let packed = key.len() as u64 | if weighed { WEIGHED } else { 0 };
        // SAFETY: the layout has room for an `Entry` at its start and, from `KEY` on, for the key. Fields are written
        // one by one, and so none of the padding that is the key's.
        unsafe {
            let entry = at.as_ptr();
            (&raw mut (*entry).stamp).write(AtomicU64::new(0));
            (&raw mut (*entry).packed).write(AtomicU64::new(packed));
            (&raw mut (*entry).hash).write(low_half(hash));
            let behind = at.cast::<u8>().add(Entry::<H>::KEY);
            behind.copy_from_nonoverlapping(NonNull::from(key).cast::<u8>(), key.len());
        }
        Self(at)
    }

    pub(super) fn layout(&self) -> Layout {
        let packed = self.packed();
        Entry::<H>::layout((packed & LENGTH_MASK) as usize, packed & WEIGHED != 0)
    }

    /// Has the processor fetch it.
    pub(super) fn prefetch(&self) {
        prefetch_entry(self.0);
    }

    fn packed(&self) -> u64 {
        // SAFETY: written in `new`; the draft has it alone.
        unsafe { (&raw const (*self.0.as_ptr()).packed).cast::<u64>().read() }
    }

    pub(super) fn key(&self) -> &[u8] {
        let len = (self.packed() & LENGTH_MASK) as usize;
        // SAFETY: `new` wrote as many bytes there, which nobody changes.
        unsafe { slice::from_raw_parts(self.0.cast::<u8>().add(Entry::<H>::KEY).as_ptr(), len) }
    }

    /// The entry, with its value. The weight is dropped where there is no room for one.
    pub(super) fn fill(self, fresh: NewEntry<H>) -> OwnedEntry<H> {
        let NewEntry { held, expires, weight, never_refreshed } = fresh;
        let (packed, at) = (self.packed(), ManuallyDrop::new(self).0);
        let never_refreshed = if never_refreshed { NEVER_REFRESHED } else { 0 };
        let rest = packed & (WEIGHED | LENGTH_MASK);
        // SAFETY: `new` made room for an `Entry` and, where it says so, for a weight behind the key. With the value all
        // of the entry is written.
        unsafe {
            let entry = at.as_ptr();
            (&raw mut (*entry).held).write(held);
            (&raw mut (*entry).packed).write(AtomicU64::new(
                expires.min(END_NEVER) << END_SHIFT | never_refreshed | rest,
            ));
            if packed & WEIGHED != 0 {
                let behind = at.cast::<u8>().add(Entry::<H>::KEY + (packed & LENGTH_MASK) as usize);
                behind.cast::<u64>().write_unaligned(weight.unwrap_or_default());
            }
        }
        OwnedEntry(at)
    }
}

impl<H> Drop for Draft<H> {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout.
        unsafe { dealloc(self.0.as_ptr().cast(), self.layout()) }
    }
}

/// An entry that its holder owns alone.
pub(crate) struct OwnedEntry<H>(NonNull<Entry<H>>);

// SAFETY: a node is a box of an `H`, of atomics and of bytes that nobody writes.
unsafe impl<H: Send> Send for OwnedEntry<H> {}
unsafe impl<H: Sync> Sync for OwnedEntry<H> {}

impl<H> OwnedEntry<H> {
    /// # Panics
    /// If `key` is longer than a key can be.
    pub(crate) fn new(hash: u64, key: &[u8], fresh: NewEntry<H>) -> Self {
        Draft::new(hash, key, fresh.weight.is_some()).fill(fresh)
    }

    /// What is left without the value.
    pub(super) fn into_draft(self) -> Draft<H> {
        let draft = Draft(ManuallyDrop::new(self).0);
        // SAFETY: the node owned the entry, which now has no value any more: a draft drops none. What the draft reads of
        // an entry has no `Drop`.
        unsafe { (&raw mut (*draft.0.as_ptr()).held).drop_in_place() }
        draft
    }

    /// Gives the entry up to a pointer, from which [`Self::from_raw`] takes it back.
    pub(super) fn into_raw(self) -> *mut Entry<H> {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// # Safety
    /// `raw` is of [`Self::into_raw`], is taken back once, and is not read by others any more.
    pub(super) unsafe fn from_raw(raw: NonNull<Entry<H>>) -> Self {
        Self(raw)
    }

    pub(super) fn shared(&self) -> EntryRef<'_, H> {
        // SAFETY: the node outlives the borrow.
        unsafe { EntryRef::new(self.0) }
    }
}

impl<H> Drop for OwnedEntry<H> {
    fn drop(&mut self) {
        // The memory is given back even if dropping what it held panics.
        drop(Self(self.0).into_draft());
    }
}

/// An entry that is read while others may read it too.
pub(crate) struct EntryRef<'a, H> {
    at: NonNull<Entry<H>>,
    lives: std::marker::PhantomData<&'a Entry<H>>,
}

impl<H> Clone for EntryRef<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for EntryRef<'_, H> {}

impl<'a, H> EntryRef<'a, H> {
    /// # Safety
    /// `at` is of [`OwnedEntry::into_raw`] or of a node, and is not freed during `'a`.
    #[inline]
    pub(super) unsafe fn new(at: NonNull<Entry<H>>) -> Self {
        Self { at, lives: std::marker::PhantomData }
    }

    #[inline]
    pub(crate) fn key(self) -> &'a [u8] {
        let len = self.key_len();
        // SAFETY: `OwnedEntry::new` wrote `len` bytes there, which nobody changes; they live for `'a`. The pointer is that of
        // the allocation and not of the `Entry` in it.
        unsafe { slice::from_raw_parts(self.at.cast::<u8>().add(Entry::<H>::KEY).as_ptr(), len) }
    }

    /// Has the processor fetch it.
    pub(super) fn prefetch(self) {
        prefetch_entry(self.at);
    }

    /// What it counts for against a bound on bytes; nothing where the cache does not weigh.
    pub(super) fn weight(self) -> u64 {
        if !self.is_weighed() {
            return 0;
        }
        // SAFETY: `OwnedEntry::new` wrote it behind the key, at no particular alignment, and nobody changes it.
        unsafe {
            self.at.cast::<u8>().add(Entry::<H>::KEY + self.key_len()).cast().read_unaligned()
        }
    }

    #[inline]
    pub(crate) fn entry(self) -> &'a Entry<H> {
        // SAFETY: an `Entry` lives there for `'a`, and only its atomics change.
        unsafe { self.at.as_ref() }
    }
}

impl<H> Deref for EntryRef<'_, H> {
    type Target = Entry<H>;
    #[inline]
    fn deref(&self) -> &Entry<H> {
        self.entry()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn owned<H>(
        hash: u64,
        key: &[u8],
        held: H,
        expires: Millis,
        weight: Option<u64>,
    ) -> OwnedEntry<H> {
        OwnedEntry::new(hash, key, NewEntry { held, expires, weight, never_refreshed: false })
    }

    #[test]
    fn keys_of_every_length_are_stored_behind_values_of_every_size() {
        fn check<H: Clone + PartialEq + std::fmt::Debug>(held: &H) {
            for len in (0..70).chain([MAX_LENGTH]) {
                let key: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
                for weight in [None, Some(0), Some(u64::MAX)] {
                    let owned = owned(u64::MAX - 1, &key, held.clone(), 7, weight);
                    let shared = owned.shared();
                    assert_eq!((shared.key(), shared.held()), (&*key, held));
                    assert_eq!((shared.low_hash(), shared.expires()), (u32::MAX - 1, 7));
                    assert_eq!(shared.weight(), weight.unwrap_or_default());
                    assert!(shared.size() >= len + size_of::<H>());
                }
            }
        }
        check(&());
        check(&1_u8);
        check(&[1_u8; 3]);
        check(&1_u64);
        check(&1_u128);
        check(&Arc::new(1));
    }

    #[test]
    fn expiry_times_are_stored_and_those_out_of_range_become_never() {
        for weight in [None, Some(9)] {
            let owned = owned(1, b"key", 5_u32, NEVER, weight);
            let shared = owned.shared();
            assert_eq!(shared.expires(), NEVER);
            assert!(shared.outlasts(ENDLESS) && !shared.outlasts(u64::MAX));
            let last = END_NEVER - 1;
            for (end, kept) in [(0, 0), (last, last), (END_NEVER, NEVER), (NEVER - 1, NEVER)] {
                shared.set_expires(end);
                assert_eq!((shared.expires(), shared.key()), (kept, &b"key"[..]));
                assert_eq!(shared.outlasts(ENDLESS), kept == NEVER);
                assert_eq!(shared.weight(), weight.unwrap_or_default());
            }
        }
    }

    /// A key of one u64 takes 9 bytes.
    #[test]
    fn an_entry_without_a_weight_has_no_room_for_one() {
        let size = |weight| owned(1, &[0; 9], 5_u64, NEVER, weight).shared().size();
        assert_eq!((size(None), size(Some(1))), (40, 56));
    }

    #[test]
    fn a_held_value_is_dropped_once() {
        let held = Arc::new(());
        let owned = owned(1, b"key", Arc::clone(&held), 0, None);
        assert_eq!(Arc::strong_count(&held), 2);
        drop(owned);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
