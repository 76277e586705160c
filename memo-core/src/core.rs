//! One function's cache with all that belongs to it: bound, time to live, directory, counts.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::cache::{Begin, Cache};
use crate::clock::{self, Millis, NEVER};
use crate::counter::Tally;
use crate::disk::{self, Change, Disk};
use crate::error::Error;
use crate::flight::{Flight, Waited};
use crate::keep::{Hold, Keep, Part};
use crate::key::{self, KeyBytes};
use crate::persist::{Maintain, Record, Store, maintain};
use crate::settings::Settings;
use crate::stats::{Stats, mean};

/// While no mean computation is known a caller waits so long for another's.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// A caller waits at least so long for another's computation, and at least [`WAIT_MEANS`] mean ones.
const LEAST_WAIT: Duration = Duration::from_secs(1);
const WAIT_MEANS: u32 = 4;

pub(crate) struct Core<K: Keep> {
    this: Weak<Self>,
    /// Compacted in the background, from the first write on.
    watched: AtomicBool,
    pub(crate) name: String,
    pub(crate) cache: Cache<K::Held>,
    ttl: AtomicU64,
    error_ttl: Millis,
    disk: Option<Disk<K::Value>>,
    pub(crate) counts: Counts,
}

/// What happens on misses, and to some hits.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) misses: Tally,
    pub(crate) coalesced: Tally,
    pub(crate) uncached: Tally,
    pub(crate) unkeyable: Tally,
    pub(crate) panics: Tally,
    pub(crate) invalidated: Tally,
    pub(crate) mismatches: Tally,
    pub(crate) nanos: Tally,
}

/// What a caller who missed gets.
pub(crate) enum Entered<H> {
    Value(H),
    Lead(Arc<Flight<H>>),
    /// Compute without keeping: another leads, and waiting for it might never end.
    Alone,
}

