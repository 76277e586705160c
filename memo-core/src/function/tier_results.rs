//! The results of one cache in a tier: encodes and names them, and passes on what others have changed.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker, ready};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

use crate::cache::entry::Lifetime;
use crate::codec::{Codec, Postcard};
use crate::error::Error;
use crate::function::function_cache::{FunctionCache, Made, NewResult, SharedResults, Sought};
use crate::function::remote_settings::RemoteSettings;
use crate::function::settings::Settings;
use crate::function::tier_types::{OpenRemoval, Permit, Seeking, Writing};
use crate::key::tag;
use crate::persist::{Cost, Identity};
use crate::platform::clock::{self, Millis, NEVER};
use crate::platform::sync::usual::Mutex;
use crate::remote::{
    Envelope, Follower, Found, FunctionName, Part, Pending, Put, Query, Search, StoreError, Tier,
    Value, Written, group_hash, random_wide, split,
};
use crate::single_flight::flight::Claim;
use crate::statistics::counters::Counter;
use crate::statistics::stats::Stats;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::requirements::Persistable;
use crate::value::selection::Selection;

/// How long the tier keeps results without a time to live.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long entries are served by default while there is no connection.
const CUT_OFF: Duration = Duration::from_secs(30);

/// The results of one cache in a tier.
pub(crate) struct TierResults<V: 'static> {
    tier: Tier,
    codec: Box<dyn Codec<V>>,
    path: String,
    instance: u64,
    /// Its `schema` is not set.
    identity: Identity,
    /// Computed when they are first needed, because that runs the type's `Deserialize`.
    names: OnceCell<Result<Names, Error>>,
    /// How long a call waits for the tier.
    limit: Duration,
    /// How long entries live in memory while changes do not reach this process.
    cut_off: Millis,
    stale: Duration,
    writes_through: bool,
    /// The number of the time without a connection in which memory was cleared last.
    cleared_in: AtomicU64,
    /// The keys whose names have a digest, by that digest.
    long_keys: Mutex<HashMap<[u8; 32], Box<[u8]>>>,
    counts: Arc<TierCounts>,
}

/// The names of the entries of one function.
struct Names {
    function: FunctionName,
    group: Arc<str>,
}

#[derive(Default)]
struct TierCounts {
    hits: Counter,
    misses: Counter,
    writes: Counter,
    drops: Counter,
    errors: Counter,
    invalidated: Counter,
    nanos: Counter,
    /// Why a result could not be encoded.
    unwritable: Mutex<Option<Error>>,
}

impl<K: Keep<Held: Send + Sync>> Settings<K> {
    /// Keeps results also in a tier that machines share.
    #[must_use]
    pub fn remote(self, tier: impl Into<Tier>) -> Self
    where
        K::Value: Persistable,
    {
        self.shared_by(tier.into(), Box::new(Postcard::new()))
    }

    /// Does the same as [`Settings::remote`], with the codec `C`.
    #[must_use]
    pub fn remote_by<C: Codec<K::Value> + Default, T: Into<Tier>>(self, tier: T) -> Self {
        self.shared_by(tier.into(), Box::new(C::default()))
    }

    fn shared_by(self, tier: Tier, codec: Box<dyn Codec<K::Value>>) -> Self {
        let remote = RemoteSettings {
            tier,
            codec,
            limit: None,
            cut_off: CUT_OFF,
            writes_through: false,
            stale: Duration::ZERO,
            path: String::new(),
            instance: 0,
            make: TierResults::make::<K>,
        };
        Self { remote: Some(remote), ..self }
    }
}

