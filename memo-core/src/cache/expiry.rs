//! How long entries live: until their expiry time, after that for as long as they may be served stale, and only while
//! they are in use.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::capacity::WHOLE;
use super::entry::{EntryRef, Lifetime, NEVER_EXPIRES};
use crate::platform::clock::{self, LAG, Millis, NEVER};
use crate::statistics::departure::Departure;

pub(super) struct Expiry {
    /// For this long after its expiry time an entry may be served while another caller computes the value again, in ms.
    stale_for: AtomicU64,
    /// For this long after its last use an entry lives, in ms, or [`UNLIMITED`]. `None`: stamps tell no times.
    idle_limit: Option<AtomicU64>,
    /// How much of its time to live an entry has left when it is due to be computed again, in parts of [`WHOLE`].
    refresh_rest: u64,
    /// The longest such time of any entry, in ms: an entry that has more left is not due.
    refresh_window: AtomicU64,
    /// If the packed word of an entry is at least this, the entry depends neither on the time nor on tags.
    timeless_from: u64,
}

/// An idle limit of this is none. The sum with a time does not overflow.
const UNLIMITED: Millis = NEVER / 2;

/// The state of an entry at the current time.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Age {
    Fresh,
    /// Still a hit, but due to be computed again.
    Due,
    /// Served only while it is computed again.
    Stale,
    Expired,
}

/// In a cache with an idle limit a stamp is a time in milliseconds, and these low bits count the uses within each
/// millisecond. If there are more uses than that, stamps run ahead of the clock, and entries live longer.
const USES_BITS: u32 = 20;

/// Returns the first stamp of the time `time`.
#[inline]
pub(super) fn stamp_of(time: Millis) -> u64 {
    time << USES_BITS
}

/// The clock may have been behind at the last use. An entry must not live shorter than the limit.
fn with_lag(idle: Millis) -> Millis {
    idle.saturating_add(LAG).min(UNLIMITED)
}

impl Expiry {
    /// `tagged`: whether entries have tags.
    pub(super) fn new(
        stale_for: Millis,
        idle_limit: Option<Millis>,
        refresh_rest: u64,
        tagged: bool,
    ) -> Self {
        let is_asked = idle_limit.is_some() || tagged;
        let timeless_from = if is_asked { u64::MAX } else { NEVER_EXPIRES };
        Self {
            stale_for: AtomicU64::new(stale_for),
            idle_limit: idle_limit.map(|idle| AtomicU64::new(with_lag(idle))),
            refresh_rest,
            refresh_window: AtomicU64::new(0),
            timeless_from,
        }
    }

    /// Returns whether stamps say when an entry was used.
    pub(super) fn has_idle_limit(&self) -> bool {
        self.idle_limit.is_some()
    }

    /// Returns for how long after its expiry time an entry may be served, in ms.
    pub(super) fn stale_for(&self) -> Millis {
        self.stale_for.load(Relaxed)
    }

    pub(super) fn set_stale_for(&self, stale_for: Millis) {
        self.stale_for.store(stale_for, Relaxed);
    }

    /// Returns for how long after its last use an entry lives, in ms.
    pub(super) fn idle_limit(&self) -> Option<Millis> {
        let limit = self.idle_limit.as_ref()?.load(Relaxed);
        (limit < UNLIMITED).then_some(limit)
    }

    /// Returns the same as it was set, without what is added because the clock lags.
    pub(super) fn idle_asked(&self) -> Option<Millis> {
        self.idle_limit().map(|limit| limit - LAG)
    }

    /// Sets it. `None`: without an end. Returns false if stamps do not say when an entry was used.
    pub(super) fn set_idle_limit(&self, limit: Option<Millis>) -> bool {
        let Some(idle_limit) = &self.idle_limit else { return false };
        idle_limit.store(limit.map_or(UNLIMITED, with_lag), Relaxed);
        true
    }

    fn is_idle<H>(&self, entry: EntryRef<'_, H>, now: Millis) -> bool {
        let used = || entry.stamp().load(Relaxed) >> USES_BITS;
        self.idle_limit.as_ref().is_some_and(|idle| used() + idle.load(Relaxed) <= now)
    }

