//! Wakes waiting tasks whose deadline has passed, or whose leader is stuck. A task cannot time itself without the clock
//! of a runtime. So while tasks wait, one thread of this library checks the flights that they wait for at regular
//! intervals. It ends when there are no such flights. A waiting thread times itself. (The functions here are
//! `#[inline]`, so that only crates with asynchronous functions compile them.)

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::Duration;

use crate::platform::clock::{self, Instant};
use crate::platform::sync::spawn;
use crate::platform::sync::usual::{Condvar, Mutex};

/// The limits of the interval at which flights are checked.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
/// Short enough to notice soon that a leader was woken and is not polled.
const LONGEST_INTERVAL: Duration = Duration::from_millis(20);

/// A flight that tasks wait for.
pub(crate) trait Watched: Send + Sync {
    /// Wakes a task that may compute now, if there is one. Returns whether a task still waits.
    fn check(&self, now: Instant) -> bool;
}

struct Watch {
    /// The flights that the thread has not taken into its own list yet.
    flights: Vec<Weak<dyn Watched>>,
    interval: Duration,
    /// Whether the thread runs.
    running: bool,
}

static WATCH: Mutex<Watch> =
    Mutex::new(Watch { flights: Vec::new(), interval: LONGEST_INTERVAL, running: false });
/// Notified when the interval becomes shorter.
static INTERVAL_SHORTENED: Condvar = Condvar::new();

/// Makes the thread check `flight` until no task waits for it, often enough for a wait limit of `limit`.
#[inline]
pub(crate) fn watch(flight: Weak<dyn Watched>, limit: Duration) {
    if crate::platform::sync::MODELLED || clock::is_stopped() {
        // Time does not pass in a model.
        return;
    }
    let interval = (limit / 4).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
    let mut watch = WATCH.lock();
    watch.flights.push(flight);
    if interval < watch.interval {
        watch.interval = interval;
        INTERVAL_SHORTENED.notify_one();
    }
    if !watch.running {
        // If the system cannot start a thread, tasks wait without a limit.
        watch.running = spawn("memokit-timer", run);
    }
}

#[inline]
fn run() {
    let mut flights = Vec::new();
    loop {
        let mut watch = WATCH.lock();
        flights.append(&mut watch.flights);
        if flights.is_empty() {
            *watch = Watch { flights: Vec::new(), interval: LONGEST_INTERVAL, running: false };
            return;
        }
        let next_check = Instant::now() + watch.interval;
        drop(INTERVAL_SHORTENED.wait_until(watch, next_check));
        let now = Instant::now();
        flights.retain(|flight: &Weak<dyn Watched>| {
            // A waker runs code of an executor. If it panics, the thread still checks the other flights.
            let check = AssertUnwindSafe(|| flight.upgrade().is_some_and(|f| f.check(now)));
            catch_unwind(check).unwrap_or(true)
        });
    }
}
