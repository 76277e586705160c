//! How many bytes a directory may take, and how they are shared out.
//!
//! While a snapshot is written, the former one and the logs are still there. So a snapshot may take three eighths, the
//! former one as much, the logs an eighth before they are merged, and another eighth is left for what is written until
//! the merge has ended. Values that are kept apart are not copied, so a byte of them counts half in a snapshot.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A lower limit counts as this one: the parts of a directory that do not depend on its records take a tenth of it.
const LEAST: u64 = 1 << 20;
/// Below this limit, a value that is kept apart may be too large a part of it.
const SMALL: u64 = 8 << 20;

/// The most bytes of a directory.
pub(crate) struct DiskLimit {
    /// `u64::MAX`: any number.
    max: AtomicU64,
    /// The bytes of a value for which there was no room. The next merge leaves out so much more.
    wanted: AtomicU64,
}

impl DiskLimit {
    pub(crate) fn none() -> Self {
        Self { max: AtomicU64::new(u64::MAX), wanted: AtomicU64::new(0) }
    }

    pub(crate) fn set(&self, max: u64) {
        self.max.store(max.max(LEAST), Relaxed);
    }

    /// Returns the limit. `None`: there is none.
    pub(crate) fn get(&self) -> Option<u64> {
        Some(self.max.load(Relaxed)).filter(|max| *max != u64::MAX)
    }

    /// Returns the most bytes of a snapshot.
    pub(crate) fn snapshot(&self) -> u64 {
        self.get().map_or(u64::MAX, |max| max / 8 * 3)
    }

    /// Returns the most bytes of logs before they are merged, at most `usual`.
    pub(crate) fn logs(&self, usual: u64) -> u64 {
        self.get().map_or(usual, |max| usual.min(max / 8))
    }

    /// Returns by how many bytes logs may exceed that before writers wait, or how many bytes of a log a snapshot has
    /// when the log is ended; at most `usual`.
    pub(crate) fn excess(&self, usual: u64) -> u64 {
        self.get().map_or(usual, |max| usual.min(max / 16))
    }

    /// Returns the most bytes of a value if so many may be written at once. A small one is in the logs.
    pub(crate) fn value(&self, writers: u64) -> u64 {
        let half = |max| max / 2 / writers;
        self.get()
            .map_or(u64::MAX, |max| if max < SMALL { half(max).min(max / 8) } else { half(max) })
    }

    /// Makes the next merge leave so much room.
    pub(crate) fn want(&self, len: u64) {
        self.wanted.fetch_max(len.min(self.get().unwrap_or_default() / 2), Relaxed);
    }

    pub(crate) fn has_wanted(&self) -> bool {
        self.wanted.load(Relaxed) > 0
    }

    /// Returns the most bytes of the snapshot that a merge writes now.
    pub(crate) fn next_snapshot(&self) -> u64 {
        self.snapshot().saturating_sub(self.wanted.swap(0, Relaxed).div_ceil(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_within_the_limit() {
        let limit = DiskLimit::none();
        assert_eq!((limit.get(), limit.snapshot(), limit.logs(7)), (None, u64::MAX, 7));
        for max in [0, 100_000, 10 << 20, 10 << 30, u64::MAX - 1] {
            limit.set(max);
            let parts = u128::from(limit.snapshot()) * 2
                + u128::from(limit.logs(u64::MAX))
                + u128::from(limit.excess(u64::MAX));
            assert!(parts < u128::from(limit.get().unwrap()), "{max}");
            assert!(limit.value(2) <= limit.get().unwrap() / 4);
            limit.want(1000);
            assert!(limit.has_wanted() && limit.next_snapshot() == limit.snapshot() - 500);
            assert!(!limit.has_wanted() && limit.next_snapshot() == limit.snapshot());
        }
    }
}
