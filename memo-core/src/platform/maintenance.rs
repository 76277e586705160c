//! Maintenance by background threads. Once a second they call [`Maintain::tick`] of each store and cache that asked for
//! it: stores sync their logs; caches remove expired entries, and check and compact their directories.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use crate::platform::clock::{self, Instant};
use crate::platform::process;
use crate::platform::sync::usual::{Condvar, Mutex, MutexGuard};
use crate::platform::sync::{THREADS, spawn};

/// Something that needs maintenance each second.
pub(crate) trait Maintain: Send + Sync {
    /// Called each second until it returns false, by a thread that the targets share. A panic ends only this call.
    fn tick(&self) -> bool;
}

/// The time between two rounds. Each round ticks every target once.
const PERIOD: Duration = Duration::from_secs(1);
/// The longest time by which a fork is delayed.
const MAX_HOLD: Duration = Duration::from_millis(100);

/// The threads of a process. They keep neither their targets nor the process alive.
///
/// Stores have one of their own, because the removal of entries runs the `Drop` of users' values, which may take any
/// time, and a store promises to sync its log each second.
pub(crate) static STORES: Worker = Worker::new("memokit-sync", || STORES.run());
pub(crate) static CACHES: Worker = Worker::new("memokit", || CACHES.run());
/// Leases are renewed in time whatever the others do.
#[cfg(feature = "remote")]
pub(crate) static TIERS: Worker = Worker::new("memokit-tier", || TIERS.run());

/// A background thread. It starts with the first target and ends when none is left.
pub(crate) struct Worker {
    name: &'static str,
    run: fn(),
    state: Mutex<State>,
    /// Notified when [`State::woken`] is set.
    wake: Condvar,
    /// Notified at the end of each tick, and at the end of each round.
    tick_done: Condvar,
    round_done: Condvar,
}

struct State {
    /// The process in which the thread runs, or 0. A child of fork does not have the thread of its parent.
    process: u32,
    /// Whether the next round begins at once.
    woken: bool,
    /// Whether a target is being ticked.
    is_ticking: bool,
    targets: Vec<Weak<dyn Maintain>>,
    /// Without threads: when the last round began, and whether it goes on.
    caught_up: Option<Instant>,
    is_catching_up: bool,
}

impl Worker {
    const fn new(name: &'static str, run: fn()) -> Self {
        let state = State {
            process: 0,
            woken: false,
            is_ticking: false,
            targets: Vec::new(),
            caught_up: None,
            is_catching_up: false,
        };
        let (wake, tick_done, round_done) = (Condvar::new(), Condvar::new(), Condvar::new());
        Self { name, run, state: Mutex::new(state), wake, tick_done, round_done }
    }

    /// Ticks `target` once a second until it is dropped or its `tick` returns false. Returns false if the thread cannot
    /// be started.
    fn maintain(&self, target: Weak<dyn Maintain>) -> bool {
        if clock::is_stopped() {
            return true;
        }
        let mut state = self.state.lock();
        let runs = self.start(&mut state);
        if runs {
            state.targets.push(target);
        }
        runs
    }

    /// Starts the thread, unless it runs. Returns whether it runs.
    fn start(&self, state: &mut State) -> bool {
        let process = process::id();
        if state.process != process && (!THREADS || spawn(self.name, self.run)) {
            state.process = process;
            state.is_ticking = false;
        }
        state.process == process
    }

    /// Makes the next round begin at once, and waits for the end of a round, but not longer than `timeout`.
    pub(crate) fn wake(&self, timeout: Duration) {
        let mut state = self.state.lock();
        if state.targets.is_empty() || !self.start(&mut state) {
            return;
        }
        if !THREADS {
            drop(state);
            self.catch_up(Duration::ZERO);
            return;
        }
        state.woken = true;
        self.wake.notify_one();
        if !timeout.is_zero() {
            drop(self.round_done.wait_until(state, Instant::now() + timeout));
        }
    }

    fn wait_for_next_round(&self) {
        let mut state = self.state.lock();
        if !state.woken {
            (state, _) = self.wake.wait_until(state, Instant::now() + PERIOD);
        }
        state.woken = false;
    }

