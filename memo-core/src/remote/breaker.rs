//! Stops asking a store that does not answer, and asks again now and then (the circuit breaker of Nygard, "Release It!").

use std::time::{Duration, Instant};

use super::error::StoreError;
use super::random::random;
use crate::platform::clock;
use crate::platform::sync::usual::Mutex;

/// After this many failures in a row nothing is asked for a while.
const FAILURES: u32 = 5;
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Whether requests may be made.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    /// The failures since the last success.
    failures: u32,
    /// How long the last pause was.
    pause: Duration,
    /// When the next request may be made. `None`: at any time.
    closed_from: Option<Instant>,
}

impl Breaker {
    /// Returns whether a request may be made. After a pause, one may, and others wait for what comes of it.
    pub(super) fn allows(&self) -> bool {
        let mut state = self.0.lock();
        let Some(from) = state.closed_from else { return true };
        let now = clock::instant();
        let is_probe = from <= now;
        if is_probe {
            state.closed_from = Some(now + state.pause);
        }
        is_probe
    }

    /// Notes what came of a request.
    pub(super) fn note<T>(&self, result: &Result<T, StoreError>) {
        match result {
            // The store answers.
            Ok(_) | Err(StoreError::Refused(_)) => self.close(),
            // Who knows that there is no connection need not be spared. But the store may take time to notice.
            Err(StoreError::TimedOut | StoreError::Disconnected(_)) => self.fail(),
        }
    }

    /// Allows requests again.
    pub(super) fn close(&self) {
        *self.0.lock() = State::default();
    }

    fn fail(&self) {
        let mut state = self.0.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.pause = (state.pause * 2).clamp(MIN_PAUSE, MAX_PAUSE);
            // Between a half and all of it, so that the processes do not ask at the same moment.
            let half = state.pause / 2;
            let jitter = half.mul_f64(f64::from(random() as u32) / f64::from(u32::MAX));
            state.closed_from = Some(clock::instant() + half + jitter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURE: Result<(), StoreError> = Err(StoreError::TimedOut);

    #[test]
    fn failures_in_a_row_stop_requests_and_a_success_allows_them() {
        let breaker = Breaker::default();
        for _ in 1..FAILURES {
            breaker.note(&FAILURE);
        }
        breaker.note(&Ok(()));
        for _ in 0..FAILURES {
            assert!(breaker.allows());
            breaker.note(&FAILURE);
        }
        assert!(!breaker.allows());
        breaker.note(&Ok(()));
        assert!(breaker.allows());
    }

    #[test]
    fn one_request_finds_out_whether_the_store_answers() {
        let breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.note(&FAILURE));
        let end = clock::instant() + MIN_PAUSE;
        while !breaker.allows() {
            assert!(clock::instant() < end + Duration::from_secs(10));
            std::thread::yield_now();
        }
        assert!(!breaker.allows(), "others wait");
        // Its failure makes the pause longer.
        breaker.note(&FAILURE);
        assert_eq!(breaker.0.lock().pause, 2 * MIN_PAUSE);
    }
}
