//! The cache of one function, with its bounds, time to live, directory and counters.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::advice::observer::Observer;
use crate::cache::capacity::Limits;
use crate::cache::claiming::ClaimOutcome;
use crate::cache::departures::Removing;
use crate::cache::entry::Lifetime;
use crate::cache::listening::Listener;
use crate::cache::sharded::ShardedCache;
use crate::epoch::participant::pin;
use crate::error::Error;
use crate::function::common::Common;
use crate::function::counts::Counts;
use crate::function::events::Events;
use crate::function::isolation::{self, Isolation};
use crate::function::loaded::{Loaded, Stored};
#[cfg(feature = "persist")]
use crate::function::removal_watch::RemovalWatch;
use crate::function::tier_types::{OpenRemoval, Permit, Seeking, Writing};
#[cfg(feature = "remote")]
use crate::function::tier_types::{Part, Tier};
use crate::function::times::default_wait_limit;
use crate::function::waiter::Waiter;
use crate::key::{self, KeySize, Tag};
use crate::platform::clock::{self, Instant, Millis, NEVER};
#[cfg(feature = "web")]
use crate::platform::lock_request::LockRequest;
use crate::platform::maintenance::{CACHES, Maintain, Registration};
use crate::single_flight::flight::{Arrival, Claim, Flight};
use crate::single_flight::wait_graph::Recursive;
use crate::statistics::explanation::Explanation;
use crate::statistics::source::{self, Source};
use crate::statistics::stats::Stats;
use crate::value::holder::Holder;
use crate::value::keep::Keep;
use crate::value::selection::Selection;

/// The wait limit is at least this, however short computations are.
const MIN_WAIT_LIMIT: Duration = Duration::from_secs(1);
/// The same for a thread that waits for a function that calls itself. In a pool, such calls wait for each other in
/// cycles that cannot be seen, and a thread that blocks here blocks a thread of the pool.
const MIN_RECURSIVE_LIMIT: Duration = Duration::from_millis(10);

/// The background thread looks for entries whose tags were invalidated no more often than this, in ms, because it looks
/// at all entries.
const SWEEP_PAUSE: Millis = 10_000;

/// Computations of less than this many nanoseconds on average are not coordinated with other processes.
const SHORT_NANOS: u64 = 100_000;

/// Returns a value's own time to live, or `None` if the time to live of the cache applies.
pub(crate) type TtlOf<V> = Box<dyn Fn(&V) -> Option<Duration> + Send + Sync>;

/// Returns tags of a value.
pub(crate) type TagsOf<V> = Box<dyn Fn(&V) -> Vec<Tag> + Send + Sync>;

/// Returns the weight of an entry. Gets the value and the length of the key in bytes.
pub(crate) type WeightOf<V> = Box<dyn Fn(&V, usize) -> u64 + Send + Sync>;

/// Returns the twin of a cache in an isolation.
pub(crate) type Twins<K> = Box<dyn Fn(&Isolation) -> Arc<FunctionCache<K>> + Send + Sync>;

