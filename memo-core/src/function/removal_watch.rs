//! Tells on a hit whether another process has removed something, by one load of a word that processes share.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The count of removals of the directory, and how many of them are removed from memory.
#[derive(Default)]
pub(crate) struct RemovalWatch {
    /// The word that all processes count in.
    count: OnceLock<&'static AtomicU64>,
    seen: AtomicU64,
}

impl RemovalWatch {
    /// Watches `count`. Has no effect if another word is watched already.
    pub(crate) fn begin(&self, count: &'static AtomicU64) {
        let _ = self.count.set(count);
    }

    /// Returns whether something was removed since [`Self::follow`].
    #[inline]
    pub(crate) fn is_behind(&self) -> bool {
        self.count
            .get()
            .is_some_and(|count| count.load(Ordering::Acquire) != self.seen.load(Ordering::Acquire))
    }

    /// Notes that the first `removals` are removed from memory.
    pub(crate) fn follow(&self, removals: u64) {
        self.seen.store(removals, Ordering::Release);
    }
}
