//! How a claim ends with a value: one that was computed or inserted, or one from elsewhere.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;

use crate::cache::entry::{Lifetime, NewEntry};
use crate::cache::insertion::Finished;
use crate::function::function_cache::{FunctionCache, Made, NewResult, WeightOf};
use crate::function::loaded::{Loaded, Stored};
use crate::function::tier_types::{Permit, Writing};
use crate::function::times::jittered;
use crate::platform::clock::{self, Millis, NEVER, Stopwatch};
use crate::single_flight::flight::Claim;
use crate::single_flight::wait_graph::Computing;
use crate::statistics::source::Source;
use crate::tags;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::selection::Selection;

/// How a claim has ended.
pub(crate) struct Completed {
    /// Whether memory has the value.
    pub(crate) kept: bool,
    /// The write to the tier, if the caller is to wait for it.
    pub(crate) writing: Option<Writing>,
}

impl<K: Keep> FunctionCache<K> {
    /// Looks for the stored value of the key of `claim`, unless memory has one. Counts a hit.
    pub(crate) fn load(&self, claim: Claim, key: &[u8]) -> Stored<K::Held> {
        self.load_if(claim, key, |_| true)
    }

    /// Does the same for a value that has not expired and was computed after `since`, in milliseconds since 1970.
    pub(crate) fn load_since(&self, claim: Claim, key: &[u8], since: u64) -> Option<K::Held> {
        let is_later = |computed: Option<u64>| computed.is_some_and(|computed| computed >= since);
        let counts = |loaded: &Loaded<_>| {
            !loaded.is_stale && (since == 0 || is_later(loaded.lifetime.computed))
        };
        match self.load_if(claim, key, counts) {
            Stored::Value(held) => Some(held),
            Stored::Nothing | Stored::Older => None,
        }
    }

    fn load_if(
        &self,
        claim: Claim,
        key: &[u8],
        counts: impl FnOnce(&Loaded<K::Value>) -> bool,
    ) -> Stored<K::Held> {
        // One that is over gives way to what another process has computed since.
        let older_is_over = self.memory.older_is_over(claim);
        let storage = self.storage.as_ref().filter(|_| older_is_over != Some(false));
        let stale = if older_is_over.is_none() { self.memory.stale() } else { 0 };
        // The type's `Deserialize` may call the function with the same key.
        let _computing = Computing::begin(Some(claim.id), &self.recursive, 0);
        let began = Stopwatch::start(false);
        let loaded = storage.and_then(|storage| storage.load(self, key, true, stale));
        let Some(mut loaded) = loaded.filter(|loaded| !tags::are_ending(&loaded.tags)) else {
            return Stored::Nothing;
        };
        let computed = loaded.lifetime.computed.filter(|_| self.memory.is_timed());
        loaded.lifetime.computed = computed;
        if !counts(&loaded) {
            return Stored::Nothing;
        }
        let is_stale = loaded.is_stale;
        match self.adopt(claim, key, loaded) {
            None => Stored::Nothing,
            Some(_) if is_stale => Stored::Older,
            Some(held) => {
                self.counts.disk_hits.add(1);
                self.counts.disk_latency.record(began.nanos());
                self.count_served(Source::Disk, || computed);
                Stored::Value(held)
            }
        }
    }

    /// Ends `claim` with a value from elsewhere. Whoever waits for it gets it, or looks again if it is stale. Returns
    /// `None`, and the claim stands, if code of the value's type panics.
    pub(crate) fn adopt(
        &self,
        claim: Claim,
        key: &[u8],
        loaded: Loaded<K::Value>,
    ) -> Option<K::Held> {
        let Loaded { value, lifetime, tags, is_stale, .. } = loaded;
        // A panic in the code of the type or of `weigh` would leave the claim without an end.
        let made = catch_unwind(AssertUnwindSafe(|| {
            let held = K::Holder::own(value);
            let weigh = |weigh: &WeightOf<_>| weigh(K::Holder::view(&held), key.len());
            (held.clone(), self.weigh.as_ref().map(weigh), held)
        }));
        let (held, weight, returned) = made.ok()?;
        if !tags.is_empty() {
            self.memory.add_tags(claim, &tags);
        }
        let new_entry = NewEntry { held, lifetime, weight, cost: None };
        self.finish(claim, new_entry, (!is_stale).then_some(&returned));
        Some(returned)
    }

    /// Ends `claim` with an entry, and wakes the waiters, who get `value` or look again. Returns false if the key was
    /// invalidated meanwhile, or if the entry does not fit the bounds.
    // The value is passed by reference, because a large one would be on the stack once more.
    fn finish(&self, claim: Claim, new_entry: NewEntry<K::Held>, value: Option<&K::Held>) -> bool {
        let expires = new_entry.lifetime.expires;
        self.memory.expect_refresh(new_entry.lifetime);
        self.observe_entry(claim.hash, &new_entry);
        let Finished { kept, flight, removed } = self.memory.finish(claim, new_entry);
        if self.memory.can_expire(expires) {
            self.maintain();
        }
        if let Some(flight) = flight {
            flight.complete(value.cloned());
        }
        // The `Drop` of other values runs only now, so that waiters do not wait for it.
        drop(removed);
        self.tell_listener();
        kept
    }

    /// Stores `value` as the result of `claim`, on disk first, and wakes the waiters. It is not kept if the key was
    /// invalidated meanwhile, or if the value does not fit the bounds. In the second case the old entry of the key is
    /// removed.
    pub(crate) fn complete(
        &self,
        claim: Claim,
        value: &K::Held,
        made: Made,
        since: u64,
        permit: Option<Permit>,
    ) -> Completed {
        if let Some(tags_with) = &self.tags_with {
            self.memory.add_tags(claim, &tags_with(K::Holder::view(value)));
        }
        #[cfg(feature = "report")]
        if let Some(time) = made.time() {
            self.counts.dearest.note(time, || self.memory.key_of(claim));
        }
        let life = self.lifetime(claim.hash, K::Holder::view(value));
        let expires = if life == NEVER { NEVER } else { clock::now().saturating_add(life) };
        let computed = self.memory.is_timed().then(clock::wall);
        let (mut lifetime, mut writing) = (Lifetime { computed, expires }, None);
        if let Some(shared) = &self.shared {
            let result = NewResult { value, lifetime, made, since };
            writing = shared.write(self, claim, &result, permit);
            lifetime = shared.limit(lifetime);
        }
        let weigh = |weigh: &WeightOf<_>| weigh(K::Holder::view(value), self.memory.key_len(claim));
        let weight = self.weigh.as_ref().map(weigh);
        match &self.storage {
            Some(storage) if self.memory.admits(weight) => {
                storage.write(self, claim, NewResult { value, lifetime, made, since });
            }
            Some(storage) => storage.remove_stored(self, claim, made.replaces()),
            None => {}
        }
        let (held, cost) = (value.clone(), made.time());
        let new_entry = NewEntry { held, lifetime, weight, cost };
        let kept = self.finish(claim, new_entry, Some(value));
        Completed { kept, writing }
    }

    /// Returns the time to live of `value`.
    fn lifetime(&self, hash: u64, value: &K::Value) -> Millis {
        let own = self.ttl_with.as_ref().and_then(|ttl_with| ttl_with(value));
        let ttl = own.map_or_else(|| self.ttl.load(Relaxed), clock::millis);
        let ttl = if K::Selection::is_error(value) { ttl.min(self.error_ttl) } else { ttl };
        if ttl == NEVER { NEVER } else { jittered(hash, ttl, self.jitter) }
    }
}
