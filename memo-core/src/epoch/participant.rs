//! A thread's lane: what it writes at each hit, on a cache line of its own, and others read rarely.
//!
//! A lane has a number, by which a counter finds the thread's share, and says since which epoch the thread has been
//! reading, so that nobody frees what it may be looking at.
//!
//! Reclamation is by epochs (Fraser, "Practical lock-freedom", 2004) with the asymmetric fences of RCU implementations
//! (Desnoyers et al., "User-level implementations of read-copy update", 2012): who reads stores one word and issues no
//! fence; who frees makes every running thread pass a fence, which is one system call for many entries.

use std::cell::Cell;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64, compiler_fence, fence};

use crate::platform::sync::usual::{Mutex, MutexGuard};

/// One live thread's.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Lane {
    number: usize,
    /// The epoch in which the thread began to read; 0 while it does not.
    since: AtomicU64,
    /// Tickets that were drawn here.
    tickets: AtomicU64,
    /// Can the kernel make every thread pass a fence? The same for all lanes.
    asymmetric: bool,
}

static LANES: Mutex<Lanes> =
    Mutex::new(Lanes { all: Vec::new(), free: Vec::new(), asymmetric: None, process: 0 });

struct Lanes {
    /// Whose lanes they are: a child after fork has but one of the threads.
    process: u32,
    asymmetric: Option<bool>,
    all: Vec<&'static Lane>,
    /// Those of threads that ended, the lowest number last.
    free: Vec<&'static Lane>,
}

/// Counts up at each [`grace`]. 0 is nobody's.
static EPOCH: AtomicU64 = AtomicU64::new(1);

crate::platform::sync::thread_local! {
    /// Without a destructor of its own, so that reading it is a load.
    static LANE: Cell<Option<&'static Lane>> = const { Cell::new(None) };
    static OWNER: Owner = const { Owner(Cell::new(None)) };
}

/// Gives the thread's lane back when the thread ends.
struct Owner(Cell<Option<&'static Lane>>);

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = LANE.try_with(Cell::take);
        self.0.take().into_iter().for_each(Lane::give_back);
    }
}

impl Lane {
    fn take() -> &'static Self {
        let mut lanes = lanes();
        if let Some(lane) = lanes.free.pop() {
            return lane;
        }
        let asymmetric = *lanes.asymmetric.get_or_insert_with(barrier::register);
        let (number, since, tickets) = (lanes.all.len(), AtomicU64::new(0), AtomicU64::new(0));
        let lane: &Self = Box::leak(Box::new(Self { number, since, tickets, asymmetric }));
        lanes.all.push(lane);
        lane
    }

    fn give_back(&'static self) {
        let mut lanes = LANES.lock();
        let after = lanes.free.partition_point(|free| free.number > self.number);
        lanes.free.insert(after, self);
    }

    #[cold]
    fn end_lent(&'static self) {
        self.since.store(0, Release);
        self.give_back();
    }

    #[cold]
    fn own() -> Option<&'static Self> {
        // A thread that is ending has no owner that would give a lane back.
        let lane = OWNER.try_with(|owner| {
            let lane = Self::take();
            owner.0.set(Some(lane));
            lane
        });
        let lane = lane.ok()?;
        let _ = LANE.try_with(|own| own.set(Some(lane)));
        Some(lane)
    }

    #[cold]
    fn lend() -> Pin {
        let mut pin = Self::take().enter();
        pin.before = LENT;
        pin
    }

    #[inline]
    fn of_this_thread() -> Option<&'static Self> {
        LANE.try_with(Cell::get).ok().flatten().or_else(Self::own)
    }

    #[inline]
    fn enter(&'static self) -> Pin {
        let before = self.since.load(Relaxed);
        if before == 0 {
            // Release: who sees this epoch sees the reads of the pin before it done.
            self.since.store(EPOCH.load(Acquire), Release);
            if self.asymmetric {
                compiler_fence(SeqCst);
            } else {
                fence(SeqCst);
            }
        }
        Pin { lane: self, before }
    }
}

/// While it lives, nothing that this thread can reach is freed. Pins of one thread end in the reverse order.
#[must_use = "what is read is safe for as long as this lives"]
pub(crate) struct Pin {
    lane: &'static Lane,
    /// What the lane said before.
    before: u64,
}

/// In `Pin::before`: the thread is ending, and the lane is for this pin alone. No epoch comes that far.
const LENT: u64 = u64::MAX;

impl Pin {
    /// A number that no other live thread has, the lowest that was free when the thread first asked.
    #[inline]
    pub(crate) fn number(&self) -> usize {
        self.lane.number
    }

