//! The handle of a function's cache.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use crate::cache::capacity::UNBOUNDED;
use crate::error::Error;
use crate::function::computation::Computation;
use crate::function::entry::Entry;
use crate::function::function_cache::FunctionCache;
use crate::function::listener::{self, ResultListener};
use crate::key::Key;
use crate::statistics::departure::Departure;
use crate::statistics::explanation::{Explanation, Remover};
use crate::statistics::stats::Stats;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::selection::Selection;

/// The handle of the cache of a memoized function that returns `R`. The companion `NAME_memo()` returns it.
///
/// If the function returns a `Result`, only `Ok` values are cached, unless it has `cache_err`. [`Memo::get`] then
/// returns `Some(Ok(value))`, and [`Memo::get_ok`] `Some(value)`. With `scope = "thread"`, a handle refers to the cache
/// of the thread that uses it. With `scope = "instance"` it is a `Memo<R, OfObject<R>>` and refers to the cache of the
/// object whose companion returned it, which it keeps alive; the statistics are those of the function, over all
/// objects.
pub struct Memo<R: 'static, T = OfFunction<R>>(T, Names, PhantomData<fn() -> R>);

/// What the arguments in the keys are called.
type Names = &'static [&'static str];

/// How a handle finds its cache.
#[doc(hidden)]
pub trait Refers<R: 'static> {
    fn resolve(&self) -> CacheRef<R>;
}

/// The cache of a function, one for all threads or one for each.
pub struct OfFunction<R: 'static>(Found<R>);

enum Found<R: 'static> {
    Shared(&'static (dyn Operations<R> + Send + Sync)),
    /// Finds the cache of the calling thread.
    Local(fn() -> LocalHandle<R>),
}

/// The cache that one object has for a method.
pub struct OfObject<R: 'static>(Arc<dyn Operations<R> + Send + Sync>);

// A cache stays consistent if a call panics. So it is safe to use it again after the panic was caught.
impl<R, T> UnwindSafe for Memo<R, T> {}
impl<R, T> RefUnwindSafe for Memo<R, T> {}

impl<R> Refers<R> for OfFunction<R> {
    fn resolve(&self) -> CacheRef<R> {
        match self.0 {
            Found::Shared(cache) => cache.twin().map_or(CacheRef::Shared(cache), CacheRef::Owned),
            Found::Local(find) => find().0,
        }
    }
}

impl<R> Refers<R> for OfObject<R> {
    fn resolve(&self) -> CacheRef<R> {
        let own =
            || -> Arc<dyn Operations<R>> { Arc::<dyn Operations<R> + Send + Sync>::clone(&self.0) };
        CacheRef::Owned(self.0.twin().unwrap_or_else(own))
    }
}

/// The calling thread's own cache, which a handle has found.
pub struct LocalHandle<R: 'static>(CacheRef<R>);

/// A cache that a handle has found.
#[doc(hidden)]
pub enum CacheRef<R: 'static> {
    Shared(&'static dyn Operations<R>),
    Owned(Arc<dyn Operations<R>>),
}

impl<R> LocalHandle<R> {
    pub(crate) fn new<K: Keep<Return = R>>(function: Arc<FunctionCache<K>>) -> Self {
        Self(CacheRef::Owned(function))
    }
}

impl<R> Deref for CacheRef<R> {
    type Target = dyn Operations<R>;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Shared(cache) => *cache,
            Self::Owned(cache) => &**cache,
        }
    }
}

impl<R> Clone for OfFunction<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for OfFunction<R> {}

impl<R> Clone for Found<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Found<R> {}

impl<R> Clone for OfObject<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R, T: Clone> Clone for Memo<R, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), self.1, PhantomData)
    }
}

impl<R, T: Copy> Copy for Memo<R, T> {}

impl<R, T: Refers<R>> fmt::Debug for Memo<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memo").field(&self.0.resolve().stats().name).finish()
    }
}

