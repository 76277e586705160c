//! What a cache holds: an entry, and the slab in which entries stand still while indexes point at them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::clock::Millis;
use crate::key::KeyBytes;

pub(crate) struct Entry<H> {
    pub(crate) hash: u64,
    pub(crate) key: KeyBytes,
    pub(crate) held: H,
    pub(crate) expires: Millis,
    /// When it was last used, by the shard's own count.
    pub(super) stamp: AtomicU64,
}

impl<H> Entry<H> {
    pub(crate) fn new(hash: u64, key: KeyBytes, held: H, expires: Millis) -> Self {
        Self { hash, key, held, expires, stamp: AtomicU64::new(0) }
    }

    pub(super) fn stamp(&self) -> u64 {
        self.stamp.load(Relaxed)
    }
}

/// Entries by index; an index stays an entry's until it is removed.
pub(super) struct Slab<H> {
    places: Vec<Option<Entry<H>>>,
    free: Vec<u32>,
}

impl<H> Slab<H> {
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&Entry<H>> {
        self.places.get(index as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut Entry<H>> {
        self.places.get_mut(index as usize)?.as_mut()
    }

    /// # Panics
    /// With 2^32 entries in one shard.
    pub(super) fn insert(&mut self, entry: Entry<H>) -> u32 {
        if let Some(index) = self.free.pop() {
            self.places[index as usize] = Some(entry);
            return index;
        }
        let index = u32::try_from(self.places.len()).expect("a shard holds less than 2^32 entries");
        self.places.push(Some(entry));
        index
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<Entry<H>> {
        let entry = self.places.get_mut(index as usize)?.take()?;
        self.free.push(index);
        Some(entry)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Entry<H>)> {
        (0..).zip(&self.places).filter_map(|(index, place)| Some((index, place.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry<H>> {
        self.places.iter_mut().flatten()
    }

    /// Places, taken or free.
    pub(super) fn places(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }
}