impl<K: Keep> Core<K> {
    /// A cache for as long as the process lives, with what its directory holds.
    pub(crate) fn new(name: String, code: u128, settings: Settings) -> Arc<Self> {
        let Settings { max, ttl, error_ttl, persist, version } = settings;
        let disk = persist.zip(K::codec()).map(|((dir, durability), codec)| {
            Disk::new(&dir, durability, codec, name.clone(), code, version)
        });
        let ttl = ttl.map_or(NEVER, clock::millis);
        let core = Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            watched: AtomicBool::new(false),
            name,
            cache: Cache::new(max),
            ttl: AtomicU64::new(ttl),
            error_ttl: error_ttl.map_or(NEVER, clock::millis),
            disk,
            counts: Counts::default(),
        });
        core.recover();
        core
    }

    /// Reads what the directory holds, before anyone else knows of this cache. A failure is remembered by the disk and
    /// shown by stats and health.
    fn recover(&self) {
        let Some(disk) = self.disk.as_ref().filter(|disk| disk.exists()) else { return };
        let settle = &mut |_: &Store| disk.recovered.add(self.cache.len() as u64);
        if disk.open(&mut |change| self.replay(change), settle).is_err() {
            self.cache.clear(|| ());
        }
    }

    pub(crate) fn hash_key(&self, key: &[u8]) -> Option<u64> {
        key::hash_bytes(key, &self.cache.seed)
    }

    /// Looks again for `key`, and waits for another's computation of it where there is one.
    pub(crate) fn enter(&self, hash: u64, key: &KeyBytes) -> Entered<K::Held> {
        loop {
            match self.cache.begin(hash, key.clone()) {
                Begin::Hit(held) => {
                    self.cache.hits.add_one();
                    return Entered::Value(held);
                }
                Begin::Lead(flight) => return Entered::Lead(flight),
                Begin::Join(flight) => match flight.wait(self.wait_limit()) {
                    Waited::Nothing => {}
                    Waited::Alone => return Entered::Alone,
                    Waited::Value(held) => {
                        self.cache.hits.add_one();
                        self.counts.coalesced.add(1);
                        return Entered::Value(held);
                    }
                },
            }
        }
    }

    fn wait_limit(&self) -> Duration {
        match self.mean_compute() {
            Duration::ZERO => FIRST_WAIT,
            mean => mean.saturating_mul(WAIT_MEANS).max(LEAST_WAIT),
        }
    }

    fn mean_compute(&self) -> Duration {
        mean(Duration::from_nanos(self.counts.nanos.get()), self.counts.misses.get())
    }

    /// Keeps `value` as the result of `flight`, on disk first, and wakes who waits for it. False if the key was
    /// invalidated meanwhile, or the bound is 0.
    pub(crate) fn land(&self, flight: &Arc<Flight<K::Held>>, value: K::Held) -> bool {
        let expires = self.expiry(K::Hold::view(&value));
        if self.cache.max() > 0 {
            self.write(flight, &value, expires);
        }
        let kept = self.cache.finish(flight, value.clone(), expires);
        flight.land(Some(value));
        kept
    }

    /// Ends `flight` without a value to share.
    pub(crate) fn give_up(&self, flight: &Arc<Flight<K::Held>>) {
        self.cache.abandon(flight);
        flight.land(None);
    }

    fn expiry(&self, value: &K::Value) -> Millis {
        let ttl = self.ttl.load(Relaxed);
        let ttl = if K::Part::is_error(value) { ttl.min(self.error_ttl) } else { ttl };
        if ttl == NEVER { NEVER } else { clock::now().saturating_add(ttl) }
    }

    fn write(&self, flight: &Flight<K::Held>, value: &K::Held, expires: Millis) {
        let Some(disk) = &self.disk else { return };
        // What cannot be written stays in memory; each step counts its own failure.
        let Ok(store) = self.open() else { return };
        let mut bytes = Vec::new();
        if disk.encode(K::Hold::view(value), &mut bytes).is_err() {
            return;
        }
        // Should the new record be damaged, the value it replaces must not come back.
        let queue = |replaces: bool| {
            if replaces {
                let _ = store.queue(Record::Remove { key: flight.key.as_slice() });
            }
            store.queue(disk::put(flight.key.as_slice(), &bytes, expires))
        };
        if let Some(ticket) = self.cache.announce(flight, value.clone(), expires, queue) {
            let _ = store.commit(ticket);
        }
        if !self.watched.swap(true, Relaxed) {
            maintain(self.this.clone());
        }
    }

    /// The store, opened if that was not done before. What a directory holds that could be opened only now is older
    /// than what memory holds; it is added where memory has nothing, and memory is written out.
    pub(crate) fn open(&self) -> Result<&Store, Error> {
        let disk = self.disk.as_ref().ok_or(Error::NotPersistent)?;
        if let Some(store) = disk.opened() {
            return Ok(store);
        }
        let found = RefCell::new(Vec::new());
        disk.open(&mut |change| found.borrow_mut().push(change.into_owned()), &mut |store| {
            let had = self.cache.len() > 0;
            disk.recovered.add(self.merge(found.take()));
            if had {
                // A failure is counted by the store, which tries again.
                let _ = self.checkpoint(store);
            }
        })
    }

    fn replay(&self, change: Change<&[u8], K::Value>) {
        match change {
            Change::Clear => drop(self.cache.clear(|| ())),
            Change::Remove(key) => {
                if let Some(hash) = self.hash_key(key) {
                    self.cache.remove(hash, key, || ());
                }
            }
            Change::Put(key, value, expires) => {
                if let Some(hash) = self.hash_key(key) {
                    self.cache.restore(hash, key, K::Hold::own(value), self.cut(expires));
                }
            }
        }
    }

    /// No entry lives longer than the present time to live.
    fn cut(&self, expires: Millis) -> Millis {
        match self.ttl.load(Relaxed) {
            NEVER => expires,
            ttl => expires.min(clock::now().saturating_add(ttl)),
        }
    }

    /// Adds what was found where memory has nothing: each key's last change counts.
    fn merge(&self, found: Vec<Change<Box<[u8]>, K::Value>>) -> u64 {
        let mut seen = HashSet::new();
        let mut added = 0;
        for change in found.into_iter().rev() {
            match change {
                Change::Clear => break,
                Change::Remove(key) => drop(seen.insert(key)),
                Change::Put(key, value, expires) => {
                    let Some(hash) = self.hash_key(&key) else { continue };
                    if !seen.contains(&key) && self.cache.peek(hash, &key).is_none() {
                        self.cache.restore(hash, &key, K::Hold::own(value), self.cut(expires));
                        added += 1;
                    }
                    seen.insert(key);
                }
            }
        }
        added
    }

    fn checkpoint(&self, store: &Store) -> Result<(), Error> {
        store.checkpoint(&mut |sink| self.entries(sink))
    }

    /// Hands every entry as a record to `sink` until it returns false.
    fn entries(&self, sink: &mut dyn FnMut(Record<'_>) -> bool) {
        let Some(disk) = &self.disk else { return };
        let mut bytes = Vec::new();
        let mut wanted = true;
        self.cache.for_each(|key, _, held, expires| {
            bytes.clear();
            if wanted && disk.encode(K::Hold::view(held), &mut bytes).is_ok() {
                wanted = sink(disk::put(key.as_slice(), &bytes, expires));
            }
        });
    }

    /// Removes the entry of `key`, in memory and on disk; says whether memory had one.
    pub(crate) fn invalidate(&self, hash: u64, key: &[u8]) -> bool {
        // Before memory: once the store is open, no older entry can come back.
        let store = self.open().ok();
        let queue = || store.map(|store| store.queue(Record::Remove { key }));
        let (removed, ticket) = self.cache.remove(hash, key, queue);
        self.counts.invalidated.add(u64::from(removed));
        if let Some((store, ticket)) = store.zip(ticket) {
            let _ = store.commit(ticket);
        }
        removed
    }

    pub(crate) fn clear(&self) {
        let store = self.open().ok();
        let (count, ticket) = self.cache.clear(|| store.map(|store| store.queue(Record::Clear)));
        self.counts.invalidated.add(count as u64);
        if let Some((store, ticket)) = store.zip(ticket) {
            let _ = store.commit(ticket);
        }
    }

    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.open()?.flush()
    }

    pub(crate) fn snapshot(&self) -> Result<(), Error> {
        self.checkpoint(self.open()?)
    }

    pub(crate) fn health(&self) -> Result<(), Error> {
        match self.disk.as_ref().and_then(Disk::trouble) {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    pub(crate) fn is_persistent(&self) -> bool {
        self.disk.is_some()
    }

    pub(crate) fn set_ttl(&self, ttl: Option<Duration>) {
        self.ttl.store(ttl.map_or(NEVER, clock::millis), Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        let Counts {
            misses,
            coalesced,
            uncached,
            unkeyable,
            panics,
            invalidated,
            mismatches,
            nanos,
        } = &self.counts;
        let hits = self.cache.hits.sum();
        let (entries, bytes) = self.cache.usage();
        let saved = self.mean_compute().as_nanos().saturating_mul(u128::from(hits));
        let mut stats = Stats {
            name: self.name.clone(),
            hits,
            misses: misses.get(),
            entries,
            bytes,
            evicted: self.cache.evicted.get(),
            expired: self.cache.expired.get(),
            invalidated: invalidated.get(),
            coalesced: coalesced.get(),
            uncached: uncached.get(),
            unkeyable: unkeyable.get(),
            panics: panics.get(),
            mismatches: mismatches.get(),
            compute_time: Duration::from_nanos(nanos.get()),
            time_saved: Duration::from_nanos(u64::try_from(saved).unwrap_or(u64::MAX)),
            ..Stats::default()
        };
        if let Some(disk) = &self.disk {
            disk.report(&mut stats);
        }
        stats
    }
}

impl<K: Keep> Maintain for Core<K> {
    fn tick(&self) {
        if let Some(store) = self.disk.as_ref().and_then(Disk::opened) {
            // A failure is counted by the store, which tries again.
            let _ = store.compact(&mut |sink| self.entries(sink));
        }
    }
}
