//! An entry is one allocation: the value, behind it the bytes of the key, and then the words that the cache needs: the
//! place of its tags if it has any, the weight if there is a bound on weight, the time of the computation if values have
//! a time to live, and a byte for the price if the eviction policy asks for it.
//!
//! Readers read entries without a lock. So the fields that change are atomic, and the others never change.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::{ManuallyDrop, offset_of};
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::eviction::price::Price;
use crate::eviction::uses::Uses;
use crate::key::tag::MAX_LENGTH;
use crate::platform::clock::{Millis, NEVER};
use crate::tags::TagSet;

/// When a value was computed, and when it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    /// In milliseconds since 1970. `None`: it is not known.
    pub(crate) computed: Option<u64>,
    pub(crate) expires: Millis,
}

#[cfg(test)]
impl Lifetime {
    /// Of a value of which it is not known when it was computed.
    pub(crate) fn until(expires: Millis) -> Self {
        Self { computed: None, expires }
    }
}

/// Which words stand behind the key of an entry, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// Where the tags of the result are. The entry owns them. First, because hits read it.
    pub(crate) tags: bool,
    pub(crate) weight: bool,
    /// When the value was computed.
    pub(crate) time: bool,
    /// What it costs to do without the entry, a byte.
    pub(crate) price: bool,
}

impl Words {
    #[inline]
    fn of(packed: u64) -> Self {
        Self {
            weight: packed & WEIGHED != 0,
            time: packed & TIMED != 0,
            tags: packed & TAGGED != 0,
            price: packed & PRICED != 0,
        }
    }

    fn flags(self) -> u64 {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        flag(self.weight, WEIGHED)
            | flag(self.time, TIMED)
            | flag(self.tags, TAGGED)
            | flag(self.price, PRICED)
    }

    /// The length of all words in bytes.
    fn len(self) -> usize {
        self.before_price() + usize::from(self.price)
    }

    /// The length of those before the price.
    fn before_price(self) -> usize {
        WORD * (usize::from(self.tags) + usize::from(self.weight) + usize::from(self.time))
    }
}

/// The data of a new entry: the value, its times, and its weight if the cache has a bound on weight.
pub(crate) struct NewEntry<H> {
    pub(crate) held: H,
    pub(crate) lifetime: Lifetime,
    pub(crate) weight: Option<u64>,
    /// How long the computation took, if that is known.
    pub(crate) cost: Option<Duration>,
}

/// The beginning of an entry's allocation. The bytes of the key follow `hash` directly, where padding would be, and
/// then the [`Words`].
#[repr(C)]
pub(crate) struct Entry<H> {
    /// When the entry was last used, counted in uses of its shard. The lowest bits may count uses (see `uses.rs`).
    stamp: AtomicU64,
    /// In one word: the expiry time, four flags, and in the lowest bits the length of the key.
    packed: AtomicU64,
    held: H,
    /// The lower half of the key's hash.
    hash: u32,
}

const LENGTH_BITS: u32 = 20;
const LENGTH_MASK: u64 = (1 << LENGTH_BITS) - 1;
const _: () = assert!((MAX_LENGTH as u64) < LENGTH_MASK);
/// Flag: a weight follows the key.
const WEIGHED: u64 = 1 << LENGTH_BITS;
/// Flag: the time of the computation follows the key, after the weight.
const TIMED: u64 = 2 << LENGTH_BITS;
/// Flag: a pointer to the tags follows the key, before the weight and the time.
const TAGGED: u64 = 4 << LENGTH_BITS;
/// Flag: the price follows the key and all words.
const PRICED: u64 = 8 << LENGTH_BITS;
const END_SHIFT: u32 = LENGTH_BITS + 4;
/// The flags of what follows the key.
const KEPT_FLAGS: u64 = WEIGHED | TIMED | TAGGED | PRICED;
const WORD: usize = size_of::<u64>();
/// An expiry time of this or later, 33 years after the start of the machine, means never.
const END_NEVER: Millis = (1 << (64 - END_SHIFT)) - 1;

