//! One function's cache with all that belongs to it: bound, time to live, directory, counts.

use std::ops::Deref;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use crate::cache::capacity::Limits;
use crate::cache::entry::NewEntry;
use crate::cache::insertion::Finished;
use crate::cache::sharded::{ClaimOutcome, ShardedCache};
use crate::epoch::participant::pin;
use crate::error::Error;
use crate::key;
use crate::platform::clock::{self, Millis, NEVER};
use crate::platform::maintenance::{self, Maintain};
use crate::single_flight::flight::{Claim, Flight};
use crate::statistics::counters::{CallCounters, Counter};
use crate::statistics::stats::Stats;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::selection::Selection;

/// While no mean computation is known a caller waits so long for another's.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// A caller waits at least so long for another's computation, and at least [`WAIT_MEANS`] mean ones.
const LEAST_WAIT: Duration = Duration::from_secs(1);
const WAIT_MEANS: u32 = 4;

/// The time to live of a value by itself.
pub(crate) type TtlOf<V> = Box<dyn Fn(&V) -> Option<Duration> + Send + Sync>;

/// The weight of an entry, by its value and the bytes of its key.
pub(crate) type WeightOf<V> = Box<dyn Fn(&V, usize) -> u64 + Send + Sync>;

pub(crate) struct FunctionCache<K: Keep> {
    pub(crate) this: Weak<Self>,
    /// This too, where it lives as long as the process: nothing needs to be counted then.
    leaked: OnceLock<&'static Self>,
    /// The cache itself, for the background thread. `None` for the cache of a thread, which no other thread may use.
    maintained: Option<Weak<dyn Maintain>>,
    /// Whether the background thread maintains the cache.
    is_maintained: AtomicBool,
    pub(crate) name: String,
    pub(crate) memory: ShardedCache<K::Held>,
    pub(crate) ttl: AtomicU64,
    error_ttl: Millis,
    /// The share of its time to live after which a value is computed anew.
    refresh_ahead: Option<f64>,
    wait_limit: Option<Duration>,
    ttl_with: Option<TtlOf<K::Value>>,
    weigh: Option<WeightOf<K::Value>>,
    jitter: f64,
    pub(crate) storage: Option<Box<dyn Storage<K>>>,
    /// Would be stored, were its instance known by name.
    pub(crate) not_stored_reason: Option<&'static str>,
    pub(crate) counts: Counts,
}

/// What a function's cache is made of.
pub(crate) struct Parts<K: Keep> {
    pub(crate) limits: Limits,
    pub(crate) weigh: Option<WeightOf<K::Value>>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) ttl_with: Option<TtlOf<K::Value>>,
    pub(crate) error_ttl: Option<Duration>,
    pub(crate) jitter: f64,
    pub(crate) refresh_ahead: Option<f64>,
    pub(crate) wait_limit: Option<Duration>,
    pub(crate) storage: Option<Box<dyn Storage<K>>>,
    pub(crate) not_stored_reason: Option<&'static str>,
}

/// A cache that whoever has this keeps.
pub(crate) enum FunctionRef<K: Keep> {
    Static(&'static FunctionCache<K>),
    Owned(Arc<FunctionCache<K>>),
}

impl<K: Keep> Deref for FunctionRef<K> {
    type Target = FunctionCache<K>;

    fn deref(&self) -> &FunctionCache<K> {
        match self {
            Self::Static(function) => function,
            Self::Owned(function) => function,
        }
    }
}

/// The directory of one cache, which is `function` everywhere.
pub(crate) trait Storage<K: Keep>: Send + Sync {
    /// Reads what is there, before the first call. A failure is remembered and shown by stats and health. False when it
    /// has yet to be done, by a call that is not part of opening a storage.
    fn recover(&self, function: &FunctionCache<K>) -> bool;

    /// Opens it if that was not done before.
    fn init(&self, function: &FunctionCache<K>) -> Result<(), Error>;

