//! The stamps by which the entries of a shard are ordered: a count of uses.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::steps::{self, STEPS_PER_SHARD};

/// A count of uses, from which each entry is stamped when it is used. A larger shard counts uses in steps of a 64th of
/// its entries, and the entries used in one step count as equally recent. An entry that was stamped only a few steps
/// ago is not stamped again, so that a hot entry is not written at every hit, and no entry is written in a cache that
/// never fills.
pub(crate) struct Stamps {
    /// The stamp of the next use. The bits that count uses are zero.
    uses: AtomicU64,
    /// The bits of stamps that count the uses of an entry, lowest first, or 0.
    count_mask: u64,
    /// Whether every use has a stamp of its own. If not, uses are counted in steps.
    exact: AtomicBool,
    /// An entry is not stamped again until `uses` exceeds its stamp by more than this.
    slack: AtomicU64,
    /// Whether entries were evicted. True from the start if there is a bound on weight, because it is not known before
    /// the first eviction how many entries there is room for.
    evicts: AtomicBool,
    /// The shard's part of the bound on entries.
    share: AtomicUsize,
    /// Elsewhere, so that the other fields share a cache line with what else a hit reads of the shard.
    in_step: Box<InStep>,
}

/// The number of uses since the count last changed. On a cache line of its own, because it is written far more often.
#[repr(align(128))]
struct InStep(AtomicU64);

impl Stamps {
    /// `share`: the shard's part of the bound on entries. `weighed`: whether there is a bound on weight too.
    pub(crate) fn new(exact: bool, share: usize, weighed: bool, count_mask: u64) -> Self {
        let stamps = Self {
            uses: AtomicU64::new(count_mask + 1),
            count_mask,
            exact: AtomicBool::new(exact),
            slack: AtomicU64::new(0),
            evicts: AtomicBool::new(weighed),
            share: AtomicUsize::new(share),
            in_step: Box::new(InStep(AtomicU64::new(0))),
        };
        stamps.update_slack();
        stamps
    }

    /// Returns the count of uses.
    #[inline]
    pub(crate) fn uses(&self) -> u64 {
        self.uses.load(Relaxed)
    }

    /// Returns from which count of uses on the next use of an entry with that stamp has to be noted. If another thread
    /// uses the entry meanwhile, its stamp may be greater than the count.
    #[inline]
    pub(crate) fn noted_until(&self, stamp: &AtomicU64) -> u64 {
        stamp.load(Relaxed) + self.slack.load(Relaxed)
    }

    /// Stamps an entry that is used. `capacity`: for how many entries the table of the shard has room.
    #[cold]
    pub(crate) fn mark(&self, stamp: &AtomicU64, capacity: usize) {
        // If another thread counts at the same time, one use is not counted.
        let count = (self.count_of(stamp.load(Relaxed)) + 1).min(self.count_mask);
        if self.exact.load(Relaxed) {
            stamp.fetch_max(self.advance() | count, Relaxed);
        } else {
            stamp.store(self.uses.load(Relaxed) | count, Relaxed);
            self.step(capacity);
        }
    }

    /// Returns how many uses of its entry a stamp counts.
    pub(crate) fn count_of(&self, stamp: u64) -> u64 {
        stamp & self.count_mask
    }

    /// Returns the stamp of an insertion. `capacity`: as above.
    pub(crate) fn insertion(&self, capacity: usize) -> u64 {
        if self.exact.load(Relaxed) {
            return self.advance();
        }
        self.step(capacity);
        self.uses.load(Relaxed)
    }

    /// Raises the stamps of later uses to `first` at least.
    pub(crate) fn raise(&self, first: u64) {
        if self.uses.load(Relaxed) < first {
            self.uses.fetch_max(first, Relaxed);
        }
    }

    /// Sets the shard's part of the bound on entries. Returns whether uses are noted earlier from now on.
    pub(crate) fn set_share(&self, share: usize) -> bool {
        self.share.store(share, Relaxed);
        self.update_slack()
    }

    /// Ends that every use has a stamp of its own. Returns the same.
    pub(crate) fn count_in_steps(&self) -> bool {
        self.exact.store(false, Relaxed);
        self.update_slack()
    }

    /// Notes that entries are evicted. `share`: how many there is room for, if that was not known before. Returns the
    /// same.
    pub(crate) fn evict(&self, share: Option<usize>) -> bool {
        self.evicts.store(true, Relaxed);
        if let Some(share) = share {
            self.share.store(share, Relaxed);
        }
        self.update_slack()
    }

    /// Sets how rarely entries are stamped. Returns whether uses are noted earlier from now on.
    fn update_slack(&self) -> bool {
        let share = self.share.load(Relaxed);
        let slack = steps::slack(share, self.exact.load(Relaxed), self.evicts.load(Relaxed));
        let slack = slack as u64 * (self.count_mask + 1);
        self.slack.swap(slack, Relaxed) > slack
    }

    /// Advances the stamp of the next use. Returns the present one.
    fn advance(&self) -> u64 {
        self.uses.fetch_add(self.count_mask + 1, Relaxed)
    }

    /// Counts a use. If another thread counts at the same time, one use is not counted. That only makes the step a
    /// little longer.
    fn step(&self, capacity: usize) {
        let in_step = self.in_step.0.load(Relaxed) + 1;
        let full = self.share.load(Relaxed).min(4 * capacity);
        if in_step * STEPS_PER_SHARD as u64 > full as u64 {
            self.in_step.0.store(0, Relaxed);
            self.advance();
        } else {
            self.in_step.0.store(in_step, Relaxed);
        }
    }
}
