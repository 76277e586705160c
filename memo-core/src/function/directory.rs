//! A cache with a directory: reads the stored entries once, writes a result before any reader can see it, and writes a
//! removal before the removal returns.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::cache::entry::Lifetime;
use crate::codec::{Codec, Postcard};
use crate::error::Error;
use crate::function::function_cache::FunctionCache;
use crate::function::function_cache::{KeyClaim, Made, Storage};
use crate::function::settings::{PersistSettings, Settings};
use crate::function::value_store::ValueStore;
use crate::persist::{
    self, Cost, Durability, Keep as KeepOnDisk, Record, Store, Ticket, WallMillis,
};
use crate::platform::clock::{self, Millis, NEVER};
use crate::platform::exit;
use crate::platform::maintenance::CACHES;
use crate::single_flight::flight::Claim;
use crate::statistics::stats::Stats;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::requirements::Persistable;

/// The longest that a write waits when writers outpace the compaction, so that the disk does not fill up.
const MAX_COMPACTION_WAIT: Duration = Duration::from_millis(100);

/// A record is written again at most this often because a snapshot was begun meanwhile.
const MAX_ATTEMPTS: u32 = 8;

/// A snapshot may have this many bytes, even if `max_bytes` is less: that bounds what values weigh in memory.
const LEAST_BYTES: u64 = 64 << 20;

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
    /// Whether something was removed or replaced while the directory could not be opened. All that it holds does not
    /// count then, and is removed when it is opened.
    clear_when_opened: AtomicBool,
    /// Whether memory may hold values that the directory does not, because it could not be written to.
    has_unwritten: AtomicBool,
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
        let (max_disk, ttl) = (None, None);
        let storage =
            PersistSettings { root, path, instance, durability, max_disk, codec, ttl, make };
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
                if !disk.exists() {
                    return;
                }
                if let Ok(store) = disk.open() {
                    // Each second it looks whether the directory was replaced.
                    function.maintain();
                    watch(function, &store);
                    function.memory.calls.set_recovered(store.status().entries, store.mean_cost());
                }
            });
        });
        recovered.is_some()
    }

    fn init(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        self.begin(function).map(drop)
    }

    fn since(&self) -> u64 {
        self.disk.opened().map_or(0, |store| store.since())
    }

    fn follow(&self, function: &FunctionCache<K>) {
        let opened = match self.open_in_child(function) {
            Some(store) if store.is_writing() => Some(store),
            other => self.reopen(function, other),
        };
        let Some(store) = opened else { return };
        let mut forgotten = Forgotten::by(function);
        let _ = unless_opening(|| {
            // A failure is counted by the store. What was read before is served.
            let _ = store.follow(&mut |removal| forgotten.add(&removal));
            watch(function, &store);
        });
    }

    fn lock_key(&self, key: &[u8]) -> KeyClaim {
        let store = unless_opening(|| self.disk.open().ok()).flatten();
        match store.map(|store| store.try_lock_key(key)) {
            Some(persist::KeyClaim::Locked(lock)) => KeyClaim::Locked(Box::new(lock)),
            Some(persist::KeyClaim::Busy) => KeyClaim::Busy,
            Some(persist::KeyClaim::Unlocked) | None => KeyClaim::Unlocked,
        }
    }

    fn load(&self, function: &FunctionCache<K>, key: &[u8]) -> Option<(K::Value, Lifetime)> {
        if self.clear_when_opened.load(Relaxed) {
            return None;
        }
        let store = self.disk.opened()?;
        let stored = store.find(key).ok()??;
        let (value, lifetime) = self.disk.value(stored.record())?;
        // Later uses are not on disk. Without this, an entry that ended because nobody used it would come back.
        if lifetime.computed.is_some_and(|computed| computed < self.idle_before(function)) {
            return None;
        }
        let expires = limit_expiry(function, lifetime.expires);
        let computed = lifetime.computed.filter(|_| function.memory.is_timed());
        Some((value, Lifetime { computed, expires }))
    }

    fn write(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        value: &K::Held,
        lifetime: Lifetime,
        made: Made,
        since: u64,
    ) {
        // A value that cannot be written stays in memory. Each step counts its own failure.
        let Ok(store) = self.begin(function) else {
            self.has_unwritten.store(true, Relaxed);
            if made == Made::Inserted {
                self.clear_when_opened.store(true, Relaxed);
            }
            return;
        };
        let mut bytes = Reused::take();
        if self.disk.encode(K::Holder::view(value), &mut bytes.0).is_err()
            || !self.disk.has_room(&store, bytes.0.len())
        {
            self.remove_stored(function, claim, made == Made::Inserted);
            maintain_soon(function);
            return;
        }
        let (replaces, cost) = match made {
            Made::Computed(time) => (false, Cost::of(time)),
            Made::Inserted => (true, Cost::UNKNOWN),
        };
        // A value from outside is newer than all that is being computed.
        let mut since = if replaces { u64::MAX } else { since };
        for _ in 0..MAX_ATTEMPTS {
            let mut ticket = None;
            let pending = Some((value.clone(), lifetime));
            function.memory.announce(claim, pending, &mut |key, known| {
                let record = self.disk.put(key, &bytes.0, lifetime, cost);
                let replaces = replaces || known;
                let queue = if replaces { Store::queue_replacing } else { Store::queue };
                ticket = Some(queue(&store, record, since));
            });
            let Some(ticket) = ticket else { break };
            let committed = match replaces {
                true => store.commit_removal(ticket),
                false => store.commit(ticket),
            };
            // The removal that stands for a value that is too large may be overtaken too.
            if !store.is_overtaken(ticket) {
                if committed.is_ok() {
                    self.disk.succeed();
                }
                break;
            }
            // A removal up to the horizon was committed, and may be one of this key: then the claim ends here. Or it is
            // committed again with a higher number. So the value must not count as newer than the horizon.
            let horizon = store.horizon();
            self.follow(function);
            since = since.max(horizon);
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
        let Some(store) = self.begin_to_remove(function) else { return };
        let mut removal = Removal::new(Some(&store));
        function.memory.announce(claim, None, &mut |key, _| removal.queue(Record::Remove { key }));
        self.commit(removal);
    }

    fn remove(&self, function: &FunctionCache<K>, hash: u64, key: &[u8]) -> bool {
        let store = self.begin_to_remove(function);
        let mut removal = Removal::new(store.as_deref());
        let removed =
            function.memory.remove(hash, key, &mut || removal.queue(Record::Remove { key }));
        self.commit(removal);
        removed
    }

    fn clear(&self, function: &FunctionCache<K>) -> usize {
        let store = self.begin_to_remove(function);
        let mut removal = Removal::new(store.as_deref());
        let count = function.memory.clear(&mut || removal.queue(Record::Clear));
        self.commit(removal);
        count
    }

    fn judge(&self, function: &FunctionCache<K>, each: &mut dyn FnMut(&[u8], K::Value)) {
        // A directory in which nothing was found may have become another one since.
        let opened = self.disk.opened().filter(|s| s.is_writing() || s.status().entries > 0);
        let opened = opened.or_else(|| self.begin_to_remove(function));
        let Some(store) = opened.filter(|_| !self.clear_when_opened.load(Relaxed)) else { return };
        self.follow(function);
        if store.check().is_err() {
            self.clear_when_opened.store(true, Relaxed);
        }
        let judged = store.for_each(&mut |record| {
            let Record::Put { key, .. } = record else { return };
            if let Some((value, _)) = self.disk.value(record) {
                each(key, value);
            }
        });
        if judged.is_err() {
            // What could not be read might have been rejected.
            if let Some(store) = self.begin_to_remove(function) {
                self.clear_stored(function, &store);
            }
        }
    }

    fn max_disk(&self) -> Option<u64> {
        self.disk.max_disk()
    }

    fn set_max_disk(&self, max: u64) -> bool {
        self.disk.set_max_disk(max)
    }

    fn flush(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        if self.disk.opened().is_none() && function.memory.count() == 0 {
            return Ok(());
        }
        let store = self.begin(function)?;
        self.renew_lost_log(function, &store)?;
        store.flush()
    }

    fn flush_if_open(&self) {
        // A failure is counted by the store.
        let _ = self.disk.opened().map(|store| store.flush());
    }

    fn snapshot(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        let store = self.begin(function)?;
        let store = if store.check().is_ok() { store } else { self.renew(function)? };
        self.keep(function, |keep| store.merge(keep))?;
        self.follow(function);
        store.rotate_merged()
    }

    fn tick(&self, function: &FunctionCache<K>) {
        self.disk.remove_old_versions();
        let Some(store) = self.disk.opened().filter(|store| store.is_writing()) else {
            self.follow(function);
            return;
        };
        // A failure is counted by the store, which tries again.
        if store.check().is_err() {
            let _ = self.renew(function);
            return;
        }
        let _ = self.renew_lost_log(function, &store);
        if matches!(store.heal(), Ok(true)) {
            let _ = self.rewrite(function, &store).and_then(|()| store.healed());
        }
        if matches!(self.keep(function, |keep| store.compact(keep)), Ok(true)) {
            self.disk.note_growth();
        }
        self.follow(function);
        let _ = store.rotate_merged();
    }

    fn damage(&self) -> Vec<Error> {
        self.disk.opened().map(|store| store.recovery().damage).unwrap_or_default()
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
            has_unwritten: AtomicBool::new(false),
        })
    }

    /// Returns the store, and begins to write if it does not yet. If that succeeds only now, after something was
    /// computed or removed, writes what is in memory, and removes what was removed.
    fn begin(&self, function: &FunctionCache<K>) -> Result<Arc<Store>, Error> {
        let disk = &self.disk;
        if let Some(store) = disk.opened().filter(|store| store.is_writing()) {
            return Ok(store);
        }
        self.open_in_child(function);
        let locked = || Error::Locked { path: disk.folder.clone(), pid: Some(std::process::id()) };
        let mut forgotten = Forgotten::by(function);
        let begun = unless_opening(|| disk.begin(&mut |removal| forgotten.add(&removal)));
        let (store, is_first) = begun.unwrap_or_else(|| Err(locked()))?;
        if is_first {
            watch(function, &store);
            exit::include_this_process();
            let calls = &function.memory.calls;
            if calls.recovered() == 0 {
                calls.set_recovered(store.status().entries, store.mean_cost());
            }
            if self.clear_when_opened.load(Relaxed) {
                self.clear_stored(function, &store);
                self.clear_when_opened.store(false, Relaxed);
            } else if self.has_unwritten.swap(false, Relaxed) {
                // A failure is counted by the store.
                let _ = self.rewrite(function, &store);
            }
            maintain_soon(function);
        }
        Ok(store)
    }

    /// Opens the directory in a child of fork. Memory stays as it was in the parent if nothing was removed since.
    /// Returns the store if it is open.
    fn open_in_child(&self, function: &FunctionCache<K>) -> Option<Arc<Store>> {
        let mut forgotten = Forgotten::by(function);
        let opened = unless_opening(|| {
            self.disk.open_in_child(|store| {
                if !function.removals.has_followed(store.removals_seen()) {
                    forgotten.add(&persist::Removal::All);
                }
                watch(function, store);
            })
        });
        opened.flatten()
    }

    /// Opens the directory anew to read it if it was replaced. Who writes looks for that each second. Returns the store
    /// if it is open.
    fn reopen(
        &self,
        function: &FunctionCache<K>,
        opened: Option<Arc<Store>>,
    ) -> Option<Arc<Store>> {
        match opened {
            Some(store) if store.check().is_ok() => return Some(store),
            Some(_) => self.disk.close(),
            None => {}
        }
        let mut forgotten = Forgotten::by(function);
        let _ = unless_opening(|| {
            if self.disk.reopen() {
                // What the process that created it again has removed in the meantime is not known.
                forgotten.add(&persist::Removal::All);
            }
        });
        self.disk.opened()
    }

    /// Returns the store if there may be something on disk to remove, or another process may be computing it. It is
    /// opened before memory changes, so that no older entry can come back. If it cannot be opened now, all that it
    /// holds is removed when it is opened later.
    fn begin_to_remove(&self, function: &FunctionCache<K>) -> Option<Arc<Store>> {
        let is_used = || unless_opening(|| self.disk.is_used()).unwrap_or(true);
        if self.disk.opened().is_none() && !is_used() {
            return None;
        }
        function.maintain();
        self.begin(function).inspect_err(|_| self.clear_when_opened.store(true, Relaxed)).ok()
    }

    /// Opens the directory again, which was removed or replaced, and writes what is in memory.
    fn renew(&self, function: &FunctionCache<K>) -> Result<Arc<Store>, Error> {
        self.disk.close();
        self.has_unwritten.store(true, Relaxed);
        self.begin(function)
    }

    /// Writes what is in memory if somebody has removed the log of this process.
    fn renew_lost_log(&self, function: &FunctionCache<K>, store: &Store) -> Result<(), Error> {
        if store.renew_lost_log()? { self.rewrite(function, store) } else { Ok(()) }
    }

    /// Writes a removal. If it did not reach the directory because that was removed or replaced, all that the new one
    /// holds is removed when it is opened.
    fn commit(&self, removal: Removal<'_>) {
        let store = removal.store;
        removal.commit();
        if store.is_some_and(|store| store.check().is_err()) {
            self.clear_when_opened.store(true, Relaxed);
        }
    }

    /// Removes all that is stored and not in memory.
    fn clear_stored(&self, function: &FunctionCache<K>, store: &Store) {
        // Failures are counted by the store.
        let _ = store.clear();
        let _ = self.rewrite(function, store);
    }

    /// Returns the time before which a stored value was computed that counts as idle. The opening counts as a use.
    fn idle_before(&self, function: &FunctionCache<K>) -> WallMillis {
        let Some(idle) = function.memory.idle() else { return 0 };
        let before = clock::wall().saturating_sub(idle);
        if self.disk.opened_at() < before { before } else { 0 }
    }

    /// Writes the entries in memory that are not on disk. Entries do not know what they cost, so each record has the
    /// mean.
    fn rewrite(&self, function: &FunctionCache<K>, store: &Store) -> Result<(), Error> {
        let cost = Cost::of(function.mean_compute());
        let mut bytes = Vec::new();
        let mut result = Ok(());
        for _ in 0..MAX_ATTEMPTS {
            // A removal that is committed from now on is newer than what is written here. Earlier ones end entries here.
            let since = store.raise_horizon();
            self.follow(function);
            function.memory.for_each(&mut |key, held, lifetime| {
                bytes.clear();
                let is_missing =
                    result.is_ok() && !matches!(store.find(key.as_slice()), Ok(Some(_)));
                if is_missing && self.disk.encode(K::Holder::view(held), &mut bytes).is_ok() {
                    let put = self.disk.put(key.as_slice(), &bytes, lifetime, cost);
                    result = store.commit(store.queue(put, since));
                }
            });
            // What was written after another process began a snapshot may not be in it.
            if result.is_err() || store.horizon() <= since {
                break;
            }
        }
        result
    }

    /// Calls `f` with what stays in a snapshot: as many entries as memory may hold, or as many bytes as `max_disk`
    /// allows. Those that memory holds go last.
    fn keep<R>(&self, function: &FunctionCache<K>, f: impl FnOnce(&KeepOnDisk<'_>) -> R) -> R {
        let memory = &function.memory;
        let is_used = |key: &[u8]| {
            function.hash_key(key).is_some_and(|hash| memory.peek(hash, key).is_some())
        };
        let (max, max_bytes) = match self.disk.max_disk() {
            Some(_) => (u64::MAX, u64::MAX),
            None => (
                memory.max() as u64,
                memory.max_bytes().map_or(u64::MAX, |max| max.max(LEAST_BYTES)),
            ),
        };
        f(&KeepOnDisk {
            max,
            max_bytes,
            now: clock::wall(),
            idle_before: self.idle_before(function),
            is_used: &is_used,
        })
    }
}