    /// Writes the result of `claim`, which is not seen yet. `replaces`: an older value of the key, which may be on disk
    /// alone, must not come back.
    fn write(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        value: &K::Held,
        expires: Millis,
        replaces: bool,
    );

    /// Removes what is stored for the key of `claim`, whose value is not going to be: where memory knows an older one,
    /// or if what it replaces may be on disk alone.
    fn remove_stored(&self, function: &FunctionCache<K>, claim: Claim, replaces: bool);

    /// Removes the entry of `key`, in memory and on disk; says whether memory had one.
    fn remove(&self, function: &FunctionCache<K>, hash: u64, key: &[u8]) -> bool;

    /// Removes all, likewise; says how many memory had.
    fn clear(&self, function: &FunctionCache<K>) -> usize;

    fn flush(&self, function: &FunctionCache<K>) -> Result<(), Error>;

    /// For the end of the process: opens nothing.
    fn flush_if_open(&self);

    fn snapshot(&self, function: &FunctionCache<K>) -> Result<(), Error>;

    /// What was kept of those in memory is all that is kept: what was evicted is on disk still, and a snapshot leaves it
    /// out. Where none can be written it is all removed, until one can be.
    fn forget_evicted(&self, function: &FunctionCache<K>);

    /// Done each second once something was written.
    fn tick(&self, function: &FunctionCache<K>);

    /// What recovery met that no crash explains.
    fn damage(&self) -> Vec<Error>;

    /// The last failure that still holds.
    fn failure(&self) -> Option<Error>;

    /// Adds what it knows to `stats`.
    fn report(&self, stats: &mut Stats);
}

/// What happens on misses, and to some hits.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) coalesced: Counter,
    pub(crate) stale: Counter,
    pub(crate) uncached: Counter,
    pub(crate) unkeyable: Counter,
    pub(crate) panics: Counter,
    pub(crate) invalidated: Counter,
    pub(crate) mismatches: Counter,
}

/// What a caller who missed has to do.
pub(crate) enum NextStep<H> {
    /// Nothing: here is the value.
    Value(H),
    Lead(Claim),
    /// Wait for another.
    Join(Arc<Flight<H>>),
}

impl<K: Keep> FunctionCache<K> {
    /// A cache of all threads, as yet without what its directory holds.
    pub(crate) fn new(name: String, parts: Parts<K>) -> Arc<Self>
    where
        K: Keep<Held: Send + Sync>,
    {
        Arc::new_cyclic(|this| {
            let maintained: Weak<dyn Maintain> = Weak::<Self>::clone(this);
            Self { maintained: Some(maintained), ..Self::assemble(this, name, parts) }
        })
    }

