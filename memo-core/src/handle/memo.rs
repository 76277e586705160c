//! The handle of a function's cache.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::capacity::UNBOUNDED;
use crate::error::Error;
use crate::function::computation::Computation;
use crate::function::function_cache::FunctionCache;
use crate::key::Key;
use crate::statistics::stats::Stats;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::selection::Selection;

/// The cache of a memoized function that returns `R`; the companion `NAME_memo()` gives it.
///
/// Of a function that returns a `Result` the `Ok` is kept, so that `get` gives `Some(Ok(value))`. With
/// `scope = "thread"` a handle is one of the cache of the thread that uses it.
pub struct Memo<R: 'static>(Target<R>);

/// How a handle gets to its cache.
enum Target<R: 'static> {
    Shared(&'static (dyn Operations<R> + Send + Sync)),
    /// To that of whichever thread asks.
    Local(fn() -> LocalHandle<R>),
}

impl<R> Target<R> {
    fn resolve(&self) -> CacheRef<R> {
        match self {
            Self::Shared(cache) => CacheRef::Shared(*cache),
            Self::Local(find) => find().0,
        }
    }
}

/// A thread's own cache that a handle found.
pub struct LocalHandle<R: 'static>(CacheRef<R>);

enum CacheRef<R: 'static> {
    Shared(&'static dyn Operations<R>),
    Local(Arc<dyn Operations<R>>),
}

impl<R> LocalHandle<R> {
    pub(crate) fn new<K: Keep<Return = R>>(function: Arc<FunctionCache<K>>) -> Self {
        Self(CacheRef::Local(function))
    }
}

impl<R> Deref for CacheRef<R> {
    type Target = dyn Operations<R>;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Shared(cache) => *cache,
            Self::Local(cache) => &**cache,
        }
    }
}

impl<R> Clone for Target<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Target<R> {}

impl<R> Clone for Memo<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Memo<R> {}

impl<R> fmt::Debug for Memo<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memo").field(&self.0.resolve().stats().name).finish()
    }
}

/// What a handle does, whichever part of `R` is kept and however it is held.
trait Operations<R> {
    fn get(&self, key: &Key) -> Option<R>;
    fn insert(&self, key: &Key, value: R) -> bool;
    fn invalidate(&self, key: &Key) -> bool;
    fn clear(&self);
    fn invalidate_computations(&self);
    fn entries(&self, each: &mut dyn FnMut(Key, &mut dyn FnMut() -> R));
    fn len(&self) -> usize;
    fn computing(&self) -> usize;
    fn max(&self) -> usize;
    fn set_max(&self, max: usize);
    fn max_bytes(&self) -> Option<u64>;
    fn set_max_bytes(&self, max: u64) -> bool;
    fn set_ttl(&self, ttl: Option<Duration>);
    fn stats(&self) -> Stats;
    fn flush(&self) -> Result<(), Error>;
    fn snapshot(&self) -> Result<(), Error>;
    fn health(&self) -> Result<(), Error>;
    fn damage(&self) -> Vec<Error>;
    fn forget_evicted(&self);
    fn try_init(&self) -> Result<(), Error>;
}

impl<K: Keep> Operations<K::Return> for FunctionCache<K> {
    fn get(&self, key: &Key) -> Option<K::Return> {
        let key = key.bytes()?;
        self.memory.peek(self.hash_key(key)?, key).as_ref().map(K::to_return)
    }

    fn insert(&self, key: &Key, value: K::Return) -> bool {
        let Some(key) = key.bytes() else { return false };
        let Some(hash) = self.hash_key(key) else { return false };
        let Some(value) = K::Selection::take(value) else { return false };
        let claim = self.memory.take_over(hash, key);
        let computation = Computation::lead(self, claim);
        // The value's `Serialize` and what weighs it may call the function with this very key.
        let _computing = computation.computing();
        computation.insert(K::Holder::own(value))
    }

    fn invalidate(&self, key: &Key) -> bool {
        let Some(key) = key.bytes() else { return false };
        self.hash_key(key).is_some_and(|hash| self.invalidate(hash, key))
    }

    fn clear(&self) {
        self.clear();
    }

    fn invalidate_computations(&self) {
        self.memory.invalidate_claims();
    }

    fn entries(&self, each: &mut dyn FnMut(Key, &mut dyn FnMut() -> K::Return)) {
        self.memory.for_each(&mut |key, held, _| {
            each(Key::from_bytes(key.as_slice()), &mut || K::to_return(held));
        });
    }

    fn len(&self) -> usize {
        self.memory.len()
    }

    fn computing(&self) -> usize {
        self.memory.claimed_count()
    }

    fn max(&self) -> usize {
        self.memory.max()
    }

    fn set_max(&self, max: usize) {
        self.memory.set_max(max);
    }

    fn max_bytes(&self) -> Option<u64> {
        self.memory.max_bytes()
    }

    fn set_max_bytes(&self, max: u64) -> bool {
        self.memory.set_max_bytes(max)
    }

