//! A cache with a directory: reads the stored entries once, writes a result before any reader can see it, and writes a
//! removal before the removal returns.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::cache::departures::Removing;
use crate::codec::{Codec, Evolving, Format, Postcard};
use crate::error::Error;
use crate::function::events::Events;
use crate::function::forgotten::{Forgotten, watch};
use crate::function::function_cache::FunctionCache;
use crate::function::function_cache::{KeyClaim, NewResult, Storage};
use crate::function::loaded::Loaded;
use crate::function::removal::Removal;
use crate::function::settings::{PersistSettings, Settings};
use crate::function::thread_opening::unless_opening;
use crate::function::unsettled::Unsettled;
use crate::function::value_store::{UNDECODABLE, ValueStore};
use crate::function::waiter::Waiter;
use crate::key::Tag;
#[cfg(not(all(feature = "web", target_family = "wasm", target_os = "unknown")))]
use crate::persist::RealFs;
use crate::persist::{
    self, Durability, Fs, Keep as KeepOnDisk, MAX_APART, Record, Store, WallMillis,
};
use crate::platform::clock::{self, Millis, NEVER};
use crate::single_flight::flight::Claim;
use crate::statistics::explanation::{Explanation, Remover};
use crate::statistics::stats::Stats;
use crate::tags;
use crate::value::keep::Keep;
use crate::value::requirements::Persistable;

/// A snapshot may have this many bytes, even if `max_bytes` is less: that bounds what values weigh in memory.
const LEAST_BYTES: u64 = 64 << 20;

/// The directory of one cache.
pub(crate) struct Directory<K: Keep> {
    pub(crate) disk: ValueStore<K::Value>,
    /// Set once recovery was tried.
    recovered: OnceCell<()>,
    /// Set once the directory knows the tags that this process invalidated before.
    told: OnceCell<()>,
    pub(crate) unsettled: Unsettled,
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

    /// Does the same with the format `F`, and reads what other versions of the type have stored.
    #[must_use]
    pub fn persist_evolving<F: Format, P: Into<PathBuf>>(self, dir: P) -> Self
    where
        K::Value: Persistable,
    {
        self.persist_by::<Evolving<F>, P>(dir)
    }

    fn stored(self, root: PathBuf, codec: Box<dyn Codec<K::Value>>) -> Self {
        let durability = Durability::Interval;
        let (path, instance) = (String::new(), 0);
        let make = make_storage;
        let (max_disk, max_value) = (None, MAX_APART);
        let (ttl, stale) = (None, Duration::ZERO);
        let storage = PersistSettings {
            root,
            path,
            instance,
            place: String::new(),
            durability,
            max_disk,
            max_value,
            codec,
            ttl,
            stale,
            make,
        };
        Self { storage: Some(storage), ..self }
    }
}

/// Makes the storage of a function: a directory, or in a page its localStorage.
fn make_storage<K: Keep>(
    settings: PersistSettings<K>,
    function: String,
    code: u128,
    version: Option<u64>,
) -> Box<dyn Storage<K>> {
    #[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
    if let Some(fs) = crate::function::origin_files::file_system() {
        return Directory::make(fs, settings, function, code, version);
    }
    #[cfg(all(feature = "web", target_family = "wasm", target_os = "unknown"))]
    return crate::function::web_results::WebResults::make(settings, function, code, version);
    #[cfg(not(all(feature = "web", target_family = "wasm", target_os = "unknown")))]
    Directory::make(Arc::new(RealFs), settings, function, code, version)
}