    /// Ticks a target. Returns whether it needs another tick.
    fn tick(&self, target: &Weak<dyn Maintain>) -> bool {
        let Some(target) = target.upgrade() else { return false };
        self.state.lock().is_ticking = true;
        let needs_more = catch_unwind(AssertUnwindSafe(|| target.tick())).unwrap_or(true);
        // Before the end: this may be the last reference.
        drop(target);
        self.state.lock().is_ticking = false;
        self.tick_done.notify_all();
        needs_more
    }

    /// Waits until no target is being ticked, but not beyond `deadline`. No tick begins while the result is held.
    fn hold(&self, deadline: Instant) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        while state.is_ticking {
            let is_late;
            (state, is_late) = self.tick_done.wait_until(state, deadline);
            if is_late {
                break;
            }
        }
        state
    }

    fn run(&self) {
        loop {
            self.wait_for_next_round();
            if !self.round() {
                return;
            }
        }
    }

    /// Ticks every target once. Returns whether some are left.
    fn round(&self) -> bool {
        // They stay listed meanwhile, for a child of fork.
        let due = self.state.lock().targets.clone();
        // No lock is held during a tick, because it may call `maintain`.
        let (len, mut remaining) = (due.len(), due);
        remaining.retain(|target| self.tick(target));
        let mut state = self.state.lock();
        // Behind them are those that were added meanwhile.
        remaining.append(&mut state.targets.split_off(len));
        state.targets = remaining;
        self.round_done.notify_all();
        if state.targets.is_empty() {
            state.process = 0;
        }
        !state.targets.is_empty()
    }

    /// Does what the thread would do, where there are none: a round, if the last one was that long ago. A tick may run
    /// code of the user that calls this again, which has no effect.
    #[cold]
    fn catch_up(&self, pause: Duration) {
        let mut state = self.state.lock();
        let is_due = state.caught_up.is_none_or(|at| at.elapsed() >= pause);
        if state.targets.is_empty() || state.is_catching_up || !is_due {
            return;
        }
        (state.is_catching_up, state.caught_up) = (true, Some(Instant::now()));
        drop(state);
        self.round();
        self.state.lock().is_catching_up = false;
    }
}

/// All threads.
static WORKERS: &[&Worker] = &[
    &STORES,
    &CACHES,
    #[cfg(feature = "remote")]
    &TIERS,
];

thread_local! {
    static HELD: Cell<Vec<MutexGuard<'static, State>>> = const { Cell::new(Vec::new()) };
}

/// Does what the threads would have done since the last call, on a platform without threads. Elsewhere does nothing. Call
/// it where code of the user may run: a tick drops values.
#[inline]
pub(crate) fn catch_up() {
    if !THREADS {
        WORKERS.iter().for_each(|worker| worker.catch_up(PERIOD));
    }
}

/// Keeps the threads from ticking, for a fork: a child has no thread that would release the locks which these hold at
/// that moment. A tick that takes longer than [`MAX_HOLD`] goes on.
pub(crate) fn hold() {
    let deadline = Instant::now() + MAX_HOLD;
    let held = WORKERS.iter().map(|worker| worker.hold(deadline)).collect();
    let _ = HELD.try_with(|place| place.set(held));
}

/// Lets the threads tick again, in parent and child.
pub(crate) fn release() {
    let _ = HELD.try_with(|place| drop(place.take()));
}

/// Whether a thread maintains a target.
pub(crate) struct Registration(AtomicBool);

impl Registration {
    pub(crate) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Registers a target, unless it is registered. If the thread cannot be started, a later call tries again.
    pub(crate) fn begin(&self, worker: &Worker, target: impl FnOnce() -> Weak<dyn Maintain>) {
        if self.0.load(Relaxed) || self.0.swap(true, SeqCst) {
            return;
        }
        if !worker.maintain(target()) {
            self.0.store(false, SeqCst);
        }
    }

    /// Ends the registration, for a tick that is about to return false, unless `is_needed` returns true afterwards.
    /// Returns whether it goes on: what happened before the end did not ask for maintenance, and `is_needed` sees it.
    pub(crate) fn end_unless(&self, is_needed: impl FnOnce() -> bool) -> bool {
        self.0.store(false, SeqCst);
        is_needed() && !self.0.swap(true, SeqCst)
    }
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
        assert!(CACHES.maintain(Arc::downgrade(&target)));
        receiver.recv().unwrap();
        receiver.recv().unwrap();
        drop(target);
        while receiver.recv().is_ok() {}
    }
}