#[expect(clippy::cast_possible_truncation, reason = "only the lower half is wanted")]
#[inline]
pub(super) fn low_half(hash: u64) -> u32 {
    hash as u32
}

/// Prefetches a line of memory into the processor's cache.
#[inline]
pub(super) fn prefetch<T>(_at: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint and reads nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(_at.cast());
    }
}

/// Prefetches an entry. Its first bytes and the bytes just before the key may be on two cache lines.
#[inline]
fn prefetch_entry<H>(entry: NonNull<Entry<H>>) {
    let at = entry.as_ptr().cast::<u8>();
    prefetch(at);
    prefetch(at.wrapping_add(offset_of!(Entry<H>, hash)));
}

/// The word of a time that is not known.
const UNKNOWN_TIME: u64 = u64::MAX;

/// The packed word of an entry is at least this if the entry never expires.
pub(super) const NEVER_EXPIRES: u64 = END_NEVER << END_SHIFT;

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

    /// Returns whether the packed word is at least `word`. No packed word is [`u64::MAX`], because no key is so long
    /// that all bits of its length are 1.
    #[inline]
    pub(super) fn packed_is_at_least(&self, word: u64) -> bool {
        self.packed.load(Relaxed) >= word
    }

    #[inline]
    fn key_len(&self) -> usize {
        (self.packed.load(Relaxed) & LENGTH_MASK) as usize
    }

    #[inline]
    fn words(&self) -> Words {
        Words::of(self.packed.load(Relaxed))
    }

    /// Rounds the size up to a size that allocators would use anyway, so that most entries of a cache have the same
    /// size.
    ///
    /// # Panics
    /// If the key is longer than `MAX_LENGTH`.
    pub(super) fn layout(key_len: usize, words: Words) -> Layout {
        assert!(key_len <= MAX_LENGTH, "a key is at most 64 KiB");
        let size = (Self::KEY + key_len + words.len()).max(size_of::<Self>());
        let size = (size + 8).next_multiple_of(16) - 8;
        Layout::from_size_align(size, align_of::<Self>()).expect("a key is at most 64 KiB")
    }

    /// Returns the size of the entry in bytes, its key included.
    pub(super) fn size(&self) -> usize {
        self.own_layout().size()
    }

    fn own_layout(&self) -> Layout {
        Self::layout(self.key_len(), self.words())
    }
}

/// An entry of which everything is written except the value, the expiry time and the words behind the key.
pub(crate) struct Draft<H>(NonNull<Entry<H>>);

// SAFETY: a draft owns atomics and bytes that nobody writes. It contains no `H`.
unsafe impl<H> Send for Draft<H> {}
unsafe impl<H> Sync for Draft<H> {}

impl<H> Draft<H> {
    /// `words`: for which words there is room.
    ///
    /// # Panics
    /// If `key` is longer than `MAX_LENGTH`.
    pub(super) fn new(hash: u64, key: &[u8], words: Words) -> Self {
        let layout = Entry::<H>::layout(key.len(), words);
        // SAFETY: the layout has at least the size of `Entry`, so its size is not zero.
        let Some(at) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        // SAFETY: `at` was allocated with this layout.
        unsafe { Self::write(at.cast(), hash, key, words) }
    }

    /// Makes a new draft in the memory of this one.
    ///
    /// # Safety
    /// The layout of the new draft equals that of this one.
    pub(super) unsafe fn reuse(self, hash: u64, key: &[u8], words: Words) -> Self {
        // SAFETY: the memory was allocated with an equal layout.
        unsafe { Self::write(ManuallyDrop::new(self).0, hash, key, words) }
    }

