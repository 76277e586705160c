//! The store of one function: shards, a bound on their sum, expiry, and the flights of keys being computed.
//!
//! No user code runs under a shard's lock: holders clone without it (see `keep`), keys compare by bytes, and whatever is
//! taken out is handed back to be dropped outside.

mod entry;
mod shard;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::RwLock;

use crate::clock::{self, Millis, NEVER};
use crate::counter::{Counter, Tally};
use crate::flight::Flight;
use crate::key::hash::Seed;
use crate::key::{self, KeyBytes};
pub(crate) use entry::Entry;
use shard::Shard;

/// No bound.
pub(crate) const UNBOUNDED: usize = usize::MAX;

/// Up to so many entries a cache has one shard and exact recency.
const EXACT: usize = 128;

/// The entries that a shard of a full cache holds on average, at the least.
const PER_SHARD: usize = 64;

#[repr(align(128))]
struct Padded<T>(T);

pub(crate) struct Cache<H> {
    pub(crate) seed: Seed,
    shards: Box<[Padded<RwLock<Shard<H>>>]>,
    exact: bool,
    max: AtomicUsize,
    /// Entries, expired ones included, and places promised to insertions under way; never more than `max`.
    count: AtomicUsize,
    pub(crate) hits: Counter,
    pub(crate) evicted: Tally,
    pub(crate) expired: Tally,
}

/// What a caller who missed has to do.
pub(crate) enum Begin<H> {
    /// Another was faster: the value is there.
    Hit(H),
    /// Another computes: wait for it.
    Join(Arc<Flight<H>>),
    /// Compute.
    Lead(Arc<Flight<H>>),
}

