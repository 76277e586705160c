//! Whether it pays that a thread remembers the values of a cache. If most of its hits are not remembered, looking for
//! them costs more than it saves, so the thread stops for a while and then tries again.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::platform::sync::MODELLED;

/// A thread remembers nothing before it has found so many values in the cache, so that one that hits rarely needs no
/// memory for it.
const FIRST: u64 = 512;
/// After so many it is judged how many were remembered instead. It takes as many to fill all places.
const OFFERS: u64 = 2048;
/// At least so many times that. If one hit in two were remembered, each would wait for a branch that was predicted wrong.
const RECALLED: u64 = 3;
/// How many calls look into the cache only, if these were fewer. A trial that fails is thus one call in 8 at most.
const SKIPPED: u64 = 1 << 16;

/// One thread and one cache. Only the thread writes it.
#[derive(Debug)]
pub(crate) struct Trial {
    skips: AtomicU64,
    offers: AtomicU64,
    /// The thread's hits when the count of offers was a multiple of [`OFFERS`] last.
    hits_before: AtomicU64,
}

impl Trial {
    pub(crate) const fn new() -> Self {
        let zero = AtomicU64::new;
        Self { skips: zero(0), offers: zero(0), hits_before: zero(0) }
    }

    /// Returns whether calls look for what is remembered.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.skips.load(Relaxed) == 0
    }

    /// Returns the same for a call that looks into the cache, and counts it.
    #[inline]
    pub(crate) fn count_call(&self) -> bool {
        let skips = self.skips.load(Relaxed);
        self.skips.store(skips.saturating_sub(1), Relaxed);
        skips == 0
    }

    /// Counts a value that was found in the cache and may be remembered. `hits`: those of the thread, with this one.
    /// Returns how many values these are, unless the thread has had so few that it need not remember any.
    pub(crate) fn offer(&self, hits: u64) -> Option<u64> {
        let offers = self.offers.load(Relaxed).wrapping_add(1);
        self.offers.store(offers, Relaxed);
        if offers % OFFERS == 0 {
            let recalled = (hits - self.hits_before.load(Relaxed)).saturating_sub(OFFERS);
            self.hits_before.store(hits, Relaxed);
            if recalled < RECALLED * OFFERS && !MODELLED {
                self.skips.store(SKIPPED, Relaxed);
            }
        }
        (offers >= FIRST || MODELLED).then_some(offers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_ends_if_few_hits_are_remembered_and_comes_again() {
        let trial = Trial::new();
        let mut hits = 0;
        // As long as a thread may remember nothing, it cannot recall anything.
        assert!((1..FIRST).all(|n| trial.offer(n).is_none()));
        hits += FIRST;
        assert_eq!(trial.offer(hits), Some(FIRST));
        for _ in FIRST..OFFERS {
            hits += 2 + RECALLED;
            trial.offer(hits);
        }
        for _ in 0..OFFERS {
            assert!(trial.is_on() && trial.count_call());
            hits += 1 + RECALLED;
            trial.offer(hits);
        }
        assert!(trial.is_on(), "three hits in four were recalled");
        for _ in 0..OFFERS {
            assert!(trial.is_on() && trial.count_call());
            hits += RECALLED;
            trial.offer(hits);
        }
        assert!(!trial.is_on());
        assert!((0..SKIPPED).all(|_| !trial.count_call()));
        assert!(trial.is_on() && trial.count_call());
    }
}
