//! The results of one cache in the localStorage of a page: written before a call returns, read when memory has none.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::cache::departures::Removing;
use crate::cache::entry::Lifetime;
use crate::codec::{Codec, Sink, SinkFailure};
use crate::error::Error;
use crate::function::failures::Failures;
use crate::function::forgotten::Forgotten;
use crate::function::function_cache::{FunctionCache, KeyClaim, NewResult, Storage};
use crate::function::loaded::Loaded;
#[cfg(feature = "opfs")]
use crate::function::origin_files;
use crate::function::settings::PersistSettings;
use crate::function::thread_opening::unless_opening;
use crate::function::waiter::Waiter;
use crate::function::wall_times;
use crate::key::{Tag, tag};
use crate::persist::{self, Cost, Identity, Place, WallMillis, tag_bytes};
use crate::platform::clock::{self, Millis, NEVER};
use crate::platform::items::Refusal;
use crate::platform::local_storage::LocalStorage;
use crate::platform::sync::usual::Mutex;
use crate::single_flight::flight::Claim;
use crate::statistics::explanation::{Explanation, Remover};
use crate::statistics::stats::Stats;
use crate::tags;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::web::{Bounds, Fault, Item, ItemName, WebStore};

/// The most bytes of a value. As text these are a little more than half of the usual quota.
const MAX_VALUE: u64 = 2 << 20;
/// So many damaged items are told of.
const MAX_DAMAGE: usize = 100;
/// What errors call the place.
const PLACE: &str = "localStorage";
/// Why there is none in a worker.
const MISSING: &str = if cfg!(feature = "opfs") {
    "there is none here; a worker has files, which memokit::web::open_files opens before the first call"
} else {
    "there is none here; a worker has files, for the feature `opfs`"
};
const UNDECODABLE: &str = "value that its type could not decode";
const DISPLACED: &str = "result that gave way because localStorage was full";

/// The items of one cache.
pub(crate) struct WebResults<K: Keep> {
    /// The name that several functions may share.
    root: PathBuf,
    path: String,
    instance: u64,
    codec: Box<dyn Codec<K::Value>>,
    max_value: u64,
    max_disk: Option<AtomicU64>,
    /// For how long what has expired stays when the page is opened.
    stale: Millis,
    /// Without its `schema`, which is known when the type was explored.
    identity: Identity,
    /// What the names of the items begin with, or why the type cannot be stored.
    name: OnceCell<Result<ItemName, Error>>,
    store: OnceCell<WebStore>,
    opened_at: OnceCell<WallMillis>,
    told: OnceCell<()>,
    failures: Failures,
    damage: Mutex<Vec<Error>>,
    faults: [AtomicU64; 3],
}

/// Places in [`WebResults::faults`].
const FOREIGN: usize = 0;
const DAMAGED: usize = 1;
const UNDECODED: usize = 2;

impl<K: Keep> WebResults<K> {
    pub(crate) fn make(
        settings: PersistSettings<K>,
        function: String,
        code: u128,
        version: Option<u64>,
    ) -> Box<dyn Storage<K>> {
        let PersistSettings {
            root,
            path,
            instance,
            place: _,
            durability: _,
            max_value,
            max_disk,
            codec,
            ttl: _,
            stale,
            make: _,
        } = settings;
        let code = code ^ u128::from(version.unwrap_or(0));
        Box::new(Self {
            root,
            path,
            instance,
            codec,
            max_value: max_value.min(MAX_VALUE),
            max_disk: max_disk.map(AtomicU64::new),
            stale: clock::millis(stale),
            identity: Identity { function, key_format: tag::FORMAT, schema: 0, code },
            name: OnceCell::new(),
            store: OnceCell::new(),
            opened_at: OnceCell::new(),
            told: OnceCell::new(),
            failures: Failures::new(),
            damage: Mutex::default(),
            faults: [const { AtomicU64::new(0) }; 3],
        })
    }

    fn name(&self) -> Result<&ItemName, &Error> {
        let name = self.name.get_or_init(|| {
            if self.root.to_str().is_none_or(|text| text.trim().is_empty()) {
                let reason = "it is empty".to_owned();
                return Err(Error::NoDirectory { path: self.root.clone(), reason });
            }
            let identity = Identity { schema: self.codec.schema()?, ..self.identity.clone() };
            let place = Place::of(&self.root, &self.path, self.instance, &identity);
            Ok(ItemName::of(&place.dir().to_string_lossy()))
        });
        name.as_ref()
    }

