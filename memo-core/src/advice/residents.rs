//! The entries that a miniature holds.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::spread::Spread;
use crate::eviction::price::Price;
use crate::eviction::slot::SlotIndex;
use crate::eviction::uses::Uses;

pub(super) struct Resident {
    hash: u64,
    /// What it takes.
    amount: u64,
    /// What it costs to do without it.
    price: Price,
    pub(super) stamp: AtomicU64,
    is_held: bool,
}

/// Entries, each in a slot that it keeps.
#[derive(Default)]
pub(super) struct Residents {
    slots: HashMap<u64, u32, BuildHasherDefault<Spread>>,
    entries: Vec<Resident>,
    free: Vec<u32>,
    load: u64,
}

impl Residents {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns what all of them take.
    #[inline]
    pub(super) fn load(&self) -> u64 {
        self.load
    }

    #[inline]
    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.slots.keys().copied()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, hash: u64) -> Option<&mut Resident> {
        self.entries.get_mut(*self.slots.get(&hash)? as usize)
    }

    /// Tells a policy of the entry in a slot.
    #[inline]
    pub(super) fn look(&self, slot: SlotIndex) -> Option<Uses<'_>> {
        let entry = self.entries.get(slot.0 as usize).filter(|entry| entry.is_held)?;
        Some(Uses::new(&entry.stamp, low_half(entry.hash), entry.price))
    }

    /// Inserts an entry whose key is not among them.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, amount: u64, price: Price, stamp: u64) -> SlotIndex {
        let entry = Resident { hash, amount, price, stamp: AtomicU64::new(stamp), is_held: true };
        let slot = self.free.pop().unwrap_or_else(|| self.next_slot());
        match self.entries.get_mut(slot as usize) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
        self.slots.insert(hash, slot);
        self.load += amount;
        SlotIndex(slot)
    }

    #[inline]
    fn next_slot(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Changes what an entry takes, and its price.
    #[inline]
    pub(super) fn weigh(&mut self, hash: u64, amount: u64, price: Price) {
        if let Some(entry) = self.get_mut(hash) {
            entry.price = price;
            let before = std::mem::replace(&mut entry.amount, amount);
            self.load = self.load - before + amount;
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, hash: u64) {
        if let Some(slot) = self.slots.remove(&hash) {
            let entry = &mut self.entries[slot as usize];
            entry.is_held = false;
            self.load -= entry.amount;
            self.free.push(slot);
        }
    }

    #[inline]
    pub(super) fn remove_at(&mut self, slot: SlotIndex) {
        if let Some(hash) = self.entries.get(slot.0 as usize).map(|entry| entry.hash) {
            self.remove(hash);
        }
    }

    /// Returns the stamps and slots of all.
    #[inline]
    pub(super) fn stamps(&self) -> Vec<(u64, u32)> {
        let Self { slots, entries, .. } = self;
        let stamped = |slot: &u32| (entries[*slot as usize].stamp.load(Relaxed), *slot);
        slots.values().map(stamped).collect()
    }

    /// Returns the bytes that they take.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let table = self.slots.capacity() / 7 * 8 * (size_of::<(u64, u32)>() + 1);
        table + self.entries.capacity() * size_of::<Resident>() + self.free.capacity() * 4
    }
}

/// Returns what a policy sees of a hash.
#[inline]
fn low_half(hash: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    let low = hash as u32;
    low
}
