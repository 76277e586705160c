//! Counters: of calls, which threads add to without sharing a cache line, and of what happens rarely.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::epoch::participant::EpochGuard;

/// Threads with a share of their own.
const SHARES: usize = 32;

/// What one thread counts.
#[repr(align(64))]
struct ThreadCounters {
    hits: AtomicU64,
    misses: AtomicU64,
    nanos: AtomicU64,
}

impl ThreadCounters {
    const fn new() -> Self {
        Self { hits: AtomicU64::new(0), misses: AtomicU64::new(0), nanos: AtomicU64::new(0) }
    }
}

/// CallCounters that were answered, calls that computed and how long that took; exact once those who count are seen to have
/// counted.
pub(crate) struct CallCounters {
    own: Box<[ThreadCounters; SHARES]>,
    /// Of threads without one of their own.
    others: ThreadCounters,
}

impl CallCounters {
    pub(crate) fn new() -> Self {
        Self {
            own: Box::new([const { ThreadCounters::new() }; SHARES]),
            others: ThreadCounters::new(),
        }
    }

    #[inline]
    pub(crate) fn hit(&self, pin: &EpochGuard) {
        self.add(pin, |share| &share.hits, 1);
    }

    pub(crate) fn miss(&self, pin: &EpochGuard, nanos: u64) {
        self.add(pin, |share| &share.misses, 1);
        self.add(pin, |share| &share.nanos, nanos);
    }

    #[inline]
    fn add(&self, pin: &EpochGuard, count: impl Fn(&ThreadCounters) -> &AtomicU64, n: u64) {
        match self.own.get(pin.index()) {
            // No other thread writes this share, so nothing is lost between the load and the store.
            Some(share) => {
                let count = count(share);
                count.store(count.load(Relaxed) + n, Relaxed);
            }
            None => _ = count(&self.others).fetch_add(n, Relaxed),
        }
    }

    /// Do computations take less than `nanos` on average, as far as this thread knows? It knows after some.
    pub(crate) fn are_short(&self, pin: &EpochGuard, nanos: u64) -> bool {
        const SOME: u64 = 128;
        let share = self.own.get(pin.index()).unwrap_or(&self.others);
        let misses = share.misses.load(Relaxed);
        misses >= SOME && share.nanos.load(Relaxed) / nanos < misses
    }

    pub(crate) fn hits(&self) -> u64 {
        self.sum(|share| &share.hits)
    }

    pub(crate) fn misses(&self) -> u64 {
        self.sum(|share| &share.misses)
    }

    pub(crate) fn nanos(&self) -> u64 {
        self.sum(|share| &share.nanos)
    }

    /// The mean time of a computation; zero when there was none.
    pub(crate) fn mean(&self) -> Duration {
        mean(Duration::from_nanos(self.nanos()), self.misses())
    }

    fn sum(&self, count: fn(&ThreadCounters) -> &AtomicU64) -> u64 {
        let mut sum = count(&self.others).load(Relaxed);
        for share in self.own.iter() {
            sum += count(share).load(Relaxed);
        }
        sum
    }
}

pub(crate) fn mean(total: Duration, count: u64) -> Duration {
    let nanos = total.as_nanos().checked_div(u128::from(count)).unwrap_or(0);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A plain counter for what happens rarely.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
