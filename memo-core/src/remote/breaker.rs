//! Stops asking a store that does not answer, and asks again now and then (the circuit breaker of Nygard, "Release It!").

use std::time::Duration;

use super::error::StoreError;
use super::random::random_share;
use crate::platform::clock::{self, Instant};
use crate::platform::sync::usual::Mutex;

const MIN_PAUSE: Duration = Duration::from_millis(100);

/// Whether requests may be made.
pub(super) struct Breaker {
    /// After this many failures in a row nothing is asked for a while.
    max_failures: u32,
    /// The longest such while.
    max_pause: Duration,
    state: Mutex<State>,
}

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
    pub(super) fn new(max_failures: u32, max_pause: Duration) -> Self {
        Self { max_failures, max_pause, state: Mutex::default() }
    }

    /// Returns whether a request may be made. After a pause, one may, and others wait for what comes of it.
    pub(super) fn allows(&self) -> bool {
        let mut state = self.state.lock();
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
        *self.state.lock() = State::default();
    }

    fn fail(&self) {
        let mut state = self.state.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.max_failures {
            state.pause = (state.pause * 2).clamp(MIN_PAUSE.min(self.max_pause), self.max_pause);
            // Between a half and all of it, so that the processes do not ask at the same moment.
            let half = state.pause / 2;
            let jitter = half.mul_f64(random_share());
            state.closed_from = Some(clock::instant() + half + jitter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURES: u32 = 5;
    const FAILURE: Result<(), StoreError> = Err(StoreError::TimedOut);

    #[test]
    fn failures_in_a_row_stop_requests_and_a_success_allows_them() {
        let breaker = Breaker::new(FAILURES, Duration::from_secs(10));
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
        let breaker = Breaker::new(FAILURES, Duration::from_secs(10));
        (0..FAILURES).for_each(|_| breaker.note(&FAILURE));
        let end = clock::instant() + MIN_PAUSE;
        while !breaker.allows() {
            assert!(clock::instant() < end + Duration::from_secs(10));
            std::thread::yield_now();
        }
        assert!(!breaker.allows(), "others wait");
        // Its failure makes the pause longer.
        breaker.note(&FAILURE);
        assert_eq!(breaker.state.lock().pause, 2 * MIN_PAUSE);
    }
}
