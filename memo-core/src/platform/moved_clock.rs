//! A clock that a test moves, for the threads that are in its isolation.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a test has moved the monotonic clock. Times are in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct MovedClock(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What is added to the monotonic clock. It wraps around: a clock that was paused is behind.
    ahead: u64,
    /// What it shows while it is paused.
    paused: Option<u64>,
}

thread_local! {
    /// The clock of the isolation in which this thread is.
    static CLOCK: RefCell<Option<Arc<MovedClock>>> = const { RefCell::new(None) };
}

/// From now on, this thread goes by `clock`, or by the one of the process.
pub(crate) fn set(clock: Option<Arc<MovedClock>>) {
    // A thread that is ending goes by the clock of the process.
    let _ = CLOCK.try_with(|place| place.replace(clock));
}

/// Returns what the clock of this thread shows when the monotonic clock shows `real`.
#[cfg(not(test))]
#[inline]
pub(crate) fn shown(real: u64) -> u64 {
    let shown = CLOCK.try_with(|clock| clock.borrow().as_ref().map(|clock| clock.shown(real)));
    shown.ok().flatten().unwrap_or(real)
}

impl MovedClock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, real: u64) -> u64 {
        let state = self.state();
        state.paused.unwrap_or_else(|| real.wrapping_add(state.ahead))
    }

    /// Stops it, unless it is stopped.
    pub(crate) fn pause(&self, real: u64) {
        let shown = self.shown(real);
        self.state().paused.get_or_insert(shown);
    }

    /// Moves it on.
    pub(crate) fn advance(&self, by: u64) {
        let mut state = self.state();
        match &mut state.paused {
            Some(paused) => *paused = paused.saturating_add(by),
            None => state.ahead = state.ahead.wrapping_add(by),
        }
    }

    /// Lets it run on from what it shows.
    pub(crate) fn resume(&self, real: u64) {
        let mut state = self.state();
        if let Some(paused) = state.paused.take() {
            state.ahead = paused.wrapping_sub(real);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_on_from_where_it_was_paused() {
        let clock = MovedClock::default();
        assert_eq!(clock.shown(100), 100);
        clock.advance(50);
        assert_eq!(clock.shown(110), 160);
        clock.pause(110);
        clock.pause(120);
        assert_eq!(clock.shown(500), 160);
        clock.advance(40);
        clock.resume(500);
        clock.resume(510);
        assert_eq!((clock.shown(500), clock.shown(510)), (200, 210));
    }
}