    /// A number that was never drawn before in this process, as long as its threads are fewer than a million.
    pub(crate) fn ticket(&self) -> u64 {
        const LANES: u32 = 20;
        // No other thread draws here.
        let drawn = self.lane.tickets.load(Relaxed) + 1;
        self.lane.tickets.store(drawn, Relaxed);
        drawn << LANES | self.lane.number as u64 & ((1 << LANES) - 1)
    }
}

/// Begins to read.
#[inline]
pub(crate) fn pin() -> Pin {
    match Lane::of_this_thread() {
        Some(lane) => lane.enter(),
        None => Lane::lend(),
    }
}

impl Drop for Pin {
    #[inline]
    fn drop(&mut self) {
        if self.before == LENT {
            return self.lane.end_lent();
        }
        self.lane.since.store(self.before, Release);
    }
}

/// Ends an epoch. Whoever pins from here on sees all that the caller did before.
///
/// Returns the epoch that ended, and the oldest one in which anyone still reads: if that is a later one, nobody sees
/// what the caller took out of sight before. `None` if that cannot be told.
pub(crate) fn grace() -> Option<(u64, u64)> {
    // Whose lane is not among these yet takes the lock after us, and so sees what we did.
    let lanes = lanes();
    // A thread that is reading either has stored its epoch where the loads below see it, or passes this fence before
    // its first read, which then sees what was taken out of sight. Its load of a later epoch acquires that too.
    if lanes.asymmetric == Some(true) {
        barrier::issue()?;
    }
    fence(SeqCst);
    let ended = EPOCH.fetch_add(1, SeqCst);
    Some((ended, lanes.oldest()))
}

/// The oldest epoch in which anyone still reads: of those that [`grace`] ended, the earlier ones are over.
pub(crate) fn oldest() -> u64 {
    lanes().oldest()
}

impl Lanes {
    fn oldest(&self) -> u64 {
        let reading = self.all.iter().map(|lane| lane.since.load(Acquire));
        reading.filter(|&since| since != 0).min().unwrap_or(u64::MAX)
    }
}

/// The lanes of this process. In a child after fork those of threads that stayed behind no longer say anything; who
/// would read beside the caller comes by here first.
fn lanes() -> MutexGuard<'static, Lanes> {
    let mut lanes = LANES.lock();
    let process = std::process::id();
    if std::mem::replace(&mut lanes.process, process) != process {
        let own = LANE.try_with(Cell::get).ok().flatten();
        let others =
            lanes.all.iter().filter(|lane| own.is_none_or(|own| !std::ptr::eq(own, **lane)));
        others.for_each(|lane| lane.since.store(0, Relaxed));
    }
    lanes
}

#[cfg(target_os = "linux")]
mod barrier {
    use crate::platform::os;

    /// A process says beforehand that it will.
    pub(super) fn register() -> bool {
        os::register_fences()
    }

    pub(super) fn issue() -> Option<()> {
        os::fence_all_threads().then_some(())
    }
}

#[cfg(not(target_os = "linux"))]
mod barrier {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn issue() -> Option<()> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other tests of this process read too, so nothing is said of lanes but this thread's.
    fn oldest_is_after(ended: u64) -> bool {
        let lane = Lane::of_this_thread().unwrap();
        let since = lane.since.load(Relaxed);
        since == 0 || since > ended
    }

    #[test]
    fn what_is_pinned_stays_until_the_outermost_pin_ends() {
        let outer = pin();
        let inner = pin();
        let (ended, oldest) = grace().unwrap();
        assert!(oldest <= ended);
        drop(inner);
        assert!(!oldest_is_after(ended));
        drop(outer);
        assert!(oldest_is_after(ended));
        let _later = pin();
        assert!(oldest_is_after(ended));
    }

    #[test]
    fn a_thread_that_ended_gives_its_lane_to_the_next() {
        let numbers = || std::thread::spawn(|| pin().number()).join().unwrap();
        let many: Vec<_> = (0..200).map(|_| numbers()).collect();
        assert!(many.iter().max().unwrap() < &100, "{many:?}");
    }

    #[test]
    fn a_thread_that_is_ending_pins_too() {
        struct AtTheEnd;
        impl Drop for AtTheEnd {
            fn drop(&mut self) {
                let _pin = pin();
            }
        }
        thread_local!(static LATE: AtTheEnd = const { AtTheEnd });
        let ended = std::thread::spawn(|| {
            LATE.with(|_| ());
            drop(pin());
        });
        ended.join().unwrap();
    }
}
