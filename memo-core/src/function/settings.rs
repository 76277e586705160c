//! The values of the attribute's arguments, evaluated once for each cache.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::cache::capacity::{Limits, UNBOUNDED};
use crate::cache::listening::Listener;
#[cfg(feature = "persist")]
use crate::codec::Codec;
use crate::eviction::policy::Policy;
use crate::function::common::Common;
use crate::function::function_cache::{
    FunctionCache, Parts, Statistics, Storage, TagsOf, TtlOf, WeightOf,
};
use crate::function::isolation;
use crate::function::listener;
#[cfg(feature = "remote")]
use crate::function::remote_settings::RemoteSettings;
use crate::function::times::rest_after;
use crate::key::{Key, Tag};
#[cfg(feature = "persist")]
use crate::persist::{Durability, MAX_APART};
use crate::platform::clock;
use crate::platform::fnv::Fnv;
use crate::platform::maintenance::Maintain;
use crate::statistics::departure::Departure;
use crate::value::holder::{AsItIs, Holder};
use crate::value::keep::{Advised, Keep, KeepOf};
use crate::value::requirements::LocalCacheable;
use crate::value::selection::Selection;
use crate::value::weigh::Weigh;

/// Where values are stored, what a crash may lose, and how values become bytes.
pub(crate) struct PersistSettings<K: Keep> {
    /// The directory that several functions may share.
    pub(crate) root: PathBuf,
    /// The full path of the function, which names its folder below `root`. Empty before [`Settings::at`].
    pub(crate) path: String,
    /// Tells apart instances whose paths are the same.
    pub(crate) instance: u64,
    /// Where the function stands in its source, for people.
    pub(crate) place: String,
    #[cfg(feature = "persist")]
    pub(crate) durability: Durability,
    /// The most bytes of a value that is stored.
    #[cfg(feature = "persist")]
    pub(crate) max_value: u64,
    #[cfg(feature = "persist")]
    pub(crate) max_disk: Option<u64>,
    #[cfg(feature = "persist")]
    pub(crate) codec: Box<dyn Codec<K::Value>>,
    /// How long results live. Set by [`Settings::into_parts`].
    #[cfg_attr(not(feature = "persist"), allow(dead_code, reason = "nothing is stored"))]
    pub(crate) ttl: Option<Duration>,
    /// For how long after that they may be served. Set by the same.
    #[allow(dead_code, reason = "only a page removes what has expired when it is opened")]
    pub(crate) stale: Duration,
    /// Makes the storage of a function. It is a function pointer that only settings with a directory set, so that its
    /// code is not compiled for functions without one.
    pub(crate) make: MakeStorage<K>,
}

/// Takes the settings, the function's name, the fingerprint of its code, and the hash of its `version`.
type MakeStorage<K> = fn(PersistSettings<K>, String, u128, Option<u64>) -> Box<dyn Storage<K>>;

/// The arguments of one `#[memoize]`, for results that are held as `K` says.
pub struct Settings<K: Keep> {
    pub(crate) max: usize,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) weigh: Option<WeightOf<K::Value>>,
    pub(crate) shards: Option<usize>,
    pub(crate) policy: Policy,
    pub(crate) ttl: Option<Duration>,
    pub(crate) ttl_with: Option<TtlOf<K::Value>>,
    pub(crate) jitter: f64,
    pub(crate) error_ttl: Option<Duration>,
    pub(crate) stale: Duration,
    pub(crate) idle: Option<Duration>,
    pub(crate) refresh_ahead: Option<f64>,
    pub(crate) stale_if_error: bool,
    pub(crate) wait_limit: Option<Duration>,
    pub(crate) storage: Option<PersistSettings<K>>,
    #[cfg(feature = "remote")]
    pub(crate) remote: Option<RemoteSettings<K>>,
    pub(crate) version: Option<u64>,
    /// How many departures are remembered, and what the arguments in the key are called.
    pub(crate) explain: (usize, &'static [&'static str]),
    /// Whether results have tags.
    pub(crate) tagged: bool,
    pub(crate) tags_with: Option<TagsOf<K::Value>>,
    /// The reason why results of this instance are not stored, although the function has `persist`.
    pub(crate) not_stored_reason: Option<&'static str>,
    /// What hears of the entries that leave memory.
    pub(crate) listener: Option<Listener<K::Held>>,
}

impl<K: Keep> fmt::Debug for Settings<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("max", &self.max)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

impl<P: Selection, H: Holder<P::Value>> Settings<KeepOf<P, H>> {
    /// Holds results as they are, because a clone of one is cheap. Comes first: settings from before are lost, because
    /// their type changes.
    #[must_use]
    pub fn cheap_clone(self) -> Settings<KeepOf<P, AsItIs>>
    where
        P::Value: LocalCacheable,
    {
        Settings::of(KeepOf::NEW)
    }
}