    /// Returns the store, and opens it if it is not open. After a failure another attempt is made later.
    fn store(&self) -> Result<&WebStore, Error> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        self.failures.check_retry()?;
        let opened = unless_opening(|| {
            let name = self.name().map_err(Error::clone)?.clone();
            WebStore::open(Arc::new(LocalStorage), name, clock::wall(), self.stale)
                .map_err(|refusal| open_error(&refusal))
        });
        // A type whose `Deserialize` calls the function has it in memory until the type is known.
        let opened = opened.ok_or(Error::NotPersistent)?;
        let store = opened.inspect_err(|error| self.failures.back_off(error))?;
        self.failures.reset();
        let _ = self.opened_at.set(clock::wall());
        Ok(self.store.get_or_init(|| store))
    }

    fn bounds(&self, function: &FunctionCache<K>) -> Bounds {
        match &self.max_disk {
            Some(max) => Bounds { max: u64::MAX, max_bytes: max.load(Relaxed) },
            None => Bounds {
                max: function.memory.max() as u64,
                max_bytes: function.memory.max_bytes().unwrap_or(u64::MAX),
            },
        }
    }

    /// Returns the bytes of a value. A panic in the code of its type is an error here.
    fn encode(&self, value: &K::Value) -> Result<Vec<u8>, Error> {
        let mut sink = Sink::limited(usize::try_from(self.max_value).unwrap_or(usize::MAX));
        let written = catch_unwind(AssertUnwindSafe(|| self.codec.encode(value, &mut sink)));
        let written = written.unwrap_or_else(|_| {
            let reason = "its Serialize or Deserialize panicked".to_owned();
            Err(Error::Unpersistable { type_name: std::any::type_name::<K::Value>(), reason })
        });
        if written.is_ok() {
            return Ok(sink.into_bytes());
        }
        match sink.end().err() {
            Some(SinkFailure::TooLong(len)) => {
                let (function, max) = (&self.identity.function, self.max_value);
                let reason =
                    format!("a result of `{function}` takes {len} bytes or more, of {max}");
                let error = Error::TooLarge { reason };
                self.failures.note_too_large(&error);
                Err(error)
            }
            Some(SinkFailure::Failed(error)) => Err(error),
            None => written.map(|()| Vec::new()),
        }
    }

    /// Returns the value of an item, and how long it lives. `None` if it has expired for `stale` milliseconds.
    fn value(
        &self,
        function: &FunctionCache<K>,
        item: &Item,
        stale: Millis,
    ) -> Option<(K::Value, Lifetime)> {
        let now = clock::wall();
        let lifetime = wall_times::lifetime(item.created, item.expires, now, stale)?;
        // The opening counts as a use.
        let last_use = item.created.max(self.opened_at.get().copied().unwrap_or(0));
        let is_idle =
            function.memory.idle().is_some_and(|idle| last_use.saturating_add(idle) < now);
        if is_idle {
            return None;
        }
        let decode = || self.codec.decode(&item.value).ok();
        let value = catch_unwind(AssertUnwindSafe(decode)).ok().flatten();
        if value.is_none() {
            self.faults[UNDECODED].fetch_add(1, Relaxed);
        }
        Some((value?, lifetime))
    }

    /// Returns what an item holds, unless it has expired for `stale` milliseconds.
    fn loaded(
        &self,
        function: &FunctionCache<K>,
        item: &Item,
        stale: Millis,
    ) -> Option<Loaded<K::Value>> {
        let (value, lifetime) = self.value(function, item, stale)?;
        let tags = persist::tags(&item.tags).collect();
        Loaded::stored::<K>(function.ttl.load(Relaxed), value, lifetime, item.cost.time(), tags)
    }

    /// Notes an item that is none of memokit's, or was changed.
    #[cold]
    fn note_fault(&self, key: &[u8], fault: Fault) {
        let at = if fault == Fault::Foreign { FOREIGN } else { DAMAGED };
        self.faults[at].fetch_add(1, Relaxed);
        let name = self.name().map(|name| name.version().to_owned()).unwrap_or_default();
        let (path, reason) = (PathBuf::from(name), fault.reason().to_owned());
        let error = match fault {
            Fault::Foreign => Error::Foreign { path, reason },
            Fault::Damaged => {
                let reason = format!("{reason}, for a key of {} bytes", key.len());
                Error::Corrupt { path, offset: 0, reason }
            }
        };
        self.failures.add(&error);
        let mut damage = self.damage.lock();
        if damage.len() < MAX_DAMAGE {
            damage.push(error);
        }
    }

    /// Counts a removal that failed. One that did not says nothing of whether results can be stored.
    fn note_removal(&self, done: Result<(), Refusal>) {
        if let Err(refusal) = done {
            self.failures.add(&error_of("remove from", &refusal));
        }
    }

    /// Stores a result whose claim still stands.
    fn put(&self, function: &FunctionCache<K>, claim: Claim, result: &NewResult<'_, K::Held>) {
        let replaces = result.made.replaces();
        let Ok(store) = self.store() else { return };
        let encoded = self.encode(K::Holder::view(result.value));
        let Ok(value) = encoded.inspect_err(|error| self.failures.add(error)) else {
            self.remove_stored(function, claim, replaces);
            return;
        };
        // What was removed while this was computed ends the claim.
        self.follow(function);
        let mut announced = None;
        let pending = Some((result.value.clone(), result.lifetime));
        let tags = tag_bytes(&function.memory.tags_of(claim));
        function.memory.announce(claim, pending, &mut |key, _| announced = Some(key.to_owned()));
        // Otherwise somebody has removed it meanwhile.
        let Some(key) = announced else { return };
        let now = clock::wall();
        let item = Item {
            created: result.lifetime.computed.unwrap_or(now),
            expires: wall_times::expiry(result.lifetime, now),
            cost: Cost::of(result.made.time()),
            tags,
            value,
        };
        let put = store.put(&key, &item, self.bounds(function));
        match put {
            Ok(()) => self.failures.end(),
            Err(refusal) => {
                // An older one must not come back.
                store.discard(&key);
                let error = error_of("write", &refusal);
                if matches!(error, Error::TooLarge { .. }) {
                    self.failures.note_too_large(&error);
                }
                self.failures.add(&error);
            }
        }
    }
}

