//! The results of one cache in a tier: encodes and names them, and passes on what others have changed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker, ready};
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::cache::entry::Lifetime;
use crate::codec::{Codec, Evolving, Format, Postcard};
use crate::error::Error;
use crate::function::events::Events;
use crate::function::function_cache::{FunctionCache, NewResult, SharedResults, Sought};
use crate::function::loaded::Loaded;
use crate::function::long_keys::LongKeys;
use crate::function::remote_settings::RemoteSettings;
use crate::function::settings::Settings;
use crate::function::tier_counts::TierCounts;
use crate::function::tier_entries::{About, EntryName, Names, TierEntries};
use crate::function::tier_types::{OpenRemoval, Permit, Seeking, Writing};
use crate::key::{Tag, tag};
use crate::persist::{Cost, Identity};
use crate::platform::clock::{self, Instant, Millis, NEVER};
use crate::remote::{
    Follower, Found, Part, Pending, Put, Query, Search, StoreError, Tier, Value, Written,
    group_hash, random_wide, tag_group,
};
use crate::single_flight::flight::Claim;
use crate::statistics::explanation::Remover;
use crate::statistics::stats::Stats;
use crate::tags;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::requirements::Persistable;
use crate::value::selection::Selection;

/// How long entries are served by default while there is no connection.
const CUT_OFF: Duration = Duration::from_secs(30);

/// The results of one cache in a tier.
pub(crate) struct TierResults<V: 'static> {
    tier: Tier,
    entries: TierEntries<V>,
    /// How long a call waits for the tier.
    limit: Duration,
    /// How long entries live in memory while changes do not reach this process.
    cut_off: Millis,
    writes_through: bool,
    /// The number of the time without a connection in which memory was cleared last.
    cleared_in: AtomicU64,
    /// Since when nobody can tell which entries on disk others have changed, in milliseconds since 1970.
    lost_track_at: AtomicU64,
    counts: Arc<TierCounts>,
}

impl<K: Keep<Held: Send + Sync>> Settings<K> {
    /// Keeps results also in a tier that machines share. `None`: the cache is one of an isolation.
    #[must_use]
    pub fn remote(self, tier: Option<impl Into<Tier>>) -> Self
    where
        K::Value: Persistable,
    {
        let Some(tier) = tier else { return self };
        self.shared_by(tier.into(), Box::new(Postcard::new()))
    }

    /// Does the same as [`Settings::remote`], with the codec `C`.
    #[must_use]
    pub fn remote_by<C: Codec<K::Value> + Default, T: Into<Tier>>(self, tier: Option<T>) -> Self {
        let Some(tier) = tier else { return self };
        self.shared_by(tier.into(), Box::new(C::default()))
    }

    /// Does the same with the format `F`, and reads what other versions of the type have written.
    #[must_use]
    pub fn remote_evolving<F: Format, T: Into<Tier>>(self, tier: Option<T>) -> Self
    where
        K::Value: Persistable,
    {
        self.remote_by::<Evolving<F>, T>(tier)
    }