impl<K: Keep> Settings<K> {
    /// Makes settings without bounds, time to live and directory.
    ///
    /// Not inlined, because it writes many fields, and each function calls it twice.
    #[must_use]
    #[inline(never)]
    pub fn of(_: K) -> Self {
        Self {
            max: UNBOUNDED,
            max_bytes: None,
            weigh: None,
            shards: None,
            policy: Policy::Lru,
            ttl: None,
            ttl_with: None,
            jitter: 0.0,
            error_ttl: None,
            stale: Duration::ZERO,
            idle: None,
            refresh_ahead: None,
            stale_if_error: true,
            wait_limit: None,
            storage: None,
            #[cfg(feature = "remote")]
            remote: None,
            version: None,
            explain: (0, &[]),
            tagged: false,
            tags_with: None,
            not_stored_reason: None,
            listener: None,
        }
    }

    /// Observes the calls, to give advice. Comes first: settings from before are lost, because their type changes.
    #[must_use]
    pub fn advise(self) -> Settings<Advised<K>> {
        Settings::of(Advised::NEW)
    }

    /// Sets the maximum number of entries.
    #[must_use]
    pub fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// Sets the maximum sum of the entries' weights.
    #[must_use]
    pub fn max_bytes(mut self, max: u64) -> Self {
        self.max_bytes = Some(max);
        self
    }

    /// Sets a function that returns the whole weight of an entry, its key included, from its value.
    #[must_use]
    pub fn weigh(self, weigh: impl Fn(&K::Value) -> usize + Send + Sync + 'static) -> Self {
        Self { weigh: Some(Box::new(move |value, _| weigh(value) as u64)), ..self }
    }

    /// Makes the weight of an entry the bytes of its key, of its value, and of what the value owns elsewhere.
    #[must_use]
    pub fn weigh_deep(self) -> Self
    where
        K::Value: Weigh,
    {
        self.weigh_by(Weigh::heap_size)
    }

    /// Makes the weight of an entry the bytes of its key and of its value, without what the value owns elsewhere.
    #[must_use]
    pub fn weigh_shallow(self) -> Self {
        self.weigh_by(|_| 0)
    }

    fn weigh_by(self, owned_bytes: fn(&K::Value) -> usize) -> Self {
        let weigh = move |value: &K::Value, key_len: usize| {
            let value_bytes = size_of_val(value).saturating_add(owned_bytes(value));
            (key_len as u64).saturating_add(value_bytes as u64)
        };
        Self { weigh: Some(Box::new(weigh)), ..self }
    }

    /// Makes the eviction policy the one that adapts.
    #[must_use]
    pub fn adaptive(mut self) -> Self {
        self.policy = Policy::adaptive();
        self
    }

    /// Makes the eviction policy the one that knows how long computations took.
    #[must_use]
    pub fn by_cost(mut self) -> Self {
        self.policy = Policy::cost();
        self
    }

    /// Sets the number of shards.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Sets the time to live of values.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sets a function that returns the time to live of each value. If it returns `None`, [`Self::ttl`] applies.
    #[must_use]
    pub fn ttl_with(
        self,
        ttl: impl Fn(&K::Value) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        Self { ttl_with: Some(Box::new(ttl)), ..self }
    }

    /// Says that results have tags, which calls name.
    #[must_use]
    pub fn tagged(self) -> Self {
        Self { tagged: true, ..self }
    }

    /// Sets a function that returns tags of each value.
    #[must_use]
    pub fn tags_with<T: IntoIterator<Item = Tag>>(
        self,
        tags: impl Fn(&K::Value) -> T + Send + Sync + 'static,
    ) -> Self {
        let tags_with: TagsOf<K::Value> = Box::new(move |value| tags(value).into_iter().collect());
        Self { tagged: true, tags_with: Some(tags_with), ..self }
    }