pub(crate) struct FunctionCache<K: Keep> {
    /// A reference to this cache itself.
    pub(crate) this: Weak<Self>,
    /// Finds what stands in for this cache in an isolation. Not set for a cache that does so itself, or is a thread's.
    twins: OnceLock<Twins<K>>,
    /// The same as `this`, if the cache lives as long as the process. It then needs no reference count.
    static_ref: OnceLock<&'static Self>,
    /// What the background thread maintains: this cache, or all of the family. `None` for the cache of a thread, which
    /// no other thread may use.
    maintained: Option<Weak<dyn Maintain>>,
    pub(in crate::function) maintenance: Arc<Registration>,
    /// For the cache of an object, all caches of the function.
    family: Option<Weak<dyn Statistics>>,
    pub(crate) name: Arc<str>,
    pub(crate) memory: ShardedCache<K::Held>,
    pub(crate) key_size: KeySize,
    /// The time to live in milliseconds, or [`NEVER`].
    pub(crate) ttl: AtomicU64,
    /// The longest time to live of an error.
    pub(in crate::function) error_ttl: Millis,
    /// The share of its time to live after which a value is computed again.
    #[cfg_attr(
        not(any(feature = "remote", feature = "report")),
        expect(dead_code, reason = "entries know it; a tier and a report ask for it")
    )]
    pub(in crate::function) refresh_ahead: Option<f64>,
    /// Whether a caller whose computation fails gets the older value, if it may still be served.
    stale_if_error: bool,
    pub(in crate::function) wait_limit: Option<Duration>,
    pub(crate) recursive: Recursive,
    pub(in crate::function) ttl_with: Option<TtlOf<K::Value>>,
    pub(in crate::function) weigh: Option<WeightOf<K::Value>>,
    pub(in crate::function) tags_with: Option<TagsOf<K::Value>>,
    /// The largest share by which a time to live is shortened at random.
    pub(in crate::function) jitter: f64,
    pub(crate) storage: Option<Box<dyn Storage<K>>>,
    pub(crate) shared: Option<Box<dyn SharedResults<K>>>,
    #[cfg(feature = "persist")]
    pub(crate) removals: RemovalWatch,
    /// What the arguments in the key are called, or nothing if explanations were not asked for.
    pub(in crate::function) argument_names: &'static [&'static str],
    /// Why results are not stored although `persist` is set: the instance has no unique name.
    pub(crate) not_stored_reason: Option<&'static str>,
    pub(crate) counts: Arc<Counts>,
    /// What observes the calls, to give advice.
    pub(crate) observer: K::Observer,
    pub(in crate::function) events: Events,
}

/// The settings and the storage of a new [`FunctionCache`].
pub(crate) struct Parts<K: Keep> {
    pub(crate) limits: Limits,
    pub(crate) weigh: Option<WeightOf<K::Value>>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) ttl_with: Option<TtlOf<K::Value>>,
    pub(crate) error_ttl: Option<Duration>,
    pub(crate) jitter: f64,
    pub(crate) refresh_ahead: Option<f64>,
    pub(crate) stale_if_error: bool,
    pub(crate) wait_limit: Option<Duration>,
    pub(crate) storage: Option<Box<dyn Storage<K>>>,
    pub(crate) shared: Option<Box<dyn SharedResults<K>>>,
    pub(crate) argument_names: &'static [&'static str],
    pub(crate) tags_with: Option<TagsOf<K::Value>>,
    pub(crate) not_stored_reason: Option<&'static str>,
    /// What hears of entries that leave memory.
    pub(crate) listener: Option<Listener<K::Held>>,
}

/// What has the statistics of a function whose objects have a cache each.
pub(crate) trait Statistics: Send + Sync {
    fn stats(&self) -> Stats;
}

/// A reference to a cache, which keeps the cache alive.
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

/// The directory of one cache. The parameter `function` of all methods is that cache.
pub(crate) trait Storage<K: Keep>: Send + Sync {
    /// Opens what is stored, before the first call of the function. A failure is remembered, and shown by `stats` and
    /// `health`. Returns false if this thread is already opening a storage. A later call then opens it.
    fn recover(&self, function: &FunctionCache<K>) -> bool;

    /// Opens the storage to write, if it is not yet.
    fn init(&self, function: &FunctionCache<K>) -> Result<(), Error>;

    /// Returns what a computation that begins now notes: removals from now on are newer than its result.
    fn since(&self) -> u64;

    /// Removes from memory what other processes have removed.
    fn follow(&self, function: &FunctionCache<K>);

    /// Reads the stored value of a key, also one that has expired, for `stale` milliseconds after that. `is_use`: what
    /// was used last is the last to go.
    fn load(
        &self,
        function: &FunctionCache<K>,
        key: &[u8],
        is_use: bool,
        stale: Millis,
    ) -> Option<Loaded<K::Value>>;

    /// Returns what the stored value of a key cost to compute. Does not read the value.
    fn cost(&self, key: &[u8]) -> Option<Duration>;

    /// Explains how a key that is not in memory stands here, if it is here.
    fn explain(&self, function: &FunctionCache<K>, key: &[u8]) -> Option<Explanation>;

    /// Tries to lock a key among processes, to compute its value.
    fn lock_key(&self, key: &[u8], waiter: Waiter) -> KeyClaim;