impl<H: Clone> Cache<H> {
    pub(crate) fn new(max: usize) -> Self {
        let shards = shard_count(max);
        Self {
            seed: Seed::random(),
            shards: (0..shards).map(|_| Padded(RwLock::new(Shard::new()))).collect(),
            exact: max <= EXACT,
            max: AtomicUsize::new(max),
            count: AtomicUsize::new(0),
            hits: Counter::default(),
            evicted: Tally::default(),
            expired: Tally::default(),
        }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &RwLock<Shard<H>> {
        // The table takes its bucket from the low bits and its tag from the highest seven.
        let index = (hash >> 40) as usize & (self.shards.len() - 1);
        &self.shards[index].0
    }

    /// The value of a live entry whose key `matches`, which is marked as used. `matches` runs under the shard's lock, and
    /// so must run no code of the user's.
    #[inline]
    pub(crate) fn get_if(&self, hash: u64, matches: impl Fn(&[u8]) -> bool) -> Option<H> {
        self.with_live(hash, matches, |entry| entry.held.clone())
    }

    /// The key and the value of a live entry of this hash, which is marked as used. The caller compares the key, with
    /// no lock held: a `Serialize` may take locks and call memoized functions. Of two keys of one hash, which 64 bits
    /// make all but impossible, one is found here and the other by [`begin`].
    ///
    /// [`begin`]: Self::begin
    #[inline]
    pub(crate) fn get(&self, hash: u64) -> Option<(KeyBytes, H)> {
        self.with_live(hash, |_| true, |entry| (entry.key.clone(), entry.held.clone()))
    }

    #[inline]
    fn with_live<R>(
        &self,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
        then: impl FnOnce(&Entry<H>) -> R,
    ) -> Option<R> {
        let shard = self.shard(hash).read();
        let entry = shard.find(hash, matches)?;
        if is_expired(entry) {
            return None;
        }
        shard.touch(entry, self.exact);
        Some(then(entry))
    }

    /// The value of the entry of `key`, which is not marked.
    pub(crate) fn peek(&self, hash: u64, key: &[u8]) -> Option<H> {
        let shard = self.shard(hash).read();
        let entry = shard.find(hash, |stored| key::same(stored, key))?;
        (!is_expired(entry)).then(|| entry.held.clone())
    }

    /// Looks again, and joins or opens the flight of `key`: in one step, so that of all who miss one leads.
    pub(crate) fn begin(&self, hash: u64, key: KeyBytes) -> Begin<H> {
        let mut shard = self.shard(hash).write();
        let found = shard.find(hash, |stored| key::same(stored, key.as_slice()));
        if let Some(entry) = found.filter(|entry| !is_expired(entry)) {
            shard.touch(entry, self.exact);
            return Begin::Hit(entry.held.clone());
        }
        if let Some(flight) = shard.flight(hash, key.as_slice()) {
            return Begin::Join(Arc::clone(flight));
        }
        let flight = Arc::new(Flight::new(hash, key));
        shard.register(Arc::clone(&flight));
        Begin::Lead(flight)
    }

    /// Opens a flight for `key` in the place of one under way, whose value is then not kept: for an insertion from
    /// outside, which is newer.
    pub(crate) fn seize(&self, hash: u64, key: KeyBytes) -> Arc<Flight<H>> {
        let flight = Arc::new(Flight::new(hash, key));
        let mut shard = self.shard(hash).write();
        shard.unregister_key(hash, flight.key.as_slice());
        shard.register(Arc::clone(&flight));
        flight
    }

    /// Runs `then` if `flight` is still registered, before any invalidation can end it; the entry to be counts from
    /// here on among those that [`Cache::for_each`] shows. `then` is told whether it replaces one.
    pub(crate) fn announce<T>(
        &self,
        flight: &Flight<H>,
        held: H,
        expires: Millis,
        then: impl FnOnce(bool) -> T,
    ) -> Option<T> {
        let shard = self.shard(flight.hash).read();
        let registered = shard.flight(flight.hash, flight.key.as_slice())?;
        if !std::ptr::eq(Arc::as_ptr(registered), flight) {
            return None;
        }
        flight.set_pending(held, expires);
        let replaces =
            shard.find(flight.hash, |stored| key::same(stored, flight.key.as_slice())).is_some();
        Some(then(replaces))
    }

    /// Ends `flight` without an entry.
    pub(crate) fn abandon(&self, flight: &Arc<Flight<H>>) {
        self.shard(flight.hash).write().unregister(flight);
    }

    /// Ends `flight` with an entry; without one if its key was invalidated in the meantime. Says whether it is kept.
    pub(crate) fn finish(&self, flight: &Arc<Flight<H>>, held: H, expires: Millis) -> bool {
        let entry = Entry::new(flight.hash, flight.key.clone(), held, expires);
        self.place(entry, |shard| shard.unregister(flight))
    }

    /// Holds `held` under `key`, without a flight: for what recovery found.
    pub(crate) fn restore(&self, hash: u64, key: &[u8], held: H, expires: Millis) {
        self.place(Entry::new(hash, KeyBytes::new(key), held, expires), |_| true);
    }

    /// Inserts `entry` if `allowed` says so under the lock, within the bound; says whether it was inserted.
    fn place(&self, entry: Entry<H>, mut allowed: impl FnMut(&mut Shard<H>) -> bool) -> bool {
        if self.max.load(Relaxed) == 0 {
            allowed(&mut self.shard(entry.hash).write());
            return false;
        }
        // Entries taken out are dropped after the lock, declared later, is released.
        let (replaced, _swept, _surplus);
        let mut _evicted = None;
        let mut promised = self.promise();
        let mut shard = self.shard(entry.hash).write();
        let known =
            shard.find(entry.hash, |stored| key::same(stored, entry.key.as_slice())).is_some();
        if !known && !promised {
            _evicted = shard.evict();
            promised = _evicted.is_some();
            if promised {
                self.evicted.add(1);
            } else {
                drop(shard);
                _evicted = self.evict_anywhere();
                promised = _evicted.is_some() || self.promise();
                shard = self.shard(entry.hash).write();
            }
        }
        let allowed = allowed(&mut shard) && (known || promised);
        if allowed {
            replaced = shard.insert(entry);
            if replaced.is_some() && promised {
                self.count.fetch_sub(1, Relaxed);
            }
            if replaced.as_ref().is_some_and(is_expired) {
                self.expired.add(1);
            }
            _swept = shard.sweep(clock::now());
            if _swept.is_some() {
                self.count.fetch_sub(1, Relaxed);
                self.expired.add(1);
            }
            // The bound may have been lowered since a place was promised.
            if self.count.load(Relaxed) > self.max.load(Relaxed) {
                _surplus = shard.evict();
                self.count.fetch_sub(usize::from(_surplus.is_some()), Relaxed);
                self.evicted.add(u64::from(_surplus.is_some()));
            }
        } else if promised {
            self.count.fetch_sub(1, Relaxed);
        }
        allowed
    }

    /// Takes a place within the bound, if there is one.
    fn promise(&self) -> bool {
        let max = self.max.load(Relaxed);
        self.count.fetch_update(Relaxed, Relaxed, |n| (n < max).then_some(n + 1)).is_ok()
    }

    /// Evicts from any shard, so that the entry's place can be given to another. The caller drops it, with no lock held
    /// and the place taken.
    fn evict_anywhere(&self) -> Option<Entry<H>> {
        let evicted = self.shards.iter().find_map(|shard| shard.0.write().evict())?;
        self.evicted.add(1);
        Some(evicted)
    }

    /// Brings the end of every entry forward, and then to `latest` at most.
    pub(crate) fn shorten(&self, by: Millis, latest: Millis) {
        for shard in &self.shards {
            shard.0.write().shorten(by, latest);
        }
    }

    /// Removes the entry of `key` and ends its flight; `then` runs in the same step. Says whether there was an entry.
    pub(crate) fn remove<T>(&self, hash: u64, key: &[u8], then: impl FnOnce() -> T) -> (bool, T) {
        let mut shard = self.shard(hash).write();
        let removed = shard.remove(hash, key);
        shard.unregister_key(hash, key);
        if removed.is_some() {
            self.count.fetch_sub(1, Relaxed);
        }
        let then = then();
        drop(shard);
        (removed.is_some_and(|entry| !is_expired(&entry)), then)
    }

    /// Removes all entries and ends all flights; `then` runs while every shard is locked. Says how many entries.
    pub(crate) fn clear<T>(&self, then: impl FnOnce() -> T) -> (usize, T) {
        let mut locked: Vec<_> = self.shards.iter().map(|shard| shard.0.write()).collect();
        let taken: Vec<_> =
            locked.iter_mut().map(|shard| (shard.len(), shard.take_all())).collect();
        let count = taken.iter().map(|(len, _)| len).sum();
        self.count.fetch_sub(count, Relaxed);
        let then = then();
        drop(locked);
        (count, then)
    }

    /// Calls `f` for the live entries, those announced included, with no lock held: shard by shard, the least recently
    /// used of each first.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&KeyBytes, u64, &H, Millis)) {
        for shard in &self.shards {
            let mut entries = live(&shard.0.read());
            entries.sort_unstable_by_key(|(stamp, ..)| *stamp);
            for (_, key, hash, held, expires) in entries {
                f(&key, hash, &held, expires);
            }
        }
    }