/// The largest buffer that a thread keeps, in bytes.
const MAX_REUSED: usize = 4 << 10;

thread_local! {
    static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// An empty buffer for an encoded value, which this thread uses again. Taken out and not borrowed, because the
/// `Serialize` of the value may call memoized functions.
struct Reused(Vec<u8>);

impl Reused {
    fn take() -> Self {
        Self(BYTES.try_with(Cell::take).unwrap_or_default())
    }
}

impl Drop for Reused {
    fn drop(&mut self) {
        if self.0.capacity() <= MAX_REUSED {
            self.0.clear();
            let _ = BYTES.try_with(|bytes| bytes.set(std::mem::take(&mut self.0)));
        }
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
    /// The key. `None`: all.
    key: Option<Box<[u8]>>,
}

impl<'a> Removal<'a> {
    fn new(store: Option<&'a Store>) -> Self {
        Self { store, ticket: None, key: None }
    }

    fn queue(&mut self, record: Record<'_>) {
        self.ticket = self.store.map(|store| store.queue(record, 0));
        if let Record::Remove { key } = record {
            self.key = Some(key.into());
        }
    }

    fn commit(self) {
        let Some((store, mut ticket)) = self.store.zip(self.ticket) else { return };
        for _ in 0..MAX_ATTEMPTS {
            if store.commit_removal(ticket).is_err() || !store.is_overtaken(ticket) {
                return;
            }
            let record = self.key.as_deref().map_or(Record::Clear, |key| Record::Remove { key });
            ticket = store.queue(record, 0);
        }
    }
}

/// Makes hits look for removals by other processes, and notes which are removed from memory.
fn watch<K: Keep>(function: &FunctionCache<K>, store: &Store) {
    if let Some(count) = store.removals() {
        function.removals.begin(count);
        function.removals.follow(store.removals_seen());
    }
}

/// What another process removed, removed from memory. The values are dropped with it, and not before: their `Drop` may
/// call memoized functions, which must be able to open and to follow their directories.
struct Forgotten<'a, K: Keep> {
    function: &'a FunctionCache<K>,
    pending: Vec<(K::Held, Lifetime)>,
    is_empty: bool,
}

impl<'a, K: Keep> Forgotten<'a, K> {
    fn by(function: &'a FunctionCache<K>) -> Self {
        Self { function, pending: Vec::new(), is_empty: true }
    }

    fn add(&mut self, removal: &persist::Removal) {
        self.is_empty = false;
        let memory = &self.function.memory;
        match removal {
            persist::Removal::All => self.pending.extend(memory.end_all()),
            persist::Removal::Key(key) => {
                let hash = self.function.hash_key(key);
                self.pending.extend(hash.and_then(|hash| memory.end(hash, key)));
            }
        }
    }
}

impl<K: Keep> Drop for Forgotten<'_, K> {
    fn drop(&mut self) {
        if !self.is_empty {
            self.pending.clear();
            self.function.memory.free_removed();
        }
    }
}

/// Returns `expires`, or the end of the present time to live if that is earlier.
fn limit_expiry<K: Keep>(function: &FunctionCache<K>, expires: Millis) -> Millis {
    match function.ttl.load(Relaxed) {
        NEVER => expires,
        ttl => expires.min(clock::now().saturating_add(ttl)),
    }
}

#[cfg(test)]
mod tests;