    /// A thread's own cache.
    pub(crate) fn local(name: String, parts: Parts<K>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self::assemble(this, name, parts))
    }

    fn assemble(this: &Weak<Self>, name: String, parts: Parts<K>) -> Self {
        let Parts {
            limits,
            weigh,
            ttl,
            ttl_with,
            error_ttl,
            jitter,
            refresh_ahead,
            wait_limit,
            storage,
            not_stored_reason,
        } = parts;
        let function = Self {
            this: Weak::clone(this),
            leaked: OnceLock::new(),
            maintained: None,
            is_maintained: AtomicBool::new(false),
            name,
            memory: ShardedCache::new(limits),
            ttl: AtomicU64::new(NEVER),
            error_ttl: error_ttl.map_or(NEVER, clock::millis),
            refresh_ahead,
            wait_limit,
            ttl_with,
            weigh: weigh.filter(|_| limits.max_bytes.is_some()),
            jitter,
            storage,
            not_stored_reason,
            counts: Counts::new(),
        };
        function.set_ttl(ttl);
        function
    }

    /// Itself, for who uses it beyond a call.
    pub(crate) fn shared(&self) -> FunctionRef<K> {
        let own = || self.this.upgrade().expect("who holds a reference holds the cache");
        self.leaked
            .get()
            .map_or_else(|| FunctionRef::Owned(own()), |function| FunctionRef::Static(function))
    }

    /// Says that it lives as long as the process.
    pub(crate) fn mark_static(&'static self) {
        let _ = self.leaked.set(self);
    }

    pub(crate) fn hash_key(&self, key: &[u8]) -> Option<u64> {
        key::hash_bytes(key, &self.memory.seed)
    }

    /// Looks again for `key`; else the caller is the one who computes it, or is told who is.
    #[inline(always)]
    pub(crate) fn claim_or_join(&self, hash: u64, key: &[u8]) -> NextStep<K::Held> {
        let renewable = |held: &K::Held| !K::Selection::is_error(K::Holder::view(held));
        let (held, stale) = match self.memory.claim_or_join(hash, key, renewable) {
            ClaimOutcome::Lead(claim) => return NextStep::Lead(claim),
            ClaimOutcome::Join(flight) => return NextStep::Join(flight),
            ClaimOutcome::Hit(held) => (held, 0),
            ClaimOutcome::Stale(held) => (held, 1),
        };
        self.memory.calls.hit(&pin());
        self.counts.stale.add(stale);
        NextStep::Value(held)
    }

    /// Counts a call that another's computation answered.
    pub(crate) fn count_coalesced(&self) {
        self.memory.calls.hit(&pin());
        self.counts.coalesced.add(1);
    }

    pub(crate) fn wait_limit(&self) -> Duration {
        self.wait_limit.unwrap_or_else(|| default_wait_limit(self.memory.calls.mean()))
    }

    /// Keeps `value` as the result of `claim`, on disk first, and wakes who waits for it. False if the key was
    /// invalidated meanwhile, or the bounds cannot hold it; then that before is forgotten.
    pub(crate) fn complete(&self, claim: Claim, value: K::Held, replaces: bool) -> bool {
        let life = self.lifetime(claim.hash, K::Holder::view(&value));
        let expires = if life == NEVER { NEVER } else { clock::now().saturating_add(life) };
        let weigh =
            |weigh: &WeightOf<_>| weigh(K::Holder::view(&value), self.memory.key_len(claim));
        let weight = self.weigh.as_ref().map(weigh);
        match &self.storage {
            Some(storage) if self.memory.admits(weight) => {
                storage.write(self, claim, &value, expires, replaces);
            }
            Some(storage) => storage.remove_stored(self, claim, replaces),
            None => {}
        }
        let fresh = NewEntry {
            held: value.clone(),
            expires,
            weight,
            never_refreshed: life < self.memory.ahead(),
        };
        let Finished { kept, flight, waste } = self.memory.finish(claim, fresh);
        if self.memory.can_expire(expires) {
            self.maintain();
        }
        if let Some(flight) = flight {
            flight.complete(Some(value));
        }
        // Who waits does not wait for the `Drop` of other values.
        drop(waste);
        kept
    }

    /// Has the background thread maintain the cache.
    pub(crate) fn maintain(&self) {
        if self.is_maintained.load(Relaxed) || self.is_maintained.swap(true, SeqCst) {
            return;
        }
        if let Some(maintained) = &self.maintained {
            maintenance::maintain(Weak::clone(maintained));
        }
    }

    /// The weight of an entry whose key has so many bytes, where entries are weighed.
    pub(crate) fn weight(&self, key_len: usize, value: &K::Value) -> Option<u64> {
        self.weigh.as_ref().map(|weigh| weigh(value, key_len))
    }

    /// Ends `claim` without a value to share.
    pub(crate) fn abandon(&self, claim: Claim) {
        self.memory.abandon(claim, true);
    }

    /// The same for one that was left to a caller who waited and waits no longer, unless another has taken it.
    pub(crate) fn pass_on(&self, claim: Claim) {
        self.memory.abandon(claim, false);
    }

    /// How long `value` is to live.
    fn lifetime(&self, hash: u64, value: &K::Value) -> Millis {
        let own = self.ttl_with.as_ref().and_then(|ttl_with| ttl_with(value));
        let ttl = own.map_or_else(|| self.ttl.load(Relaxed), clock::millis);
        let ttl = if K::Selection::is_error(value) { ttl.min(self.error_ttl) } else { ttl };
        if ttl == NEVER { NEVER } else { jittered(hash, ttl, self.jitter) }
    }

    pub(crate) fn is_persistent(&self) -> bool {
        self.storage.is_some()
    }

    pub(crate) fn set_ttl(&self, ttl: Option<Duration>) {
        self.memory.set_ahead(refresh_window(self.refresh_ahead, ttl));
        self.ttl.store(ttl.map_or(NEVER, clock::millis), Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.counts.stats(&self.name, &self.memory.calls);
        (stats.evicted, stats.expired) = self.memory.removed();
        (stats.entries, stats.bytes) = self.memory.usage();
        if let Some(storage) = &self.storage {
            storage.report(&mut stats);
        }
        stats
    }
}

