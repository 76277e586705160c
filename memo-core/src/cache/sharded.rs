//! The cache of one function: shards, the bounds on all of them together, expiry, and the flights of keys being
//! computed.
//!
//! No user code runs under a shard's lock: cloning a holder runs none (see `keep`), keys are compared by bytes, and
//! whatever is removed is returned to the caller, which drops it after the lock is released.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use super::capacity::{self, Capacity, Limits};
use super::departures::Departures;
use super::entry::{EntryRef, Lifetime, NEVER_EXPIRES, Words, low_half};
use super::expiry::Expiry;
use super::listening::{Listener, Listening};
use super::shard::Shard;
use super::table::ReadGuard;
use crate::epoch::participant::{self, pin};
use crate::eviction::steps::EXACT;
use crate::front::table::{Found, Place, WordKey};
use crate::front::versions::Versions;
use crate::key;
use crate::key::hash::Seed;
use crate::platform::clock::{self, Millis, NEVER};
use crate::statistics::counters::CallCounters;
use crate::tags::TagSet;

pub(crate) struct ShardedCache<H> {
    pub(crate) seed: Seed,
    pub(super) shards: Box<[Shard<H>]>,
    pub(super) capacity: Capacity,
    pub(super) expiry: Expiry,
    pub(super) departures: Option<Arc<Departures>>,
    pub(super) listening: OnceLock<Arc<Listening<H>>>,
    /// What stands behind the key of each entry.
    pub(super) words: Words,
    /// See [`Limits::tagged`].
    pub(super) tag_salt: u64,
    /// The epoch of tags at which it was last arranged that invalidated entries are removed.
    pub(super) swept_epoch: AtomicU64,
    /// And when.
    pub(super) swept_at: AtomicU64,
    pub(crate) calls: CallCounters,
}

impl<H: Clone> ShardedCache<H> {
    #[cfg(test)]
    pub(crate) fn new(limits: Limits) -> Self {
        Self::counted(limits, CallCounters::new())
    }

    /// Makes an empty store whose calls `calls` counts.
    pub(crate) fn counted(limits: Limits, calls: CallCounters) -> Self {
        let Limits {
            max,
            max_bytes,
            shards,
            stale,
            idle,
            refresh_rest,
            timed,
            tagged,
            departures,
            policy,
        } = limits;
        let shards = capacity::shard_count(shards, max, max_bytes);
        // It is not known how many entries a bound on weight allows.
        let exact = max <= EXACT || max_bytes.is_some();
        let seed = Seed::random();
        let departures = (departures > 0).then(|| Arc::new(Departures::new(seed, departures)));
        let weighed = max_bytes.is_some();
        let shard = |_| Shard::new(exact, max / shards, weighed, policy, departures.clone());
        Self {
            seed,
            shards: (0..shards).map(shard).collect(),
            departures: departures.clone(),
            listening: OnceLock::new(),
            capacity: Capacity::new(max, max_bytes),
            expiry: Expiry::new(stale, idle, refresh_rest, tagged.is_some()),
            words: Words {
                weight: weighed,
                time: timed,
                tags: tagged.is_some(),
                price: policy.is_priced(),
            },
            tag_salt: tagged.unwrap_or(0),
            swept_epoch: AtomicU64::new(0),
            swept_at: AtomicU64::new(0),
            calls,
        }
    }

    #[inline]
    pub(super) fn shard(&self, hash: u64) -> &Shard<H> {
        &self.shards[self.shard_index(hash)]
    }

    #[inline]
    fn shard_index(&self, hash: u64) -> usize {
        // The table takes the bucket from the lower half of the hash and the tag from the highest byte.
        (hash >> 40) as usize & (self.shards.len() - 1)
    }