impl<K: Keep> Storage<K> for Directory<K> {
    fn recover(&self, function: &FunctionCache<K>) -> bool {
        if self.told.get().is_some() {
            return true;
        }
        let disk = &self.disk;
        let mut is_opened = false;
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
                    is_opened = true;
                }
            });
        });
        if is_opened && Events::warnings_are_heard() {
            Events::recovered(&function.name, function.memory.calls.recovered(), &self.damage());
        }
        if recovered.is_some() {
            self.told.get_or_init(|| self.remove_invalidated(function));
        }
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
        let mut forgotten = Forgotten::new(function, Remover::Process);
        let _ = unless_opening(|| {
            // A failure is counted by the store. What was read before is served.
            let _ = store.follow(&mut |removal| forgotten.add(&removal));
            watch(function, &store);
        });
    }

    fn explain(&self, function: &FunctionCache<K>, key: &[u8]) -> Option<Explanation> {
        if let Some(loaded) = self.load(function, key, false, NEVER) {
            return Some(loaded.explained(function.memory.stale()));
        }
        let reason = UNDECODABLE.to_owned();
        self.disk.is_undecodable(key).then_some(Explanation::Discarded { reason })
    }

    fn lock_key(&self, key: &[u8], _waiter: Waiter) -> KeyClaim {
        let store = unless_opening(|| self.disk.open().ok()).flatten();
        match store.map(|store| store.try_lock_key(key)) {
            Some(persist::KeyClaim::Locked(lock)) => KeyClaim::Locked(Box::new(lock)),
            Some(persist::KeyClaim::Busy) => KeyClaim::Busy,
            Some(persist::KeyClaim::Unlocked) | None => KeyClaim::Unlocked,
        }
    }

    fn load(
        &self,
        function: &FunctionCache<K>,
        key: &[u8],
        is_use: bool,
        stale: Millis,
    ) -> Option<Loaded<K::Value>> {
        let store = self.readable()?;
        let stored = store.find(key, is_use, &mut || self.follow(function)).ok()??;
        let record = stored.record();
        let (value, lifetime) = self.disk.value(record, stale)?;
        // Later uses are not on disk. Without this, an entry that ended because nobody used it would come back.
        if lifetime.computed.is_some_and(|computed| computed < self.idle_before(function)) {
            return None;
        }
        let Record::Put { tags, .. } = record else { return None };
        let tags = persist::tags(tags).collect();
        Loaded::stored::<K>(function.ttl.load(Relaxed), value, lifetime, record.cost(), tags)
    }

    fn cost(&self, key: &[u8]) -> Option<Duration> {
        self.readable()?.cost(key).ok()?
    }

    fn write(&self, function: &FunctionCache<K>, claim: Claim, result: NewResult<'_, K::Held>) {
        self.write_result(function, claim, &result);
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
        // As long as the claim stands, nobody reads the key from disk.
        self.commit(function, removal);
    }

    fn remove(
        &self,
        function: &FunctionCache<K>,
        hash: u64,
        key: &[u8],
        removing: Removing,
    ) -> bool {
        let store = self.begin_to_remove(function);
        let mut removal = Removal::new(store.as_deref());
        let mut queue = || removal.queue(Record::Remove { key });
        let removed = function.memory.remove(hash, key, removing, &mut queue);
        if self.commit(function, removal) {
            Forgotten::new(function, removing.by).add(&persist::Removal::Key(key.into()));
        }
        removed
    }

    fn remove_tag(&self, function: &FunctionCache<K>, tag: Tag) {
        let store = self.begin_to_remove(function);
        let mut removal = Removal::new(store.as_deref());
        removal.queue(Record::Remove { key: &persist::tag_key(tag) });
        // Memory ends what has the tag afterwards.
        self.commit(function, removal);
    }

    fn clear(&self, function: &FunctionCache<K>) -> usize {
        let store = self.begin_to_remove(function);
        let mut removal = Removal::new(store.as_deref());
        let by = Remover::Clear;
        let count = function.memory.clear(by, &mut || removal.queue(Record::Clear));
        if self.commit(function, removal) {
            Forgotten::new(function, by).add(&persist::Removal::All);
        }
        count
    }

    fn clear_versions(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        let is_stored = self.disk.opened().is_some() || self.unsettled.has_removals();
        let own = if is_stored { self.condense(function) } else { Ok(()) };
        let others = unless_opening(|| self.disk.clear_other_versions());
        own.and(others.unwrap_or_else(|| Err(self.disk.locked_by_this_process())))
    }

    fn judge(&self, function: &FunctionCache<K>, each: &mut dyn FnMut(&[u8], K::Value)) {
        self.read_to_remove(function, |store| {
            store.for_each(&mut |record| {
                let Record::Put { key, .. } = record else { return };
                // Also what has expired: it may be served stale.
                if let Some((value, _)) = self.disk.value(record, NEVER) {
                    each(key, value);
                }
            })
        });
    }

    fn keys(&self, function: &FunctionCache<K>, each: &mut dyn FnMut(&[u8])) {
        self.read_to_remove(function, |store| store.for_each_key(each));
    }

    #[cfg(feature = "report")]
    fn place(&self) -> String {
        self.disk.place()
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
        self.settle_now(function, &store)?;
        self.renew_lost_log(function, &store)?;
        store.flush()?;
        self.disk.failures.take_too_large().map_or(Ok(()), Err)
    }

    fn flush_if_open(&self) {
        // A failure is counted by the store.
        let _ = self.disk.opened().map(|store| store.flush());
    }

    fn snapshot(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        let store = self.begin(function)?;
        let store = if store.check().is_ok() { store } else { self.renew(function, &store)? };
        self.settle_now(function, &store)?;
        self.renew_lost_log(function, &store)?;
        self.keep(function, |keep| store.condense(keep))?;
        self.follow(function);
        store.rotate_merged()
    }

    fn tick(&self, function: &FunctionCache<K>) {
        self.disk.remove_old_versions();
        let opened = self.disk.opened();
        if let Some(store) = &opened {
            store.free_retired();
        }
        let Some(store) = opened.filter(|store| store.is_writing()) else {
            self.follow(function);
            return;
        };
        // A failure is counted by the store, which tries again.
        if store.check().is_err() {
            let _ = self.renew(function, &store);
            return;
        }
        self.settle(function, &store);
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
        fs: Arc<dyn Fs>,
        storage: PersistSettings<K>,
        function: String,
        code: u128,
        version: Option<u64>,
    ) -> Box<dyn Storage<K>> {
        Box::new(Self {
            disk: ValueStore::new(fs, storage, function, code, version),
            recovered: OnceCell::new(),
            told: OnceCell::new(),
            unsettled: Unsettled::default(),
        })
    }

    /// Gives back the room of what was removed, also of what was damaged.
    fn condense(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        self.snapshot(function)?;
        self.disk.opened().map_or(Ok(()), |store| store.remove_quarantine())
    }

    /// Removes what has a tag that this process has invalidated before it called the function.
    fn remove_invalidated(&self, function: &FunctionCache<K>) {
        if !function.memory.is_tagged() || self.disk.opened().is_none() {
            return;
        }
        match tags::invalidated() {
            Some(tags) => tags.into_iter().for_each(|tag| self.remove_tag(function, tag)),
            None => _ = self.clear(function),
        }
    }

    /// Reads what is stored, of which some is removed next. Removes all of it if it cannot be read.
    fn read_to_remove(
        &self,
        function: &FunctionCache<K>,
        read: impl FnOnce(&Store) -> Result<(), Error>,
    ) {
        // A directory in which nothing was found may have become another one since.
        let opened = self.disk.opened().filter(|s| s.is_writing() || s.status().entries > 0);
        let opened = opened.or_else(|| self.begin_to_remove(function));
        let Some(store) = opened.filter(|_| !self.unsettled.has_removals()) else { return };
        self.follow(function);
        if store.check().is_err() {
            self.unsettled.note_removal();
        }
        if read(&store).is_err() {
            // What could not be read might have been rejected.
            if let Some(store) = self.begin_to_remove(function) {
                self.clear_stored(function, &store);
            }
        }
    }

    /// Returns the store if it is open and what it holds counts.
    fn readable(&self) -> Option<Arc<Store>> {
        self.disk.opened().filter(|_| !self.unsettled.has_removals())
    }

    /// Writes what is in memory if somebody has removed the log of this process.
    fn renew_lost_log(&self, function: &FunctionCache<K>, store: &Store) -> Result<(), Error> {
        if store.renew_lost_log()? { self.rewrite(function, store) } else { Ok(()) }
    }

    /// Writes a removal. If it did not reach the directory because that was removed or replaced, opens that again and
    /// removes all that it holds. Returns whether it was overtaken, see [`Removal::commit`].
    fn commit(&self, function: &FunctionCache<K>, removal: Removal<'_>) -> bool {
        let store = removal.store;
        let was_overtaken = removal.commit();
        if let Some(stale) = store.filter(|store| store.check().is_err()) {
            self.unsettled.note_removal();
            // A failure is counted by the store, and the next opening does it.
            let _ = self.renew(function, stale).and_then(|store| self.settle_now(function, &store));
        }
        was_overtaken
    }

    /// Removes all that is stored and not in memory.
    pub(crate) fn clear_stored(&self, function: &FunctionCache<K>, store: &Store) {
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
            stale: memory.stale(),
            idle_before: self.idle_before(function),
            is_used: &is_used,
            // A process has an index of all that is in logs anyway.
            share_bytes: u64::MAX,
        })
    }
}