    fn shared_by(self, tier: Tier, codec: Box<dyn Codec<K::Value>>) -> Self {
        let remote = RemoteSettings {
            tier,
            codec,
            limit: None,
            cut_off: CUT_OFF,
            writes_through: false,
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
        let RemoteSettings { tier, codec, limit, cut_off, writes_through, path, instance, make: _ } =
            settings;
        let counts = Arc::<TierCounts>::default();
        let entries = TierEntries {
            tier: tier.clone(),
            codec,
            path,
            instance,
            identity: Identity { function, key_format: tag::FORMAT, schema: 0, code },
            names: OnceCell::new(),
            long_keys: LongKeys::default(),
            counts: Arc::clone(&counts),
        };
        Box::new(Self {
            limit: limit.unwrap_or_else(|| tier.read_limit()),
            tier,
            entries,
            cut_off: clock::millis(cut_off),
            writes_through,
            cleared_in: AtomicU64::new(u64::MAX),
            lost_track_at: AtomicU64::new(0),
            counts,
        })
    }

    fn query<K: Keep>(
        &self,
        function: &FunctionCache<K>,
        names: &Names,
        EntryName { text, key }: EntryName,
    ) -> Query {
        Query {
            tags: function.memory.is_tagged().then(Vec::new),
            entry: text,
            group: Arc::clone(&names.group),
            key,
            limit: self.limit,
            due_rest: 0.0,
            blocks: true,
            computes: false,
            waits: false,
            renews: false,
        }
    }

    /// Returns the name of the entry of a key that is claimed.
    fn name_of_claimed<K: Keep>(
        &self,
        function: &FunctionCache<K>,
        names: &Names,
        key: &[u8],
    ) -> EntryName {
        self.entries.name_of_claimed(names, key, |key| {
            function.hash_key(key).is_some_and(|hash| function.memory.knows(hash, key))
        })
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

    /// Returns what was found, or `None` if its type cannot decode it.
    fn loaded<K: Keep<Value = V>>(
        &self,
        function: &FunctionCache<K>,
        found: Value,
        is_stale: bool,
    ) -> Option<Loaded<V>> {
        let value = self.entries.decode(&found.bytes)?;
        let lifetime = self.lifetime(function, &found);
        Some(Loaded { value, lifetime, cost: found.cost.time(), tags: found.tags.into(), is_stale })
    }

    fn bounded(&self, lifetime: Lifetime) -> Lifetime {
        if self.tier.is_up() {
            return lifetime;
        }
        let end = clock::now().saturating_add(self.cut_off);
        Lifetime { expires: lifetime.expires.min(end), ..lifetime }
    }

    /// Removes all entries from memory.
    fn remove_all<K: Keep>(&self, function: &FunctionCache<K>, by: Remover) {
        function.observe_clear();
        let count = function.memory.clear(by, &mut || ());
        self.counts.invalidated.add(count as u64);
        Events::invalidated(&function.name, by, count);
    }

    /// Returns the groups of an entry with these tags, each with its generation.
    fn generations(&self, names: &Names, tags: &[Tag]) -> Option<Vec<(u64, u64)>> {
        let until = clock::instant() + self.limit;
        let tags = tags.iter().map(|tag| tag_group(self.tier.namespace(), *tag));
        let groups = std::iter::once(names.group.to_string()).chain(tags);
        groups
            .map(|group| Some((group_hash(&group), self.tier.generation(&group, until)?)))
            .collect()
    }

    /// Does the same for a result that was computed with `permit`, with the generations of before. `None`: one is not
    /// known, so that nobody can tell whether the tag was invalidated meanwhile.
    fn generations_since<K: Keep>(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        permit: &Permit,
    ) -> Option<Vec<(u64, u64)>> {
        let mut generations = permit.generations.clone();
        if !function.memory.is_tagged() {
            return Some(generations);
        }
        // Without the claim nobody knows the tags.
        let _standing = function.memory.key_of(claim)?;
        for tag in function.memory.tags_of(claim) {
            if generations.iter().all(|(group, _)| *group != tag.bits()) {
                let group = tag_group(self.tier.namespace(), tag);
                let generation = self.tier.generation_since(&group, permit.began)?;
                generations.push((tag.bits(), generation));
            }
        }
        Some(generations)
    }

    /// Notes what this process has invalidated before it knew the tier. The tier is told behind.
    fn remove_invalidated<K: Keep>(&self, function: &FunctionCache<K>) {
        match tags::invalidated() {
            Some(tags) => {
                for tag in tags {
                    self.tier.begin_to_clear(&tag_group(self.tier.namespace(), tag));
                }
            }
            None => function.clear(),
        }
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

    /// Writes a value without a lease, in place of what others have or compute.
    fn insert<K: Keep<Value = V>>(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        names: &Names,
        result: &NewResult<'_, K::Held>,
    ) -> Option<()> {
        let name = self.name_of_claimed(function, names, &function.memory.key_of(claim)?);
        // Until it is written, an older value does not count, also if it is never written.
        let open = self.tier.begin_to_remove(&names.group, &name.text);
        let generations = self.generations(names, &function.memory.tags_of(claim));
        let generations = generations.filter(|_| self.tier.is_up())?;
        let (version, cost) = (random_wide(), Cost::of(result.made.time()));
        let stale = Duration::from_millis(function.memory.stale());
        let about = About { version, generations, lifetime: result.lifetime, stale, cost };
        let value = K::Holder::view(result.value);
        let put = self.entries.seal(name, value, &about, None)?;
        if let Ok(Written::Yes) = self.put(put, version).wait_until(clock::instant() + self.limit) {
            self.tier.confirm(&open);
        }
        Some(())
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
        let names = self.entries.names().ok()?;
        let name = self.name_of_claimed(function, names, key);
        let has_older = function.memory.has_older(claim);
        // Who has no value takes one that is soon to be computed again. The next call computes it.
        let rest = function.refresh_ahead.map_or(0.0, |share| 1.0 - share);
        let query = Query {
            due_rest: if has_older { rest } else { 0.0 },
            blocks,
            computes: true,
            waits: claim.renews || function.waits() && !has_older,
            renews: claim.renews,
            tags: function.memory.is_tagged().then(|| function.memory.tags_of(claim)),
            ..self.query(function, names, name)
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
        let nanos = u64::try_from(seeking.taken().as_nanos()).unwrap_or(u64::MAX);
        self.counts.nanos.add(nanos);
        let stands_in = |value: Value| {
            let held = K::Holder::own(self.entries.decode(&value.bytes)?);
            (!K::Selection::is_error(K::Holder::view(&held))).then_some(held)
        };
        Poll::Ready(match found {
            Found::Value(value) => {
                let loaded = self.loaded(function, value, false);
                match loaded.and_then(|loaded| function.adopt(claim, key, loaded)) {
                    Some(held) => {
                        self.counts.hits.add(1);
                        function.counts.remote_latency.record(nanos);
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
            Found::Older(_) | Found::Unavailable => {
                self.counts.misses.add(1);
                Sought::Unavailable
            }
        })
    }

    fn until(&self, seeking: &Seeking) -> Result<Instant, Instant> {
        seeking.until()
    }

    fn get(&self, function: &FunctionCache<K>, key: &[u8]) -> Option<Loaded<K::Value>> {
        let names = self.entries.names().ok()?;
        let query = self.query(function, names, self.entries.name(names, key));
        let (found, is_stale) = match Search::new(&self.tier, query).wait() {
            Found::Value(value) => (value, false),
            Found::Older(value) => (value, true),
            _ => return None,
        };
        self.loaded(function, found, is_stale)
            .filter(|loaded| !is_stale || !K::Selection::is_error(&loaded.value))
    }

    fn limit(&self, lifetime: Lifetime) -> Lifetime {
        self.bounded(lifetime)
    }

    fn known_since(&self) -> u64 {
        let believed = self.tier.joined_at().max(self.lost_track_at.load(Relaxed));
        clock::wall().saturating_sub(self.cut_off).max(believed).max(1)
    }

    fn write(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        result: &NewResult<'_, K::Held>,
        permit: Option<Permit>,
    ) -> Option<Writing> {
        let names = self.entries.names().ok()?;
        let Some(permit) = permit else {
            if result.made.replaces() {
                self.insert(function, claim, names, result);
            }
            return None;
        };
        // Whether the claim stands does not matter: the lease says whether the result may be written.
        let name = EntryName { text: permit.entry.clone(), key: permit.key.clone() };
        let generations = self.generations_since(function, claim, &permit)?;
        let token = permit.token;
        let (version, cost) = (token.0, Cost::of(result.made.time()));
        let stale = Duration::from_millis(function.memory.stale());
        let about = About { version, generations, lifetime: result.lifetime, stale, cost };
        let value = K::Holder::view(result.value);
        let put = self.entries.seal(name, value, &about, Some(token))?;
        permit.hand_over();
        let written = self.put(put, version);
        let until = clock::instant() + self.limit;
        self.writes_through.then_some(Writing { written, until })
    }

    fn begin_to_remove(&self, key: Option<&[u8]>) -> Option<OpenRemoval> {
        let names = self.entries.names().ok()?;
        Some(match key {
            Some(key) => {
                self.tier.begin_to_remove(&names.group, &self.entries.name(names, key).text)
            }
            None => self.tier.begin_to_clear(&names.group),
        })
    }

    fn remove(&self, removal: &OpenRemoval) {
        self.tier.remove(removal, clock::instant() + self.limit);
    }

    fn tier(&self) -> &Tier {
        &self.tier
    }

    fn flush(&self, limit: Duration) -> Result<(), Error> {
        let flushed =
            self.tier.flush(clock::instant() + limit).map_err(|error| remote_error(&error));
        flushed.and_then(|()| self.counts.take_failure().map_or(Ok(()), Err))
    }

    fn failure(&self) -> Option<Error> {
        if let Err(error) = self.entries.names() {
            return Some(error.clone());
        }
        self.tier
            .health()
            .map_err(|error| remote_error(&error))
            .err()
            .or_else(|| self.counts.failure())
    }

    fn report(&self, stats: &mut Stats) {
        self.counts.report(stats);
    }

    fn follow(&self, function: &Arc<FunctionCache<K>>) {
        if function.memory.is_tagged() && self.tier.begin_tags() {
            self.remove_invalidated(function);
        }
        if let Ok(names) = self.entries.names() {
            let follower: Weak<dyn Follower> = Arc::downgrade(function) as _;
            self.tier.follow(names.function.as_str(), follower);
        }
    }

    fn forget(&self, function: &FunctionCache<K>, part: &Part) {
        if let Part::All = part {
            return self.remove_all(function, Remover::Machine);
        }
        let Some(key) = self.entries.long_keys.find(part) else {
            // Memory does not have it, but the disk may.
            if self.entries.long_keys.may_have_forgotten() {
                self.lost_track_at.store(clock::wall(), Relaxed);
            }
            return;
        };
        let Some(hash) = function.hash_key(&key) else { return };
        let is_removed = function.remove_here(hash, &key, Remover::Machine);
        if is_removed {
            Events::invalidated(&function.name, Remover::Machine, 1);
        }
        self.counts.invalidated.add(u64::from(is_removed));
    }

    fn forget_all(&self, function: &FunctionCache<K>) {
        self.remove_all(function, Remover::Disconnection);
    }

    fn is_cut_off(&self, function: &FunctionCache<K>, epoch: u64, since: Duration) {
        // The next look comes a second later.
        let is_over = clock::millis(since).saturating_add(1000) >= self.cut_off;
        if is_over && self.cleared_in.swap(epoch, Relaxed) != epoch {
            self.remove_all(function, Remover::Disconnection);
        }
    }
}

impl<K: Keep<Held: Send + Sync>> Follower for FunctionCache<K> {
    fn forget(&self, part: &Part) {
        if let Some(shared) = &self.shared {
            shared.forget(self, part);
            self.tell_listener_behind();
        }
    }

    fn forget_all(&self) {
        if let Some(shared) = &self.shared {
            shared.forget_all(self);
            self.tell_listener_behind();
        }
    }

    fn is_cut_off(&self, epoch: u64, since: Duration) {
        if let Some(shared) = &self.shared {
            shared.is_cut_off(self, epoch, since);
            self.tell_listener_behind();
        }
    }
}

fn remote_error(error: &StoreError) -> Error {
    Error::Remote { reason: error.to_string() }
}

#[cfg(test)]
mod tests;
