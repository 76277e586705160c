//! A miniature of a cache whose policy is not LRU: the policy itself, with some of the keys and as much less room.
//! (Waldspurger, Saemundsson, Ahmad and Park, "Cache modeling and optimization using miniature simulations", ATC 17.)

use super::pace::Pace;
use super::references::Tally;
use super::residents::Residents;
use super::{float, rounded};
use crate::eviction::order::Order;
use crate::eviction::policy::Policy;
use crate::eviction::price::Price;
use crate::eviction::uses::MAX_USES;

/// The most entries of about the usual amount. A larger miniature takes fewer of the sampled keys.
const MAX_ENTRIES: u64 = 2048;

/// A reference of a sampled key.
#[derive(Clone, Copy)]
pub(super) struct Reference {
    pub(super) hash: u64,
    /// What its entry takes in a cache.
    pub(super) amount: u64,
    /// What it costs to do without it.
    pub(super) price: Price,
    /// How often the key was used before.
    pub(super) count: u32,
    /// Whether a cache without bounds has its value.
    pub(super) is_lasting: bool,
    /// Whether that is known.
    pub(super) is_known: bool,
}

pub(super) struct Miniature {
    /// The capacity of the cache that it stands for.
    capacity: u64,
    /// The hashes of its keys are below it.
    threshold: u64,
    /// How many keys each of its own stands for.
    scale: f64,
    /// What its entries may take.
    room: u64,
    entries: Residents,
    order: Order,
    pace: Pace,
    /// Whether the bound is on the number of entries.
    counts_entries: bool,
    evicts: bool,
    /// The references of which it is known what they are, and those of them that hit.
    known: Tally,
    hits: Tally,
}

impl Miniature {
    /// Makes an empty one. `known` and `hits`: the references so far, for which a cache of this capacity was as good as
    /// one without bounds.
    #[inline]
    pub(super) fn new(
        policy: Policy,
        capacity: u64,
        counts_entries: bool,
        known: Tally,
        hits: Tally,
    ) -> Self {
        Self {
            capacity,
            threshold: 0,
            scale: 1.0,
            room: 0,
            entries: Residents::default(),
            order: Order::new(policy),
            pace: Pace::default(),
            counts_entries,
            evicts: !counts_entries,
            known,
            hits,
        }
    }

    /// Takes the threshold of the sample, and what an entry takes on average.
    #[inline]
    pub(super) fn set_threshold(&mut self, sampled: u64, usual_amount: u64) {
        let entries = self.capacity / usual_amount.max(1);
        let most = float(MAX_ENTRIES) / float(entries.max(1));
        let threshold = sampled.min(rounded(float(u64::MAX) * most));
        if threshold == self.threshold {
            return;
        }
        self.threshold = threshold;
        self.scale = float(u64::MAX) / float(threshold.max(1));
        self.room = rounded(float(self.capacity) / self.scale).max(1);
        let outside: Vec<u64> = self.entries.hashes().filter(|hash| *hash >= threshold).collect();
        outside.into_iter().for_each(|hash| self.entries.remove(hash));
        self.make_room(0);
        self.set_pace();
    }

    #[inline]
    fn set_pace(&mut self) {
        let room = if self.counts_entries {
            float(self.capacity)
        } else {
            float(self.entries.len() as u64) * self.scale
        };
        self.pace.set(room, self.scale, self.evicts);
    }

    /// Takes a reference, if its key is one of these.
    #[inline]
    pub(super) fn reference(&mut self, reference: Reference) {
        let Reference { hash, amount, price, count, is_lasting, is_known } = reference;
        if hash >= self.threshold {
            return;
        }
        let is_hit = self.find(hash, is_lasting);
        if is_hit.is_none() {
            self.insert(hash, amount, price, 0);
        }
        if is_known {
            let uses = self.scale * f64::from(count);
            self.known.add(self.scale, uses);
            if is_hit == Some(true) {
                self.hits.add(self.scale, uses);
            }
        }
    }

    /// Uses an entry, or replaces it if its value has ended. Returns whether this is a hit, if there is an entry.
    #[inline]
    fn find(&mut self, hash: u64, is_lasting: bool) -> Option<bool> {
        let stamp = self.entries.get_mut(hash)?.stamp.get_mut();
        if is_lasting {
            self.pace.stamp(stamp);
        } else {
            self.pace.replace(stamp);
        }
        Some(is_lasting)
    }

    /// Inserts an entry of which so many uses count, if its key is one of these.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, amount: u64, price: Price, uses: u32) {
        if hash >= self.threshold || amount > self.room || self.entries.get_mut(hash).is_some() {
            return;
        }
        self.make_room(amount);
        let mut stamp = u64::from(uses).min(MAX_USES);
        self.pace.replace(&mut stamp);
        let slot = self.entries.insert(hash, amount, price, stamp);
        self.order.record(stamp, slot, self.entries.len(), &|slot| self.entries.look(slot));
    }

    #[inline]
    fn make_room(&mut self, amount: u64) {
        while self.entries.load().saturating_add(amount) > self.room && self.evict() {}
    }

    /// Removes the entry that the policy names. Returns false if there is none.
    #[inline]
    fn evict(&mut self) -> bool {
        if !self.order.is_filed() {
            self.order.file_all(self.entries.stamps(), &|slot| self.entries.look(slot));
            self.evicts = true;
            self.set_pace();
        }
        let slot = self.order.take(&|slot| self.entries.look(slot));
        slot.map(|slot| self.entries.remove_at(slot)).is_some()
    }

    /// Takes what an entry takes, and its price.
    #[inline]
    pub(super) fn weigh(&mut self, hash: u64, amount: u64, price: Price) {
        self.entries.weigh(hash, amount, price);
        self.make_room(0);
    }

    #[inline]
    pub(super) fn remove(&mut self, hash: u64) {
        self.entries.remove(hash);
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.entries = Residents::default();
        self.order.forget();
    }

    /// Makes older references count half.
    #[inline]
    pub(super) fn halve(&mut self) {
        self.known.halve();
        self.hits.halve();
    }

    /// Returns whether it is known of so many sampled references whether they hit.
    pub(super) fn knows(&self, references: u64) -> bool {
        self.known.count >= float(references) * self.scale
    }

    /// Returns the capacity, and how many of so many references hit.
    #[inline]
    pub(super) fn hits_of(&self, known: f64) -> (u64, f64) {
        // What the sample has too few or too many is divided as in the curve of LRU.
        let share = (known - self.known.count) / self.known.uses.max(1.0);
        (self.capacity, self.hits.count + share * self.hits.uses)
    }

    /// Returns the bytes that it takes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.entries.size() + self.order.size()
    }
}