/// The operations of a handle. They do not depend on which part of `R` is cached or on how it is held.
#[doc(hidden)]
pub trait Operations<R> {
    /// Returns what stands in for this cache in the isolation in which this thread is, if it is in one.
    fn twin(&self) -> Option<Arc<dyn Operations<R>>>;
    fn get(&self, key: &Key) -> Option<R>;
    fn entry(&self, key: &Key) -> Option<Entry<R>>;
    fn insert(&self, key: &Key, value: R) -> bool;
    fn invalidate(&self, key: &Key, by: Remover) -> bool;
    fn explain(&self, key: &Key) -> Explanation;
    fn clear(&self);
    fn clear_versions(&self) -> Result<(), Error>;
    fn invalidate_computations(&self, by: Remover);
    fn entries(&self, each: &mut dyn FnMut(Key, &mut dyn FnMut() -> R));
    fn count(&self) -> usize;
    fn computing(&self) -> usize;
    fn max(&self) -> usize;
    fn set_max(&self, max: usize);
    fn max_bytes(&self) -> Option<u64>;
    fn set_max_bytes(&self, max: u64) -> bool;
    fn max_disk(&self) -> Option<u64>;
    fn set_max_disk(&self, max: u64) -> bool;
    fn ttl(&self) -> Option<Duration>;
    fn set_ttl(&self, ttl: Option<Duration>);
    fn idle(&self) -> Option<Duration>;
    fn set_idle(&self, idle: Option<Duration>) -> bool;
    fn stale(&self) -> Duration;
    fn set_stale(&self, stale: Duration);
    fn sweep(&self) -> usize;
    fn on_evict(&self, names: Names, listener: ResultListener<R>);
    fn stats(&self) -> Stats;
    fn flush(&self) -> Result<(), Error>;
    fn snapshot(&self) -> Result<(), Error>;
    fn health(&self) -> Result<(), Error>;
    fn damage(&self) -> Vec<Error>;
    fn judge_stored(&self, each: &mut dyn FnMut(Key, &mut dyn FnMut() -> R));
    fn keys_to_judge(&self, each: &mut dyn FnMut(Key));
    fn try_init(&self) -> Result<(), Error>;
}

impl<K: Keep> Operations<K::Return> for FunctionCache<K> {
    fn twin(&self) -> Option<Arc<dyn Operations<K::Return>>> {
        self.twin().map(|twin| -> Arc<dyn Operations<K::Return>> { twin })
    }

    fn get(&self, key: &Key) -> Option<K::Return> {
        let key = key.bytes()?;
        self.peek(self.hash_key(key)?, key).as_ref().map(K::to_return)
    }

    fn entry(&self, key: &Key) -> Option<Entry<K::Return>> {
        let key = key.bytes()?;
        let entry = self.entry(self.hash_key(key)?, key)?;
        Some(entry.map(|held| K::to_return(&held)))
    }

    fn insert(&self, key: &Key, value: K::Return) -> bool {
        let tags = key.tags();
        let Some(key) = key.bytes() else { return false };
        let Some(hash) = self.hash_key(key) else { return false };
        let Some(value) = K::Selection::take(value) else { return false };
        self.follow();
        let claim = self.memory.take_over(hash, key, tags);
        let computation = Computation::lead(self, claim);
        // Held because the value's `Serialize` and the function that weighs it may call the memoized function with the
        // same key.
        let _computing = computation.computing();
        computation.insert(K::Holder::own(value))
    }

    fn invalidate(&self, key: &Key, by: Remover) -> bool {
        let Some(key) = key.bytes() else { return false };
        self.hash_key(key).is_some_and(|hash| self.invalidate(hash, key, by))
    }

    fn explain(&self, key: &Key) -> Explanation {
        let hashed = key.bytes().and_then(|key| Some((self.hash_key(key)?, key)));
        hashed.map_or(Explanation::Unkeyable, |(hash, key)| self.explain(hash, key))
    }

