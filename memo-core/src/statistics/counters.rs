//! Counters. Threads count calls without sharing a cache line. A plain counter counts rare events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::epoch::participant::EpochGuard;
use crate::front::trial::Trial;

/// The number of threads that have their own counters.
const THREADS: usize = 32;

/// The counters of one thread, in a cache line of their own.
#[repr(align(64))]
struct ThreadCounters {
    hits: AtomicU64,
    misses: AtomicU64,
    /// The time of the misses that returned.
    nanos: AtomicU64,
    /// The same without the time of the computations within them.
    own_nanos: AtomicU64,
    /// Misses that did not return: panics, and futures that were dropped.
    unfinished: AtomicU64,
    trial: Trial,
}

impl ThreadCounters {
    const fn new() -> Self {
        Self {
            trial: Trial::new(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
            own_nanos: AtomicU64::new(0),
            unfinished: AtomicU64::new(0),
        }
    }
}

/// Counts hits, misses and the time of computations. The sums are exact once the writes of all counting threads are
/// visible to the reader. A clone counts into the same counters.
#[derive(Clone)]
pub(crate) struct CallCounters(Arc<Counters>);

struct Counters {
    per_thread: [ThreadCounters; THREADS],
    /// The counters of all threads without their own.
    shared: ThreadCounters,
    recovered: Recovered,
}

/// What recovery found of other runs.
#[derive(Default)]
struct Recovered {
    entries: AtomicU64,
    /// The mean own time of their computations, or zero if it is not known.
    mean_nanos: AtomicU64,
}

impl CallCounters {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Counters {
            per_thread: [const { ThreadCounters::new() }; THREADS],
            shared: ThreadCounters::new(),
            recovered: Recovered::default(),
        }))
    }

    /// Records how many entries recovery restored, and the mean own time of the computations of its records, or zero if
    /// that is not known.
    pub(crate) fn set_recovered(&self, entries: u64, mean: Duration) {
        let nanos = u64::try_from(mean.as_nanos()).unwrap_or(u64::MAX);
        self.0.recovered.entries.store(entries, Relaxed);
        self.0.recovered.mean_nanos.store(nanos, Relaxed);
    }

    #[inline]
    pub(crate) fn hit(&self, guard: &EpochGuard) {
        self.add(guard, |counters| &counters.hits, 1);
    }

    /// Returns the counters of the thread whose participant has this number, if it has its own and it pays that it
    /// remembers values.
    #[inline]
    pub(crate) fn recalling(&self, thread: usize) -> Option<Recalling<'_>> {
        self.0.per_thread.get(thread).filter(|own| own.trial.is_on()).map(Recalling)
    }

    /// Returns the same for a call that looks into the cache.
    #[inline]
    pub(crate) fn remembering(&self, guard: &EpochGuard) -> Option<Recalling<'_>> {
        self.0.per_thread.get(guard.index()).filter(|own| own.trial.count_call()).map(Recalling)
    }

    /// Counts a miss that took `nanos`, of which `own_nanos` were not spent in computations within it.
    pub(crate) fn miss(&self, guard: &EpochGuard, nanos: u64, own_nanos: u64) {
        self.add(guard, |counters| &counters.misses, 1);
        self.add(guard, |counters| &counters.nanos, nanos);
        self.add(guard, |counters| &counters.own_nanos, own_nanos);
    }

    /// Counts a miss that did not return. Its time says nothing about how long a computation takes: the future of one
    /// may have been held for any time before it was dropped.
    pub(crate) fn unfinished_miss(&self, guard: &EpochGuard) {
        self.add(guard, |counters| &counters.misses, 1);
        self.add(guard, |counters| &counters.unfinished, 1);
    }

    #[inline]
    fn add(&self, guard: &EpochGuard, count: impl Fn(&ThreadCounters) -> &AtomicU64, amount: u64) {
        match self.0.per_thread.get(guard.index()) {
            // No other thread writes these counters, so no count is lost between the load and the store.
            Some(counters) => {
                let counter = count(counters);
                counter.store(counter.load(Relaxed) + amount, Relaxed);
            }
            None => _ = count(&self.0.shared).fetch_add(amount, Relaxed),
        }
    }

    /// Reports whether computations take less than `nanos` on average, judged by the counters of this thread. It is
    /// false until these count enough computations.
    pub(crate) fn are_short(&self, guard: &EpochGuard, nanos: u64) -> bool {
        const ENOUGH: u64 = 128;
        let counters = self.0.per_thread.get(guard.index()).unwrap_or(&self.0.shared);
        let misses = counters.misses.load(Relaxed);
        misses >= ENOUGH && counters.nanos.load(Relaxed) / nanos < misses
    }

    /// Returns whether the next computation of this thread is one of the few that are timed exactly even if
    /// computations are short.
    pub(crate) fn is_sampled(&self, guard: &EpochGuard) -> bool {
        const ONE_IN: u64 = 64;
        let counters = self.0.per_thread.get(guard.index()).unwrap_or(&self.0.shared);
        counters.misses.load(Relaxed) % ONE_IN == 0
    }

    pub(crate) fn hits(&self) -> u64 {
        self.sum(|counters| &counters.hits)
    }

    pub(crate) fn misses(&self) -> u64 {
        self.sum(|counters| &counters.misses)
    }

    /// Returns the time of all computations that returned. What runs within another computation counts only once.
    pub(crate) fn own_nanos(&self) -> u64 {
        self.sum(|counters| &counters.own_nanos)
    }

    pub(crate) fn unfinished(&self) -> u64 {
        self.sum(|counters| &counters.unfinished)
    }

    /// Returns the mean time from the beginning of a computation to its return, or zero if none has returned.
    pub(crate) fn mean(&self) -> Duration {
        mean(Duration::from_nanos(self.sum(|counters| &counters.nanos)), self.finished())
    }

    pub(crate) fn recovered(&self) -> u64 {
        self.0.recovered.entries.load(Relaxed)
    }

    /// Returns the mean own time of the computations that recovery found, or zero if it is not known.
    pub(crate) fn recovered_mean(&self) -> Duration {
        Duration::from_nanos(self.0.recovered.mean_nanos.load(Relaxed))
    }

    fn finished(&self) -> u64 {
        self.misses().saturating_sub(self.unfinished())
    }

    fn sum(&self, count: fn(&ThreadCounters) -> &AtomicU64) -> u64 {
        let mut sum = count(&self.0.shared).load(Relaxed);
        for counters in self.0.per_thread.iter() {
            sum += count(counters).load(Relaxed);
        }
        sum
    }
}

/// The counters of a thread that remembers values.
pub(crate) struct Recalling<'a>(&'a ThreadCounters);

impl Recalling<'_> {
    /// Counts a hit.
    #[inline]
    pub(crate) fn hit(&self) {
        self.0.hits.store(self.0.hits.load(Relaxed) + 1, Relaxed);
    }

    /// See [`Trial::offer`]. The hit is counted.
    pub(crate) fn offer(&self) -> Option<u64> {
        self.0.trial.offer(self.0.hits.load(Relaxed))
    }
}

pub(crate) fn mean(total: Duration, count: u64) -> Duration {
    // 64 bits are 584 years, and a page would carry the code of a wider division.
    let total = u64::try_from(total.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(total.checked_div(count).unwrap_or(0))
}

/// A plain counter for rare events.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