    /// Writes the result of `claim`, before any reader can see it.
    fn write(&self, function: &FunctionCache<K>, claim: Claim, result: NewResult<'_, K::Held>);

    /// Removes the stored value of the key of `claim`, because the new value will not be stored. Does so if memory has
    /// an older value of the key, or if `replaces`, when the older value may be only on disk.
    fn remove_stored(&self, function: &FunctionCache<K>, claim: Claim, replaces: bool);

    /// Removes the entry of `key`, in memory and on disk. Returns whether memory had one.
    fn remove(
        &self,
        function: &FunctionCache<K>,
        hash: u64,
        key: &[u8],
        removing: Removing,
    ) -> bool;

    /// Removes the results with a tag from the disk.
    fn remove_tag(&self, function: &FunctionCache<K>, tag: Tag);

    /// Removes all entries, in memory and on disk. Returns how many memory had.
    fn clear(&self, function: &FunctionCache<K>) -> usize;

    /// Gives back the room of this version, which was cleared before, and removes all that other versions of the
    /// function have stored.
    ///
    /// # Errors
    /// Something may still be stored.
    fn clear_versions(&self, function: &FunctionCache<K>) -> Result<(), Error>;

    /// Passes each stored value to `each`. Removes all of them if they cannot be read.
    fn judge(&self, function: &FunctionCache<K>, each: &mut dyn FnMut(&[u8], K::Value));

    /// Passes the key of each stored value to `each`. Removes all of them if they cannot be read.
    fn keys(&self, function: &FunctionCache<K>, each: &mut dyn FnMut(&[u8]));

    /// Returns how many bytes the results may take on disk, if that is bounded.
    fn max_disk(&self) -> Option<u64>;

    /// Changes that. Returns false if it is not bounded.
    fn set_max_disk(&self, max: u64) -> bool;

    fn flush(&self, function: &FunctionCache<K>) -> Result<(), Error>;

    /// Flushes at the end of the process. Does not open a storage that is not open.
    fn flush_if_open(&self);

    fn snapshot(&self, function: &FunctionCache<K>) -> Result<(), Error>;

    /// Called each second after the first write.
    fn tick(&self, function: &FunctionCache<K>);

    /// Returns the damage that recovery found and that no crash explains.
    fn damage(&self) -> Vec<Error>;

    /// Returns the last failure, unless it is over.
    fn failure(&self) -> Option<Error>;

    /// Returns where the results are.
    #[cfg(feature = "report")]
    fn place(&self) -> String;

    /// Adds the figures of the storage to `stats`.
    fn report(&self, stats: &mut Stats);
}

/// What an attempt to lock a key among processes gave.
pub(crate) enum KeyClaim {
    /// No other process computes the value, until this is dropped.
    Locked(Box<dyn Send + Sync>),
    /// Another process does.
    Busy,
    /// The lock was asked for. When it is known whether others have it, the request says so.
    #[cfg(feature = "web")]
    Asked(Box<dyn LockRequest>),
    /// There is no lock: each process computes.
    Unlocked,
}

/// A result that is to be stored.
pub(crate) struct NewResult<'a, H> {
    pub(crate) value: &'a H,
    pub(crate) lifetime: Lifetime,
    pub(crate) made: Made,
    /// What [`Storage::since`] returned when its computation began.
    pub(crate) since: u64,
}

/// How a value came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// By a computation that took this time of its own, or `None` if that is not known exactly.
    Computed(Option<Duration>),
    /// The same, because a caller asked for a new value. What [`Self::replaces`] says holds for it too.
    Renewed(Option<Duration>),
    /// By a user.
    Inserted,
}

impl Made {
    /// Returns whether there may be an older value of the key, even one that is only on disk, which must not come back.
    pub(crate) fn replaces(self) -> bool {
        !matches!(self, Self::Computed(_))
    }

    /// Returns what it cost to compute the value, if that is known exactly.
    pub(crate) fn time(self) -> Option<Duration> {
        match self {
            Self::Computed(time) | Self::Renewed(time) => time,
            Self::Inserted => None,
        }
    }
}

/// What came of a search.
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "nothing is sought"))]
pub(crate) enum Sought<H> {
    /// The tier had this value. The claim has ended with it. No hit is counted yet.
    Found(H),
    /// Another machine computes the value, and this older one is served meanwhile, unless memory has one. The claim
    /// stands.
    Busy(Option<H>),
    /// The caller computes the value, which then goes to the tier. The value beside may stand in if the computation
    /// fails.
    Compute(Permit, Option<H>),
    /// The tier cannot be asked, or it does not help: the caller computes the value, for itself and this machine.
    Unavailable,
}

