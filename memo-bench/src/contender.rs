//! One way to cache results, as a loop that can be timed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::access::mix;

type Loop = Box<dyn Fn(&[u32]) -> u64 + Send + Sync>;

pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// Makes one call for each index, and returns the sum of the results.
    pub(crate) run: Loop,
    /// Runs before each round. Its time is not measured.
    pub(crate) prepare: Box<dyn Fn() + Send + Sync>,
}

impl Contender {
    /// Returns a contender that calls `f` for the keys at the given indexes.
    pub(crate) fn over<K: Send + Sync + 'static>(
        name: &'static str,
        keys: &Arc<[K]>,
        f: impl Fn(&K) -> u64 + Send + Sync + 'static,
    ) -> Self {
        let keys = Arc::clone(keys);
        let run = move |order: &[u32]| {
            let call = |sum: u64, &at: &u32| sum.wrapping_add(f(&keys[at as usize]));
            order.iter().fold(0, call)
        };
        Self { name, run: Box::new(run), prepare: Box::new(|| ()) }
    }

    /// Returns a contender that calls `f` for keys that were never requested before.
    pub(crate) fn fresh(
        name: &'static str,
        f: impl Fn(u64) -> u64 + Send + Sync + 'static,
        prepare: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let next = AtomicU64::new(0);
        let run = move |order: &[u32]| {
            let first = next.fetch_add(order.len() as u64, Relaxed);
            let keys = first..first + order.len() as u64;
            keys.fold(0, |sum: u64, n| sum.wrapping_add(f(mix(n))))
        };
        Self { name, run: Box::new(run), prepare: Box::new(prepare) }
    }

    /// Clears the cache once, now, because an earlier case may have filled it. Later rounds keep its entries.
    pub(crate) fn prepared_once(self) -> Self {
        (self.prepare)();
        Self { prepare: Box::new(|| ()), ..self }
    }
}
