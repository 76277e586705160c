//! What the attribute's arguments come to, evaluated once for each cache.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::capacity::{Limits, UNBOUNDED};
#[cfg(feature = "persist")]
use crate::codec::Codec;
use crate::function::function_cache::{FunctionCache, Parts, Storage, TtlOf, WeightOf};
#[cfg(feature = "persist")]
use crate::persist::Durability;
use crate::platform::clock;
use crate::platform::fnv::Fnv;
use crate::value::keep::Keep;
use crate::value::weigh::Scale;

/// Where values are stored, what a crash may lose, and how they become bytes.
pub(crate) struct PersistSettings<K: Keep> {
    pub(crate) dir: PathBuf,
    #[cfg(feature = "persist")]
    pub(crate) durability: Durability,
    #[cfg(feature = "persist")]
    pub(crate) codec: Box<dyn Codec<K::Value>>,
    /// Makes the directory of a function, for code and version: known only to settings that name one, so that nothing of
    /// it is built for others.
    pub(crate) make: Make<K>,
}

type Make<K> = fn(PersistSettings<K>, String, u128, Option<u64>) -> Box<dyn Storage<K>>;

/// The arguments of one `#[memoize]`, for results that are kept as `K` says.
pub struct Settings<K: Keep> {
    pub(crate) max: usize,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) weigh: Option<WeightOf<K::Value>>,
    pub(crate) shards: Option<usize>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) ttl_with: Option<TtlOf<K::Value>>,
    pub(crate) jitter: f64,
    pub(crate) error_ttl: Option<Duration>,
    pub(crate) stale: Duration,
    pub(crate) idle: Option<Duration>,
    pub(crate) refresh_ahead: Option<f64>,
    pub(crate) wait_limit: Option<Duration>,
    pub(crate) storage: Option<PersistSettings<K>>,
    pub(crate) version: Option<u64>,
    /// To be stored, if the instance had a name.
    pub(crate) not_stored_reason: Option<&'static str>,
}

impl<K: Keep> fmt::Debug for Settings<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("max", &self.max)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

impl<K: Keep> Settings<K> {
    /// No bound, no time to live, in memory.
    ///
    /// Not inlined: it is much to store, and each function calls it twice.
    #[must_use]
    #[inline(never)]
    pub fn of(_: K) -> Self {
        Self {
            max: UNBOUNDED,
            max_bytes: None,
            weigh: None,
            shards: None,
            ttl: None,
            ttl_with: None,
            jitter: 0.0,
            error_ttl: None,
            stale: Duration::ZERO,
            idle: None,
            refresh_ahead: None,
            wait_limit: None,
            storage: None,
            version: None,
            not_stored_reason: None,
        }
    }

    /// Entries held at most.
    #[must_use]
    pub fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// The sum of the entries' weights at most.
    #[must_use]
    pub fn max_bytes(mut self, max: u64) -> Self {
        self.max_bytes = Some(max);
        self
    }

    /// The whole weight of an entry.
    #[must_use]
    pub fn weigh(self, weigh: impl Fn(&K::Value) -> usize + Send + Sync + 'static) -> Self {
        Self { weigh: Some(Box::new(move |value, _| weigh(value) as u64)), ..self }
    }

    /// Weighs entries by the bytes of their keys, of their values, and what these own elsewhere.
    #[must_use]
    pub fn weigh_by(self, heap: fn(&K::Value) -> usize) -> Self {
        let weigh = move |value: &K::Value, key: usize| {
            (key as u64).saturating_add(size_of_val(value).saturating_add(heap(value)) as u64)
        };
        Self { weigh: Some(Box::new(weigh)), ..self }
    }

    /// What stands for the values while [`Self::weigh_by`] is told how to weigh them.
    #[must_use]
    pub fn scale(&self) -> Scale<K::Value> {
        Scale::NEW
    }

    /// How many parts the cache has.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Time to live of values.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Time to live of each value by itself; where it gives none, that of all.
    #[must_use]
    pub fn ttl_with(
        self,
        ttl: impl Fn(&K::Value) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        Self { ttl_with: Some(Box::new(ttl)), ..self }
    }

