//! A counter that threads add to without sharing a cache line.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::lane::Pin;

/// Threads with a share of their own.
const SHARES: usize = 32;

#[derive(Default)]
#[repr(align(64))]
struct Share(AtomicU64);

/// Counts up; exact once the adding threads are seen to have added.
#[derive(Default)]
pub(crate) struct Counter(Box<[Share; SHARES]>, AtomicU64);

impl Counter {
    #[inline]
    pub(crate) fn add_one(&self, pin: &Pin) {
        match self.0.get(pin.number()) {
            // No other thread writes this share, so nothing is lost between the load and the store.
            Some(Share(own)) => own.store(own.load(Relaxed) + 1, Relaxed),
            None => _ = self.1.fetch_add(1, Relaxed),
        }
    }

    pub(crate) fn sum(&self) -> u64 {
        let shares = self.0.iter().map(|share| share.0.load(Relaxed)).sum::<u64>();
        shares + self.1.load(Relaxed)
    }
}

/// A plain counter for what happens rarely.
#[derive(Debug, Default)]
pub(crate) struct Tally(AtomicU64);

impl Tally {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
