//! Maintenance by the background thread of a process. Once a second it calls [`Maintain::tick`] of each store and cache
//! that asked for it: stores sync their logs; caches remove expired entries, and check and compact their directories.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::{Duration, Instant};

use crate::platform::sync::spawn;
use crate::platform::sync::usual::{Condvar, Mutex};

/// Something that needs maintenance each second.
pub(crate) trait Maintain: Send + Sync {
    /// Called each second by a thread that all implementors share, until it returns false. A panic ends only this call.
    fn tick(&self) -> bool;
}

/// The time between two rounds. Each round ticks every target once.
const PERIOD: Duration = Duration::from_secs(1);

static MAINTENANCE: Mutex<Maintenance> =
    Mutex::new(Maintenance { running: false, woken: false, targets: Vec::new() });
/// Notified when [`Maintenance::woken`] is set.
static WAKE: Condvar = Condvar::new();
/// Notified at the end of each round.
static ROUND_DONE: Condvar = Condvar::new();

struct Maintenance {
    /// Whether the thread runs.
    running: bool,
    /// Whether the next round begins at once.
    woken: bool,
    targets: Vec<Weak<dyn Maintain>>,
}

/// Ticks `target` once a second until it is dropped or its `tick` returns false. The thread starts with the first
/// target and ends when none is left. It keeps neither a target nor the process alive. If the thread cannot be started,
/// the next call tries again.
pub(crate) fn maintain(target: Weak<dyn Maintain>) {
    let mut maintenance = MAINTENANCE.lock();
    maintenance.targets.push(target);
    if !maintenance.running {
        maintenance.running = spawn("memokit", run);
    }
}

/// Makes the next round begin at once, and waits for the end of a round, but not longer than `timeout`.
pub(crate) fn wake(timeout: Duration) {
    let mut maintenance = MAINTENANCE.lock();
    if !maintenance.running {
        return;
    }
    maintenance.woken = true;
    WAKE.notify_one();
    if !timeout.is_zero() {
        drop(ROUND_DONE.wait_until(maintenance, Instant::now() + timeout));
    }
}

fn wait_for_next_round() {
    let mut maintenance = MAINTENANCE.lock();
    if !maintenance.woken {
        (maintenance, _) = WAKE.wait_until(maintenance, Instant::now() + PERIOD);
    }
    maintenance.woken = false;
}

fn run() {
    loop {
        wait_for_next_round();
        let due = std::mem::take(&mut MAINTENANCE.lock().targets);
        // No lock is held during a tick, because it may call `maintain`.
        let remaining: Vec<_> = due.into_iter().filter(needs_more).collect();
        let mut maintenance = MAINTENANCE.lock();
        maintenance.targets.extend(remaining);
        ROUND_DONE.notify_all();
        if maintenance.targets.is_empty() {
            maintenance.running = false;
            return;
        }
    }
}

/// Ticks a target. Returns whether it needs another tick.
fn needs_more(target: &Weak<dyn Maintain>) -> bool {
    target
        .upgrade()
        .is_some_and(|target| catch_unwind(AssertUnwindSafe(|| target.tick())).unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    struct PanickingTarget(Mutex<mpsc::Sender<()>>);

    impl Maintain for PanickingTarget {
        fn tick(&self) -> bool {
            let _ = self.0.lock().send(());
            panic!("this panic ends one tick and nothing else");
        }
    }

    #[test]
    fn a_target_that_panics_is_ticked_until_it_is_dropped() {
        let (sender, receiver) = mpsc::channel();
        let target: Arc<dyn Maintain> = Arc::new(PanickingTarget(Mutex::new(sender)));
        maintain(Arc::downgrade(&target));
        receiver.recv().unwrap();
        receiver.recv().unwrap();
        drop(target);
        while receiver.recv().is_ok() {}
    }
}
