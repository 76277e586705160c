//! Failed attempts to compute entries again, and when the next attempts are due.

use std::collections::HashMap;

use crate::platform::clock::Millis;

/// The keys of a shard, by their hash, whose last attempt failed. Until the next one is due, callers get the value of
/// the old entry.
pub(super) struct Retries {
    retries: Option<HashMap<u64, Retry>>,
    /// With this many, those that are long past are removed.
    purge_at: usize,
}

struct Retry {
    delay: Millis,
    due: Millis,
}

/// The first delay. It doubles with each failure.
const MIN_DELAY: Millis = 100;

/// No delay is longer than the time for which the old entry can still be served, divided by this.
const ATTEMPTS_LEFT: Millis = 8;

const MIN_PURGE: usize = 64;

impl Retries {
    pub(super) const fn new() -> Self {
        Self { retries: None, purge_at: MIN_PURGE }
    }

    /// Postpones the next attempt for a key. `left`: for how long its old entry can still be served.
    pub(super) fn postpone(&mut self, hash: u64, now: Millis, left: Millis) {
        let retries = self.retries.get_or_insert_default();
        // A key that nobody has asked for since its attempt was due begins anew.
        let is_recent = |retry: &Retry| retry.due.saturating_add(retry.delay) > now;
        let before = retries.get(&hash).filter(|retry| is_recent(retry));
        let delay = before.map_or(MIN_DELAY, |retry| retry.delay.saturating_mul(2));
        let delay = delay.min(left / ATTEMPTS_LEFT).max(1);
        retries.insert(hash, Retry { delay, due: now.saturating_add(delay) });
        if retries.len() >= self.purge_at {
            retries.retain(|_, retry| is_recent(retry));
            self.purge_at = (2 * retries.len()).max(MIN_PURGE);
        }
    }

    /// Returns whether the next attempt for a key is not due yet.
    pub(super) fn is_postponed(&self, hash: u64, now: Millis) -> bool {
        let retry = self.retries.as_ref().and_then(|retries| retries.get(&hash));
        retry.is_some_and(|retry| retry.due > now)
    }

    /// Returns whether no key has failures.
    pub(super) fn is_empty(&self) -> bool {
        self.retries.is_none()
    }

    /// Forgets the failures of a key.
    pub(super) fn reset(&mut self, hash: u64) {
        if let Some(retries) = &mut self.retries {
            retries.remove(&hash);
            if retries.is_empty() {
                self.retries = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_share_of_the_time_that_is_left() {
        let mut retries = Retries::new();
        let mut now = 0;
        for delay in [100, 200, 400, 500, 500] {
            retries.postpone(7, now, 4000);
            assert!(retries.is_postponed(7, now + delay - 1), "{delay}");
            assert!(!retries.is_postponed(7, now + delay) && !retries.is_postponed(8, now));
            now += delay;
        }
        retries.reset(7);
        retries.postpone(7, now, 4000);
        assert!(!retries.is_postponed(7, now + 100));
        for hash in 0..1000 {
            retries.postpone(hash, now + 1000 * hash, 4000);
        }
        let len = retries.retries.as_ref().map_or(0, HashMap::len);
        assert!(len < MIN_PURGE, "{len} retries are kept, of which one is recent");
        retries.reset(999);
    }
}
