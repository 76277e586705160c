//! A counter that threads add to without sharing a cache line.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

/// Lanes of a counter. All but the last belong to one live thread each; the last is shared by the threads beyond.
const LANES: usize = 32;
const SHARED: usize = LANES - 1;

#[derive(Default)]
#[repr(align(64))]
struct Lane(AtomicU64);

/// Counts up; exact once the adding threads are seen to have added.
#[derive(Default)]
pub(crate) struct Counter(Box<[Lane; LANES]>);

impl Counter {
    #[inline]
    pub(crate) fn add_one(&self) {
        let lane = lane();
        let count = &self.0[lane & (LANES - 1)].0;
        if lane == SHARED {
            count.fetch_add(1, Relaxed);
        } else {
            // No other thread writes this lane, so nothing is lost between the load and the store.
            count.store(count.load(Relaxed) + 1, Relaxed);
        }
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(|lane| lane.0.load(Relaxed)).sum()
    }
}

/// Bit n: lane n has an owner. Taken and given back under the lock, which orders the owners' accesses.
static OWNED: Mutex<u32> = Mutex::new(0);

thread_local! {
    /// This thread's lane. Without a destructor of its own, so that reading it is a load.
    static LANE: Cell<usize> = const { Cell::new(UNKNOWN) };
    static OWNER: Owner = const { Owner };
}

const UNKNOWN: usize = usize::MAX;

#[inline]
fn lane() -> usize {
    match LANE.get() {
        UNKNOWN => own(),
        lane => lane,
    }
}

#[cold]
fn own() -> usize {
    // A thread that is ending has no owner that would give a lane back.
    let lane = OWNER.try_with(|_| {
        let mut owned = OWNED.lock();
        let lane = ((!*owned).trailing_zeros() as usize).min(SHARED);
        if lane < SHARED {
            *owned |= 1 << lane;
        }
        lane
    });
    LANE.set(lane.unwrap_or(SHARED));
    LANE.get()
}

/// Gives the thread's lane back when the thread ends.
struct Owner;

impl Drop for Owner {
    fn drop(&mut self) {
        let lane = LANE.replace(SHARED);
        if lane < SHARED {
            *OWNED.lock() &= !(1 << lane);
        }
    }
}

/// A plain counter for what happens rarely.
#[derive(Debug, Default)]
pub(crate) struct Tally(AtomicU64);

impl Tally {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
