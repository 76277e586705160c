//! How often an entry was used since its eviction policy looked last. The lowest bits of the stamp count it, in a shard
//! whose policy asks: a hit writes the stamp anyway. It does not depend on the type of the value.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::price::Price;

/// Uses are counted up to this. It is also the mask of the bits that count.
pub(crate) const MAX_USES: u64 = 3;

/// What a policy knows of an entry.
#[derive(Clone, Copy)]
pub(crate) struct Uses<'a> {
    stamp: &'a AtomicU64,
    /// The lower half of the key's hash.
    pub(crate) hash: u32,
    /// In a cache whose policy asks for it.
    pub(crate) price: Price,
}

impl<'a> Uses<'a> {
    #[inline]
    pub(crate) fn new(stamp: &'a AtomicU64, hash: u32, price: Price) -> Self {
        Self { stamp, hash, price }
    }

    #[inline]
    pub(crate) fn stamp(self) -> u64 {
        self.stamp.load(Relaxed)
    }

    /// Takes one use from the count. Returns false if there is none. The caller holds the lock of the shard, so nobody
    /// else lowers the count.
    #[inline]
    pub(crate) fn take_one(self) -> bool {
        let is_used = self.stamp() & MAX_USES != 0;
        if is_used {
            self.stamp.fetch_sub(1, Relaxed);
        }
        is_used
    }

    /// Takes all uses from the count, and returns how many these are.
    #[inline]
    pub(crate) fn take_all(self) -> u64 {
        self.stamp.fetch_and(!MAX_USES, Relaxed) & MAX_USES
    }
}
