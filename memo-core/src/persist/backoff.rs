//! Counts failures, and plans when to retry.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::platform::clock::Instant;
use crate::platform::sync::usual::Mutex;

use crate::error::Error;

const MIN_DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_secs(300);
/// The value of `retry_at` while no retry is planned.
const NO_RETRY: u64 = u64::MAX;

/// The failures so far, and the exponential backoff before the next attempt to recover from one.
pub(crate) struct Backoff {
    began: Instant,
    /// The number of failures.
    errors: AtomicU64,
    /// When the next attempt is due, in milliseconds after `began`, or [`NO_RETRY`]. It is an atomic so that
    /// [`Backoff::due`] costs one load while no retry is planned.
    retry_at: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The latest failure.
    last: Option<Error>,
    /// The delay before the next attempt. Zero if the latest attempt succeeded.
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

    /// Counts a failure. Does not plan or delay an attempt.
    pub(crate) fn count(&self, error: &Error) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        self.state.lock().last = Some(error.clone());
    }

    /// Counts failures that another one has counted so far.
    pub(crate) fn take_over(&self, errors: u64) {
        self.errors.fetch_add(errors, Ordering::Relaxed);
    }

    /// Plans the next attempt. Doubles the delay each time, within [`MIN_DELAY`] and [`MAX_DELAY`].
    pub(crate) fn back_off(&self) {
        self.plan(|delay| (delay * 2).clamp(MIN_DELAY, MAX_DELAY));
    }

    /// Plans the next attempt after [`MIN_DELAY`].
    pub(crate) fn back_off_shortly(&self) {
        self.plan(|_| MIN_DELAY);
    }

    /// `next`: from the last delay to the next one.
    fn plan(&self, next: impl Fn(Duration) -> Duration) {
        let mut state = self.state.lock();
        state.delay = next(state.delay);
        let at = (self.began.elapsed() + state.delay).as_millis();
        self.retry_at.store(u64::try_from(at).unwrap_or(NO_RETRY - 1), Ordering::Relaxed);
    }

    /// Called when an attempt has succeeded: no retry is planned, and the delay starts from the beginning.
    pub(crate) fn reset(&self) {
        self.state.lock().delay = Duration::ZERO;
        self.retry_at.store(NO_RETRY, Ordering::Relaxed);
    }

    /// Does the same as [`Self::reset`], and forgets the latest failure.
    pub(crate) fn forget(&self) {
        self.reset();
        self.state.lock().last = None;
    }

    /// Returns whether the planned attempt is due. `None` if none is planned.
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