    /// Returns the value of a live entry for whose key `matches` returns true, and marks the entry as used. `counted`:
    /// this is a hit. No lock is held while `matches` runs, but no thread can free memory meanwhile. So it must not run
    /// code of a user.
    // The compiler would not always inline this and `find` into a hit, which takes a tenth more instructions then.
    #[inline(always)]
    pub(crate) fn get(
        &self,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
        counted: bool,
    ) -> Option<H> {
        let pin = pin();
        let held = self.find(ReadGuard::of_pin(&pin), hash, matches)?.entry().held().clone();
        if counted {
            self.calls.hit(&pin);
        }
        Some(held)
    }

    /// Returns the word of a live entry that this thread remembers. This is a hit.
    #[inline(always)]
    pub(crate) fn recall(&self, key: WordKey) -> Option<u64> {
        let front = participant::front()?;
        let counters = self.calls.recalling(front.thread())?;
        let recalled = front.recall(key, self.number())?;
        let shard = self.shards.get(recalled.shard())?;
        let value = recalled.value(shard.versions(), shard.stamps().uses())?;
        counters.hit();
        Some(value)
    }

    /// Like [`Self::get`] for a counted hit. This thread remembers the word that `to_word` makes of the value.
    #[inline(always)]
    pub(crate) fn get_to_remember(
        &self,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
        key: WordKey,
        to_word: impl Fn(&H) -> u64,
    ) -> Option<H> {
        let place = Place { shard: self.shard_index(hash), part: Versions::part(low_half(hash)) };
        let shard = &self.shards[place.shard];
        let pin = pin();
        let counters = self.calls.remembering(&pin);
        // Before the search: what is replaced meanwhile has another version then.
        let version = counters.as_ref().and_then(|_| shard.versions().read(place.part));
        let entry = self.find(ReadGuard::of_pin(&pin), hash, matches)?;
        let held = entry.entry().held().clone();
        self.calls.hit(&pin);
        let version = version.filter(|_| self.expiry.is_timeless(entry));
        if let (Some(version), Some(counters)) = (version, counters) {
            if let Some(offers) = counters.offer() {
                let noted_until = shard.stamps().noted_until(entry.entry().stamp());
                let found = Found { value: to_word(&held), version, place, noted_until };
                pin.remember(key, self.number(), &found, offers);
            }
        }
        Some(held)
    }

    /// Returns what differs between caches that exist.
    #[inline]
    fn number(&self) -> usize {
        self.shards.as_ptr().addr()
    }