impl<V: 'static> TierResults<V> {
    pub(crate) fn make<K: Keep<Value = V, Held: Send + Sync>>(
        settings: RemoteSettings<K>,
        function: String,
        code: u128,
    ) -> Box<dyn SharedResults<K>> {
        let RemoteSettings {
            tier,
            codec,
            limit,
            cut_off,
            writes_through,
            stale,
            path,
            instance,
            make: _,
        } = settings;
        Box::new(Self {
            limit: limit.unwrap_or_else(|| tier.read_limit()),
            tier,
            codec,
            path,
            instance,
            identity: Identity { function, key_format: tag::FORMAT, schema: 0, code },
            names: OnceCell::new(),
            cut_off: clock::millis(cut_off),
            stale,
            writes_through,
            cleared_in: AtomicU64::new(u64::MAX),
            long_keys: Mutex::default(),
            counts: Arc::default(),
        })
    }

    /// Returns the names of the entries.
    ///
    /// # Errors
    /// The reason why values of this type cannot be stored.
    fn names(&self) -> Result<&Names, &Error> {
        let made = self.names.get_or_init(|| {
            let schema = self.codec.schema()?;
            let identity = Identity { schema, ..self.identity.clone() };
            let function =
                FunctionName::new(self.tier.namespace(), &self.path, self.instance, &identity);
            let group = function.group().into();
            Ok(Names { function, group })
        });
        made.as_ref()
    }

    /// Returns the name of an entry, and the key if the name has a digest of it.
    fn entry(&self, names: &Names, key: &[u8]) -> (String, Option<Vec<u8>>) {
        let entry = names.function.entry(key);
        let Some((_, Part::Digest(digest))) = split(&entry) else { return (entry, None) };
        self.long_keys.lock().insert(digest, key.into());
        (entry, Some(key.to_vec()))
    }

    fn query(&self, key: &[u8]) -> Option<Query> {
        let names = self.names().ok()?;
        let (entry, key) = self.entry(names, key);
        Some(Query {
            entry,
            group: Arc::clone(&names.group),
            key,
            limit: self.limit,
            ahead: Duration::ZERO,
            blocks: true,
            computes: false,
            waits: false,
        })
    }

    /// Returns the value, or `None` if it cannot be decoded or the type's `Deserialize` panics.
    fn decode(&self, bytes: &[u8]) -> Option<V> {
        let decoded = catch_unwind(AssertUnwindSafe(|| self.codec.decode(bytes))).ok()?.ok();
        self.counts.errors.add(u64::from(decoded.is_none()));
        decoded
    }

    /// Returns the bytes of a value, or `None` if it is not to be stored.
    fn encode(&self, value: &V) -> Option<Vec<u8>> {
        let encoded = catch_unwind(AssertUnwindSafe(|| self.codec.to_bytes(value)));
        let encoded = encoded.unwrap_or_else(|_| {
            let reason = "its Serialize or Deserialize panicked".to_owned();
            Err(Error::Unpersistable { type_name: std::any::type_name::<V>(), reason })
        });
        let max = self.tier.sealing().max_value;
        let encoded = encoded.and_then(|bytes| {
            let reason = || {
                let (function, len) = (&self.identity.function, bytes.len());
                format!("a result of `{function}` takes {len} bytes, and a tier takes {max}")
            };
            if bytes.len() as u64 > max {
                Err(Error::TooLarge { reason: reason() })
            } else {
                Ok(bytes)
            }
        });
        encoded.inspect_err(|error| self.counts.unwritable(error)).ok()
    }

    /// Returns how long a value from the tier lives in memory.
    fn lifetime<K: Keep>(&self, function: &FunctionCache<K>, value: &Value) -> Lifetime {
        let passed = clock::millis(clock::instant() - value.began);
        let left = value.left.map_or(NEVER, clock::millis).min(function.ttl.load(Relaxed));
        let expires = match left {
            NEVER => NEVER,
            left => clock::now().saturating_add(left.saturating_sub(passed)),
        };
        self.bounded(Lifetime { computed: Some(value.computed.min(clock::wall())), expires })
    }

    fn bounded(&self, lifetime: Lifetime) -> Lifetime {
        if self.tier.is_up() {
            return lifetime;
        }
        let end = clock::now().saturating_add(self.cut_off);
        Lifetime { expires: lifetime.expires.min(end), ..lifetime }
    }

    /// Returns the generation of the function's entries.
    fn generation(&self, names: &Names) -> Option<u64> {
        self.tier.generation(&names.group, clock::instant() + self.limit)
    }

    /// Writes an entry. Returns what came of it, later.
    fn put(&self, put: Put, version: u128) -> Pending<Written> {
        let (completer, pending) = Pending::new();
        let counts = Arc::clone(&self.counts);
        self.tier.write(put, version, move |written| {
            counts.written(&written);
            completer.complete(Ok(written));
        });
        pending
    }

    /// Writes a value that was not computed, in place of what others have or compute.
    fn insert<K: Keep<Value = V>>(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        names: &Names,
        result: &NewResult<'_, K::Held>,
    ) -> Option<()> {
        let key = function.memory.key_of(claim)?;
        let (entry, key) = self.entry(names, &key);
        // Until it is written, an older value does not count, also if it is never written.
        let open = self.tier.begin_to_remove(&names.group, &entry);
        let bytes = self.encode(K::Holder::view(result.value))?;
        let generation = self.generation(names).filter(|_| self.tier.is_up())?;
        let (version, cost) = (random_wide(), Cost::UNKNOWN);
        let about = About { version, generation, lifetime: result.lifetime, cost };
        let (bytes, left) = self.seal(names, &entry, key.as_deref(), &bytes, &about);
        let written = self.put(Put { entry, bytes, left, token: None }, version);
        if let Ok(Written::Yes) = written.wait_until(clock::instant() + self.limit) {
            self.tier.confirm(&open);
        }
        Some(())
    }

    /// Returns the sealed entry of a value, and how long the tier keeps it.
    fn seal(
        &self,
        names: &Names,
        name: &str,
        key: Option<&[u8]>,
        bytes: &[u8],
        about: &About,
    ) -> (Vec<u8>, Duration) {
        let ttl = (about.lifetime.expires != NEVER)
            .then(|| Duration::from_millis(about.lifetime.expires.saturating_sub(clock::now())));
        let generations = [(group_hash(&names.group), about.generation)];
        let envelope = Envelope {
            version: about.version,
            generations: &generations,
            computed: about.lifetime.computed.unwrap_or_else(clock::wall),
            ttl,
            stale: self.stale,
            cost: about.cost,
            key,
            value: bytes,
        };
        let kept = ttl.map_or(KEPT, |ttl| ttl.saturating_add(self.stale));
        (envelope.seal(name, self.tier.sealing()), kept.max(Duration::from_millis(1)))
    }
}

