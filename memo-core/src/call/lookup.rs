//! One call of a memoized function: a hit has the value, and on a miss the caller computes it.

use std::sync::Arc;
#[cfg(feature = "remote")]
use std::time::Duration;

use serde_core::Serialize;

use crate::advice::observer::Observer;
use crate::call::{bypass, renewal};
use crate::function::computation::Computation;
use crate::function::function_cache::{FunctionCache, NextStep, Renewal};
#[cfg(feature = "persist")]
use crate::function::isolation;
use crate::function::span::Entered;
use crate::key::{Arguments, Key, SearchKey, WrittenKey};
use crate::platform::clock::Stopwatch;
#[cfg(feature = "remote")]
use crate::platform::maintenance;
use crate::platform::special;
use crate::single_flight::flight::Arrival;
use crate::single_flight::wait_graph::Computing;
use crate::statistics::source::{self, Source};
use crate::value::keep::Keep;
use crate::value::verify::{self, Comparison};

/// The result of a lookup.
pub enum Lookup<K: Keep> {
    /// The value was found.
    Hit(Hit<K>),
    /// The caller computes the value and passes it to [`Miss::store`].
    Miss(Miss<K>),
}

/// A value that was found, as the cache holds it. So a [`Lookup`] is small, and a large value is copied only once.
pub struct Hit<K: Keep>(K::Held);

impl<K: Keep> Hit<K> {
    /// Returns the value.
    #[inline]
    pub fn value(self) -> K::Return {
        K::into_return(self.0)
    }
}

impl<K: Keep> FunctionCache<K> {
    /// Called when a call begins. Returns where it goes if it is not an ordinary one. Otherwise notes that it is a hit,
    /// if somebody asks: a hit itself notes nothing, and a call that is none notes its source later.
    #[inline]
    pub(super) fn begin_special<A: Arguments>(&self, arguments: &A) -> Option<Detour<K>> {
        if special::is_possible() { self.detour(arguments) } else { None }
    }

    #[cold]
    #[inline(never)]
    fn detour<A: Arguments>(&self, arguments: &A) -> Option<Detour<K>> {
        #[cfg(feature = "remote")]
        if special::is_first_in_child() {
            maintenance::TIERS.wake(Duration::ZERO);
        }
        // Also if it is bypassed, since the next call is none.
        let is_refresh = renewal::take();
        if bypass::is_on() {
            return Some(Detour::Bypass);
        }
        if let Some(twin) = self.twin() {
            let (hash, ()) = twin.search(arguments, |_| ());
            return Some(Detour::Twin(twin, WrittenKey::new(arguments, hash), is_refresh));
        }
        if is_refresh {
            let (hash, ()) = self.search(arguments, |_| ());
            return Some(Detour::Refresh(WrittenKey::new(arguments, hash)));
        }
        source::note(Source::Hit, || self.computed(arguments));
        None
    }

    /// Returns when the cached value was computed, if that is known. If the entry is replaced before it is found, it is
    /// even newer.
    fn computed<A: Arguments>(&self, arguments: &A) -> Option<u64> {
        if !self.memory.is_timed() {
            return None;
        }
        let written = WrittenKey::new(arguments, None);
        let (hash, key) = written.key(&self.memory.seed)?;
        self.memory.computed(hash, key)
    }

    /// Looks up the key of `arguments`.
    #[inline]
    pub(crate) fn lookup<A: Arguments>(&self, arguments: &A) -> Lookup<K> {
        match self.recall(arguments) {
            Some(held) => Lookup::Hit(Hit(held)),
            None => self.lookup_behind(arguments),
        }
    }

    /// Does the same for what this thread does not remember.
    // Not inlined, so that what is remembered is returned without the stack of this function.
    #[inline(never)]
    fn lookup_behind<A: Arguments>(&self, arguments: &A) -> Lookup<K> {
        if let Some(detour) = self.begin_special(arguments) {
            return detour.lookup(self);
        }
        let (hash, found) = self.search(arguments, |key| self.find_to_remember(arguments, key));
        match found {
            Some(held) => Lookup::Hit(Hit(held)),
            None => self.missed(arguments, hash),
        }
    }

