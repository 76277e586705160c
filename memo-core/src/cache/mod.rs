//! The store of one function: shards, a bound on their sum, expiry, and the flights of keys being computed.
//!
//! No user code runs under a shard's lock: holders clone without it (see `keep`), keys compare by bytes, and whatever is
//! taken out is handed back to be dropped outside.

mod bound;
mod limbo;
mod node;
mod recency;
mod shard;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::clock::{self, Millis, NEVER};
use crate::counter::Calls;
use crate::flight::Flight;
use crate::key::hash::Seed;
use crate::key::{self, KeyBytes};
use crate::lane::{Pin, pin};
pub(crate) use limbo::Freed;
use node::{Entry, Node, Shared};
use shard::{Locked, Shard};

/// No bound.
pub(crate) const UNBOUNDED: usize = usize::MAX;

/// Up to so many entries a cache has one shard and exact recency.
const EXACT: usize = 128;

/// The entries that a shard of a full cache holds on average, at the least.
const PER_SHARD: usize = 512;

pub(crate) struct Cache<H> {
    pub(crate) seed: Seed,
    shards: Box<[Shard<H>]>,
    max: AtomicUsize,
    /// For so long after its end an entry may be served while another is computed.
    stale: Millis,
    /// So long before its end an entry is to be computed anew.
    ahead: AtomicU64,
    /// Entries, expired ones included, and places promised to insertions under way; never more than `max`.
    count: AtomicUsize,
    pub(crate) calls: Calls,
}

/// What a caller who missed has to do.
pub(crate) enum Begin<H> {
    /// The value is there: another was faster, or computes its successor.
    Hit(H),
    /// The same, of a value whose time to live has ended.
    Stale(H),
    /// Another computes: wait for it.
    Join(Arc<Flight<H>>),
    /// Compute.
    Lead(Arc<Flight<H>>),
}