    fn clear(&self) {
        self.clear();
    }

    fn clear_versions(&self) -> Result<(), Error> {
        self.clear_versions()
    }

    fn invalidate_computations(&self, by: Remover) {
        self.memory.invalidate_claims(by);
    }

    fn entries(&self, each: &mut dyn FnMut(Key, &mut dyn FnMut() -> K::Return)) {
        self.memory.for_each(&mut |entry| {
            each(Key::from_bytes(entry.key.as_slice()), &mut || K::to_return(&entry.held));
        });
    }

    fn count(&self) -> usize {
        self.memory.len()
    }

    fn computing(&self) -> usize {
        self.memory.claimed_count()
    }

    fn max(&self) -> usize {
        self.memory.max()
    }

    fn set_max(&self, max: usize) {
        self.set_max(max);
    }

    fn max_bytes(&self) -> Option<u64> {
        self.memory.max_bytes()
    }

    fn set_max_bytes(&self, max: u64) -> bool {
        self.set_max_bytes(max)
    }

    fn max_disk(&self) -> Option<u64> {
        self.max_disk()
    }

    fn set_max_disk(&self, max: u64) -> bool {
        self.set_max_disk(max)
    }

    fn ttl(&self) -> Option<Duration> {
        self.ttl()
    }

    fn set_ttl(&self, ttl: Option<Duration>) {
        self.set_ttl(ttl);
    }

    fn idle(&self) -> Option<Duration> {
        self.memory.idle_asked().map(Duration::from_millis)
    }

    fn set_idle(&self, idle: Option<Duration>) -> bool {
        self.set_idle(idle)
    }

    fn stale(&self) -> Duration {
        Duration::from_millis(self.memory.stale())
    }

    fn set_stale(&self, stale: Duration) {
        self.set_stale(stale);
    }

    fn sweep(&self) -> usize {
        self.sweep()
    }

    fn on_evict(&self, names: Names, listener: ResultListener<K::Return>) {
        self.memory.listen(listener::of_results::<K>(names, listener));
    }

    fn stats(&self) -> Stats {
        self.stats()
    }

    fn flush(&self) -> Result<(), Error> {
        self.flush()
    }

    fn snapshot(&self) -> Result<(), Error> {
        self.snapshot()
    }

    fn health(&self) -> Result<(), Error> {
        self.health()
    }

    fn damage(&self) -> Vec<Error> {
        self.damage()
    }

    fn judge_stored(&self, each: &mut dyn FnMut(Key, &mut dyn FnMut() -> K::Return)) {
        self.judge_stored(&mut |key, value| {
            let held = K::Holder::own(value);
            each(Key::from_bytes(key), &mut || K::to_return(&held));
        });
    }

    fn keys_to_judge(&self, each: &mut dyn FnMut(Key)) {
        self.keys_to_judge(&mut |key| each(Key::from_bytes(key)));
    }

    fn try_init(&self) -> Result<(), Error> {
        self.try_init()
    }
}

impl<R> Memo<R> {
    pub(crate) fn shared<K: Keep<Return = R, Held: Send + Sync>>(
        function: &'static FunctionCache<K>,
    ) -> Self {
        Self(OfFunction(Found::Shared(function)), &[], PhantomData)
    }

    /// Makes a handle that refers to each thread's own cache. Expansions call it.
    #[doc(hidden)]
    #[must_use]
    pub fn local(find: fn() -> LocalHandle<R>) -> Self {
        Self(OfFunction(Found::Local(find)), &[], PhantomData)
    }
}

impl<R> Memo<R, OfObject<R>> {
    pub(crate) fn of_object<K: Keep<Return = R, Held: Send + Sync>>(
        function: Arc<FunctionCache<K>>,
    ) -> Self {
        Self(OfObject(function), &[], PhantomData)
    }
}

