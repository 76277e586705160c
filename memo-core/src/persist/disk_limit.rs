//! How many bytes a directory may take, and how they are shared out.
//!
//! While a snapshot is written, the former one and the logs are still there. So a snapshot may take three eighths, the
//! former one as much, the logs an eighth before they are merged, and another eighth is left for what is written until
//! the merge has ended.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::frame::HEAD;
use super::snapshot::SHARE;

/// A lower limit counts as this one: the parts of a directory that do not depend on its records take a tenth of it.
const LEAST: u64 = 1 << 20;

/// The most bytes of a directory. `u64::MAX`: any number.
pub(crate) struct DiskLimit(AtomicU64);

impl DiskLimit {
    pub(crate) fn none() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }

    pub(crate) fn set(&self, max: u64) {
        self.0.store(max.max(LEAST), Relaxed);
    }

    /// Returns the limit. `None`: there is none.
    pub(crate) fn get(&self) -> Option<u64> {
        Some(self.0.load(Relaxed)).filter(|max| *max != u64::MAX)
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

    /// Returns whether the record of a value of `len` bytes can be kept at all.
    pub(crate) fn admits(&self, len: usize) -> bool {
        (len + HEAD) as u64 + SHARE <= self.logs(u64::MAX)
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
            assert!(
                limit.admits(100) && !limit.admits(usize::try_from(limit.logs(1 << 62)).unwrap())
            );
        }
    }
}