impl<H: Clone> Cache<H> {
    pub(crate) fn new(max: usize, stale: Millis) -> Self {
        let shards = shard_count(max);
        Self {
            seed: Seed::random(),
            shards: (0..shards).map(|_| Shard::new(max <= EXACT, max / shards)).collect(),
            max: AtomicUsize::new(max),
            stale,
            ahead: AtomicU64::new(0),
            count: AtomicUsize::new(0),
            calls: Calls::default(),
        }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard<H> {
        // The table takes its bucket from the low half and its tag from the highest byte.
        let index = (hash >> 40) as usize & (self.shards.len() - 1);
        &self.shards[index]
    }

    /// What `then` makes of the value of a live entry whose key `matches`, which is marked as used. No lock is held
    /// meanwhile, but entries that are removed are not freed until both have returned. It counts as a hit if `then`
    /// returns something.
    #[inline]
    pub(crate) fn get<R>(
        &self,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
        then: impl FnOnce(&H) -> Option<R>,
    ) -> Option<R> {
        let pin = pin();
        let made = then(self.find(&pin, hash, matches)?.entry().held())?;
        self.calls.hit(&pin);
        Some(made)
    }

    #[inline]
    fn find<'p>(
        &'p self,
        pin: &'p Pin,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
    ) -> Option<Shared<'p, H>> {
        let shard = self.shard(hash);
        let entry = shard.find(pin, hash, matches)?;
        let expires = entry.expires();
        if expires != NEVER && expires <= clock::now() + self.ahead.load(Relaxed) {
            return None;
        }
        shard.touch(pin, entry.entry());
        Some(entry)
    }

    /// The value of the entry of `key`, which is not marked.
    pub(crate) fn peek(&self, hash: u64, key: &[u8]) -> Option<H> {
        let pin = pin();
        let entry = self.shard(hash).find(&pin, hash, |stored| key::same(stored, key))?;
        (!is_expired(entry.expires())).then(|| entry.held().clone())
    }

    /// Looks again, and joins or opens the flight of `key`: in one step, so that of all who miss one leads. A value that
    /// is due is hit by those who come while another computes, unless `renewable` says that it ends when it ends.
    pub(crate) fn begin(
        &self,
        hash: u64,
        key: KeyBytes,
        renewable: impl Fn(&H) -> bool,
    ) -> Begin<H> {
        let pin = pin();
        let mut shard = self.shard(hash).lock();
        let flight = shard.flight(hash, key.as_slice()).map(Arc::clone);
        if let Some(entry) = shard.find(&pin, hash, key.as_slice()) {
            let age = self.age(entry.entry(), &renewable);
            let served = age == Age::Fresh || age != Age::Over && flight.is_some();
            if served {
                shard.touch(&pin, entry.entry());
                let held = entry.held().clone();
                return if age == Age::Stale { Begin::Stale(held) } else { Begin::Hit(held) };
            }
        }
        if let Some(flight) = flight {
            return Begin::Join(flight);
        }
        let flight = Arc::new(Flight::new(hash, key));
        shard.register(Arc::clone(&flight));
        Begin::Lead(flight)
    }

    fn age(&self, entry: &Entry<H>, renewable: impl Fn(&H) -> bool) -> Age {
        let expires = entry.expires();
        if expires == NEVER {
            return Age::Fresh;
        }
        let now = clock::now();
        let renewable = renewable(entry.held());
        if expires <= now {
            let stale = renewable && expires.saturating_add(self.stale) > now;
            return if stale { Age::Stale } else { Age::Over };
        }
        let due = renewable && expires <= now + self.ahead.load(Relaxed);
        if due { Age::Due } else { Age::Fresh }
    }

    /// Has entries computed anew so long before they end.
    pub(crate) fn set_ahead(&self, ahead: Millis) {
        // So that it can be added to a time.
        self.ahead.store(ahead.min(NEVER / 2), Relaxed);
    }

    /// Opens a flight for `key` in the place of one under way, whose value is then not kept: for an insertion from
    /// outside, which is newer.
    pub(crate) fn seize(&self, hash: u64, key: KeyBytes) -> Arc<Flight<H>> {
        let flight = Arc::new(Flight::new(hash, key));
        let mut shard = self.shard(hash).lock();
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
        let pin = pin();
        let shard = self.shard(flight.hash).lock();
        let registered = shard.flight(flight.hash, flight.key.as_slice())?;
        if !std::ptr::eq(Arc::as_ptr(registered), flight) {
            return None;
        }
        flight.set_pending(held, expires);
        let replaces = shard.find(&pin, flight.hash, flight.key.as_slice()).is_some();
        Some(then(replaces))
    }

    /// Ends the lead of `flight` without an entry: for one of those who wait, or for good. `led`: the caller had it.
    pub(crate) fn abandon(&self, flight: &Arc<Flight<H>>, led: bool) {
        let mut shard = self.shard(flight.hash).lock();
        // Who waits for one that was invalidated has to begin anew.
        let heir = if shard.holds(flight) { flight.pass_on(led) } else { None };
        if heir.is_none() {
            shard.unregister(flight);
        }
        drop(shard);
        match heir {
            Some(heir) => heir.wake(),
            None => flight.land(None),
        }
    }

    /// Keys being computed.
    pub(crate) fn flights(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().flights().count()).sum()
    }

    /// Ends `flight` with an entry; without one if its key was invalidated in the meantime. Says whether it is kept.
    /// What it replaces is dropped by the caller, who may have others to wake first.
    pub(crate) fn finish(
        &self,
        flight: &Arc<Flight<H>>,
        held: H,
        expires: Millis,
    ) -> (bool, Option<Freed<H>>) {
        let node = Node::new(flight.hash, flight.key.as_slice(), held, expires);
        self.place(flight.hash, node, |shard| shard.unregister(flight))
    }

    /// Holds `held` under `key`, without a flight: for what recovery found.
    pub(crate) fn restore(&self, hash: u64, key: &[u8], held: H, expires: Millis) {
        self.place(hash, Node::new(hash, key, held, expires), |_| true);
    }

    /// Brings the end of every entry forward, and then to `latest` at most.
    pub(crate) fn shorten(&self, by: Millis, latest: Millis) {
        self.shards.iter().for_each(|shard| shard.lock().shorten(by, latest));
    }

    /// Removes the entry of `key` and ends its flight; `then` runs in the same step. Says whether there was an entry.
    pub(crate) fn remove<T>(&self, hash: u64, key: &[u8], then: impl FnOnce() -> T) -> (bool, T) {
        self.change(self.shard(hash), |shard| {
            let ended = shard.remove(hash, key);
            shard.unregister_key(hash, key);
            self.count.fetch_sub(usize::from(ended.is_some()), Relaxed);
            (ended.is_some_and(|ended| !is_expired(ended)), then())
        })
    }

    /// Removes all entries and ends all flights; `then` runs while every shard is locked. Says how many entries.
    pub(crate) fn clear<T>(&self, then: impl FnOnce() -> T) -> (usize, T) {
        let mut locked: Vec<_> = self.shards.iter().map(Shard::lock).collect();
        let count = locked.iter_mut().map(Locked::clear).sum();
        self.count.fetch_sub(count, Relaxed);
        let then = then();
        // What is freed is dropped with no lock held.
        let flights: Vec<_> = locked.iter_mut().map(Locked::end_flights).collect();
        let waste: Vec<_> = locked.iter_mut().map(Locked::all_waste).collect();
        drop(locked);
        drop((flights, waste));
        self.shards.iter().for_each(Self::await_readers);
        (count, then)
    }

    /// Calls `f` for the live entries, those announced included, with no lock held: shard by shard, the least recently
    /// used of each first.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&KeyBytes, &H, Millis)) {
        for shard in &self.shards {
            let mut entries = live(&shard.lock());
            entries.sort_by_key(|(stamp, ..)| *stamp);
            for (_, key, held, expires) in entries {
                f(&key, &held, expires);
            }
        }
    }

    /// Places that are free within the bound.
    pub(crate) fn room(&self) -> usize {
        self.max().saturating_sub(self.count.load(Relaxed))
    }

    /// Does it hold nothing, expired entries included?
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    /// Live entries.
    pub(crate) fn len(&self) -> usize {
        let live = |shard: &Shard<H>| {
            shard.lock().entries(&pin()).filter(|entry| !is_expired(entry.expires())).count()
        };
        // Shard by shard, while entries come and go: no more than there may be.
        self.shards.iter().map(live).sum::<usize>().min(self.max())
    }

    /// Live entries and the bytes they take, their keys included.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let (mut entries, mut bytes) = (0, 0);
        for shard in &self.shards {
            for entry in shard.lock().entries(&pin()) {
                if !is_expired(entry.expires()) {
                    entries += 1;
                    bytes += entry.size() as u64;
                }
            }
        }
        (entries.min(self.max() as u64), bytes)
    }

    /// Entries that were evicted to make room, and entries that were removed after their end.
    pub(crate) fn removed(&self) -> (u64, u64) {
        let counts = self.shards.iter().map(|shard| shard.lock().removed());
        counts.fold((0, 0), |(evicted, expired), shard| (evicted + shard.0, expired + shard.1))
    }

    pub(crate) fn max(&self) -> usize {
        self.max.load(Relaxed)
    }
}

/// What the time makes of an entry.
#[derive(Clone, Copy, PartialEq)]
enum Age {
    Fresh,
    /// Fresh, and to be computed anew.
    Due,
    /// To be served only while it is computed anew.
    Stale,
    Over,
}

type Copied<H> = (u64, KeyBytes, H, Millis);

fn live<H: Clone>(shard: &Locked<'_, H>) -> Vec<Copied<H>> {
    let pin = pin();
    let entries = shard
        .entries(&pin)
        .filter(|entry| !is_expired(entry.expires()))
        .map(|e| (e.stamp().load(Relaxed), KeyBytes::new(e.key()), e.held().clone(), e.expires()));
    let pending = shard.flights().filter_map(|flight| {
        let (held, expires) = flight.pending()?;
        Some((u64::MAX, flight.key.clone(), held, expires))
    });
    entries.chain(pending).collect()
}

#[inline]
fn is_expired(expires: Millis) -> bool {
    expires != NEVER && expires <= clock::now()
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
