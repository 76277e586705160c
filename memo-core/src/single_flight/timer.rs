//! Ends the patience of tasks that wait. A task cannot time itself without a runtime's clock; so while tasks wait, one
//! thread of ours looks from time to time at the flights that they wait for, and ends when there are none. A thread that
//! waits times itself. (Built by crates with asynchronous functions alone.)

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::{Duration, Instant};

use crate::platform::sync::spawn;
use crate::platform::sync::usual::{Condvar, Mutex};

/// How often flights are looked at: at the most, and at the least.
const OFTEN: Duration = Duration::from_millis(10);
const SELDOM: Duration = Duration::from_millis(250);

/// A flight that tasks wait for.
pub(crate) trait Watched: Send + Sync {
    /// Wakes the task that is next to lose its patience, if it is time. False when no task waits any more.
    fn look(&self, now: Instant) -> bool;
}

struct Watch {
    flights: Vec<Weak<dyn Watched>>,
    every: Duration,
    running: bool,
}

static WATCH: Mutex<Watch> =
    Mutex::new(Watch { flights: Vec::new(), every: SELDOM, running: false });
static SOONER: Condvar = Condvar::new();

/// Has `flight` looked at until no task waits for it, often enough for a patience of `limit`.
#[inline]
pub(crate) fn watch(flight: Weak<dyn Watched>, limit: Duration) {
    if crate::platform::sync::MODELLED {
        // In a model no time passes.
        return;
    }
    let every = (limit / 4).clamp(OFTEN, SELDOM);
    let mut watch = WATCH.lock();
    watch.flights.push(flight);
    if every < watch.every {
        watch.every = every;
        SOONER.notify_one();
    }
    if !watch.running {
        // Where no thread can be had, tasks wait for as long as it takes.
        watch.running = spawn("memokit-alarm", run);
    }
}

#[inline]
fn run() {
    let mut ours = Vec::new();
    loop {
        let mut watch = WATCH.lock();
        ours.append(&mut watch.flights);
        if ours.is_empty() {
            *watch = Watch { flights: Vec::new(), every: SELDOM, running: false };
            return;
        }
        let until = Instant::now() + watch.every;
        drop(SOONER.wait_until(watch, until));
        let now = Instant::now();
        ours.retain(|flight: &Weak<dyn Watched>| {
            // A waker is an executor's code. Should it panic, the others' tasks are still looked after.
            let look = AssertUnwindSafe(|| flight.upgrade().is_some_and(|f| f.look(now)));
            catch_unwind(look).unwrap_or(true)
        });
    }
}