/// The results of one cache in a tier. The parameter `function` of all methods is that cache.
pub(crate) trait SharedResults<K: Keep>: Send + Sync {
    /// Begins to look for the value of `claim`. `blocks`: the caller is a thread that does nothing else meanwhile.
    fn seek(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        key: &[u8],
        blocks: bool,
    ) -> Option<Seeking>;

    /// Goes on to look. If there is nothing to do now, `waker` is woken.
    fn poll(
        &self,
        seeking: &mut Seeking,
        function: &FunctionCache<K>,
        claim: Claim,
        key: &[u8],
        waker: &Waker,
    ) -> Poll<Sought<K::Held>>;

    /// Returns when a waiting search has to go on, though nobody wakes it. `Err`: only in case a request has no end.
    fn until(&self, seeking: &Seeking) -> Result<Instant, Instant>;

    /// Returns the value of `key` in the tier. Waits for it no longer than a call does.
    fn get(&self, function: &FunctionCache<K>, key: &[u8]) -> Option<Loaded<K::Value>>;

    /// Returns how long an entry in memory lives: less if changes in the tier do not reach this process.
    fn limit(&self, lifetime: Lifetime) -> Lifetime;

    /// Returns the time after which a result on disk must have been computed to be returned while the tier cannot be
    /// asked, in milliseconds since 1970: changes from before are not known.
    fn known_since(&self) -> u64;

    /// Writes the result of `claim` behind the caller, if it may be written. Returns the write if the caller is to wait
    /// for it.
    fn write(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        result: &NewResult<'_, K::Held>,
        permit: Option<Permit>,
    ) -> Option<Writing>;

    /// Begins to remove the entry of `key`, or all. It is not read from the tier any more.
    fn begin_to_remove(&self, key: Option<&[u8]>) -> Option<OpenRemoval>;

    /// Tells the tier, after memory has removed it. Waits no longer than a call does.
    fn remove(&self, removal: &OpenRemoval);

    /// Waits until the tier has everything.
    fn flush(&self, limit: Duration) -> Result<(), Error>;

    /// Returns why the tier cannot be used.
    fn failure(&self) -> Option<Error>;

    /// Adds the figures of the tier to `stats`.
    fn report(&self, stats: &mut Stats);

    /// Returns the tier.
    #[cfg(feature = "remote")]
    fn tier(&self) -> &Tier;

    /// Makes `function` forget from now on what others have changed.
    #[cfg(feature = "remote")]
    fn follow(&self, function: &Arc<FunctionCache<K>>);

    /// See [`Follower::forget`].
    #[cfg(feature = "remote")]
    fn forget(&self, function: &FunctionCache<K>, part: &Part);

    /// See [`Follower::forget_all`].
    #[cfg(feature = "remote")]
    fn forget_all(&self, function: &FunctionCache<K>);

    /// See [`Follower::is_cut_off`].
    #[cfg(feature = "remote")]
    fn is_cut_off(&self, function: &FunctionCache<K>, epoch: u64, since: Duration);
}

/// What a caller does after a miss.
pub(crate) enum NextStep<H> {
    /// Return this value, which was found after all.
    Value(H),
    /// Compute the value as the leader.
    Lead(Claim),
    /// Wait for the leader.
    Join(Arc<Flight<H>>),
}

/// What a caller does that wants a value whose computation has not begun yet.
pub(crate) enum Renewal<H> {
    /// Compute the value as the leader.
    Lead(Claim),
    /// Others compute the key.
    Join(Arc<Flight<H>>),
}

impl<K: Keep> FunctionCache<K> {
    /// Makes a cache that all threads share. The entries of its directory are not read yet.
    pub(crate) fn new(name: String, parts: Parts<K>) -> Arc<Self>
    where
        K: Keep<Held: Send + Sync>,
    {
        let function = Arc::new_cyclic(|this| {
            let maintained: Weak<dyn Maintain> = Weak::<Self>::clone(this);
            let assembled = Self::assemble(this, name.into(), parts, Common::new());
            Self { maintained: Some(maintained), ..assembled }
        });
        #[cfg(feature = "remote")]
        if let Some(shared) = &function.shared {
            shared.follow(&function);
        }
        function
    }

