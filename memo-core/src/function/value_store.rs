//! Opens the store of a cache when there is something to read or to write.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::codec::{Codec, Description};
use crate::error::Error;
use crate::function::failures::Failures;
use crate::function::settings::PersistSettings;
use crate::key::tag;
use crate::persist::{
    Durability, Fs, Identity, Place, Removal, Store, TypeFile, WallMillis, clear_versions,
    function_folder, mark_used, remove_old,
};
use crate::platform::clock;
use crate::platform::process;
use crate::platform::sync::usual::Mutex;
use crate::statistics::stats::Stats;
use crate::value::keep::Keep;

/// Why a stored value is not used that is not damaged.
pub(crate) const UNDECODABLE: &str = "value that its type could not decode";

/// The directory of one cache's results.
pub(crate) struct ValueStore<V: 'static> {
    /// The directory that several functions may share, or why there is none.
    root: Result<PathBuf, Error>,
    /// The path of the function, and what tells apart instances with the same path.
    path: String,
    instance: u64,
    /// Where the function stands in its source.
    place: String,
    /// The folder of the function. Each version has its own folder in it. Empty if there is no `root`.
    pub(crate) folder: PathBuf,
    durability: Durability,
    /// How many bytes the results may take on disk. `None`: as many as `max` and `max_bytes` give.
    max_disk: Option<AtomicU64>,
    /// How long results live, or zero.
    ttl: Duration,
    pub(crate) codec: Box<dyn Codec<V>>,
    /// The most bytes of a value that is stored.
    pub(crate) max_value: u64,
    /// The identity of the function's files. Its `schema`, the fingerprint of the values' type, is not set.
    pub(crate) identity: Identity,
    /// The identity with its `schema`, and where its files are; or why the type cannot be stored. Computed when it is
    /// first needed, because that runs the type's `Deserialize`.
    current: OnceCell<Result<Version, Error>>,
    /// Whether older versions are to be removed: once after each opening.
    has_old_versions: AtomicBool,
    fs: Arc<dyn Fs>,
    store: Mutex<Option<Arc<Store>>>,
    /// Whether the store was closed and did not begin to write since.
    was_closed: AtomicBool,
    /// Whether this is a child of fork that has not followed its parent and others since.
    is_forked: AtomicBool,
    /// Held while the store begins to write.
    beginning: Mutex<()>,
    /// How far the wall clock was behind the times in the files when they were opened, in milliseconds. Records are
    /// written with the time of the files, so that the next opening does not treat them as long past.
    pub(crate) behind: AtomicU64,
    /// When the directory was opened first, by the wall clock.
    opened_at: OnceCell<WallMillis>,
    pub(crate) failures: Failures,
    /// The hashes of the keys of values that could not be decoded.
    pub(crate) undecoded: Mutex<HashSet<u64>>,
}

/// The version of the function that this process runs: whose results its files hold, and where they are.
#[derive(Clone)]
struct Version {
    identity: Identity,
    place: Place,
}