impl<K: Keep> Storage<K> for WebResults<K> {
    fn recover(&self, function: &FunctionCache<K>) -> bool {
        if self.told.get().is_some() {
            return true;
        }
        let opened = self.store();
        if let Ok(store) = opened {
            // A round looks into what other tabs have changed.
            function.maintain();
            function.memory.calls.set_recovered(store.figures().0, Duration::ZERO);
        }
        self.told.get_or_init(|| {
            if !function.memory.is_tagged() || self.store.get().is_none() {
                return;
            }
            match tags::invalidated() {
                Some(tags) => tags.into_iter().for_each(|tag| self.remove_tag(function, tag)),
                None => _ = self.clear(function),
            }
        });
        true
    }

    fn init(&self, _function: &FunctionCache<K>) -> Result<(), Error> {
        self.store().map(drop)
    }

    fn since(&self) -> u64 {
        0
    }

    fn follow(&self, function: &FunctionCache<K>) {
        let Some(store) = self.store.get() else { return };
        let mut forgotten = Forgotten::new(function, Remover::Process);
        store.follow(&mut |removal| forgotten.add(&removal));
    }

    fn load(
        &self,
        function: &FunctionCache<K>,
        key: &[u8],
        _is_use: bool,
        stale: Millis,
    ) -> Option<Loaded<K::Value>> {
        let store = self.store().ok()?;
        let found = store.find(key).inspect_err(|fault| self.note_fault(key, *fault));
        let item = found.ok()??;
        self.loaded(function, &item, stale)
    }

    fn cost(&self, key: &[u8]) -> Option<Duration> {
        self.store.get()?.find(key).ok()??.cost.time()
    }

    fn explain(&self, function: &FunctionCache<K>, key: &[u8]) -> Option<Explanation> {
        let store = self.store.get()?;
        match store.find(key) {
            Ok(None) => None,
            Ok(Some(item)) => {
                let loaded = self.loaded(function, &item, NEVER)?;
                Some(loaded.explained(function.memory.stale()))
            }
            Err(fault) => Some(Explanation::Discarded { reason: fault.reason().to_owned() }),
        }
    }

    fn lock_key(&self, key: &[u8], waiter: Waiter) -> KeyClaim {
        // The browser grants a lock when the script has returned, which no thread can wait for.
        let Waiter::Task { ask } = waiter else { return KeyClaim::Unlocked };
        let asked = self.store.get().and_then(|store| ask(&store.item_name(key)));
        asked.map_or(KeyClaim::Unlocked, KeyClaim::Asked)
    }

    fn write(&self, function: &FunctionCache<K>, claim: Claim, result: NewResult<'_, K::Held>) {
        self.put(function, claim, &result);
    }

    fn remove_stored(&self, function: &FunctionCache<K>, claim: Claim, replaces: bool) {
        let mut older = None;
        function.memory.announce(claim, None, &mut |key, known| {
            older = (known || replaces).then(|| key.to_owned());
        });
        if let Some((key, store)) = older.zip(self.store.get()) {
            self.note_removal(store.remove(&key));
        }
    }