    /// Does the same, but makes `share` of the hits a miss. The value that its caller computes is compared with the
    /// value that the cache holds.
    pub(crate) fn lookup_or_verify<A: Arguments>(&self, arguments: &A, share: f64) -> Lookup<K>
    where
        K::Value: Serialize,
    {
        if let Some(detour) = self.begin_special(arguments) {
            return detour.lookup_or_verify(self, arguments, share);
        }
        let (hash, found) =
            self.search(arguments, |key| self.find_or_verify(arguments, key, share));
        match found {
            Ok(held) => Lookup::Hit(Hit(held)),
            Err(Some(comparison)) => Miss::of(Computation::verify(self, comparison)),
            Err(None) => self.missed(arguments, hash),
        }
    }

    /// Removes from memory what other processes have removed since the last call.
    #[cfg(feature = "persist")]
    #[inline]
    pub(crate) fn follow_removals(&self) {
        if self.removals.is_behind() {
            self.follow_now();
        }
    }

    #[cfg(feature = "persist")]
    #[cold]
    #[inline(never)]
    fn follow_now(&self) {
        if let Some(storage) = self.storage.as_ref().filter(|_| !isolation::is_on()) {
            storage.follow(self);
        }
    }

    /// Passes the key to `find` at the beginning of a call, which is observed if the function gives advice. Returns also
    /// its hash, or `None` if the arguments have no key.
    #[inline(always)]
    pub(super) fn search<A: Arguments, R>(
        &self,
        arguments: &A,
        find: impl FnOnce(&SearchKey<'_, A>) -> R,
    ) -> (Option<u64>, R) {
        let search = |key: &SearchKey<'_, A>| {
            if let Some(hash) = key.hash().filter(|hash| self.observer.observes(*hash)) {
                self.observe(arguments, hash);
            }
            (key.hash(), find(key))
        };
        SearchKey::with(arguments, &self.memory.seed, &self.key_size, search)
    }

    #[cold]
    #[inline(never)]
    fn observe<A: Arguments>(&self, arguments: &A, hash: u64) {
        if self.observe_call(hash) {
            let hit = Stopwatch::start(false);
            let find = |key: &SearchKey<'_, A>| self.find(key, false);
            let found = SearchKey::with(arguments, &self.memory.seed, &self.key_size, find);
            let (nanos, clock) = (hit.nanos(), Stopwatch::start(false).nanos());
            if found.is_some() {
                self.observe_time(nanos.saturating_sub(clock));
            }
        }
    }

    /// Returns the value that the cache holds for `key`. `counted`: a hit is counted.
    #[inline(always)]
    pub(super) fn find<A: Arguments>(
        &self,
        key: &SearchKey<'_, A>,
        counted: bool,
    ) -> Option<K::Held> {
        self.memory.get(key.hash()?, |stored| key.matches(stored), counted)
    }

    /// Returns the value that the cache holds. For `share` of the hits, returns as `Err(Some(_))` what to compare a
    /// newly computed value with. On a miss, returns `Err(None)`.
    pub(crate) fn find_or_verify<A: Arguments>(
        &self,
        arguments: &A,
        key: &SearchKey<'_, A>,
        share: f64,
    ) -> Result<K::Held, Option<Comparison<K>>>
    where
        K::Value: Serialize,
    {
        let selected = verify::should_verify(share);
        let found = self.find(key, !selected);
        let held = found
            .or_else(|| if selected { self.find_digest(arguments, key.hash()) } else { None })
            .ok_or(None)?;
        if selected { Err(Some(Comparison::new(held, Key::of(arguments)))) } else { Ok(held) }
    }

