//! A cache with a directory: reads the stored entries once, writes a result before any reader can see it, and writes a
//! removal before the removal returns.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::cache::entry::{Lifetime, NewEntry};
use crate::codec::{Codec, Postcard};
use crate::error::Error;
use crate::function::function_cache::FunctionCache;
use crate::function::function_cache::{Made, Storage};
use crate::function::settings::{PersistSettings, Settings};
use crate::function::value_store::{Change, Opened, ValueStore};
use crate::persist::{Cost, Durability, Record, Store, Ticket};
use crate::platform::clock::{self, Millis, NEVER};
use crate::platform::maintenance::CACHES;
use crate::single_flight::flight::Claim;
use crate::statistics::stats::Stats;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::requirements::Persistable;

/// The longest that a write waits when writers outpace the compaction, so that the disk does not fill up.
const MAX_COMPACTION_WAIT: Duration = Duration::from_millis(100);

thread_local! {
    /// Whether this thread is opening a directory.
    static OPENING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` unless this thread is already opening a directory. A value's `Serialize` or `Deserialize` that runs during
/// the opening may call memoized functions. Such a call uses only memory, because the directory that it would open may
/// be the one that is being opened.
fn unless_opening<R>(f: impl FnOnce() -> R) -> Option<R> {
    struct ResetOnDrop;
    impl Drop for ResetOnDrop {
        fn drop(&mut self) {
            OPENING.set(false);
        }
    }
    (!OPENING.replace(true)).then(|| {
        let _reset = ResetOnDrop;
        f()
    })
}

/// The directory of one cache.
pub(crate) struct Directory<K: Keep> {
    disk: ValueStore<K::Value>,
    /// Set once recovery was tried.
    recovered: OnceCell<()>,
    /// Whether something was removed while the directory could not be opened. All that it holds is then removed when it
    /// is opened.
    clear_when_opened: AtomicBool,
}

impl<K: Keep> Settings<K> {
    /// Stores results on disk, in a folder of the function in the directory `dir`.
    #[must_use]
    pub fn persist(self, dir: impl Into<PathBuf>) -> Self
    where
        K::Value: Persistable,
    {
        self.stored(dir.into(), Box::new(Postcard::new()))
    }

    /// Does the same as [`Settings::persist`], with the codec `C`.
    #[must_use]
    pub fn persist_by<C: Codec<K::Value> + Default, P: Into<PathBuf>>(self, dir: P) -> Self {
        self.stored(dir.into(), Box::new(C::default()))
    }

    fn stored(self, root: PathBuf, codec: Box<dyn Codec<K::Value>>) -> Self {
        let durability = Durability::Interval;
        let (path, instance) = (String::new(), 0);
        let make = Directory::make;
        let storage = PersistSettings { root, path, instance, durability, codec, make };
        Self { storage: Some(storage), ..self }
    }
}

impl<K: Keep> Storage<K> for Directory<K> {
    fn recover(&self, function: &FunctionCache<K>) -> bool {
        if self.recovered.get().is_some() {
            return true;
        }
        let disk = &self.disk;
        let recovered = unless_opening(|| {
            self.recovered.get_or_init(|| {
                let on_opened = &mut |_: &Store, opened: Opened| {
                    let Opened { behind, mean_cost } = opened;
                    function.memory.shorten_lifetimes(behind, limit_expiry(function, NEVER));
                    function.memory.calls.set_recovered(function.memory.len() as u64, mean_cost);
                };
                let replay = &mut |change: Change<&[u8], K::Value>| replay(function, change);
                if !disk.exists() {
                    return;
                }
                match disk.open(replay, on_opened) {
                    Ok(_) => maintain_soon(function),
                    Err(_) => drop(function.memory.clear(&mut || ())),
                }
            });
        });
        recovered.is_some()
    }

    fn init(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        self.open(function).map(drop)
    }

    fn write(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        value: &K::Held,
        lifetime: Lifetime,
        made: Made,
    ) {
        // A value that cannot be written stays in memory. Each step counts its own failure.
        let Ok(store) = self.open(function) else { return };
        let mut bytes = Vec::new();
        if self.disk.encode(K::Holder::view(value), &mut bytes).is_err() {
            return;
        }
        let (replaces, cost) = match made {
            Made::Computed(time) => (false, Cost::of(time)),
            Made::Inserted => (true, Cost::UNKNOWN),
        };
        let mut ticket = None;
        function.memory.announce(claim, Some((value.clone(), lifetime)), &mut |key, known| {
            let record = self.disk.put(key, &bytes, lifetime, cost);
            let replaces = replaces || known;
            let queue = if replaces { Store::queue_replacing } else { Store::queue };
            ticket = Some(queue(store, record));
        });
        let commit = |ticket| match replaces {
            true => store.commit_removal(ticket),
            false => store.commit(ticket),
        };
        if ticket.is_some_and(|ticket| commit(ticket).is_ok()) {
            self.disk.succeed();
        }
        function.maintain();
        if store.is_outgrown() {
            let pause = if store.is_overfull() { MAX_COMPACTION_WAIT } else { Duration::ZERO };
            CACHES.wake(pause);
        }
    }

    fn remove_stored(&self, function: &FunctionCache<K>, claim: Claim, replaces: bool) {
        let mut has_older = replaces;
        if !replaces {
            function.memory.announce(claim, None, &mut |_, known| has_older = known);
        }
        if !has_older {
            return;
        }
        let Some(store) = self.open_to_remove(function) else { return };
        let mut removal = Removal::new(Some(store));
        function.memory.announce(claim, None, &mut |key, _| removal.queue(Record::Remove { key }));
        removal.commit();
    }

    fn remove(&self, function: &FunctionCache<K>, hash: u64, key: &[u8]) -> bool {
        let mut removal = Removal::new(self.open_to_remove(function));
        let removed =
            function.memory.remove(hash, key, &mut || removal.queue(Record::Remove { key }));
        removal.commit();
        removed
    }

    fn clear(&self, function: &FunctionCache<K>) -> usize {
        let mut removal = Removal::new(self.open_to_remove(function));
        let count = function.memory.clear(&mut || removal.queue(Record::Clear));
        removal.commit();
        count
    }

    fn flush(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        if self.disk.opened().is_none() && function.memory.count() == 0 {
            return Ok(());
        }
        self.open(function)?.flush()
    }

    fn flush_if_open(&self) {
        // A failure is counted by the store.
        let _ = self.disk.opened().map(Store::flush);
    }

    fn snapshot(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        self.checkpoint(function, self.open(function)?)
    }

    fn forget_evicted(&self, function: &FunctionCache<K>) {
        if let (Err(_), Some(store)) = (self.snapshot(function), self.disk.opened()) {
            let _ = store.commit_removal(store.queue(Record::Clear));
        }
    }

    fn tick(&self, function: &FunctionCache<K>) {
        self.disk.remove_old_versions();
        if let Some(store) = self.disk.opened() {
            // A failure is counted by the store, which tries again.
            let _ = store.check();
            let _ =
                store.compact(function.memory.count(), &mut |sink| self.entries(function, sink));
        }
    }

    fn damage(&self) -> Vec<Error> {
        self.disk.damage.lock().clone()
    }

    fn failure(&self) -> Option<Error> {
        self.disk.failure()
    }

    fn report(&self, stats: &mut Stats) {
        self.disk.report(stats);
    }
}

impl<K: Keep> Directory<K> {
    fn make(
        storage: PersistSettings<K>,
        function: String,
        code: u128,
        version: Option<u64>,
    ) -> Box<dyn Storage<K>> {
        Box::new(Self {
            disk: ValueStore::new(storage, function, code, version),
            recovered: OnceCell::new(),
            clear_when_opened: AtomicBool::new(false),
        })
    }

    /// Returns the store, and opens it if it is not open yet. If a directory can be opened only now, its entries are
    /// older than those in memory. They are added if memory has no entry of their key, and the entries in memory are
    /// written to disk.
    fn open(&self, function: &FunctionCache<K>) -> Result<&Store, Error> {
        let disk = &self.disk;
        if let Some(store) = disk.opened() {
            return Ok(store);
        }
        let found = RefCell::new(Vec::new());
        let replay = &mut |change: Change<&[u8], K::Value>| {
            found.borrow_mut().push(change.into_owned());
        };
        let on_opened = &mut |store: &Store, opened: Opened| {
            let had_entries = function.memory.count() > 0;
            let mut recovered = 0;
            if self.clear_when_opened.swap(false, Relaxed) {
                let _ = store.commit_removal(store.queue(Record::Clear));
            } else {
                recovered = merge(function, found.take(), opened.behind);
            }
            function.memory.calls.set_recovered(recovered, opened.mean_cost);
            if had_entries {
                // A failure is counted by the store, which tries again.
                let _ = self.checkpoint(function, store);
            }
        };
        let locked = || Error::Locked { path: disk.folder.clone(), pid: Some(std::process::id()) };
        let opened = unless_opening(|| disk.open(replay, on_opened));
        opened.unwrap_or_else(|| Err(locked())).inspect(|_| maintain_soon(function))
    }

    /// Returns the store if there may be something on disk to remove. It is opened before memory changes, so that no
    /// older entry can come back. If it cannot be opened now, all that it holds is removed when it is opened later.
    fn open_to_remove(&self, function: &FunctionCache<K>) -> Option<&Store> {
        let exists = || unless_opening(|| self.disk.exists()).unwrap_or(true);
        if self.disk.opened().is_none() && !exists() {
            return None;
        }
        function.maintain();
        self.open(function).inspect_err(|_| self.clear_when_opened.store(true, Relaxed)).ok()
    }

    fn checkpoint(&self, function: &FunctionCache<K>, store: &Store) -> Result<(), Error> {
        store.checkpoint(&mut |sink| self.entries(function, sink))
    }

    /// Passes every entry as a record to `sink`, until `sink` returns false. Entries do not know what they cost, so
    /// each record has the mean.
    fn entries(&self, function: &FunctionCache<K>, sink: &mut dyn FnMut(Record<'_>) -> bool) {
        let mut bytes = Vec::new();
        let mut wanted = true;
        let cost = Cost::of(function.mean_compute());
        function.memory.for_each(&mut |key, held, lifetime| {
            bytes.clear();
            if wanted && self.disk.encode(K::Holder::view(held), &mut bytes).is_ok() {
                wanted = sink(self.disk.put(key.as_slice(), &bytes, lifetime, cost));
            }
        });
    }
}

/// Wakes the background thread, which removes old versions once a store was opened.
fn maintain_soon<K: Keep>(function: &FunctionCache<K>) {
    function.maintain();
    CACHES.wake(Duration::ZERO);
}

/// A removal from a store. Does nothing if there is no store.
struct Removal<'a> {
    store: Option<&'a Store>,
    ticket: Option<Ticket>,
}

impl<'a> Removal<'a> {
    fn new(store: Option<&'a Store>) -> Self {
        Self { store, ticket: None }
    }

    fn queue(&mut self, record: Record<'_>) {
        self.ticket = self.store.map(|store| store.queue(record));
    }

    fn commit(self) {
        if let Some((store, ticket)) = self.store.zip(self.ticket) {
            let _ = store.commit_removal(ticket);
        }
    }
}

/// Applies a change that recovery found to memory. Its expiry time is computed from the current wall clock, because it
/// is not known yet how far the clock is behind.
fn replay<K: Keep>(function: &FunctionCache<K>, change: Change<&[u8], K::Value>) {
    match change {
        Change::Clear => drop(function.memory.clear(&mut || ())),
        Change::Remove(key) => {
            if let Some(hash) = function.hash_key(key) {
                function.memory.remove(hash, key, &mut || ());
            }
        }
        Change::Put(key, value, lifetime) => {
            if let Some(hash) = function.hash_key(key) {
                restore(function, hash, key, value, lifetime);
            }
        }
    }
}

fn restore<K: Keep>(
    function: &FunctionCache<K>,
    hash: u64,
    key: &[u8],
    value: K::Value,
    lifetime: Lifetime,
) {
    let weight = recovered_weight(function, key, &value);
    let computed = lifetime.computed.filter(|_| function.memory.is_timed());
    let lifetime = Lifetime { computed, ..lifetime };
    let held = K::Holder::own(value);
    let new_entry = NewEntry { held, lifetime, weight, never_refreshed: false };
    function.memory.restore(hash, key, new_entry);
}

/// Returns the weight of a recovered entry. If weighing panics, the weight is the greatest, so the entry is not kept.
/// The call that asks for the entry then computes it again, and panics itself.
fn recovered_weight<K: Keep>(
    function: &FunctionCache<K>,
    key: &[u8],
    value: &K::Value,
) -> Option<u64> {
    catch_unwind(AssertUnwindSafe(|| function.weight(key.len(), value))).unwrap_or(Some(u64::MAX))
}

/// Returns `expires`, or the end of the present time to live if that is earlier.
fn limit_expiry<K: Keep>(function: &FunctionCache<K>, expires: Millis) -> Millis {
    match function.ttl.load(Relaxed) {
        NEVER => expires,
        ttl => expires.min(clock::now().saturating_add(ttl)),
    }
}

/// Adds the entries that recovery found, as far as there is room. Only the last change of each key counts, and memory's
/// own entry of a key is kept. Returns how many entries were added.
fn merge<K: Keep>(
    function: &FunctionCache<K>,
    found: Vec<Change<Box<[u8]>, K::Value>>,
    behind: Millis,
) -> u64 {
    let mut changed = HashSet::new();
    let mut added = Vec::new();
    let (mut places, mut bytes) = function.memory.room();
    for change in found.into_iter().rev() {
        match change {
            Change::Clear => break,
            Change::Remove(key) => drop(changed.insert(key)),
            Change::Put(key, value, lifetime) => {
                let Some(hash) = function.hash_key(&key) else { continue };
                if !changed.insert(key.clone()) || function.memory.peek(hash, &key).is_some() {
                    continue;
                }
                let weight = recovered_weight(function, &key, &value).unwrap_or_default();
                if places > 0 && weight <= bytes {
                    (places, bytes) = (places - 1, bytes - weight);
                    added.push((hash, key, value, lifetime));
                }
            }
        }
    }
    let count = added.len() as u64;
    for (hash, key, value, Lifetime { computed, expires }) in added.into_iter().rev() {
        let expires = if expires == NEVER { NEVER } else { expires.saturating_sub(behind) };
        let lifetime = Lifetime { computed, expires: limit_expiry(function, expires) };
        restore(function, hash, &key, value, lifetime);
    }
    count
}

#[cfg(test)]
mod tests;