    /// By what share of it at most a time to live is cut, more or less for each key. What is no share is none.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self
    }

    /// The same of milliseconds.
    #[must_use]
    pub fn ttl_millis(self, ttl: u64) -> Self {
        self.ttl(Duration::from_millis(ttl))
    }

    /// Time to live of errors, where errors are kept.
    #[must_use]
    pub fn error_ttl_millis(mut self, ttl: u64) -> Self {
        self.error_ttl = Some(Duration::from_millis(ttl));
        self
    }

    /// For how long after its time to live a value is served while one caller computes it anew.
    #[must_use]
    pub fn stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// For how long after its last use a value is kept.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// The same in milliseconds.
    #[must_use]
    pub fn idle_millis(self, idle: u64) -> Self {
        self.idle(Duration::from_millis(idle))
    }

    /// From which share of its time to live on, between 0 and 1, one caller computes a value anew.
    #[must_use]
    pub fn refresh_ahead(mut self, share: f64) -> Self {
        self.refresh_ahead = Some(share).filter(|share| (0.0..=1.0).contains(share));
        self
    }

    /// The same in milliseconds.
    #[must_use]
    pub fn stale_millis(self, stale: u64) -> Self {
        self.stale(Duration::from_millis(stale))
    }

    /// How long a caller waits for another's computation.
    #[must_use]
    pub fn wait_limit(mut self, limit: Duration) -> Self {
        self.wait_limit = Some(limit);
        self
    }

    /// The same in milliseconds.
    #[must_use]
    pub fn wait_limit_millis(self, limit: u64) -> Self {
        self.wait_limit(Duration::from_millis(limit))
    }

    /// What a crash may lose of what [`Self::persist`] stores.
    #[cfg(feature = "persist")]
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        if let Some(storage) = &mut self.storage {
            storage.durability = durability;
        }
        self
    }

    /// The same in a folder for one of several instances. Without a name for it that no other instance can have,
    /// nothing is stored.
    pub(crate) fn below(mut self, instance: Result<u64, &'static str>) -> Self {
        match (instance, &mut self.storage) {
            (Ok(instance), Some(storage)) => {
                storage.dir.push(format!("instance-{instance:016x}"));
            }
            (Err(why), storage) => self.not_stored_reason = storage.take().map(|_| why),
            (_, None) => {}
        }
        self
    }

    /// What stands in for the body in the fingerprint of the code.
    #[must_use]
    pub fn version(self, version: impl Hash) -> Self {
        let mut hasher = Fnv::new();
        version.hash(&mut hasher);
        Self { version: Some(hasher.finish()), ..self }
    }
}

impl<K: Keep> Settings<K> {
    /// The cache of all threads of the function `name` whose code has this fingerprint.
    pub(crate) fn shared(self, name: String, code: u128) -> Arc<FunctionCache<K>>
    where
        K: Keep<Held: Send + Sync>,
    {
        let parts = self.parts(&name, code);
        FunctionCache::new(name, parts)
    }

    /// The calling thread's own cache of the function `name`, which stores nothing.
    pub(crate) fn local(self, name: String) -> Arc<FunctionCache<K>> {
        let parts = Self { storage: None, ..self }.parts(&name, 0);
        FunctionCache::local(name, parts)
    }

    fn parts(self, name: &str, code: u128) -> Parts<K> {
        let Self {
            max,
            max_bytes,
            weigh,
            shards,
            ttl,
            ttl_with,
            jitter,
            error_ttl,
            stale,
            idle,
            refresh_ahead,
            wait_limit,
            storage,
            version,
            not_stored_reason,
        } = self;
        let make =
            |storage: PersistSettings<K>| (storage.make)(storage, name.to_owned(), code, version);
        let (stale, idle) = (clock::millis(stale), idle.map(clock::millis));
        Parts {
            limits: Limits { max, max_bytes, shards, stale, idle },
            weigh,
            ttl,
            ttl_with,
            error_ttl,
            jitter,
            refresh_ahead,
            wait_limit,
            storage: storage.map(make),
            not_stored_reason,
        }
    }
}
