//! How long entries live: to a time of their own, after it for as long as they may be stale, and while they are used.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::entry::{ENDLESS, Entry};
use crate::platform::clock::{self, LAG, Millis, NEVER};

pub(super) struct Expiry {
    /// For so long after its end an entry may be served while another is computed.
    stale_for: Millis,
    /// For so long after its last use an entry lives.
    idle_limit: Option<Millis>,
    /// So long before its end an entry is to be computed anew.
    refresh_window: AtomicU64,
    /// Entries whose word with the end is no less have no time at all to look at.
    timeless_from: u64,
}

/// What the time makes of an entry.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Age {
    Fresh,
    /// NewEntry, and to be computed anew.
    Due,
    /// To be served only while it is computed anew.
    Stale,
    Expired,
}

/// In a cache whose entries can be idle, stamps count uses from here on up within each millisecond. More uses than that
/// make the clock of stamps go ahead, so that entries live longer.
const USES_BITS: u32 = 20;

/// The first stamp of a time.
#[inline]
pub(super) fn stamp_of(time: Millis) -> u64 {
    time << USES_BITS
}

impl Expiry {
    pub(super) fn new(stale_for: Millis, idle_limit: Option<Millis>) -> Self {
        // The clock may have been behind at the last use: an entry lives no shorter than asked.
        let idle_limit = idle_limit.map(|idle| idle.saturating_add(LAG));
        let timeless_from = if idle_limit.is_some() { u64::MAX } else { ENDLESS };
        Self { stale_for, idle_limit, refresh_window: AtomicU64::new(0), timeless_from }
    }

    /// Do stamps say when an entry was used?
    pub(super) fn has_idle_limit(&self) -> bool {
        self.idle_limit.is_some()
    }

    fn is_idle<H>(&self, entry: &Entry<H>, now: Millis) -> bool {
        let used = || entry.stamp().load(Relaxed) >> USES_BITS;
        self.idle_limit.is_some_and(|idle| used().saturating_add(idle) <= now)
    }

    /// Does the time make no difference to an entry?
    #[inline]
    pub(super) fn is_timeless<H>(&self, entry: &Entry<H>) -> bool {
        entry.outlasts(self.timeless_from)
    }

    fn refresh_window_of<H>(&self, entry: &Entry<H>) -> Millis {
        if entry.is_never_refreshed() { 0 } else { self.refresh_window.load(Relaxed) }
    }

    pub(super) fn refresh_window(&self) -> Millis {
        self.refresh_window.load(Relaxed)
    }

    /// Is it a hit without more ado?
    pub(super) fn is_fresh<H>(&self, entry: &Entry<H>, now: Millis) -> bool {
        let expires = entry.expires();
        let due = expires != NEVER && expires <= now + self.refresh_window_of(entry);
        !due && !self.is_idle(entry, now)
    }

    /// Has its time ended?
    pub(super) fn is_expired<H>(&self, entry: &Entry<H>) -> bool {
        if self.is_timeless(entry) {
            return false;
        }
        let now = clock::now();
        entry.expires() <= now || self.is_idle(entry, now)
    }

    /// Is it of no more use, not even while another is computed?
    pub(super) fn is_gone<H>(&self, entry: &Entry<H>, now: Millis) -> bool {
        entry.expires().saturating_add(self.stale_for) <= now || self.is_idle(entry, now)
    }

    /// What is idle is over: nobody has asked for it, stale or not.
    pub(super) fn age<H>(&self, entry: &Entry<H>, renewable: impl Fn(&H) -> bool) -> Age {
        if self.is_timeless(entry) {
            return Age::Fresh;
        }
        let expires = entry.expires();
        let now = clock::now();
        if self.is_idle(entry, now) {
            return Age::Expired;
        }
        let renewable = renewable(entry.held());
        if expires <= now {
            let stale = renewable && expires.saturating_add(self.stale_for) > now;
            return if stale { Age::Stale } else { Age::Expired };
        }
        let due = renewable && expires != NEVER && expires <= now + self.refresh_window_of(entry);
        if due { Age::Due } else { Age::Fresh }
    }

    /// Has entries computed anew so long before they end.
    pub(super) fn set_refresh_window(&self, window: Millis) {
        // So that it can be added to a time.
        self.refresh_window.store(window.min(NEVER / 2), Relaxed);
    }
}
