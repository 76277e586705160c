//! The clock of an isolation, which a test moves. The feature `test-util` has it.

use std::sync::Arc;
use std::time::Duration;

use crate::function::isolation;
use crate::platform::clock;
use crate::platform::moved_clock::MovedClock;

/// Stops the clock of the isolation in which this thread is, until [`resume`]. Times to live, idle times, `stale`,
/// `refresh_ahead`, `jitter` and ages go by it. Waits for other callers, and how long computations took, do not.
///
/// # Panics
/// If this thread is in no isolation.
pub fn pause() {
    current().pause(clock::real());
}

/// Moves that clock on, whether it is stopped or not. What is less than a millisecond counts as one.
///
/// # Panics
/// If this thread is in no isolation.
pub fn advance(by: Duration) {
    current().advance(clock::millis(by));
}

/// Lets that clock run again from where it stands.
///
/// # Panics
/// If this thread is in no isolation.
pub fn resume() {
    current().resume(clock::real());
}

fn current() -> Arc<MovedClock> {
    let isolation = isolation::current();
    isolation
        .expect("a clock is moved in an isolation: `let _isolated = memokit::isolated();`")
        .clock()
}