    /// Sets the largest share, from 0 to 1, by which a time to live is shortened. Each key has its own share. A number
    /// outside that range is clamped to it, and one that is not finite counts as 0.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self
    }

    /// Like [`Self::ttl`], in milliseconds.
    #[must_use]
    pub fn ttl_millis(self, ttl: u64) -> Self {
        self.ttl(Duration::from_millis(ttl))
    }

    /// Sets the time to live of errors in milliseconds, for functions that cache errors.
    #[must_use]
    pub fn error_ttl_millis(mut self, ttl: u64) -> Self {
        self.error_ttl = Some(Duration::from_millis(ttl));
        self
    }

    /// Sets for how long after its time to live a value is served while one caller computes it again.
    #[must_use]
    pub fn stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// Sets for how long after its last use a value lives.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Like [`Self::idle`], in milliseconds.
    #[must_use]
    pub fn idle_millis(self, idle: u64) -> Self {
        self.idle(Duration::from_millis(idle))
    }

    /// Sets the share of its time to live, from 0 to 1, after which one caller computes a value again. A number outside
    /// that range is ignored.
    #[must_use]
    pub fn refresh_ahead(mut self, share: f64) -> Self {
        self.refresh_ahead = Some(share).filter(|share| (0.0..=1.0).contains(share));
        self
    }

    /// Sets whether a caller whose computation returns an error gets the older value, if that may still be served. True
    /// by default.
    #[must_use]
    pub fn stale_if_error(mut self, stale_if_error: bool) -> Self {
        self.stale_if_error = stale_if_error;
        self
    }

    /// Like [`Self::stale`], in milliseconds.
    #[must_use]
    pub fn stale_millis(self, stale: u64) -> Self {
        self.stale(Duration::from_millis(stale))
    }

    /// Sets how long a caller waits for the computation of another caller.
    #[must_use]
    pub fn wait_limit(mut self, limit: Duration) -> Self {
        self.wait_limit = Some(limit);
        self
    }

    /// Like [`Self::wait_limit`], in milliseconds.
    #[must_use]
    pub fn wait_limit_millis(self, limit: u64) -> Self {
        self.wait_limit(Duration::from_millis(limit))
    }

    /// Sets which of the results that [`Self::persist`] stores a crash may lose. Has no effect without a directory.
    #[cfg(feature = "persist")]
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        if let Some(storage) = &mut self.storage {
            storage.durability = durability;
        }
        self
    }

    /// Sets how many bytes the results may take on disk. Has no effect without a directory.
    #[cfg(feature = "persist")]
    #[must_use]
    pub fn max_disk(mut self, max: u64) -> Self {
        if let Some(storage) = &mut self.storage {
            storage.max_disk = Some(max);
        }
        self
    }

    /// Sets the most bytes that a value may take which [`Self::persist`] stores. Has no effect without a directory.
    #[cfg(feature = "persist")]
    #[must_use]
    pub fn max_value(mut self, max: u64) -> Self {
        if let Some(storage) = &mut self.storage {
            storage.max_value = max.min(MAX_APART);
        }
        self
    }

    /// Makes a call wait until the tier has its result, but not beyond the limit. Has no effect without a tier.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn write_through(mut self) -> Self {
        if let Some(remote) = &mut self.remote {
            remote.writes_through = true;
        }
        self
    }

    /// Sets how long a call waits for the tier. Has no effect without a tier.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn remote_limit(mut self, limit: Duration) -> Self {
        if let Some(remote) = &mut self.remote {
            remote.limit = Some(limit);
        }
        self
    }

    /// Like [`Self::remote_limit`], in milliseconds.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn remote_limit_millis(self, limit: u64) -> Self {
        self.remote_limit(Duration::from_millis(limit))
    }

    /// Sets how long entries are served while there is no connection to the tier. Has no effect without a tier.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn stale_while_disconnected(mut self, time: Duration) -> Self {
        if let Some(remote) = &mut self.remote {
            remote.cut_off = time;
        }
        self
    }

    /// Like [`Self::stale_while_disconnected`], in milliseconds.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn stale_while_disconnected_millis(self, time: u64) -> Self {
        self.stale_while_disconnected(Duration::from_millis(time))
    }

    /// Sets what chooses the folder of the function below its directory: `path`, its full path, and `instance`, an id
    /// that no other instance with this path has, or the reason why there is none. In the latter case nothing is
    /// stored.
    pub(crate) fn at(
        mut self,
        path: impl FnOnce() -> String,
        instance: impl FnOnce() -> Result<u64, &'static str>,
    ) -> Self {
        if !self.is_stored() {
            return self;
        }
        match instance() {
            Ok(id) => self.set_place(&path(), id),
            Err(reason) => self = Self { not_stored_reason: Some(reason), ..self.in_memory() },
        }
        self
    }

    /// Notes where the function stands in its source, if its results are stored.
    pub(crate) fn written_at(mut self, place: impl FnOnce() -> String) -> Self {
        if let Some(storage) = &mut self.storage {
            storage.place = place();
        }
        self
    }

    fn set_place(&mut self, path: &str, instance: u64) {
        if let Some(storage) = &mut self.storage {
            (storage.path, storage.instance) = (path.to_owned(), instance);
        }
        #[cfg(feature = "remote")]
        if let Some(remote) = &mut self.remote {
            (remote.path, remote.instance) = (path.to_owned(), instance);
        }
    }

    /// Returns whether results are also elsewhere than in memory.
    fn is_stored(&self) -> bool {
        #[cfg(feature = "remote")]
        if self.remote.is_some() {
            return true;
        }
        self.storage.is_some()
    }

    /// Keeps results in memory only.
    fn in_memory(mut self) -> Self {
        self.storage = None;
        #[cfg(feature = "remote")]
        {
            self.remote = None;
        }
        self
    }

    /// Sets what hears of the entries that leave memory. `names`: of the arguments in the key.
    #[must_use]
    pub fn on_evict(
        self,
        names: &'static [&'static str],
        listener: impl Fn(&Key, &K::Value, Departure) + Send + Sync + 'static,
    ) -> Self {
        Self { listener: Some(listener::of_values::<K>(names, listener)), ..self }
    }

    /// Sets how many departures are remembered for explanations. `names`: of the arguments in the key.
    #[must_use]
    pub fn explain(mut self, departures: usize, names: &'static [&'static str]) -> Self {
        self.explain = (departures, names);
        self
    }

    /// Sets the version, which replaces the function's body in the fingerprint of the code.
    #[must_use]
    pub fn version(self, version: impl Hash) -> Self {
        let mut hasher = Fnv::new();
        version.hash(&mut hasher);
        Self { version: Some(hasher.finish()), ..self }
    }
}

