//! Failed attempts to compute entries again, and when the next attempts are due.

use crate::platform::clock::Millis;

/// The keys of a shard whose last attempt failed. Until the next one is due, callers get the value of the old entry.
pub(super) struct Retries(Vec<Retry>);

struct Retry {
    hash: u64,
    delay: Millis,
    due: Millis,
}

/// The first delay. It doubles with each failure.
const MIN_DELAY: Millis = 100;

/// No delay is longer than the time for which the old entry can still be served, divided by this.
const ATTEMPTS_LEFT: Millis = 8;

impl Retries {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Postpones the next attempt for a key. `left`: for how long its old entry can still be served.
    pub(super) fn postpone(&mut self, hash: u64, now: Millis, left: Millis) {
        let before = self.0.iter().find(|retry| retry.hash == hash);
        let delay = before.map_or(MIN_DELAY, |retry| retry.delay.saturating_mul(2));
        let delay = delay.min(left / ATTEMPTS_LEFT).max(1);
        // A key that nobody has asked for since its attempt was due begins anew.
        self.0.retain(|retry| retry.hash != hash && retry.due.saturating_add(retry.delay) > now);
        self.0.push(Retry { hash, delay, due: now.saturating_add(delay) });
    }

    /// Returns whether the next attempt for a key is not due yet.
    pub(super) fn is_postponed(&self, hash: u64, now: Millis) -> bool {
        self.0.iter().any(|retry| retry.hash == hash && retry.due > now)
    }

    /// Forgets the failures of a key.
    pub(super) fn reset(&mut self, hash: u64) {
        if !self.0.is_empty() {
            self.0.retain(|retry| retry.hash != hash);
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
        retries.postpone(8, now + 1000, 4000);
        assert_eq!(retries.0.len(), 1, "what is long past is forgotten");
    }
}
