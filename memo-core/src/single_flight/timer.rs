//! Wakes waiting tasks whose deadline has passed, or whose leader is stuck. A task cannot time itself without the clock
//! of a runtime. So while tasks wait, one thread of this library checks the flights that they wait for at regular
//! intervals. It ends when there are no such flights. A waiting thread times itself. Without threads, timers of the
//! host do the same. (The functions here are `#[inline]`, so that only crates with asynchronous functions compile
//! them.)

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::Duration;

use crate::platform::clock::{self, Instant};
use crate::platform::sync::usual::{Condvar, Mutex};
use crate::platform::sync::{THREADS, spawn};
use crate::platform::timeout;

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
    /// Whether the thread runs, or a timer.
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
        watch.running = if THREADS {
            spawn("memokit-timer", run)
        } else {
            timeout::call_after(watch.interval, tick)
        };
        if !THREADS && !watch.running {
            watch.flights.clear();
        }
    }
}

/// Checks all flights once, where there are no threads.
#[inline]
fn tick() {
    let mut watch = WATCH.lock();
    let (mut flights, interval) = (std::mem::take(&mut watch.flights), watch.interval);
    drop(watch);
    check(&mut flights);
    let mut watch = WATCH.lock();
    // Behind them are those that were added meanwhile.
    flights.append(&mut watch.flights);
    let running = !flights.is_empty() && timeout::call_after(interval, tick);
    if running {
        *watch = Watch { flights, interval: watch.interval, running };
    } else {
        *watch = Watch { flights: Vec::new(), interval: LONGEST_INTERVAL, running };
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
        check(&mut flights);
    }
}

/// Checks flights, and forgets those that nobody waits for.
#[inline]
fn check(flights: &mut Vec<Weak<dyn Watched>>) {
    let now = Instant::now();
    flights.retain(|flight| {
        // A waker runs code of an executor. If it panics, the thread still checks the other flights.
        let check = AssertUnwindSafe(|| flight.upgrade().is_some_and(|f| f.check(now)));
        catch_unwind(check).unwrap_or(true)
    });
}