impl<K: Keep<Held: Send + Sync>> Maintain for FunctionCache<K> {
    fn tick(&self) -> bool {
        let has_expiring = self.memory.remove_expired();
        if let Some(storage) = &self.storage {
            storage.tick(self);
            return true;
        }
        if has_expiring {
            return true;
        }
        self.is_maintained.store(false, SeqCst);
        // An insertion between these two lines has not asked for maintenance, and is seen here.
        self.memory.has_expiring() && !self.is_maintained.swap(true, SeqCst)
    }
}

// What follows is built once, whatever caches hold.

impl Counts {
    fn new() -> Self {
        Self::default()
    }

    fn stats(&self, name: &str, calls: &CallCounters) -> Stats {
        let Self { coalesced, stale, uncached, unkeyable, panics, invalidated, mismatches } = self;
        let (hits, misses) = (calls.hits(), calls.misses());
        let compute_time = Duration::from_nanos(calls.nanos());
        let saved = calls.mean().as_nanos().saturating_mul(u128::from(hits));
        Stats {
            name: name.to_owned(),
            hits,
            misses,
            invalidated: invalidated.get(),
            coalesced: coalesced.get(),
            stale: stale.get(),
            uncached: uncached.get(),
            unkeyable: unkeyable.get(),
            panics: panics.get(),
            mismatches: mismatches.get(),
            compute_time,
            time_saved: Duration::from_nanos(u64::try_from(saved).unwrap_or(u64::MAX)),
            ..Stats::default()
        }
    }
}

/// How long before its end a value is to be computed anew, of whose time to live `share` is to pass before.
fn refresh_window(share: Option<f64>, ttl: Option<Duration>) -> Millis {
    let ahead = share.zip(ttl).map(|(share, ttl)| ttl.mul_f64(1.0 - share));
    ahead.map_or(0, clock::millis)
}

/// How long a caller waits for another's computation, if one takes `mean`.
fn default_wait_limit(mean: Duration) -> Duration {
    match mean {
        Duration::ZERO => FIRST_WAIT,
        mean => mean.saturating_mul(WAIT_MEANS).max(LEAST_WAIT),
    }
}

/// `ttl` less a share of it that is between none and the jitter, as the hash says. Hashes are seeded in each process,
/// so that processes spread differently.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "32 bits of the hash draw, and a share of a time needs no more"
)]
fn jittered(hash: u64, ttl: Millis, jitter: f64) -> Millis {
    if jitter == 0.0 {
        return ttl;
    }
    let drawn = f64::from(hash as u32) / f64::from(u32::MAX);
    ttl - ((ttl as f64 * jitter * drawn) as Millis).min(ttl)
}