    /// # Safety
    /// `at` was allocated with the layout for these arguments, and nobody else uses it.
    unsafe fn write(at: NonNull<Entry<H>>, hash: u64, key: &[u8], words: Words) -> Self {
        let packed = key.len() as u64 | words.flags();
        // SAFETY: the layout has room for an `Entry` at its start, and for the key from `KEY` on. Fields are written
        // one by one, so the padding of `Entry`, which belongs to the key, is not written.
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
        Entry::<H>::layout((packed & LENGTH_MASK) as usize, Words::of(packed))
    }

    /// Prefetches the draft.
    pub(super) fn prefetch(&self) {
        prefetch_entry(self.0);
    }

    fn packed(&self) -> u64 {
        // SAFETY: `write` initialized the word, and the draft is its only owner.
        unsafe { (&raw const (*self.0.as_ptr()).packed).cast::<u64>().read() }
    }

    pub(super) fn key(&self) -> &[u8] {
        let len = (self.packed() & LENGTH_MASK) as usize;
        // SAFETY: `write` initialized this many bytes there, and nobody changes them.
        unsafe { slice::from_raw_parts(self.0.cast::<u8>().add(Entry::<H>::KEY).as_ptr(), len) }
    }

    /// Writes the value and returns the entry. A weight, a time, a cost or tags for which the draft has no room are
    /// dropped.
    pub(super) fn fill(self, new_entry: NewEntry<H>, tags: Option<Box<TagSet>>) -> OwnedEntry<H> {
        let NewEntry { held, lifetime, weight, cost } = new_entry;
        let Lifetime { computed, expires } = lifetime;
        let (packed, at) = (self.packed(), ManuallyDrop::new(self).0);
        let (words, rest) = (Words::of(packed), packed & (KEPT_FLAGS | LENGTH_MASK));
        // SAFETY: `new` made room for an `Entry`, and behind the key for the words that the flags name. After the value
        // is written, all of the entry is initialized.
        unsafe {
            let entry = at.as_ptr();
            (&raw mut (*entry).held).write(held);
            (&raw mut (*entry).packed)
                .write(AtomicU64::new(expires.min(END_NEVER) << END_SHIFT | rest));
            let mut behind = at.cast::<u8>().add(Entry::<H>::KEY + (packed & LENGTH_MASK) as usize);
            if words.tags {
                let tags = tags.map_or(ptr::null_mut(), Box::into_raw);
                behind.cast::<*mut TagSet>().write_unaligned(tags);
                behind = behind.add(WORD);
            }
            if words.weight {
                behind.cast::<u64>().write_unaligned(weight.unwrap_or_default());
                behind = behind.add(WORD);
            }
            if words.time {
                behind.cast::<u64>().write_unaligned(computed.unwrap_or(UNKNOWN_TIME));
                behind = behind.add(WORD);
            }
            if words.price {
                behind.write(Price::of(cost, weight.unwrap_or(1)).to_byte());
            }
        }
        OwnedEntry(at)
    }
}

impl<H> Drop for Draft<H> {
    fn drop(&mut self) {
        // SAFETY: the memory was allocated with the same layout in `new`.
        unsafe { dealloc(self.0.as_ptr().cast(), self.layout()) }
    }
}

/// An entry with a single owner.
pub(crate) struct OwnedEntry<H>(NonNull<Entry<H>>);

// SAFETY: an owned entry owns an `H`, atomics, bytes that nobody writes, and a `TagSet`, which any thread may use.
unsafe impl<H: Send> Send for OwnedEntry<H> {}
unsafe impl<H: Sync> Sync for OwnedEntry<H> {}

impl<H> OwnedEntry<H> {
    /// Drops the value and the tags, and returns the rest as a draft.
    pub(super) fn into_draft(self) -> Draft<H> {
        let tags = self.shared().tags_pointer();
        let draft = Draft(ManuallyDrop::new(self).0);
        // SAFETY: `Draft::fill` made the pointer from a box, which `self` owned, and a draft drops no tags.
        let _tags = (!tags.is_null()).then(|| unsafe { Box::from_raw(tags) });
        // SAFETY: `self` owned the entry, so its value is dropped here once: a draft does not drop a value. The fields
        // that a draft reads have no `Drop`.
        unsafe { (&raw mut (*draft.0.as_ptr()).held).drop_in_place() }
        draft
    }