/// What an entry says beside its value.
struct About {
    version: u128,
    generation: u64,
    lifetime: Lifetime,
    cost: Cost,
}

impl TierCounts {
    fn unwritable(&self, error: &Error) {
        self.errors.add(1);
        *self.unwritable.lock() = Some(error.clone());
    }

    fn written(&self, written: &Written) {
        match written {
            Written::Yes => self.writes.add(1),
            Written::Refused | Written::Dropped => self.drops.add(1),
            Written::Failed(_) => self.errors.add(1),
        }
    }
}

impl<K: Keep<Held: Send + Sync>> SharedResults<K> for TierResults<K::Value> {
    fn seek(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        key: &[u8],
        blocks: bool,
    ) -> Option<Seeking> {
        let has_older = function.memory.has_older(claim);
        // Who has no value takes one that is soon to be computed again. The next call computes it.
        let ahead = if has_older { function.memory.refresh_window() } else { 0 };
        let query = Query {
            ahead: Duration::from_millis(ahead),
            blocks,
            computes: true,
            waits: function.waits() && !has_older,
            ..self.query(key)?
        };
        Some(Search::new(&self.tier, query))
    }

    fn poll(
        &self,
        seeking: &mut Seeking,
        function: &FunctionCache<K>,
        claim: Claim,
        key: &[u8],
        waker: &Waker,
    ) -> Poll<Sought<K::Held>> {
        let found = ready!(seeking.poll(waker));
        self.counts.nanos.add(u64::try_from(seeking.taken().as_nanos()).unwrap_or(u64::MAX));
        let stands_in = |value: Value| {
            let held = K::Holder::own(self.decode(&value.bytes)?);
            (!K::Selection::is_error(K::Holder::view(&held))).then_some(held)
        };
        Poll::Ready(match found {
            Found::Value(value) => {
                let lifetime = self.lifetime(function, &value);
                let found = self.decode(&value.bytes);
                match found.and_then(|decoded| function.adopt(claim, key, decoded, lifetime)) {
                    Some(held) => {
                        self.counts.hits.add(1);
                        Sought::Found(held)
                    }
                    None => Sought::Unavailable,
                }
            }
            Found::Granted(lease, older) => {
                self.counts.misses.add(1);
                Sought::Compute(lease, older.and_then(stands_in))
            }
            Found::Busy(older) => Sought::Busy(older.and_then(stands_in)),
            Found::Unavailable => {
                self.counts.misses.add(1);
                Sought::Unavailable
            }
        })
    }

    fn until(&self, seeking: &Seeking) -> Result<Instant, Instant> {
        seeking.until()
    }

    fn get(&self, _function: &FunctionCache<K>, key: &[u8]) -> Option<K::Value> {
        match Search::new(&self.tier, self.query(key)?).wait() {
            Found::Value(value) => self.decode(&value.bytes),
            _ => None,
        }
    }

    fn limit(&self, lifetime: Lifetime) -> Lifetime {
        self.bounded(lifetime)
    }

    fn known_since(&self) -> u64 {
        clock::wall().saturating_sub(self.cut_off).max(self.tier.joined_at()).max(1)
    }

