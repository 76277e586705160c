//! What a function's sampler is told, and the advice that it gives. Of a function without `advise` nothing of this is
//! built.

use std::sync::atomic::Ordering::Relaxed;

use crate::advice::estimator::Times;
use crate::advice::finding::Computations;
use crate::advice::observer::Observer;
use crate::advice::sampler::{Estimate, Sampler};
use crate::advice::summary::Advice;
use crate::advice::unit::Unit;
use crate::cache::capacity::UNBOUNDED;
use crate::cache::entry::NewEntry;
use crate::eviction::price::Price;
use crate::function::function_cache::FunctionCache;
use crate::platform::clock::{self, NEVER};
use crate::statistics::stats::Stats;
use crate::value::keep::Keep;

impl<K: Keep> FunctionCache<K> {
    /// Takes a call for the key with this hash. Returns whether the caller is to measure a hit.
    pub(crate) fn observe_call(&self, hash: u64) -> bool {
        let reference = |sampler: &Sampler| sampler.reference(hash, self.times(), &|| self.calls());
        self.observer.tell(reference).unwrap_or(false)
    }

    /// Takes the time of a hit in nanoseconds.
    pub(crate) fn observe_time(&self, nanos: u64) {
        self.observer.tell(|sampler| sampler.measured(nanos));
    }

    /// Takes an entry that is put into memory.
    #[inline]
    pub(crate) fn observe_entry(&self, hash: u64, new_entry: &NewEntry<K::Held>) {
        self.observer.tell(|sampler| {
            let weight = new_entry.weight.unwrap_or(1);
            let worth = (weight, Price::of(new_entry.cost, weight));
            sampler.kept(hash, self.times(), new_entry.lifetime.expires, worth);
            sampler.resume(&|| self.calls());
        });
    }

    /// Takes a removal of an entry that is no eviction, or a computation that leaves none.
    #[inline]
    pub(crate) fn observe_removal(&self, hash: u64) {
        self.observer.tell(|sampler| sampler.removed(hash));
    }

    /// Takes the removal of all entries.
    #[inline]
    pub(crate) fn observe_clear(&self) {
        self.observer.tell(Sampler::cleared);
    }

    /// Takes the bound, at first and whenever it has changed.
    #[inline]
    pub(crate) fn observe_bound(&self) {
        self.observer.tell(|sampler| sampler.set_bound(self.bound().0));
    }

    /// Returns the bound of which there is advice, if there is one, and its unit.
    fn bound(&self) -> (Option<u64>, Unit) {
        match self.memory.max_bytes() {
            Some(max) => (Some(max), Unit::Bytes),
            None => {
                let max = Some(self.memory.max()).filter(|max| *max != UNBOUNDED);
                (max.map(|max| max as u64), Unit::Entries)
            }
        }
    }

    /// Returns the advice on the size of the cache. `stats` has all else already.
    pub(crate) fn advice(&self, stats: &Stats) -> Option<Advice> {
        self.observer.tell(|sampler| {
            let estimate = sampler.estimate(self.calls())?;
            Some(self.advice_from(estimate, stats))
        })?
    }

    fn advice_from(&self, estimate: Estimate, stats: &Stats) -> Advice {
        let (bound, unit) = self.bound();
        let count = stats.misses.saturating_sub(stats.unfinished);
        let computations = Computations { count, mean: stats.mean_compute() };
        Advice::of(estimate, computations, bound, unit)
    }

    fn times(&self) -> Times {
        let idle = self.memory.idle().unwrap_or(NEVER);
        Times { now: clock::now(), ttl: self.ttl.load(Relaxed), idle }
    }

    /// Returns the number of calls so far, without those that run.
    fn calls(&self) -> u64 {
        self.memory.calls.hits() + self.memory.calls.misses()
    }
}