    fn remove(
        &self,
        function: &FunctionCache<K>,
        hash: u64,
        key: &[u8],
        removing: Removing,
    ) -> bool {
        if let Ok(store) = self.store() {
            self.note_removal(store.remove(key));
        }
        function.memory.remove(hash, key, removing, &mut || ())
    }

    fn remove_tag(&self, _function: &FunctionCache<K>, tag: Tag) {
        if let Ok(store) = self.store() {
            self.note_removal(store.remove_tag(tag));
        }
    }

    fn clear(&self, function: &FunctionCache<K>) -> usize {
        if let Ok(store) = self.store() {
            self.note_removal(store.clear());
        }
        function.memory.clear(Remover::Clear, &mut || ())
    }

    fn clear_versions(&self, _function: &FunctionCache<K>) -> Result<(), Error> {
        let store = self.store()?;
        // Again, because now it counts whether the other tabs were told.
        let own = store.clear();
        own.and(store.clear_other_versions()).map_err(|refusal| error_of("remove from", &refusal))
    }

    fn judge(&self, function: &FunctionCache<K>, each: &mut dyn FnMut(&[u8], K::Value)) {
        let Ok(store) = self.store() else { return };
        store.for_each(&mut |key, item| {
            // Also what has expired: it may be served stale.
            if let Some((value, _)) = self.value(function, &item, NEVER) {
                each(key, value);
            }
        });
    }

    fn keys(&self, _function: &FunctionCache<K>, each: &mut dyn FnMut(&[u8])) {
        let Ok(store) = self.store() else { return };
        store.for_each(&mut |key, _| each(key));
    }

    fn max_disk(&self) -> Option<u64> {
        self.max_disk.as_ref().map(|max| max.load(Relaxed))
    }

    fn set_max_disk(&self, max: u64) -> bool {
        let Some(bound) = &self.max_disk else { return false };
        bound.store(max, Relaxed);
        true
    }

    fn flush(&self, _function: &FunctionCache<K>) -> Result<(), Error> {
        self.store()?;
        self.failures.take_too_large().or_else(|| self.failures.present()).map_or(Ok(()), Err)
    }

    fn flush_if_open(&self) {}

    fn snapshot(&self, function: &FunctionCache<K>) -> Result<(), Error> {
        self.flush(function)
    }

    fn tick(&self, function: &FunctionCache<K>) {
        self.follow(function);
    }

    fn damage(&self) -> Vec<Error> {
        self.damage.lock().clone()
    }

    fn failure(&self) -> Option<Error> {
        self.failures.present()
    }

    #[cfg(feature = "report")]
    fn place(&self) -> String {
        let name = self.name();
        name.map_or_else(ToString::to_string, |name| format!("{PLACE}: {}", name.version()))
    }

    fn report(&self, stats: &mut Stats) {
        let (stored, bytes, displaced) =
            self.store.get().map(WebStore::figures).unwrap_or_default();
        (stats.stored, stats.log_bytes) = (stored, bytes);
        let [foreign, damaged, undecoded] = &self.faults;
        let counts = [
            (foreign.load(Relaxed), Fault::Foreign.reason()),
            (damaged.load(Relaxed), Fault::Damaged.reason()),
            (undecoded.load(Relaxed), UNDECODABLE),
            (displaced, DISPLACED),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        stats.discarded = counts.map(|(count, reason)| (count, reason.to_owned())).collect();
        stats.persist_errors = self.failures.count();
        stats.last_error = self.failures.last().map(|error| error.to_string());
    }
}

/// Returns why there is no storage: in a worker, what came of its files.
fn open_error(refusal: &Refusal) -> Error {
    #[cfg(feature = "opfs")]
    if let (Refusal::Missing, Some(Err(error))) = (refusal, origin_files::opened()) {
        return error;
    }
    error_of("open", refusal)
}

#[cold]
fn error_of(doing: &'static str, refusal: &Refusal) -> Error {
    let (kind, reason) = match refusal {
        Refusal::TooLarge { size, max } => {
            let reason = format!("the item of a result takes {size} bytes, of {max} for all");
            return Error::TooLarge { reason };
        }
        Refusal::Full => {
            (io::ErrorKind::StorageFull, "its quota is used up, mostly by others".to_owned())
        }
        Refusal::Missing => (io::ErrorKind::Unsupported, MISSING.to_owned()),
        Refusal::Unavailable(reason) => (io::ErrorKind::Unsupported, reason.clone()),
    };
    Error::Io { doing, path: PathBuf::from(PLACE), kind, reason }
}
