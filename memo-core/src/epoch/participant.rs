//! A thread's participant: what it writes at each hit, on a cache line of its own, and others read rarely.
//!
//! A participant has a number, by which a counter finds the thread's share, and says since which epoch the thread has been
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
pub(crate) struct Participant {
    number: usize,
    /// The epoch in which the thread began to read; 0 while it does not.
    pinned_since: AtomicU64,
    /// Tickets that were drawn here.
    tickets: AtomicU64,
    /// Can the kernel make every thread pass a fence? The same for all participants.
    asymmetric: bool,
}

static PARTICIPANTS: Mutex<Participants> =
    Mutex::new(Participants { all: Vec::new(), free: Vec::new(), asymmetric: None, process: 0 });

struct Participants {
    /// Whose participants they are: a child after fork has but one of the threads.
    process: u32,
    asymmetric: Option<bool>,
    all: Vec<&'static Participant>,
    /// Those of threads that ended, the lowest number last.
    free: Vec<&'static Participant>,
}

/// Counts up at each [`advance`]. 0 is nobody's.
static EPOCH: AtomicU64 = AtomicU64::new(1);

crate::platform::sync::thread_local! {
    /// Without a destructor of its own, so that reading it is a load.
    static PARTICIPANT: Cell<Option<&'static Participant>> = const { Cell::new(None) };
    static OWNER: Owner = const { Owner(Cell::new(None)) };
}

/// Gives the thread's participant back when the thread ends.
struct Owner(Cell<Option<&'static Participant>>);

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = PARTICIPANT.try_with(Cell::take);
        self.0.take().into_iter().for_each(Participant::give_back);
    }
}

impl Participant {
    fn take() -> &'static Self {
        let mut participants = participants();
        if let Some(participant) = participants.free.pop() {
            return participant;
        }
        let asymmetric = *participants.asymmetric.get_or_insert_with(barrier::register);
        let (number, pinned_since, tickets) =
            (participants.all.len(), AtomicU64::new(0), AtomicU64::new(0));
        let participant: &Self =
            Box::leak(Box::new(Self { number, pinned_since, tickets, asymmetric }));
        participants.all.push(participant);
        participant
    }

    fn give_back(&'static self) {
        let mut participants = PARTICIPANTS.lock();
        let after = participants.free.partition_point(|free| free.number > self.number);
        participants.free.insert(after, self);
    }

    #[cold]
    fn end_borrowed(&'static self) {
        self.pinned_since.store(0, Release);
        self.give_back();
    }

    #[cold]
    fn own() -> Option<&'static Self> {
        // A thread that is ending has no owner that would give a participant back.
        let participant = OWNER.try_with(|owner| {
            let participant = Self::take();
            owner.0.set(Some(participant));
            participant
        });
        let participant = participant.ok()?;
        let _ = PARTICIPANT.try_with(|own| own.set(Some(participant)));
        Some(participant)
    }

    #[cold]
    fn borrow() -> EpochGuard {
        let mut pin = Self::take().enter();
        pin.before = BORROWED;
        pin
    }

    #[inline]
    fn of_this_thread() -> Option<&'static Self> {
        PARTICIPANT.try_with(Cell::get).ok().flatten().or_else(Self::own)
    }

    #[inline]
    fn enter(&'static self) -> EpochGuard {
        let before = self.pinned_since.load(Relaxed);
        if before == 0 {
            // Release: who sees this epoch sees the reads of the pin before it done.
            self.pinned_since.store(EPOCH.load(Acquire), Release);
            if self.asymmetric {
                compiler_fence(SeqCst);
            } else {
                fence(SeqCst);
            }
        }
        EpochGuard { participant: self, before }
    }
}

/// While it lives, nothing that this thread can reach is freed. Pins of one thread end in the reverse order.
#[must_use = "what is read is safe for as long as this lives"]
pub(crate) struct EpochGuard {
    participant: &'static Participant,
    /// What the participant said before.
    before: u64,
}

/// In `EpochGuard::before`: the thread is ending, and the participant is for this pin alone. No epoch comes that far.
const BORROWED: u64 = u64::MAX;

impl EpochGuard {
    /// A number that no other live thread has, the lowest that was free when the thread first asked.
    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.participant.number
    }

    /// A number that was never drawn before in this process, as long as its threads are fewer than a million.
    pub(crate) fn unique_id(&self) -> u64 {
        const PARTICIPANTS: u32 = 20;
        // No other thread draws here.
        let drawn = self.participant.tickets.load(Relaxed) + 1;
        self.participant.tickets.store(drawn, Relaxed);
        drawn << PARTICIPANTS | self.participant.number as u64 & ((1 << PARTICIPANTS) - 1)
    }
}

/// Begins to read.
#[inline]
pub(crate) fn pin() -> EpochGuard {
    match Participant::of_this_thread() {
        Some(participant) => participant.enter(),
        None => Participant::borrow(),
    }
}

impl Drop for EpochGuard {
    #[inline]
    fn drop(&mut self) {
        if self.before == BORROWED {
            return self.participant.end_borrowed();
        }
        self.participant.pinned_since.store(self.before, Release);
    }
}

/// Ends an epoch. Whoever pins from here on sees all that the caller did before.
///
/// Returns the epoch that ended, and the oldest one in which anyone still reads: if that is a later one, nobody sees
/// what the caller took out of sight before. `None` if that cannot be told.
pub(crate) fn advance() -> Option<(u64, u64)> {
    // Whose participant is not among these yet takes the lock after us, and so sees what we did.
    let participants = participants();
    // A thread that is reading either has stored its epoch where the loads below see it, or passes this fence before
    // its first read, which then sees what was taken out of sight. Its load of a later epoch acquires that too.
    if participants.asymmetric == Some(true) {
        barrier::issue()?;
    }
    fence(SeqCst);
    let ended = EPOCH.fetch_add(1, SeqCst);
    Some((ended, participants.oldest()))
}

/// The oldest epoch in which anyone still reads: of those that [`advance`] ended, the earlier ones are over.
pub(crate) fn oldest() -> u64 {
    participants().oldest()
}

impl Participants {
    fn oldest(&self) -> u64 {
        let reading = self.all.iter().map(|participant| participant.pinned_since.load(Acquire));
        reading.filter(|&since| since != 0).min().unwrap_or(u64::MAX)
    }
}

/// The participants of this process. In a child after fork those of threads that stayed behind no longer say anything; who
/// would read beside the caller comes by here first.
fn participants() -> MutexGuard<'static, Participants> {
    let mut participants = PARTICIPANTS.lock();
    let process = std::process::id();
    if std::mem::replace(&mut participants.process, process) != process {
        let own = PARTICIPANT.try_with(Cell::get).ok().flatten();
        let others = participants
            .all
            .iter()
            .filter(|participant| own.is_none_or(|own| !std::ptr::eq(own, **participant)));
        others.for_each(|participant| participant.pinned_since.store(0, Relaxed));
    }
    participants
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

    /// Other tests of this process read too, so nothing is said of participants but this thread's.
    fn oldest_is_after(ended: u64) -> bool {
        let participant = Participant::of_this_thread().unwrap();
        let pinned_since = participant.pinned_since.load(Relaxed);
        pinned_since == 0 || pinned_since > ended
    }

    #[test]
    fn what_is_pinned_stays_until_the_outermost_pin_ends() {
        let outer = pin();
        let inner = pin();
        let (ended, oldest) = advance().unwrap();
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
        let numbers = || std::thread::spawn(|| pin().index()).join().unwrap();
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