    /// Returns the value that the cache holds for long arguments, and does not count it as a hit. [`Self::find`] does
    /// not find it, because the hash of a digest is another than that of the arguments. Calls that are not verified
    /// find it in [`Self::claim_or_join`].
    #[cold]
    fn find_digest<A: Arguments>(&self, arguments: &A, hash: Option<u64>) -> Option<K::Held> {
        let written = WrittenKey::new(arguments, hash);
        let (hash, key) = written.key(&self.memory.seed).filter(|_| written.is_digest())?;
        self.memory.get(hash, |stored| stored == key, false)
    }

    #[cold]
    #[inline(never)]
    fn missed<A: Arguments>(&self, arguments: &A, hash: Option<u64>) -> Lookup<K> {
        self.missed_key(&WrittenKey::new(arguments, hash))
    }

    /// Returns the hash and the bytes of a key. If the arguments have no key, counts the call as one without a key.
    pub(crate) fn key<'w>(&self, written: &'w WrittenKey) -> Option<(u64, &'w [u8])> {
        let key = written.key(&self.memory.seed);
        if key.is_none() {
            self.counts.unkeyable.add(1);
        }
        key
    }

    /// Does the work of [`Self::missed`]. It is compiled once for each `K`, and not for each type of arguments.
    fn missed_key(&self, written: &WrittenKey) -> Lookup<K> {
        let Some((hash, key)) = self.key(written) else {
            return Miss::of(Computation::alone(self));
        };
        loop {
            let flight = match self.claim_or_join(hash, key, written.tags()) {
                NextStep::Value(held) => return Lookup::Hit(Hit(held)),
                NextStep::Lead(claim) if self.is_stored() => {
                    return self.compute_unless_found(Computation::lead(self, claim), key);
                }
                NextStep::Lead(claim) => return Miss::of(Computation::lead(self, claim)),
                NextStep::Join(flight) => flight,
            };
            let began = Arrival::now();
            let waited = flight.wait(self.thread_wait_limit());
            match Computation::after_wait(self, &flight, waited, &began) {
                Some(Ok(held)) => return Lookup::Hit(Hit(held)),
                Some(Err(computation)) if self.is_stored() => {
                    return self.compute_unless_found(computation, key);
                }
                Some(Err(computation)) => return Miss::of(computation),
                None => {}
            }
        }
    }
}

impl<K: Keep> FunctionCache<K> {
    /// Obtains a value of `written` whose computation begins after this call.
    fn renew_key(&self, written: &WrittenKey) -> Lookup<K> {
        let Some((hash, key)) = self.key(written) else {
            return Miss::of(Computation::alone(self));
        };
        let mut is_older = true;
        loop {
            let flight = match self.claim_to_renew(hash, key, written.tags()) {
                Renewal::Lead(claim) => {
                    return self.compute_unless_found(Computation::renew(self, claim), key);
                }
                Renewal::Join(flight) => flight,
            };
            let (began, tags) = (Arrival::now(), written.tags());
            let waited = flight.wait(self.thread_wait_limit());
            match Computation::after_wait_to_renew(self, &flight, waited, &began, tags, is_older) {
                Some(Ok(held)) => return Lookup::Hit(Hit(held)),
                Some(Err(computation)) => return self.compute_unless_found(computation, key),
                None => is_older = false,
            }
        }
    }

    /// Looks for the value elsewhere. If it is nowhere, the caller computes it.
    #[inline(never)]
    fn compute_unless_found(&self, mut computation: Computation<K>, key: &[u8]) -> Lookup<K> {
        match computation.await_elsewhere(key) {
            Some(held) => Lookup::Hit(Hit(held)),
            None => Miss::of(computation),
        }
    }
}

/// Where a call goes that does not look into the cache of its function.
pub(super) enum Detour<K: Keep> {
    /// It is bypassed.
    Bypass,
    /// It wants a new value of this key.
    Refresh(WrittenKey),
    /// Into the twin of the cache, with its key, and whether it wants a new value. The code is that of a miss, which
    /// finds a value too: it is there once for each `K` and not for each type of arguments.
    Twin(Arc<FunctionCache<K>>, WrittenKey, bool),
}