    /// Places that are free within the bound.
    pub(crate) fn room(&self) -> usize {
        self.max.load(Relaxed).saturating_sub(self.count.load(Relaxed))
    }

    /// Does it hold nothing, expired entries included?
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    /// Live entries.
    pub(crate) fn len(&self) -> usize {
        let live = |shard: &Padded<RwLock<Shard<H>>>| {
            shard.0.read().entries().filter(|entry| !is_expired(entry)).count()
        };
        self.shards.iter().map(live).sum()
    }

    /// Live entries and the bytes they take, their keys included.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let (mut entries, mut bytes) = (0, 0);
        for shard in &self.shards {
            for entry in shard.0.read().entries().filter(|entry| !is_expired(entry)) {
                entries += 1;
                bytes += (size_of::<Entry<H>>() + entry.key.heap()) as u64;
            }
        }
        (entries, bytes)
    }

    pub(crate) fn max(&self) -> usize {
        self.max.load(Relaxed)
    }

    /// Changes the bound, and evicts what is above it.
    pub(crate) fn set_max(&self, max: usize) {
        self.max.store(max, Relaxed);
        let mut shards = self.shards.iter().cycle();
        let mut empty = 0;
        while self.count.load(Relaxed) > max && empty < self.shards.len() {
            let evicted = shards.next().and_then(|shard| shard.0.write().evict());
            empty = if evicted.is_some() { 0 } else { empty + 1 };
            self.count.fetch_sub(usize::from(evicted.is_some()), Relaxed);
            self.evicted.add(u64::from(evicted.is_some()));
        }
    }
}

type Copied<H> = (u64, KeyBytes, u64, H, Millis);

fn live<H: Clone>(shard: &Shard<H>) -> Vec<Copied<H>> {
    let entries = shard
        .entries()
        .filter(|entry| !is_expired(entry))
        .map(|e| (e.stamp(), e.key.clone(), e.hash, e.held.clone(), e.expires));
    let pending = shard.flights.iter().filter_map(|flight| {
        let (held, expires) = flight.pending()?;
        Some((u64::MAX, flight.key.clone(), flight.hash, held, expires))
    });
    entries.chain(pending).collect()
}

#[inline]
fn is_expired<H>(entry: &Entry<H>) -> bool {
    entry.expires != NEVER && entry.expires <= clock::now()
}

/// One shard for few entries; else a power of two of shards, as many as keep [`PER_SHARD`] entries each, up to four a
/// core.
fn shard_count(max: usize) -> usize {
    if max <= EXACT {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(4, usize::from);
    let wanted = (4 * cores).next_power_of_two();
    let room = (max / PER_SHARD).max(1);
    wanted.min(1 << room.ilog2())
}