    /// Turns the entry into a pointer. [`Self::from_raw`] turns it back.
    pub(super) fn into_raw(self) -> *mut Entry<H> {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// # Safety
    /// `raw` comes from [`Self::into_raw`], is turned back only once, and no reader uses it any more.
    pub(super) unsafe fn from_raw(raw: NonNull<Entry<H>>) -> Self {
        Self(raw)
    }

    pub(super) fn shared(&self) -> EntryRef<'_, H> {
        // SAFETY: the entry outlives the borrow.
        unsafe { EntryRef::new(self.0) }
    }
}

impl<H> Drop for OwnedEntry<H> {
    fn drop(&mut self) {
        // By way of a draft, so that the memory is freed even if the `Drop` of the value panics.
        drop(Self(self.0).into_draft());
    }
}

/// An entry that several threads may read at the same time.
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
    /// `at` points to an entry from [`OwnedEntry::into_raw`] or in an [`OwnedEntry`], and the entry is not freed during
    /// `'a`.
    #[inline]
    pub(super) unsafe fn new(at: NonNull<Entry<H>>) -> Self {
        Self { at, lives: std::marker::PhantomData }
    }

    #[inline]
    pub(crate) fn key(self) -> &'a [u8] {
        let len = self.key_len();
        // SAFETY: `Draft::write` initialized `len` bytes there, nobody changes them, and they live for `'a`. The
        // pointer was derived from the allocation and not from the `Entry` in it, so it may read behind the `Entry`.
        unsafe { slice::from_raw_parts(self.at.cast::<u8>().add(Entry::<H>::KEY).as_ptr(), len) }
    }

    /// Returns what its eviction policy knows of the entry.
    pub(super) fn uses(self) -> Uses<'a> {
        let entry = self.entry();
        Uses::new(&entry.stamp, entry.hash, self.price())
    }

    /// Returns the price of the entry. It is not known if the policy of the cache does not ask for it.
    fn price(self) -> Price {
        let packed = self.packed.load(Relaxed);
        if packed & PRICED == 0 {
            return Price::UNKNOWN;
        }
        let offset = Entry::<H>::KEY + self.key_len() + Words::of(packed).before_price();
        // SAFETY: `Draft::fill` wrote the byte there, and nobody changes it.
        Price::from_byte(unsafe { self.at.cast::<u8>().add(offset).read() })
    }

    /// Prefetches the entry.
    pub(super) fn prefetch(self) {
        prefetch_entry(self.at);
    }

    /// Returns the weight of the entry. It is 0 if the cache has no bound on weight.
    pub(super) fn weight(self) -> u64 {
        let words = self.words();
        // SAFETY: the entry has the word.
        if words.weight { unsafe { self.word(usize::from(words.tags)) } } else { 0 }
    }

    /// Returns when the value was computed and when it expires.
    pub(super) fn lifetime(self) -> Lifetime {
        let words = self.words();
        // SAFETY: the entry has the word.
        let computed = words
            .time
            .then(|| unsafe { self.word(usize::from(words.tags) + usize::from(words.weight)) });
        let computed = computed.filter(|&time| time != UNKNOWN_TIME);
        Lifetime { computed, expires: self.expires() }
    }

    /// Returns the tags of the result. `None`: it has none.
    #[inline]
    pub(crate) fn tags(self) -> Option<&'a TagSet> {
        // SAFETY: the pointer is null or comes from a box that the entry owns, and the entry lives for `'a`.
        unsafe { self.tags_pointer().as_ref() }
    }

    /// Returns whether one of the tags was invalidated. The entry then has no value any more, not even a stale one.
    #[inline]
    pub(super) fn has_ended(self) -> bool {
        self.tags().is_some_and(|tags| !tags.is_valid())
    }

    #[inline]
    fn tags_pointer(self) -> *mut TagSet {
        let packed = self.packed.load(Relaxed);
        if packed & TAGGED == 0 {
            return ptr::null_mut();
        }
        let offset = Entry::<H>::KEY + (packed & LENGTH_MASK) as usize;
        // SAFETY: `Draft::fill` wrote the pointer there, at any alignment, and nobody changes it.
        unsafe { self.at.cast::<u8>().add(offset).cast().read_unaligned() }
    }

    /// Returns the word number `index` behind the key.
    ///
    /// # Safety
    /// The entry has that word.
    unsafe fn word(self, index: usize) -> u64 {
        let offset = Entry::<H>::KEY + self.key_len() + WORD * index;
        // SAFETY: `Draft::fill` wrote the words behind the key, at any alignment, and nobody changes them.
        unsafe { self.at.cast::<u8>().add(offset).cast().read_unaligned() }
    }

    #[inline]
    pub(crate) fn entry(self) -> &'a Entry<H> {
        // SAFETY: there is an `Entry` for `'a`, of which only the atomics change.
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
        lifetime: Lifetime,
        weight: Option<u64>,
    ) -> OwnedEntry<H> {
        let words = Words {
            weight: weight.is_some(),
            time: lifetime.computed.is_some(),
            ..Words::default()
        };
        let new_entry = NewEntry { held, lifetime, weight, cost: None };
        Draft::new(hash, key, words).fill(new_entry, None)
    }

    /// Every choice of words behind a key.
    const WORDS: [(Option<u64>, Option<u64>); 5] = [
        (None, None),
        (Some(0), None),
        (None, Some(3)),
        (Some(u64::MAX), Some(0)),
        (Some(1), Some(5)),
    ];

    #[test]
    fn keys_of_every_length_are_stored_behind_values_of_every_size() {
        fn check<H: Clone + PartialEq + std::fmt::Debug>(held: &H) {
            for len in (0..70).chain([MAX_LENGTH]) {
                let key: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
                for (weight, computed) in WORDS {
                    let lifetime = Lifetime { computed, expires: 7 };
                    let owned = owned(u64::MAX - 1, &key, held.clone(), lifetime, weight);
                    let shared = owned.shared();
                    assert_eq!((shared.key(), shared.held()), (&*key, held));
                    assert_eq!((shared.low_hash(), shared.lifetime()), (u32::MAX - 1, lifetime));
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
        for (weight, computed) in WORDS {
            let last = END_NEVER - 1;
            let ends =
                [(0, 0), (last, last), (END_NEVER, NEVER), (NEVER - 1, NEVER), (NEVER, NEVER)];
            for (end, kept) in ends {
                let lifetime = Lifetime { computed, expires: end };
                let owned = owned(1, b"key", 5_u32, lifetime, weight);
                let shared = owned.shared();
                assert_eq!((shared.expires(), shared.key()), (kept, &b"key"[..]));
                assert_eq!(shared.packed_is_at_least(NEVER_EXPIRES), kept == NEVER);
                assert!(!shared.packed_is_at_least(u64::MAX));
                assert_eq!(shared.weight(), weight.unwrap_or_default());
                assert_eq!(shared.lifetime(), Lifetime { computed, expires: kept });
            }
        }
    }

    /// A key of one `u64` has 9 bytes.
    #[test]
    fn an_entry_has_no_room_for_words_that_it_lacks() {
        let size = |weight, computed| {
            owned(1, &[0; 9], 5_u64, Lifetime { computed, expires: 1 }, weight).shared().size()
        };
        assert_eq!((size(None, None), size(Some(1), None), size(None, Some(1))), (40, 56, 56));
        assert_eq!(size(Some(1), Some(1)), 56);
    }

    #[test]
    fn a_held_value_is_dropped_once() {
        let held = Arc::new(());
        let owned = owned(1, b"key", Arc::clone(&held), Lifetime::until(0), None);
        assert_eq!(Arc::strong_count(&held), 2);
        drop(owned);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