impl<R, T: Refers<R>> Memo<R, T> {
    /// Says what the arguments in the keys are called. Expansions call it.
    #[doc(hidden)]
    #[must_use]
    pub fn named(self, names: Names) -> Self {
        Self(self.0, names, PhantomData)
    }

    /// Returns the statistics of the cache. The time that this takes does not depend on the number of entries.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.resolve().stats()
    }

    /// Returns what has happened since `earlier`, which this method or [`Memo::stats`] of the same cache has returned:
    /// of counters the difference, and of gauges the present value. See [`Stats::since`].
    #[must_use]
    pub fn stats_since(&self, earlier: &Stats) -> Stats {
        self.stats().since(earlier)
    }

    /// Returns a clone of the cached value of `key`, or `None` if there is none or it has expired. The statistics do
    /// not count this as a hit, and neither eviction nor `idle` counts it as a use.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<R> {
        self.0.resolve().get(key)
    }

    /// Returns a clone of the cached value of `key` with what is known of it: its age, how long it is still served, its
    /// weight and cost, and where it is. In contrast to [`Memo::get`], a stale value is returned too, which calls get
    /// only while it is computed again (`stale`).
    ///
    /// Neither a hit nor a use: no statistics count it, and it does not delay eviction or `idle`. It looks where a call
    /// would look: in memory, then on disk, or in the tier if the function has one.
    #[must_use]
    pub fn entry(&self, key: &Key) -> Option<Entry<R>> {
        self.0.resolve().entry(key)
    }

    /// Explains how `key` stands: that it is held and for how long, being computed, or on disk; else why it is not
    /// held, if the function has the argument `explain`, and which key is held that is nearly the same. `Display` says
    /// it in plain words.
    ///
    /// Counts nothing, and is no use of the entry. With `persist` it may read the disk; a tier is not asked. If the key
    /// is not held and nothing is known of it, at most 1000 of the keys that are held are compared with it, which takes
    /// about a millisecond.
    #[must_use]
    pub fn explain(&self, key: &Key) -> Explanation {
        self.0.resolve().explain(key)
    }

    /// Caches `value` for `key`, and returns whether it is cached. It replaces the cached value, and also a value that
    /// is being computed. `cache_if` is not called.
    ///
    /// With `persist` the value is written to disk before this method returns; with `durability = "none"` it is only
    /// queued. A failure to write does not change the returned value; [`Memo::health`] shows it.
    ///
    /// Returns false in these cases:
    ///
    /// - `value` is an `Err`, and the function does not cache errors.
    /// - The arguments of `key` have no key, such as a path that is not UTF-8; see [`Key`]. Nothing is stored.
    /// - `max` or `max_bytes` is 0, or `value` weighs more than `max_bytes`. The former value is removed too.
    /// - Another thread or process invalidated `key`, or stored another value for it, during the call.
    pub fn insert(&self, key: &Key, value: R) -> bool {
        self.0.resolve().insert(key, value)
    }

    /// Removes the value of `key`, in memory, on disk and in the tier. Returns whether there was one in memory. If the
    /// value is being computed, the callers that wait for it get it, but it is not cached.
    ///
    /// With `remote` this waits for the tier, at most for `remote_limit`. If the tier has not answered by then, it is
    /// told again later, and until then this process asks it no more for `key`.
    pub fn invalidate(&self, key: &Key) -> bool {
        self.0.resolve().invalidate(key, Remover::Invalidate)
    }

    /// Removes all values, in memory, on disk and in the tier. Values that are being computed are treated as by
    /// [`Memo::invalidate`], and the wait for the tier is the same.
    pub fn clear(&self) {
        self.0.resolve().clear();
    }

    /// Does what [`Memo::clear`] does, and removes also what other versions of the function have stored in its
    /// directory: what a `--clear` of a program is for. (A version is what one code, signature, type and `version` of
    /// the function have stored.) Gives the room back at once, except for what a running process still has open.
    ///
    /// Other processes may run this version or another one. What they store afterwards stays. No call that begins after
    /// this has returned gets a result that was stored before, in no process. A crash brings nothing back.
    ///
    /// In a tier only this version is cleared. Without `persist` this is [`Memo::clear`]. Instances of a generic
    /// function whose types have the same name count as its versions.
    ///
    /// # Errors
    /// The first reason why something may still be on disk. What could be removed is removed.
    pub fn clear_versions(&self) -> Result<(), Error> {
        self.0.resolve().clear_versions()
    }

    /// Removes the values for which `keep` returns false, in memory and on disk. What a tier has cannot be judged, so
    /// all of it is removed.
    ///
    /// A value that is being computed when this call begins may depend on older data, and `keep` cannot judge it yet.
    /// Its callers get it, but it is not cached. If an entry is replaced during the call, `keep` judges its former
    /// value. With `persist` all results on disk are read and judged too, so one that is also in memory is judged
    /// twice.
    ///
    /// # Panics
    /// Panics if `keep` panics. No value is removed then.
    pub fn retain(&self, mut keep: impl FnMut(&Key, &R) -> bool) {
        self.0.resolve().invalidate_computations(Remover::Retain);
        let mut rejected = Vec::new();
        let mut judge = |key: Key, value: &mut dyn FnMut() -> R| {
            let key = key.with_names(self.1);
            if !keep(&key, &value()) {
                rejected.push(key);
            }
        };
        self.0.resolve().entries(&mut judge);
        self.0.resolve().judge_stored(&mut judge);
        for key in &rejected {
            self.0.resolve().invalidate(key, Remover::Retain);
        }
    }

    /// Removes the values of the keys for which `is_meant` returns true, in memory and on disk, and returns how many
    /// keys these were. Such values that are being computed are treated as by [`Memo::invalidate`], and count too. What
    /// a tier has cannot be judged, so all of it is removed.
    ///
    /// Looks at keys alone: no value is decoded, and none is read that has a file of its own. [`Key::get`] decodes an
    /// argument of a key: `quote_memo().invalidate_where(|key| key.get("symbol") == Ok("ACME"))`.
    ///
    /// A call that begins meanwhile may compute and cache a value. `is_meant` may be asked twice for one key.
    ///
    /// # Panics
    /// Panics if `is_meant` panics. No value is removed then.
    pub fn invalidate_where(&self, mut is_meant: impl FnMut(&Key) -> bool) -> usize {
        let mut meant = HashSet::new();
        self.0.resolve().keys_to_judge(&mut |key| {
            let key = key.with_names(self.1);
            if !meant.contains(&key) && is_meant(&key) {
                meant.insert(key);
            }
        });
        for key in &meant {
            self.0.resolve().invalidate(key, Remover::InvalidateWhere);
        }
        meant.len()
    }

    /// Returns the keys of all cached values in memory. With `persist` there may be more on disk: [`Stats::stored`]
    /// counts them.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        self.0.resolve().entries(&mut |key, _| keys.push(key.with_names(self.1)));
        keys
    }

    /// Returns the number of cached values in memory. The time that this takes is proportional to that number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.resolve().count()
    }

    /// Returns whether no value is cached in memory. Takes as long as [`Memo::len`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of keys that are being computed now, by calls that will cache their values.
    #[must_use]
    pub fn computing(&self) -> usize {
        self.0.resolve().computing()
    }

    /// Returns the maximum number of entries, or `None` if there is no bound.
    #[must_use]
    pub fn max(&self) -> Option<usize> {
        Some(self.0.resolve().max()).filter(|&max| max != UNBOUNDED)
    }

    /// Changes the maximum number of entries, and evicts the entries that exceed it. `usize::MAX` means no bound.
    ///
    /// Evicts in the order of last use, as far as the cache knows it. A cache of more than 128 entries does not track
    /// that order closely until it is full.
    pub fn set_max(&self, max: usize) {
        self.0.resolve().set_max(max);
    }

    /// Returns the maximum weight of all entries together, or `None` if the function has no `max_bytes`. The unit is
    /// bytes, unless `weigh` defines another one.
    #[must_use]
    pub fn max_bytes(&self) -> Option<u64> {
        self.0.resolve().max_bytes()
    }

    /// Changes the maximum weight of all entries together, and evicts the entries that exceed it. The unit is that of
    /// [`Memo::max_bytes`]. If the function has no `max_bytes`, its results have no weights: the method then changes
    /// nothing and returns false.
    pub fn set_max_bytes(&self, max: u64) -> bool {
        self.0.resolve().set_max_bytes(max)
    }

    /// Returns how many bytes the results may take on disk, or `None` if the function has no `max_disk`: then the disk
    /// keeps as many results as memory may.
    #[must_use]
    pub fn max_disk(&self) -> Option<u64> {
        self.0.resolve().max_disk()
    }

    /// Changes how many bytes the results may take on disk, in this process. Less than 1 MiB counts as 1 MiB. What
    /// exceeds it is removed within seconds, least recently used first. If the function has no `max_disk`, the method
    /// changes nothing and returns false.
    pub fn set_max_disk(&self, max: u64) -> bool {
        self.0.resolve().set_max_disk(max)
    }

    /// Returns the time to live of values that are computed from now on, in whole milliseconds, or `None` if there is
    /// none. What `ttl_with`, `jitter` and the time of `cache_err` make of it for one value tells
    /// [`Entry::time_left`].
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        self.0.resolve().ttl()
    }

    /// Changes the time to live of values that are computed from now on. `None` means no time to live. `ttl_with`,
    /// `idle` and the time of `cache_err` still apply.
    pub fn set_ttl(&self, ttl: Option<Duration>) {
        self.0.resolve().set_ttl(ttl);
    }

    /// Returns how long values live after their last use, in whole milliseconds. `None` means without an end, or that
    /// the function has no `idle`.
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        self.0.resolve().idle()
    }

    /// Changes how long values live after their last use, also those that are cached. `None` means without an end. If
    /// the function has no `idle`, the cache does not know when values were used: the method then changes nothing and
    /// returns false.
    pub fn set_idle(&self, idle: Option<Duration>) -> bool {
        self.0.resolve().set_idle(idle)
    }

    /// Returns for how long after their time to live values are served while one caller computes them again, in whole
    /// milliseconds. [`Duration::ZERO`] means not at all.
    #[must_use]
    pub fn stale(&self) -> Duration {
        self.0.resolve().stale()
    }

    /// Changes for how long after their time to live values are served while one caller computes them again, also those
    /// that are cached. [`Duration::ZERO`] means not at all. What a tier has already keeps its time.
    pub fn set_stale(&self, stale: Duration) {
        self.0.resolve().set_stale(stale);
    }

    /// Removes from memory the values that are over: that cannot be served any more, also not stale. Returns how many
    /// these were. A background thread does the same each second, but not with `scope = "thread"`. From disk they go
    /// with the next snapshot.
    pub fn sweep(&self) -> usize {
        self.0.resolve().sweep()
    }

    /// Calls `listener` with the key and the result of each entry that leaves memory from now on, and with the reason.
    /// Replaces the listener of the argument `on_evict`, or an earlier one. With `scope = "thread"`, for the cache of
    /// the thread that calls this.
    ///
    /// The listener runs after the entry has left, in the call that made it leave or in the background thread, while no
    /// lock is held. For one key it is called in the order in which the entries left, and never twice at a time. It may
    /// call the function itself and use its handle: what leaves meanwhile is told afterwards. A panic in it reaches no
    /// caller: [`Stats::listener_panics`] counts it.
    ///
    /// While it runs, what leaves in other threads waits in memory. So a listener that takes long passes the work on,
    /// for instance by a channel. One call tells of 1000 entries at most and leaves more to the background thread.
    ///
    /// Not told are results that were not kept, entries that are still there when the process, the thread of
    /// `scope = "thread"` or the object of `scope = "instance"` ends, and what happens on disk or in a tier alone. Who
    /// needs no clone of each result uses the argument `on_evict`.
    pub fn on_evict(&self, listener: impl Fn(&Key, &R, Departure) + Send + Sync + 'static) {
        self.0.resolve().on_evict(self.1, Arc::new(listener));
    }

    /// Makes all results so far durable: writes them to disk and syncs. With `remote`, waits up to 5 s until the tier
    /// has all results and has confirmed all removals. Results that were computed while the tier could not be asked are
    /// none of these: they are kept in this process alone.
    ///
    /// # Errors
    /// [`Error::NotPersistent`] if the function has neither `persist` nor `remote`. Otherwise the reason why some result
    /// is not on disk, or why the tier does not have everything.
    pub fn flush(&self) -> Result<(), Error> {
        self.0.resolve().flush()
    }

    /// Writes a snapshot of all cached values, and starts a new, empty write-ahead log.
    ///
    /// # Errors
    /// [`Error::NotPersistent`] if the function has no `persist`. Otherwise the reason why no snapshot was written:
    /// [`Error::Locked`] if another process was writing one for ten seconds.
    pub fn snapshot(&self) -> Result<(), Error> {
        self.0.resolve().snapshot()
    }

    /// Returns `Ok` if results reach the disk and the tier, as far as the function has them.
    ///
    /// # Errors
    /// The reason why results do not reach the disk or the tier: the last failure, until it succeeds again.
    pub fn health(&self) -> Result<(), Error> {
        self.0.resolve().health()
    }

    /// Returns the damage that was found when the directory was opened. Each item is an [`Error::Corrupt`] with the
    /// file, the offset and the reason. At most the first 16 are returned; [`Stats::discarded`] counts all.
    ///
    /// The cache works in spite of the damage: results that were lost are computed again. A write that a crash
    /// interrupted is not damage.
    #[must_use]
    pub fn damage(&self) -> Vec<Error> {
        self.0.resolve().damage()
    }

    /// Opens the directory now, not only when the first result is stored, so that a program can refuse to start if this
    /// fails. Returns `Ok` if the function has no `persist`.
    ///
    /// # Errors
    /// The reason why the directory cannot be opened.
    pub fn try_init(&self) -> Result<(), Error> {
        self.0.resolve().try_init()
    }
}

