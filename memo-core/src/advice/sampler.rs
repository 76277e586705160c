//! The sampled calls of a cache, taken from all threads.

use std::fmt;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::curve::{Point, points};
use super::estimator::{Estimator, Times};
use super::float;
use super::references::{ENOUGH, References};
use crate::eviction::policy::Policy;
use crate::eviction::price::Price;
use crate::platform::clock::Millis;
use crate::platform::sync::usual::{Mutex, MutexGuard};

/// A hit is measured at every 256th sampled call.
const MEASURED: u64 = 256;

/// How often a call tries to take the estimator.
const ATTEMPTS: u32 = 64;

/// Samples calls. A call that finds the sample in use for longer than it takes to add to it is lost, and counted. (Of two
/// threads that do nothing but hit, each lost half of its calls if it tried once, and loses 3 to 5 % with 64 attempts.)
pub struct Sampler {
    /// Keys whose hash is below it are sampled. Zero during a pause.
    threshold: AtomicU64,
    /// The number of calls after which a pause ends; zero if there is none.
    resumes_at: AtomicU64,
    state: Padded,
}

/// On cache lines of their own, because each hit reads the threshold.
#[repr(align(128))]
struct Padded {
    lost: AtomicU64,
    /// The shortest time of a hit that was measured, in nanoseconds.
    hit_nanos: AtomicU64,
    estimator: Mutex<Estimator>,
}

/// What the sample says.
pub(crate) struct Estimate {
    pub(super) curve: Vec<Point>,
    pub(super) references: References,
    /// Another policy, and the hit ratio that it would give.
    pub(super) rival: Option<(&'static str, f64)>,
    pub(super) sampled: u64,
    pub(super) lost: u64,
    /// The time of a hit.
    pub(super) hit: Option<Duration>,
}

impl fmt::Debug for Sampler {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler").field("threshold", &self.threshold).finish_non_exhaustive()
    }
}

impl Sampler {
    #[inline]
    pub(crate) fn new(counts_entries: bool, policy: Policy) -> Self {
        let estimator = Estimator::new(counts_entries, policy);
        Self {
            threshold: AtomicU64::new(estimator.threshold()),
            resumes_at: AtomicU64::new(0),
            state: Padded {
                lost: AtomicU64::new(0),
                hit_nanos: AtomicU64::new(u64::MAX),
                estimator: Mutex::new(estimator),
            },
        }
    }

    /// Takes the bound of the cache, now or from now on.
    pub(crate) fn set_bound(&self, bound: Option<u64>) {
        self.state.estimator.lock().set_bound(bound);
    }

    #[inline(always)]
    pub(crate) fn samples(&self, hash: u64) -> bool {
        hash < self.threshold.load(Relaxed)
    }

    /// Takes a call for the key with this hash, which is below the threshold. `calls` returns the number of calls so
    /// far. Returns whether the caller is to measure a hit.
    #[inline]
    pub(crate) fn reference(&self, hash: u64, times: Times, calls: &dyn Fn() -> u64) -> bool {
        let Some(mut estimator) = self.attempt() else {
            self.state.lost.fetch_add(1, Relaxed);
            return false;
        };
        // The threshold may have been lowered meanwhile.
        if !self.samples(hash) {
            return false;
        }
        estimator.reference(hash, times);
        if estimator.is_check_due() {
            if let Some(resumes_at) = estimator.end_window(calls()) {
                self.resumes_at.store(resumes_at, Relaxed);
            }
        }
        self.publish(&estimator);
        estimator.sampled() % MEASURED == 0
    }

    /// Returns the estimator, unless another thread has it for longer than a sample takes.
    #[inline]
    fn attempt(&self) -> Option<MutexGuard<'_, Estimator>> {
        for _ in 0..ATTEMPTS {
            if let Some(estimator) = self.state.estimator.try_lock() {
                return Some(estimator);
            }
            spin_loop();
        }
        None
    }

    /// Takes the time of a hit.
    #[inline]
    pub(crate) fn measured(&self, nanos: u64) {
        self.state.hit_nanos.fetch_min(nanos, Relaxed);
    }

    /// Takes an entry that the cache now has.
    #[inline]
    pub(crate) fn kept(&self, hash: u64, times: Times, expires: Millis, worth: (u64, Price)) {
        if self.samples(hash) {
            let estimator = self.state.estimator.try_lock();
            if let Some(mut estimator) = estimator.filter(|_| self.samples(hash)) {
                estimator.kept(hash, times, expires, worth);
                self.publish(&estimator);
            }
        }
    }

    /// Takes the removal of an entry, or that a computation left none.
    #[inline]
    pub(crate) fn removed(&self, hash: u64) {
        self.state.estimator.lock().forget(hash);
    }

    /// Takes the removal of all entries.
    #[inline]
    pub(crate) fn cleared(&self) {
        self.state.estimator.lock().forget_all();
    }

    /// Ends a pause that has been long enough. Called at misses, because without any there is nothing to learn.
    #[inline]
    pub(crate) fn resume(&self, calls: &dyn Fn() -> u64) {
        let resumes_at = self.resumes_at.load(Relaxed);
        if resumes_at == 0 {
            return;
        }
        let calls = calls();
        if calls >= resumes_at {
            let mut estimator = self.state.estimator.lock();
            if self.resumes_at.swap(0, Relaxed) != 0 {
                estimator.begin_window(calls);
                self.publish(&estimator);
            }
        }
    }

    /// Returns what the sample says, if it is large enough. `calls`: the number of calls so far.
    #[inline]
    pub(crate) fn estimate(&self, calls: u64) -> Option<Estimate> {
        let estimator = self.state.estimator.lock();
        let sampled = estimator.sampled();
        if sampled < ENOUGH {
            return None;
        }
        let lost = self.state.lost.load(Relaxed);
        // No call of a pause is in the sample.
        let calls = if self.is_paused() { estimator.calls_before() } else { calls };
        let mut sums = Vec::new();
        let lost_share = float(lost) / float(sampled + lost);
        let (references, rival) = estimator.curve(calls, lost_share, &mut |distance, sum| {
            sums.push((distance, sum));
        });
        drop(estimator);
        let nanos = self.state.hit_nanos.load(Relaxed);
        let hit = (nanos != u64::MAX).then(|| Duration::from_nanos(nanos));
        let curve = points(&sums, references.known());
        Some(Estimate { curve, references, rival, sampled, lost, hit })
    }

    #[cfg(test)]
    pub(super) fn estimator(&self) -> crate::platform::sync::usual::MutexGuard<'_, Estimator> {
        self.state.estimator.lock()
    }

    #[inline]
    fn is_paused(&self) -> bool {
        self.resumes_at.load(Relaxed) != 0
    }

    #[inline]
    fn publish(&self, estimator: &Estimator) {
        let threshold = if self.is_paused() { 0 } else { estimator.threshold() };
        if self.threshold.load(Relaxed) != threshold {
            self.threshold.store(threshold, Relaxed);
        }
    }
}