    #[inline(always)]
    fn find<'p>(
        &'p self,
        guard: ReadGuard<'p>,
        hash: u64,
        matches: impl Fn(&[u8]) -> bool,
    ) -> Option<EntryRef<'p, H>> {
        let shard = self.shard(hash);
        let entry = shard.find(guard, hash, matches)?;
        if !self.expiry.is_timeless(entry)
            && !self.is_current(entry)
            && !self.is_fresh(shard, entry)
        {
            return None;
        }
        shard.touch(guard, entry.entry());
        Some(entry)
    }

    /// Returns whether the entry has no end but by its tags, and none of these was invalidated. Inlined, so that a hit
    /// on such an entry calls nothing.
    #[inline(always)]
    fn is_current(&self, entry: EntryRef<'_, H>) -> bool {
        entry.packed_is_at_least(NEVER_EXPIRES)
            && !self.expiry.has_idle_limit()
            && entry.tags().is_some_and(TagSet::is_valid)
    }

    /// Returns whether the entry is a hit, by its tags, its expiry time and its last use. If so, the caller marks it
    /// next.
    #[inline(never)]
    fn is_fresh(&self, shard: &Shard<H>, entry: EntryRef<'_, H>) -> bool {
        if entry.has_ended() {
            return false;
        }
        let now = clock::now();
        let fresh = self.expiry.is_fresh(entry, now);
        if fresh && self.expiry.has_idle_limit() {
            shard.tick(now);
        }
        fresh
    }

    /// Returns the value of the entry of `key`, without marking it as used.
    pub(crate) fn peek(&self, hash: u64, key: &[u8]) -> Option<H> {
        let pin = pin();
        let guard = ReadGuard::of_pin(&pin);
        let entry = self.shard(hash).find(guard, hash, |stored| key::same_key(stored, key))?;
        (!self.expiry.is_expired(entry)).then(|| entry.held().clone())
    }

    #[cfg(feature = "remote")]
    /// Returns whether there is an entry of `key`, of whatever age, or a claim on it.
    pub(crate) fn knows(&self, hash: u64, key: &[u8]) -> bool {
        let mut shard = self.shard(hash).lock();
        shard.find(hash, key).is_some() || shard.claims().has(hash, key)
    }

    /// Returns when the value of the entry of `key` was computed, if that is known.
    pub(crate) fn computed(&self, hash: u64, key: &[u8]) -> Option<u64> {
        if !self.words.time {
            return None;
        }
        let pin = pin();
        let guard = ReadGuard::of_pin(&pin);
        let entry = self.shard(hash).find(guard, hash, |stored| key::same_key(stored, key))?;
        entry.lifetime().computed
    }

    /// Returns whether entries have a price.
    pub(crate) fn is_priced(&self) -> bool {
        self.words.price
    }

    /// Returns whether entries have the time at which they were computed.
    pub(crate) fn is_timed(&self) -> bool {
        self.words.time
    }

    /// Makes `listener` hear of each entry that leaves, in place of an earlier one.
    pub(crate) fn listen(&self, listener: Listener<H>) {
        let mut first = Some(listener);
        let listening = self.listening.get_or_init(|| {
            let listener = first.take().expect("it is made once");
            Arc::new(Listening::new(listener))
        });
        match first {
            Some(listener) => listening.set(listener),
            None => {
                self.shards.iter().for_each(|shard| shard.lock().listen(Arc::clone(listening)));
            }
        }
    }

    /// Returns what is told of the entries that leave, if somebody listens.
    #[inline]
    pub(crate) fn listening(&self) -> Option<&Listening<H>> {
        self.listening.get().map(|listening| &**listening)
    }

    /// Notes that there is an entry with these times, which becomes due to be computed again.
    pub(crate) fn expect_refresh(&self, lifetime: Lifetime) {
        self.expiry.expect_refresh(lifetime);
    }

    /// Returns whether entries have tags.
    pub(crate) fn is_tagged(&self) -> bool {
        self.words.tags
    }

    /// Returns whether the bounds can hold an entry of this weight.
    pub(crate) fn admits(&self, weight: Option<u64>) -> bool {
        self.capacity.admits(weight.unwrap_or_default())
    }

    /// Returns whether entries with this expiry time can expire.
    pub(crate) fn can_expire(&self, expires: Millis) -> bool {
        expires != NEVER || self.expiry.has_idle_limit() || self.words.tags
    }

    /// Returns for how long after its last use an entry lives, in ms.
    pub(crate) fn idle(&self) -> Option<Millis> {
        self.expiry.idle_limit()
    }

    /// Returns the same as it was set, without what is added because the clock lags.
    pub(crate) fn idle_asked(&self) -> Option<Millis> {
        self.expiry.idle_asked()
    }

    /// Returns for how long after its expiry time an entry may be served, in ms.
    pub(crate) fn stale(&self) -> Millis {
        self.expiry.stale_for()
    }

    /// Sets it.
    pub(crate) fn set_stale(&self, stale: Millis) {
        self.expiry.set_stale_for(stale);
        self.expect_expiry();
    }

    /// Sets for how long after its last use an entry lives, in ms. Returns false if uses have no times.
    pub(crate) fn set_idle(&self, idle: Option<Millis>) -> bool {
        let is_set = self.expiry.set_idle_limit(idle);
        if is_set {
            self.expect_expiry();
        }
        is_set
    }

    /// Returns whether there is a bound on entries or on their weight.
    pub(crate) fn is_bounded(&self) -> bool {
        self.max() != capacity::UNBOUNDED || self.max_bytes().is_some()
    }

    pub(crate) fn max(&self) -> usize {
        self.capacity.max()
    }

    pub(crate) fn max_bytes(&self) -> Option<u64> {
        self.capacity.max_bytes()
    }
}