impl<K: Keep> Detour<K> {
    #[cold]
    fn lookup(self, function: &FunctionCache<K>) -> Lookup<K> {
        match self {
            Self::Bypass => Miss::of(Computation::bypassed(function)),
            Self::Refresh(key) => function.renew_key(&key),
            Self::Twin(twin, key, true) => twin.renew_key(&key),
            Self::Twin(twin, key, false) => twin.missed_key(&key),
        }
    }

    #[cold]
    fn lookup_or_verify<A: Arguments>(
        self,
        function: &FunctionCache<K>,
        arguments: &A,
        share: f64,
    ) -> Lookup<K>
    where
        K::Value: Serialize,
    {
        match self.comparison(arguments, share) {
            Ok((twin, comparison)) => Miss::of(Computation::verify(&twin, comparison)),
            Err(detour) => detour.lookup(function),
        }
    }

    /// For `share` of the hits, returns the twin and what to compare a newly computed value with.
    pub(super) fn comparison<A: Arguments>(
        self,
        arguments: &A,
        share: f64,
    ) -> Result<(Arc<FunctionCache<K>>, Comparison<K>), Self>
    where
        K::Value: Serialize,
    {
        let Self::Twin(twin, key, false) = &self else { return Err(self) };
        let written = key.key(&twin.memory.seed).filter(|_| verify::should_verify(share));
        let held =
            written.and_then(|(hash, key)| twin.memory.get(hash, |stored| stored == key, false));
        match held {
            Some(held) => Ok((Arc::clone(twin), Comparison::new(held, Key::of(arguments)))),
            None => Err(self),
        }
    }
}

/// The right to compute the value of one key. If a panic drops it without a value, the next caller computes.
#[must_use = "others may wait for the value"]
pub struct Miss<K: Keep> {
    computation: Computation<K>,
    computing: Option<Computing>,
    entered: Option<Entered>,
}

impl<K: Keep> Miss<K> {
    #[inline(always)]
    fn of(computation: Computation<K>) -> Lookup<K> {
        Lookup::Miss(Self::new(computation))
    }

    #[inline(always)]
    pub(super) fn new(mut computation: Computation<K>) -> Self {
        let computing = computation.computing();
        let entered = computation.enter();
        Self { computation, computing, entered }
    }

    /// If callers get an older value until this one is computed, returns the computation for another thread, and that
    /// value.
    #[cfg_attr(
        feature = "tracing",
        allow(clippy::result_large_err, reason = "the span adds to it")
    )]
    pub(super) fn behind(self) -> Result<(Computation<K>, Hit<K>), Self> {
        let Self { computation, computing, entered } = self;
        match computation.behind() {
            Ok((computation, older)) => Ok((computation, Hit(older))),
            Err(computation) => Err(Self { computation, computing, entered }),
        }
    }

    /// Stores the part of `returned` that is cached, and returns `returned`.
    // Not inlined, so that a hit does not save the registers that this function uses.
    #[cold]
    #[inline(never)]
    pub fn store(mut self, returned: K::Return) -> K::Return {
        let older = self.computation.finish(&returned, |_| true);
        self.end(returned, older)
    }

    /// Does the same, but stores nothing if `should_store` returns false.
    #[cold]
    #[inline(never)]
    pub fn store_if(
        mut self,
        returned: K::Return,
        should_store: impl FnOnce(&K::Return) -> bool,
    ) -> K::Return {
        let older = self.computation.finish(&returned, should_store);
        self.end(returned, older)
    }

    fn end(mut self, returned: K::Return, older: Option<K::Held>) -> K::Return {
        drop(self.computing);
        if let Some((writing, _)) = self.computation.take_writing() {
            writing.wait();
        }
        older.map_or(returned, K::into_return)
    }
}