    fn write(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        result: &NewResult<'_, K::Held>,
        permit: Option<Permit>,
    ) -> Option<Writing> {
        let names = self.names().ok()?;
        let Some(permit) = permit else {
            if result.made == Made::Inserted {
                self.insert(function, claim, names, result);
            }
            return None;
        };
        // Whether the claim stands does not matter: the lease says whether the result may be written.
        let bytes = self.encode(K::Holder::view(result.value))?;
        let Made::Computed(time) = result.made else { return None };
        let (generation, key) = (permit.generation, permit.key.clone());
        let (entry, token) = (permit.entry.clone(), permit.into_token());
        let (version, cost) = (token.0, Cost::of(time));
        let about = About { version, generation, lifetime: result.lifetime, cost };
        let (bytes, left) = self.seal(names, &entry, key.as_deref(), &bytes, &about);
        let written = self.put(Put { entry, bytes, left, token: Some(token) }, version);
        let until = clock::instant() + self.limit;
        self.writes_through.then_some(Writing { written, until })
    }

    fn begin_to_remove(&self, key: Option<&[u8]>) -> Option<OpenRemoval> {
        let names = self.names().ok()?;
        Some(match key {
            Some(key) => self.tier.begin_to_remove(&names.group, &self.entry(names, key).0),
            None => self.tier.begin_to_clear(&names.group),
        })
    }

    fn remove(&self, removal: &OpenRemoval) {
        self.tier.remove(removal, clock::instant() + self.limit);
    }

    fn flush(&self, limit: Duration) -> Result<(), Error> {
        let flushed = self.tier.flush(clock::instant() + limit).map_err(remote_error);
        flushed.and_then(|()| self.counts.unwritable.lock().take().map_or(Ok(()), Err))
    }

    fn failure(&self) -> Option<Error> {
        if let Err(error) = self.names() {
            return Some(error.clone());
        }
        let unwritable = || self.counts.unwritable.lock().clone();
        self.tier.health().map_err(remote_error).err().or_else(unwritable)
    }

    fn tick(&self, function: &FunctionCache<K>) {
        let mut long_keys = self.long_keys.lock();
        if long_keys.len() <= 1000 + 2 * function.memory.count() {
            return;
        }
        let holds = |key: &[u8]| {
            function.hash_key(key).is_some_and(|hash| function.memory.peek(hash, key).is_some())
        };
        long_keys.retain(|_, key| holds(key));
    }

    fn report(&self, stats: &mut Stats) {
        let TierCounts { hits, misses, writes, drops, errors, invalidated, nanos, unwritable: _ } =
            &*self.counts;
        stats.remote_hits = hits.get();
        stats.remote_misses = misses.get();
        stats.remote_writes = writes.get();
        stats.remote_drops = drops.get();
        stats.remote_errors = errors.get();
        stats.remote_invalidated = invalidated.get();
        stats.remote_time = Duration::from_nanos(nanos.get());
    }

    fn follow(&self, function: Weak<dyn Follower>) {
        if let Ok(names) = self.names() {
            self.tier.follow(names.function.as_str(), function);
        }
    }

    fn forget(&self, function: &FunctionCache<K>, part: &Part) {
        let key = match part {
            Part::Key(key) => Some(key.clone().into_boxed_slice()),
            Part::Digest(digest) => self.long_keys.lock().get(digest).cloned(),
            Part::All | Part::Tag => return self.forget_all(function),
        };
        let Some((hash, key)) = key.and_then(|key| Some((function.hash_key(&key)?, key))) else {
            return;
        };
        let is_removed = function.remove_here(hash, &key);
        self.counts.invalidated.add(u64::from(is_removed));
    }

    fn forget_all(&self, function: &FunctionCache<K>) {
        let count = function.memory.clear(&mut || ());
        self.counts.invalidated.add(count as u64);
    }

    fn is_cut_off(&self, function: &FunctionCache<K>, epoch: u64, since: Duration) {
        // The next look comes a second later.
        let is_over = clock::millis(since).saturating_add(1000) >= self.cut_off;
        if is_over && self.cleared_in.swap(epoch, Relaxed) != epoch {
            self.forget_all(function);
        }
    }
}

impl<K: Keep<Held: Send + Sync>> Follower for FunctionCache<K> {
    fn forget(&self, part: &Part) {
        if let Some(shared) = &self.shared {
            shared.forget(self, part);
        }
    }

    fn forget_all(&self) {
        if let Some(shared) = &self.shared {
            shared.forget_all(self);
        }
    }

    fn is_cut_off(&self, epoch: u64, since: Duration) {
        if let Some(shared) = &self.shared {
            shared.is_cut_off(self, epoch, since);
        }
    }
}

fn remote_error(error: StoreError) -> Error {
    Error::Remote { reason: error.to_string() }
}

#[cfg(test)]
mod tests;
