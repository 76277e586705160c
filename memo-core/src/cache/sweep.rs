//! When a shard has to be searched for entries that cannot be served any more, and one such search.

use std::ops::Range;

use crate::platform::clock::{self, Millis, NEVER};

/// What a shard knows of the times at which its entries become unservable.
pub(super) struct Sweeps {
    /// No entry becomes unservable before this time.
    next_expiry: Millis,
    /// The same for the entries that were inserted since the last sweep began.
    next_inserted_expiry: Millis,
    /// How many sweeps have begun.
    begun: u64,
}

/// A search of a whole shard. The shard is locked for some buckets at a time.
pub(super) struct Sweep {
    /// Its number among the sweeps of the shard.
    number: u64,
    /// The number of buckets of the table that is searched.
    buckets: usize,
    next: usize,
    next_expiry: Millis,
}

/// How many buckets are searched under one lock, or one pin.
pub(super) const BUCKETS_AT_ONCE: usize = 64;

impl Sweeps {
    pub(super) const fn new() -> Self {
        Self { next_expiry: NEVER, next_inserted_expiry: NEVER, begun: 0 }
    }

    /// Notes that an entry becomes unservable at this time.
    pub(super) fn note(&mut self, expiry: Millis) {
        self.next_expiry = self.next_expiry.min(expiry);
        self.next_inserted_expiry = self.next_inserted_expiry.min(expiry);
    }

    /// Returns whether an entry becomes unservable some time.
    pub(super) fn has_expiring(&self) -> bool {
        self.next_expiry != NEVER
    }

    /// Returns whether an entry may be unservable now.
    pub(super) fn is_due(&self) -> bool {
        self.has_expiring() && self.next_expiry <= clock::now()
    }

    /// Begins a sweep of a table with this number of buckets.
    pub(super) fn begin(&mut self, buckets: usize) -> Sweep {
        // `next_expiry` is past until the sweep is done. So if a panic ends it, or another one overlaps it, a later one
        // searches again.
        self.next_inserted_expiry = NEVER;
        self.begun += 1;
        Sweep { number: self.begun, buckets, next: 0, next_expiry: NEVER }
    }

    /// Makes a sweep that is running count for nothing, because the entries have moved.
    pub(super) fn restart(&mut self) {
        self.begun += 1;
    }

    /// Notes what a sweep has found, once it is done.
    pub(super) fn end(&mut self, sweep: &Sweep) {
        if sweep.is_done() && sweep.number == self.begun {
            self.next_expiry = self.next_inserted_expiry.min(sweep.next_expiry);
        }
    }
}

impl Sweep {
    pub(super) fn is_done(&self) -> bool {
        self.next == self.buckets
    }

    /// Returns the buckets to search next. If the table has grown to another number of buckets, its entries have moved,
    /// so the sweep begins anew.
    pub(super) fn next_buckets(&mut self, buckets: usize) -> Range<usize> {
        if self.buckets != buckets {
            *self = Self { buckets, next: 0, next_expiry: NEVER, ..*self };
        }
        let from = self.next;
        self.next = (from + BUCKETS_AT_ONCE).min(buckets);
        from..self.next
    }

    /// Notes that an entry that stays becomes unservable at this time.
    pub(super) fn note(&mut self, expiry: Millis) {
        self.next_expiry = self.next_expiry.min(expiry);
    }
}