    /// Makes a thread's own cache.
    pub(crate) fn local(name: String, parts: Parts<K>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self::assemble(this, name.into(), parts, Common::new()))
    }

    /// Makes the cache of one object. `common`: what it has in common with those of other objects, which are in
    /// `family`.
    pub(crate) fn member<F>(
        name: Arc<str>,
        parts: Parts<K>,
        common: Common,
        family: &Weak<F>,
    ) -> Arc<Self>
    where
        F: Maintain + Statistics + 'static,
    {
        let maintained: Weak<dyn Maintain> = Weak::<F>::clone(family);
        let family: Weak<dyn Statistics> = Weak::<F>::clone(family);
        Arc::new_cyclic(|this| {
            let assembled = Self::assemble(this, name, parts, common);
            Self { maintained: Some(maintained), family: Some(family), ..assembled }
        })
    }

    fn assemble(this: &Weak<Self>, name: Arc<str>, parts: Parts<K>, common: Common) -> Self {
        let Parts {
            limits,
            weigh,
            ttl,
            ttl_with,
            error_ttl,
            jitter,
            refresh_ahead,
            stale_if_error,
            wait_limit,
            storage,
            shared,
            argument_names,
            tags_with,
            not_stored_reason,
            listener,
        } = parts;
        let function = Self {
            this: Weak::clone(this),
            static_ref: OnceLock::new(),
            twins: OnceLock::new(),
            maintained: None,
            maintenance: common.maintenance,
            family: None,
            name,
            memory: ShardedCache::counted(limits, common.calls),
            key_size: KeySize::default(),
            ttl: AtomicU64::new(NEVER),
            error_ttl: error_ttl.map_or(NEVER, clock::millis),
            refresh_ahead,
            stale_if_error,
            wait_limit,
            recursive: Recursive::default(),
            ttl_with,
            tags_with,
            weigh: weigh.filter(|_| limits.max_bytes.is_some()),
            jitter,
            storage,
            shared,
            #[cfg(feature = "persist")]
            removals: RemovalWatch::default(),
            argument_names,
            not_stored_reason,
            counts: common.counts,
            observer: Observer::new(limits.max_bytes.is_none(), limits.policy),
            events: Events::default(),
        };
        function.set_ttl(ttl);
        function.observe_bound();
        if let Some(listener) = listener {
            function.memory.listen(listener);
        }
        function
    }

    /// Says how to find what stands in for this cache in an isolation.
    pub(crate) fn set_twins(&self, twins: Twins<K>) {
        let _ = self.twins.set(twins);
    }

    /// If this thread is in an isolation, returns what stands in for this cache there.
    pub(crate) fn twin(&self) -> Option<Arc<Self>> {
        let isolation = isolation::current()?;
        self.twins.get().map(|find| find(&isolation))
    }

    /// Returns a reference to this cache that can outlive a call.
    pub(crate) fn shared(&self) -> FunctionRef<K> {
        let own = || self.this.upgrade().expect("a cache that is not leaked is in an `Arc`");
        self.static_ref
            .get()
            .map_or_else(|| FunctionRef::Owned(own()), |function| FunctionRef::Static(function))
    }

    /// Records that this cache lives as long as the process.
    pub(crate) fn mark_static(&'static self) {
        let _ = self.static_ref.set(self);
    }

    pub(crate) fn hash_key(&self, key: &[u8]) -> Option<u64> {
        key::hash_bytes(key, &self.memory.seed)
    }

    /// Looks for `key`, whose result has `tags`, again. If there is no entry, the caller becomes the leader, or gets
    /// the flight to wait for.
    #[inline(always)]
    pub(crate) fn claim_or_join(&self, hash: u64, key: &[u8], tags: &[Tag]) -> NextStep<K::Held> {
        self.follow();
        let mut may_be_stored = self.reads_disk_first();
        let (held, stale) = loop {
            match self.memory.claim_or_join(hash, key, tags, Self::is_renewable) {
                ClaimOutcome::Lead(claim) => {
                    // Not called for functions without storage, whose stack need not have room for a stored value.
                    match if may_be_stored { self.load(claim, key) } else { Stored::Nothing } {
                        Stored::Nothing => return NextStep::Lead(claim),
                        Stored::Value(held) => return NextStep::Value(held),
                        Stored::Older => may_be_stored = false,
                    }
                }
                ClaimOutcome::Join(flight) => return NextStep::Join(flight),
                ClaimOutcome::Hit(held) => break (held, false),
                ClaimOutcome::Stale(held) => break (held, true),
            }
        };
        self.count_served(served_from_memory(stale), || self.memory.computed(hash, key));
        NextStep::Value(held)
    }

    /// Claims `key`, whose result has `tags`, to replace what is held, unless others compute it.
    pub(crate) fn claim_to_renew(&self, hash: u64, key: &[u8], tags: &[Tag]) -> Renewal<K::Held> {
        self.follow();
        match self.memory.claim_to_renew(hash, key, tags) {
            Ok(claim) => Renewal::Lead(claim),
            Err(flight) => Renewal::Join(flight),
        }
    }

    /// Returns the older value that the value of `claim` is to replace, if callers get it until then. `counted`: a call
    /// gets it.
    pub(crate) fn older(&self, claim: Claim, counted: bool) -> Option<K::Held> {
        let (held, stale) = self.memory.older(claim, Self::is_renewable)?;
        if counted {
            self.count_served(served_from_memory(stale), || self.memory.computed_of(claim));
        }
        Some(held)
    }

    pub(in crate::function) fn is_renewable(held: &K::Held) -> bool {
        !K::Selection::is_error(K::Holder::view(held))
    }

    /// Counts a hit whose value comes from `source`.
    pub(crate) fn count_served(&self, source: Source, computed: impl FnOnce() -> Option<u64>) {
        self.memory.calls.hit(&pin());
        self.counts.stale.add(u64::from(source == Source::Stale));
        source::note(source, computed);
    }

    /// Returns the older value that the value of `claim` was to replace, or the one from elsewhere that may stand in,
    /// if errors are replaced by older values.
    pub(crate) fn fall_back(&self, claim: Claim, stands_in: Option<K::Held>) -> Option<K::Held> {
        if !self.stale_if_error {
            return None;
        }
        let held = self.memory.fall_back(claim).or(stands_in)?;
        source::note_older(|| self.memory.computed_of(claim));
        Some(held)
    }

    /// Counts a call that returned the value of another caller's computation after it had waited for `waited`.
    pub(crate) fn count_coalesced(&self, waited: &Arrival) {
        self.memory.calls.hit(&pin());
        self.counts.coalesced.add(1);
        self.counts.wait_latency.record(waited.nanos());
        source::note_coalesced();
    }

    /// Returns the lock of a key among processes. Computations that take less time than that saves are done without.
    pub(crate) fn lock_key(&self, key: &[u8], waiter: Waiter) -> KeyClaim {
        match &self.storage {
            Some(storage) if self.waits() && !self.memory.calls.are_short(&pin(), SHORT_NANOS) => {
                storage.lock_key(key, waiter)
            }
            _ => KeyClaim::Unlocked,
        }
    }

    /// Returns whether a caller waits for others.
    pub(crate) fn waits(&self) -> bool {
        self.wait_limit != Some(Duration::ZERO)
    }

    /// Returns how long a task waits for another.
    pub(crate) fn wait_limit(&self) -> Duration {
        self.wait_limit.unwrap_or_else(|| default_wait_limit(&self.memory.calls, MIN_WAIT_LIMIT))
    }

    /// Returns how long a thread waits for another.
    pub(crate) fn thread_wait_limit(&self) -> Duration {
        let least = if self.recursive.get() { MIN_RECURSIVE_LIMIT } else { MIN_WAIT_LIMIT };
        self.wait_limit.unwrap_or_else(|| default_wait_limit(&self.memory.calls, least))
    }

    /// Removes entries that are over, in the background thread.
    pub(in crate::function) fn sweep_behind(&self) {
        self.memory.expect_invalidated(SWEEP_PAUSE);
        self.remove_over();
    }

    /// Returns whether the background thread has something to do for the entries in memory, now or later.
    pub(in crate::function) fn needs_ticks(&self) -> bool {
        self.memory.has_expiring() || self.has_to_tell()
    }

    /// Makes the background thread maintain the cache.
    pub(crate) fn maintain(&self) {
        if let Some(maintained) = &self.maintained {
            self.maintenance.begin(&CACHES, || Weak::clone(maintained));
        }
    }

    /// Gives up `claim` without a value, as its leader. A waiter becomes the leader.
    pub(crate) fn abandon(&self, claim: Claim) {
        self.memory.abandon(claim, Some(claim.leader));
    }

    /// Does the same for a waiter that stops waiting while the flight has no leader: it may be the one that was woken
    /// to take the lead. Has no effect if another waiter has taken the lead.
    pub(crate) fn pass_on(&self, claim: Claim) {
        self.memory.abandon(claim, None);
    }

    /// Returns whether results are also elsewhere than in memory.
    pub(crate) fn is_stored(&self) -> bool {
        self.storage.is_some() || self.shared.is_some()
    }

    /// Returns whether a result on disk may be returned without asking others. With a tier, other machines may have
    /// removed it since it was written.
    fn reads_disk_first(&self) -> bool {
        self.storage.is_some() && self.shared.is_none()
    }

    /// Returns the time to live of values that are computed from now on.
    pub(crate) fn ttl(&self) -> Option<Duration> {
        let ttl = self.ttl.load(Relaxed);
        (ttl != NEVER).then(|| Duration::from_millis(ttl))
    }

    pub(crate) fn set_ttl(&self, ttl: Option<Duration>) {
        self.ttl.store(ttl.map_or(NEVER, clock::millis), Relaxed);
    }

    /// Returns the mean own time of the computations, also of those of recovered entries, or `None` if none is known.
    pub(crate) fn mean_compute(&self) -> Option<Duration> {
        let mean = self.counts.stats(&self.name, &self.memory.calls).mean_compute();
        (!mean.is_zero()).then_some(mean)
    }

    /// Returns the statistics of the function. If objects have a cache each, these are the sums over all objects.
    pub(crate) fn stats(&self) -> Stats {
        let family = self.family.as_ref().and_then(Weak::upgrade);
        family.map_or_else(|| self.own_stats(), |family| family.stats())
    }

    /// Returns the statistics of this cache.
    fn own_stats(&self) -> Stats {
        let mut stats = self.counts.stats(&self.name, &self.memory.calls);
        stats.listener_panics = self.listener_panics();
        (stats.evicted, stats.expired) = self.memory.removed();
        (stats.entries, stats.bytes) = self.memory.usage();
        stats.over = self.memory.over().min(stats.entries);
        self.counts.report_latencies(&mut stats);
        stats.is_bounded = self.memory.is_bounded();
        if let Some(storage) = &self.storage {
            storage.report(&mut stats);
        }
        if let Some(shared) = &self.shared {
            shared.report(&mut stats);
        }
        stats.advice = self.advice(&stats);
        // Counting has removed what had expired. Who asks for statistics may hold a lock that the listener takes.
        match self.maintained {
            Some(_) => self.tell_listener_behind(),
            None => self.tell_listener(),
        }
        stats
    }
}

/// Returns where a value comes from that memory has. `stale`: its time to live has ended.
fn served_from_memory(stale: bool) -> Source {
    if stale { Source::Stale } else { Source::Hit }
}

impl<K: Keep<Held: Send + Sync>> Maintain for FunctionCache<K> {
    fn tick(&self) -> bool {
        // The cache of an isolation goes by another clock than this thread. It is in memory only.
        if cfg!(feature = "test-util") && self.twins.get().is_none() && !self.is_stored() {
            self.tell_listener();
            return self.has_to_tell() || self.maintenance.end_unless(|| self.has_to_tell());
        }
        // Before the removal, which runs the `Drop` of values and may take any time.
        if let Some(storage) = &self.storage {
            storage.tick(self);
        }
        self.sweep_behind();
        if Events::warnings_are_heard() {
            self.events.health(&self.name, &self.health());
        }
        let is_needed = || self.needs_ticks();
        self.is_stored() || is_needed() || self.maintenance.end_unless(is_needed)
    }
}