/// Methods for a function that returns a `Result`, without the `Ok` around each value.
impl<T, E, H: Refers<Result<T, E>>> Memo<Result<T, E>, H> {
    /// Returns a clone of the cached `Ok` value of `key`, like [`Memo::get`]. Returns `None` also for a cached error.
    #[must_use]
    pub fn get_ok(&self, key: &Key) -> Option<T> {
        self.get(key)?.ok()
    }

    /// Caches `Ok(value)` for `key`, like [`Memo::insert`].
    pub fn insert_ok(&self, key: &Key, value: T) -> bool {
        self.insert(key, Ok(value))
    }

    /// Calls `listener` with each `Ok` value that leaves memory, like [`Memo::on_evict`]. Cached errors are not told.
    pub fn on_evict_ok(&self, listener: impl Fn(&Key, &T, Departure) + Send + Sync + 'static) {
        self.on_evict(move |key, result, why| {
            if let Ok(value) = result {
                listener(key, value, why);
            }
        });
    }

    /// Removes the `Ok` values for which `keep` returns false, like [`Memo::retain`]. Cached errors stay.
    ///
    /// # Panics
    /// Panics if `keep` panics. No value is removed then.
    pub fn retain_ok(&self, mut keep: impl FnMut(&Key, &T) -> bool) {
        self.retain(|key, value| value.as_ref().map_or(true, |value| keep(key, value)));
    }
}