impl<V: 'static> ValueStore<V> {
    pub(crate) fn new<K: Keep<Value = V>>(
        fs: Arc<dyn Fs>,
        settings: PersistSettings<K>,
        function: String,
        code: u128,
        version: Option<u64>,
    ) -> Self {
        let PersistSettings {
            root,
            path,
            instance,
            place,
            durability,
            max_disk,
            max_value,
            codec,
            ttl,
            stale: _,
            make: _,
        } = settings;
        let root = absolute(root);
        let identity = Identity {
            function,
            key_format: tag::FORMAT,
            schema: 0,
            code: code ^ u128::from(version.unwrap_or(0)),
        };
        Self {
            folder: root
                .as_ref()
                .map_or_else(|_| PathBuf::new(), |root| function_folder(root, &path)),
            root,
            path,
            instance,
            place,
            durability,
            max_disk: max_disk.map(AtomicU64::new),
            ttl: ttl.unwrap_or_default(),
            codec,
            max_value,
            identity,
            current: OnceCell::new(),
            has_old_versions: AtomicBool::new(false),
            fs,
            store: Mutex::default(),
            was_closed: AtomicBool::new(false),
            is_forked: AtomicBool::new(false),
            beginning: Mutex::default(),
            behind: AtomicU64::new(0),
            opened_at: OnceCell::new(),
            failures: Failures::new(),
            undecoded: Mutex::default(),
        }
    }

    /// Returns where the results of this version are, or why that is not known.
    #[cfg(feature = "report")]
    pub(crate) fn place(&self) -> String {
        let version = self.version();
        version.map_or_else(
            |error| error.to_string(),
            |version| version.place.dir().display().to_string(),
        )
    }

    /// Returns whether there is something to recover.
    pub(crate) fn exists(&self) -> bool {
        self.has_versions()
            && self.version().is_ok_and(|version| Store::exists(&*self.fs, version.place.dir()))
    }

    /// Returns whether another process may have begun to compute something for the directory.
    pub(crate) fn is_used(&self) -> bool {
        self.has_versions()
            && self.version().is_ok_and(|version| {
                self.fs.list(version.place.dir()).map_or_else(|e| !is_missing(&e), |_| true)
            })
    }

    /// Returns whether a version of the function may have stored something. If none has, the type is not explored.
    fn has_versions(&self) -> bool {
        let versions = || self.fs.list_dirs(&self.folder);
        self.root.is_ok() && versions().map_or_else(|e| !is_missing(&e), |found| !found.is_empty())
    }

    /// Returns the version of the function that this process runs.
    ///
    /// # Errors
    /// The reason why there is no directory, or why its type cannot be stored.
    fn version(&self) -> Result<&Version, &Error> {
        let current = self.current.get_or_init(|| {
            let root = self.root.clone()?;
            let schema = self.codec.schema()?;
            let identity = Identity { schema, ..self.identity.clone() };
            let place = Place::of(&root, &self.path, self.instance, &identity);
            Ok(Version { identity, place })
        });
        current.as_ref()
    }

    /// Returns the store if it is open.
    pub(crate) fn opened(&self) -> Option<Arc<Store>> {
        let mut store = self.store.lock();
        if store.as_ref().is_some_and(|store| !store.is_own()) {
            // A child of fork shares the locks of its parent. Dropping the store would release them.
            std::mem::forget(store.take());
            self.is_forked.store(true, Relaxed);
        }
        store.clone()
    }

    /// Opens the directory in a child of fork, unless that was done, and passes the store on. Returns the store if it
    /// is open.
    pub(crate) fn open_in_child(&self, opened: impl FnOnce(&Store)) -> Option<Arc<Store>> {
        // Notices the fork.
        let found = self.opened();
        if !self.is_forked.load(Relaxed) {
            return found;
        }
        let store = self.open().ok()?;
        opened(&store);
        self.is_forked.store(false, Relaxed);
        Some(store)
    }

    /// Returns the store, and opens it to read if it is not open yet. A failed attempt is retried after a delay, not at
    /// each call.
    pub(crate) fn open(&self) -> Result<Arc<Store>, Error> {
        if let Some(store) = self.opened() {
            return Ok(store);
        }
        self.failures.check_retry()?;
        let version = self.version().inspect_err(|refused| self.failures.back_off(refused));
        let Version { identity, place } = version.map_err(Error::clone)?;
        let again = (self.was_closed.load(Relaxed) || self.has_parent()).then(|| place.again());
        let place = again.as_ref().unwrap_or(place);
        let fs = Arc::clone(&self.fs);
        let opened = Store::open_with_ttl(fs, place, identity, self.durability, self.ttl);
        let store = Arc::new(opened.inspect_err(|error| self.failures.back_off(error))?);
        if let Some(max) = self.max_disk() {
            store.set_max_bytes(max);
        }
        self.note_times(&store);
        let _ = self.opened_at.set(clock::wall());
        self.failures.reset();
        Ok(Arc::clone(self.store.lock().get_or_insert(store)))
    }

    /// Returns the store if it writes, and this process knows what others have removed.
    pub(crate) fn begun(&self) -> Option<Arc<Store>> {
        self.opened().filter(|store| store.is_writing() && !self.was_closed.load(Relaxed))
    }

    /// Returns the store, and opens it to write if it is not yet. Passes on what other processes removed. Returns also
    /// whether this is the first call that succeeds.
    pub(crate) fn begin(
        &self,
        removed: &mut dyn FnMut(Removal),
    ) -> Result<(Arc<Store>, bool), Error> {
        let _beginning = self.beginning.lock();
        let store = self.open()?;
        if store.is_writing() {
            return Ok((store, false));
        }
        self.failures.check_retry()?;
        let was_closed = self.was_closed.load(Relaxed);
        store.begin(removed).inspect_err(|error| self.failures.back_off(error))?;
        if was_closed && store.since() > 0 {
            // What the process that created the directory again has removed in the meantime is not known.
            removed(Removal::All);
        }
        self.note_known(&store);
        self.note_times(&store);
        self.failures.reset();
        if let Ok(version) = self.version() {
            // A version without a note of its use counts as used when another one looks for old versions.
            let _ = mark_used(&*self.fs, &version.place, clock::wall());
            // Only people miss it.
            let _ = self.type_file().write(&*self.fs, &version.place);
        }
        self.has_old_versions.store(true, Relaxed);
        Ok((store, true))
    }

    /// Returns what is told of the values to programs that do not know their type.
    fn type_file(&self) -> TypeFile {
        let Description { type_name, codec, shape } = self.codec.description();
        let (function, place) = (self.identity.function.clone(), self.place.clone());
        TypeFile { function, place, codec, type_name, shape }
    }

    /// Closes `stale`, a store whose directory was removed or replaced, so that the next call opens what is there now.
    /// Does nothing if the parent of the root was removed too: a file system may have been unmounted. (If it is removed
    /// while the next call opens, that fails: see [`Place::again`].)
    pub(crate) fn close(&self, stale: &Store) {
        if self.has_parent() {
            let mut store = self.store.lock();
            // Another thread may have opened it again already.
            let closed = store.take_if(|store| std::ptr::eq(&**store, stale));
            self.was_closed.fetch_or(closed.is_some(), Relaxed);
            drop(store);
            self.failures.take_over(closed.map_or(0, |store| store.status().errors));
        }
    }

    /// Returns whether the parent of the root is there.
    fn has_parent(&self) -> bool {
        self.root.as_ref().is_ok_and(|root| root.parent().is_none_or(Path::is_dir))
    }

    /// Returns whether `store` was not closed.
    pub(crate) fn is_open(&self, store: &Store) -> bool {
        self.opened().is_some_and(|opened| std::ptr::eq(&*opened, store))
    }

    /// Notes that what others removed in the folder of `store` is known, unless that was closed again meanwhile.
    fn note_known(&self, store: &Store) {
        let opened = self.store.lock();
        if opened.as_ref().is_some_and(|opened| std::ptr::eq(&**opened, store)) {
            self.was_closed.store(false, Relaxed);
        }
    }

    /// Opens a directory to read it that was replaced and is there again. Passes on that anything may be removed: what
    /// the process that created it again has removed in the meantime is not known.
    pub(crate) fn reopen(&self, removed: &mut dyn FnMut(Removal)) {
        if !self.was_closed.load(Relaxed) {
            return;
        }
        let _beginning = self.beginning.lock();
        if !self.was_closed.load(Relaxed) || !self.exists() {
            return;
        }
        if let Ok(store) = self.open() {
            removed(Removal::All);
            self.note_known(&store);
        }
    }

    /// Returns when the directory was opened first, or 0.
    pub(crate) fn opened_at(&self) -> WallMillis {
        self.opened_at.get().copied().unwrap_or(0)
    }

    /// Notes how far the clock is behind the times in the files.
    fn note_times(&self, store: &Store) {
        let behind = store.high_water().saturating_sub(clock::wall());
        self.behind.fetch_max(behind, Relaxed);
    }

    /// Removes what the other versions of the function have stored.
    ///
    /// # Errors
    /// There is no directory, or a version may still have its results.
    pub(crate) fn clear_other_versions(&self) -> Result<(), Error> {
        self.root.as_ref().map_err(Error::clone)?;
        // A type that cannot be stored has no version of its own.
        let own = self.version().ok().map(|version| version.place.dir());
        clear_versions(&self.fs, &self.folder, own)
    }

    /// Returns the error that a thread of this process opens the directory, or tells it something.
    pub(crate) fn locked_by_this_process(&self) -> Error {
        Error::Locked { path: self.folder.clone(), pid: Some(process::id()) }
    }

    /// Returns how many bytes the results may take on disk, if that is bounded.
    pub(crate) fn max_disk(&self) -> Option<u64> {
        self.max_disk.as_ref().map(|max| max.load(Relaxed))
    }

    /// Changes that. Returns false if it is not bounded.
    pub(crate) fn set_max_disk(&self, max: u64) -> bool {
        let Some(bound) = &self.max_disk else { return false };
        bound.store(max, Relaxed);
        if let Some(store) = self.opened() {
            store.set_max_bytes(max);
        }
        true
    }

    /// Removes versions of the function that are no longer used, once after each opening.
    pub(crate) fn remove_old_versions(&self) {
        if !self.has_old_versions.swap(false, Relaxed) {
            return;
        }
        if let Ok(version) = self.version() {
            // What could not be removed is found again at the next opening.
            let _ = remove_old(&*self.fs, &version.place, clock::wall(), self.max_disk());
        }
    }

    /// Makes the next call of [`Self::remove_old_versions`] look again, because the present version has grown.
    pub(crate) fn note_growth(&self) {
        self.has_old_versions.fetch_or(self.max_disk.is_some(), Relaxed);
    }

    /// Adds the figures of the storage to `stats`.
    pub(crate) fn report(&self, stats: &mut Stats) {
        let store = self.opened();
        let status = store.as_ref().map(|store| store.status()).unwrap_or_default();
        let recovery = store.map(|store| store.recovery()).unwrap_or_default();
        stats.discarded = recovery.discarded.iter().map(|(n, l)| (*n, l.to_string())).collect();
        let undecoded = self.undecoded.lock().len() as u64;
        if undecoded > 0 {
            stats.discarded.push((undecoded, UNDECODABLE.to_owned()));
        }
        stats.stored = status.entries;
        stats.persist_errors = self.failures.count() + status.errors;
        stats.last_error =
            status.last_error.or_else(|| self.failures.last()).map(|e| e.to_string());
        stats.log_bytes = status.log_bytes;
        stats.last_snapshot = status.last_snapshot;
    }

    /// Returns the last failure, unless it is over.
    pub(crate) fn failure(&self) -> Option<Error> {
        let status = self.opened().map(|store| store.status());
        let broken = status.filter(|status| !status.healthy).and_then(|status| status.last_error);
        broken.or_else(|| self.failures.present())
    }
}

/// Returns the absolute path, so that a later change of the working directory has no effect. Without a path the files
/// would go into the working directory itself.
fn absolute(dir: PathBuf) -> Result<PathBuf, Error> {
    if dir.to_str().is_some_and(|text| text.trim().is_empty()) {
        return Err(Error::NoDirectory { path: dir, reason: "it is empty".to_owned() });
    }
    #[cfg(all(target_family = "wasm", target_os = "unknown", not(feature = "web")))]
    return Err(Error::NoDirectory {
        path: dir,
        reason: "a page has none; with the feature `web` of memokit, results are in its \
                 localStorage"
            .to_owned(),
    });
    // A page has no working directory.
    #[cfg(all(target_family = "wasm", target_os = "unknown", feature = "web"))]
    return Ok(PathBuf::from("/").join(dir));
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    std::path::absolute(&dir)
        .map_err(|error| Error::NoDirectory { path: dir, reason: error.to_string() })
}

/// Returns whether there is no such folder. One that cannot be listed for another reason may hold something.
fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