    /// Returns whether the entry depends neither on the time nor on tags.
    #[inline]
    pub(super) fn is_timeless<H>(&self, entry: EntryRef<'_, H>) -> bool {
        entry.packed_is_at_least(self.timeless_from)
    }

    /// Returns how long before its end an entry with these times is due to be computed again.
    fn rest_of(&self, lifetime: Lifetime, now: Millis) -> Millis {
        // In two halves, which do not overflow.
        let life = life(lifetime, now);
        life / WHOLE * self.refresh_rest + life % WHOLE * self.refresh_rest / WHOLE
    }

    /// Notes that there is an entry with these times.
    pub(super) fn expect_refresh(&self, lifetime: Lifetime) {
        if self.refresh_rest > 0 && lifetime.expires != NEVER {
            let rest = self.rest_of(lifetime, clock::now());
            if rest > self.refresh_window.load(Relaxed) {
                self.refresh_window.fetch_max(rest, Relaxed);
            }
        }
    }

    #[inline(never)]
    fn is_due<H>(&self, entry: EntryRef<'_, H>, now: Millis) -> bool {
        let expires = entry.expires();
        expires != NEVER
            && expires <= now + self.refresh_window.load(Relaxed)
            && expires <= now + self.rest_of(entry.lifetime(), now)
    }

    /// Returns whether the entry is a hit and not yet due to be computed again.
    pub(super) fn is_fresh<H>(&self, entry: EntryRef<'_, H>, now: Millis) -> bool {
        entry.expires() > now && !self.is_due(entry, now) && !self.is_idle(entry, now)
    }

    /// Returns whether the entry's time has ended.
    pub(super) fn is_expired<H>(&self, entry: EntryRef<'_, H>) -> bool {
        if self.is_timeless(entry) {
            return false;
        }
        let now = clock::now();
        entry.expires() <= now || self.is_idle(entry, now) || entry.has_ended()
    }

    /// Returns the time from which the entry is expired, if it is not used before.
    pub(super) fn end<H>(&self, entry: EntryRef<'_, H>) -> Millis {
        entry.expires().min(self.idle_from(entry))
    }

    /// Returns the time from which the entry is idle, if it is not used before.
    fn idle_from<H>(&self, entry: EntryRef<'_, H>) -> Millis {
        let used = || entry.stamp().load(Relaxed) >> USES_BITS;
        self.idle_limit().map_or(NEVER, |idle| used() + idle)
    }

    /// Returns the time from which the entry cannot be served any more, not even stale while it is computed again, if
    /// it is not used before.
    pub(super) fn unservable_from<H>(&self, entry: EntryRef<'_, H>) -> Millis {
        if entry.has_ended() {
            return 0;
        }
        entry.expires().saturating_add(self.stale_for()).min(self.idle_from(entry))
    }

    /// Returns why an entry leaves that cannot be served any more.
    pub(super) fn departure<H>(&self, entry: EntryRef<'_, H>, now: Millis) -> Departure {
        if entry.has_ended() {
            return Departure::Invalidated;
        }
        let is_over = entry.expires().saturating_add(self.stale_for()) <= now;
        if is_over { Departure::Expired } else { Departure::Idle }
    }

    /// Returns the state of an entry. An idle entry is expired, even if it could be served stale, because nobody has
    /// asked for it.
    pub(super) fn age<H>(&self, entry: EntryRef<'_, H>, renewable: impl Fn(&H) -> bool) -> Age {
        if self.is_timeless(entry) {
            return Age::Fresh;
        }
        let expires = entry.expires();
        let now = clock::now();
        if self.is_idle(entry, now) || entry.has_ended() {
            return Age::Expired;
        }
        let renewable = renewable(entry.held());
        if expires <= now {
            let stale = renewable && expires.saturating_add(self.stale_for()) > now;
            return if stale { Age::Stale } else { Age::Expired };
        }
        if renewable && self.is_due(entry, now) { Age::Due } else { Age::Fresh }
    }
}

/// Returns the whole time to live of a value with these times, of which some has passed. If it is not known when the
/// value was computed, returns what is left.
fn life(lifetime: Lifetime, now: Millis) -> Millis {
    let age = lifetime.computed.map_or(0, |computed| clock::wall().saturating_sub(computed));
    lifetime.expires.saturating_sub(now).saturating_add(age)
}