    fn set_ttl(&self, ttl: Option<Duration>) {
        self.set_ttl(ttl);
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

    fn forget_evicted(&self) {
        if let Some(directory) = &self.storage {
            directory.forget_evicted(self);
        }
    }

    fn try_init(&self) -> Result<(), Error> {
        self.try_init()
    }
}

impl<R> Memo<R> {
    pub(crate) fn shared<K: Keep<Return = R, Held: Send + Sync>>(
        function: &'static FunctionCache<K>,
    ) -> Self {
        Self(Target::Shared(function))
    }

    /// A handle of each thread's own cache; expansions call this.
    #[doc(hidden)]
    #[must_use]
    pub fn local(find: fn() -> LocalHandle<R>) -> Self {
        Self(Target::Local(find))
    }

    /// What the cache did so far. Takes time in proportion to its entries.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.resolve().stats()
    }

    /// The value kept for `key`: not counted as a hit, nor as a use.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<R> {
        self.0.resolve().get(key)
    }

    /// Keeps `value` for `key`, in the place of what is there or is being computed, and on disk before it returns.
    ///
    /// False when it is not kept: an `Err`, a key without bytes, a bound of 0, or a value heavier than `max_bytes`. In the
    /// last two cases the value before is forgotten too.
    pub fn insert(&self, key: &Key, value: R) -> bool {
        self.0.resolve().insert(key, value)
    }

    /// Forgets the value of `key`, in memory and on disk; one being computed goes to its callers and is not kept.
    /// Says whether there was one in memory.
    pub fn invalidate(&self, key: &Key) -> bool {
        self.0.resolve().invalidate(key)
    }

    /// Forgets all values, as [`Memo::invalidate`] does one.
    pub fn clear(&self) {
        self.0.resolve().clear();
    }

    /// Removes the values for which `keep` returns false.
    ///
    /// A value that is being computed meanwhile may depend on data from before this call, and `keep` cannot judge it yet.
    /// Its callers get it, but it is not kept. An entry that is replaced meanwhile is judged by its former value.
    pub fn retain(&self, mut keep: impl FnMut(&Key, &R) -> bool) {
        self.0.resolve().invalidate_computations();
        let mut gone = Vec::new();
        self.0.resolve().entries(&mut |key, value| {
            if !keep(&key, &value()) {
                gone.push(key);
            }
        });
        if gone.is_empty() {
            return;
        }
        for key in &gone {
            self.0.resolve().invalidate(key);
        }
        // What was evicted is on disk still and was not judged. Errors show in `health`.
        self.0.resolve().forget_evicted();
    }

    /// The keys of all values.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        self.0.resolve().entries(&mut |key, _| keys.push(key));
        keys
    }

    /// How many values are kept. Takes time in proportion.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.resolve().len()
    }

    /// Is none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys are being computed now, by calls that keep their values.
    #[must_use]
    pub fn computing(&self) -> usize {
        self.0.resolve().computing()
    }

    /// The bound on entries; `None` where there is none.
    #[must_use]
    pub fn max(&self) -> Option<usize> {
        Some(self.0.resolve().max()).filter(|&max| max != UNBOUNDED)
    }

    /// Changes the bound on entries, and evicts what is above it: in the order of last use, as far as that is known. A
    /// cache of more than 128 entries does not follow it closely until it is full.
    pub fn set_max(&self, max: usize) {
        self.0.resolve().set_max(max);
    }

    /// The bound on the sum of weights; `None` for a function without `max_bytes`.
    #[must_use]
    pub fn max_bytes(&self) -> Option<u64> {
        self.0.resolve().max_bytes()
    }

    /// Changes the bound on the sum of weights, and evicts what is above it. False, and nothing is changed, for a function
    /// without `max_bytes`, whose results have no weights.
    #[expect(clippy::must_use_candidate, reason = "who wrote `max_bytes` knows the answer")]
    pub fn set_max_bytes(&self, max: u64) -> bool {
        self.0.resolve().set_max_bytes(max)
    }

    /// Changes the time to live of values computed from now on; `None`: no end.
    pub fn set_ttl(&self, ttl: Option<Duration>) {
        self.0.resolve().set_ttl(ttl);
    }

    /// Makes everything kept so far durable.
    ///
    /// # Errors
    /// [`Error::NotPersistent`] without `persist`; otherwise why something is not on disk.
    pub fn flush(&self) -> Result<(), Error> {
        self.0.resolve().flush()
    }

    /// Writes a snapshot, and starts the log anew.
    ///
    /// # Errors
    /// As [`Memo::flush`].
    pub fn snapshot(&self) -> Result<(), Error> {
        self.0.resolve().snapshot()
    }

    /// Do results reach the disk? `Ok` for a function without `persist`.
    ///
    /// # Errors
    /// Why they do not.
    pub fn health(&self) -> Result<(), Error> {
        self.0.resolve().health()
    }

    /// The damage that was found when the directory was opened, each piece an [`Error::Corrupt`] with file, offset and
    /// reason, the first 16 of them; `stats().discarded` counts them all. It was survived: what is damaged is computed
    /// again. A write that a crash cut short is no damage.
    #[must_use]
    pub fn damage(&self) -> Vec<Error> {
        self.0.resolve().damage()
    }

    /// Opens the directory now rather than at the first result, so that a program can refuse to start.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn try_init(&self) -> Result<(), Error> {
        self.0.resolve().try_init()
    }
}
