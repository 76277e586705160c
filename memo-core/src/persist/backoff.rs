//! What went wrong, and when to try again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::platform::sync::usual::Mutex;

use crate::error::Error;

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LAST_DELAY: Duration = Duration::from_secs(300);
const NO_RETRY: u64 = u64::MAX;

/// Failures so far, and the backoff of the next attempt to heal.
pub(crate) struct Backoff {
    began: Instant,
    errors: AtomicU64,
    /// Milliseconds after `began`, so that asking costs one load while all is well.
    retry_at: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<Error>,
    delay: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            errors: AtomicU64::new(0),
            retry_at: AtomicU64::new(NO_RETRY),
            state: Mutex::default(),
        }
    }

    /// Counts a failure that changes nothing about the next attempt.
    pub(crate) fn count(&self, error: &Error) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        self.state.lock().last = Some(error.clone());
    }

    /// Plans the next attempt to heal, later after each that failed.
    pub(crate) fn back_off(&self) {
        let mut state = self.state.lock();
        state.delay = (state.delay * 2).clamp(FIRST_DELAY, LAST_DELAY);
        let at = (self.began.elapsed() + state.delay).as_millis();
        self.retry_at.store(u64::try_from(at).unwrap_or(NO_RETRY - 1), Ordering::Relaxed);
    }

    pub(crate) fn healed(&self) {
        self.state.lock().delay = Duration::ZERO;
        self.retry_at.store(NO_RETRY, Ordering::Relaxed);
    }

    /// Is an attempt to heal planned, and if so is it due?
    pub(crate) fn due(&self) -> Option<bool> {
        let at = self.retry_at.load(Ordering::Relaxed);
        (at != NO_RETRY).then(|| self.began.elapsed().as_millis() >= u128::from(at))
    }

    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(crate) fn last(&self) -> Option<Error> {
        self.state.lock().last.clone()
    }

    #[cfg(test)]
    pub(crate) fn delay(&self) -> Duration {
        self.state.lock().delay
    }
}