impl<K: Keep> Settings<K> {
    /// Makes the cache, shared by all threads, of the function `name` whose code has the fingerprint `code`.
    pub(crate) fn shared(self, name: String, code: u128) -> Arc<FunctionCache<K>>
    where
        K: Keep<Held: Send + Sync>,
    {
        let parts = self.into_parts(&name, code);
        FunctionCache::new(name, parts)
    }

    /// Makes the calling thread's own cache of the function `name`. It stores nothing on disk.
    pub(crate) fn local(self, name: String) -> Arc<FunctionCache<K>> {
        let parts = self.in_memory().into_parts(&name, 0);
        FunctionCache::local(name, parts)
    }

    /// Makes a cache that stands in for that of the function `name` in an isolation. It stores nothing elsewhere.
    pub(crate) fn isolated(self, name: String) -> Arc<FunctionCache<K>>
    where
        K: Keep<Held: Send + Sync>,
    {
        let parts = self.in_memory().into_parts(&name, 0);
        FunctionCache::new(name, parts)
    }

    /// Makes the cache of one object. Unless they are set, it has one shard, because there may be many objects.
    /// `tag_salt`: what tells the tags of the family apart, because an isolation may call the object first.
    pub(crate) fn member<F>(
        self,
        name: Arc<str>,
        common: Common,
        family: &Weak<F>,
        tag_salt: u64,
    ) -> Arc<FunctionCache<K>>
    where
        F: Maintain + Statistics + 'static,
    {
        let shards = self.shards.or(Some(1));
        let mut parts = Self { shards, ..self.in_memory() }.into_parts(&name, 0);
        parts.limits.tagged = parts.limits.tagged.map(|_| tag_salt);
        FunctionCache::member(name, parts, common, family)
    }

    fn into_parts(self, name: &str, code: u128) -> Parts<K> {
        let Self {
            max,
            max_bytes,
            weigh,
            shards,
            policy,
            ttl,
            ttl_with,
            jitter,
            error_ttl,
            stale,
            idle,
            refresh_ahead,
            stale_if_error,
            wait_limit,
            storage,
            #[cfg(feature = "remote")]
            remote,
            version,
            explain: (departures, argument_names),
            tagged,
            tags_with,
            not_stored_reason,
            listener,
        } = self;
        #[cfg(feature = "remote")]
        let shared = remote.map(|settings| {
            let code = code ^ u128::from(version.unwrap_or(0));
            (settings.make)(settings, name.to_owned(), code)
        });
        #[cfg(not(feature = "remote"))]
        let shared = None;
        let make_storage = |settings: PersistSettings<K>| {
            let settings = PersistSettings { ttl, stale, ..settings };
            (settings.make)(settings, name.to_owned(), code, version)
        };
        let (stale, idle) = (clock::millis(stale), idle.map(clock::millis));
        // Where values have a time to live, their age is of interest.
        let timed = ttl.is_some() || ttl_with.is_some() || shared.is_some();
        // Results of an isolation have tags of its own.
        let number = || isolation::current().map_or(0, |isolation| isolation.number());
        let tagged = tagged.then(number);
        Parts {
            limits: Limits {
                max,
                max_bytes,
                shards,
                stale,
                idle,
                refresh_rest: refresh_ahead.map_or(0, rest_after),
                timed,
                tagged,
                departures,
                policy,
            },
            weigh,
            ttl,
            ttl_with,
            error_ttl,
            jitter,
            refresh_ahead,
            stale_if_error,
            wait_limit,
            storage: storage.map(make_storage),
            shared,
            argument_names,
            tags_with,
            not_stored_reason,
            listener,
        }
    }
}
