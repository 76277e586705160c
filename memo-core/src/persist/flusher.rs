//! The background thread of a process. Once a second it calls [`Maintain::tick`] of each store and cache that asked for
//! it: stores sync their logs, caches check and compact their directories.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::{Duration, Instant};

use crate::platform::maintenance::Maintain;
use crate::platform::sync::spawn;
use crate::platform::sync::usual::{Condvar, Mutex};

/// The time between two rounds. Each round ticks every target once.
const PERIOD: Duration = Duration::from_secs(1);

static FLUSHER: Mutex<Flusher> =
    Mutex::new(Flusher { running: false, woken: false, targets: Vec::new() });
/// Notified when [`Flusher::woken`] is set.
static WAKE: Condvar = Condvar::new();
/// Notified at the end of each round.
static ROUND_DONE: Condvar = Condvar::new();

struct Flusher {
    /// Whether the thread runs.
    running: bool,
    /// Whether the next round begins at once.
    woken: bool,
    targets: Vec<Weak<dyn Maintain>>,
}

/// Ticks `target` once a second until it is dropped. The thread starts with the first target and ends when none is
/// left. It keeps neither a target nor the process alive. If the thread cannot be started, the next call tries again.
pub(crate) fn maintain(target: Weak<dyn Maintain>) {
    let mut flusher = FLUSHER.lock();
    flusher.targets.push(target);
    if !flusher.running {
        flusher.running = spawn("memokit", run);
    }
}

/// Makes the next round begin at once, and waits for the end of a round, but not longer than `timeout`.
pub(crate) fn wake_flusher(timeout: Duration) {
    let mut flusher = FLUSHER.lock();
    if !flusher.running {
        return;
    }
    flusher.woken = true;
    WAKE.notify_one();
    if !timeout.is_zero() {
        drop(ROUND_DONE.wait_until(flusher, Instant::now() + timeout));
    }
}

fn wait_for_next_round() {
    let mut flusher = FLUSHER.lock();
    if !flusher.woken {
        (flusher, _) = WAKE.wait_until(flusher, Instant::now() + PERIOD);
    }
    flusher.woken = false;
}

fn run() {
    loop {
        wait_for_next_round();
        for target in targets() {
            if let Some(target) = target.upgrade() {
                let _ = catch_unwind(AssertUnwindSafe(|| target.tick()));
            }
        }
        let mut flusher = FLUSHER.lock();
        ROUND_DONE.notify_all();
        flusher.targets.retain(|target| target.strong_count() > 0);
        if flusher.targets.is_empty() {
            flusher.running = false;
            return;
        }
    }
}

/// Returns a copy of the list, so that no lock is held during a tick, which may call [`maintain`].
fn targets() -> Vec<Weak<dyn Maintain>> {
    FLUSHER.lock().targets.clone()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    struct PanickingTarget(Mutex<mpsc::Sender<()>>);

    impl Maintain for PanickingTarget {
        fn tick(&self) {
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
