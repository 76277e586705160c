//! The participant of a thread: the record that the thread writes at each hit. It has a cache line of its own. Other
//! threads rarely read it.
//!
//! A participant has a number, by which a counter finds the part that belongs to the thread. It also holds the epoch
//! since which the thread has been reading, so that no other thread frees memory that this thread may be reading.
//!
//! Memory is reclaimed by epochs (Fraser, "Practical lock-freedom", 2004) with the asymmetric fences of RCU
//! implementations (Desnoyers et al., "User-level implementations of read-copy update", 2012). A reader stores one word
//! and issues no fence. A thread that frees memory makes every running thread pass a fence, which is one system call
//! for many entries.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, compiler_fence, fence};
use std::time::Duration;

use crate::front::table::{Found, Front, WordKey};
use crate::platform::clock::Instant;
use crate::platform::fork;
use crate::platform::sync::usual::{Mutex, MutexGuard};

/// The record of one thread. When the thread ends, a later thread reuses it.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Participant {
    number: usize,
    /// The epoch in which the thread began to read; 0 while it does not read.
    pinned_since: AtomicU64,
    /// How many ids [`EpochGuard::unique_id`] has made from this participant.
    ids_made: AtomicU64,
    /// Whether the kernel makes every thread pass a fence, so that this thread needs none. The same for all
    /// participants.
    asymmetric: AtomicBool,
    /// What the thread remembers.
    front: OnceLock<Front>,
}

static PARTICIPANTS: Mutex<Participants> = Mutex::new(Participants {
    all: Vec::new(),
    free: Vec::new(),
    asymmetric: None,
    switched: None,
    process: 0,
});

struct Participants {
    /// The generation of the process that these participants belong to. After a fork only one of the threads exists in
    /// the child.
    process: u64,
    asymmetric: Option<bool>,
    /// When readers were told to issue fences, because the kernel began to refuse them. `None` once all have seen it.
    switched: Option<Instant>,
    all: Vec<&'static Participant>,
    /// The participants of ended threads, sorted by number, with the lowest number last.
    free: Vec<&'static Participant>,
}

/// The current epoch. [`advance`] increments it. No epoch has the number 0.
static EPOCH: AtomicU64 = AtomicU64::new(1);

crate::platform::sync::thread_local! {
    /// Has no destructor, so that reading it is a plain load.
    static PARTICIPANT: Cell<Option<&'static Participant>> = const { Cell::new(None) };
    /// The front of this thread's participant, once there is one.
    static FRONT: Cell<Option<&'static Front>> = const { Cell::new(None) };
    static OWNER: Owner = const { Owner(Cell::new(None)) };
}

/// Gives the participant of the thread back when the thread ends.
struct Owner(Cell<Option<&'static Participant>>);

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = PARTICIPANT.try_with(Cell::take);
        let _ = FRONT.try_with(Cell::take);
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
        let (number, pinned_since, ids_made) =
            (participants.all.len(), AtomicU64::new(0), AtomicU64::new(0));
        let participant: &Self = Box::leak(Box::new(Self {
            number,
            pinned_since,
            ids_made,
            asymmetric: asymmetric.into(),
            front: OnceLock::new(),
        }));
        participants.all.push(participant);
        participant
    }

    fn give_back(&'static self) {
        let mut participants = PARTICIPANTS.lock();
        let index = participants.free.partition_point(|free| free.number > self.number);
        participants.free.insert(index, self);
    }

    #[cold]
    fn end_temporary_pin(&'static self) {
        self.pinned_since.store(0, Release);
        self.give_back();
    }

    /// Takes a participant that the current thread keeps until it ends.
    #[cold]
    fn take_for_thread() -> Option<&'static Self> {
        // A thread that is ending has no `OWNER` any more, so nothing would give the participant back.
        let participant = OWNER.try_with(|owner| {
            let participant = Self::take();
            owner.0.set(Some(participant));
            participant
        });
        let participant = participant.ok()?;
        let _ = PARTICIPANT.try_with(|own| own.set(Some(participant)));
        Some(participant)
    }

    /// Pins with a participant that is given back when the guard is dropped.
    #[cold]
    fn pin_temporarily() -> EpochGuard {
        let mut guard = Self::take().enter();
        guard.previous = TEMPORARY;
        guard
    }

    #[inline]
    fn of_this_thread() -> Option<&'static Self> {
        PARTICIPANT.try_with(Cell::get).ok().flatten().or_else(Self::take_for_thread)
    }

    /// See [`EpochGuard::remember`].
    #[inline(never)]
    fn remember(&'static self, key: WordKey, cache: usize, found: &Found, offers: u64) {
        let front = self.front.get_or_init(|| Front::new(self.number));
        let _ = FRONT.try_with(|own| own.set(Some(front)));
        front.put(key, cache, found, offers);
    }

    /// Returns the id that it made last.
    fn last_id(&self) -> u64 {
        self.ids_made.load(Relaxed) << NUMBER_BITS | self.number as u64 & NUMBER_MASK
    }

    #[inline]
    fn enter(&'static self) -> EpochGuard {
        let previous = self.pinned_since.load(Relaxed);
        if previous == 0 {
            // Release: a thread that sees this epoch also sees that the reads under the previous pin are complete.
            self.pinned_since.store(EPOCH.load(Acquire), Release);
            if self.asymmetric.load(Relaxed) {
                compiler_fence(SeqCst);
            } else {
                fence(SeqCst);
            }
        }
        EpochGuard { participant: self, previous }
    }
}

/// While a guard exists, nothing that this thread can reach is freed. The guards of one thread are dropped in the
/// reverse order of their creation.
#[must_use = "memory may be read only while the guard exists"]
pub(crate) struct EpochGuard {
    participant: &'static Participant,
    /// The value of `pinned_since` before this pin, or [`TEMPORARY`].
    previous: u64,
}

/// Marks, in `EpochGuard::previous`, a pin of a thread that is ending: the participant is used for this pin only. No
/// epoch reaches this number.
const TEMPORARY: u64 = u64::MAX;

impl EpochGuard {
    /// Returns a number that no other live thread has. It is the lowest one that was free at the first pin of the
    /// thread.
    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.participant.number
    }

    /// Makes the thread remember a value that was found in the cache that `cache` tells from others. `offers`: how many
    /// it could have remembered.
    #[inline]
    pub(crate) fn remember(&self, key: WordKey, cache: usize, found: &Found, offers: u64) {
        // A thread that is ending does not keep its participant.
        if self.previous != TEMPORARY {
            self.participant.remember(key, cache, found, offers);
        }
    }

    /// Returns a number that was never returned before in this process, if the process has fewer than a million
    /// threads.
    pub(crate) fn unique_id(&self) -> u64 {
        // No other thread writes this counter, so a load and a store suffice.
        let ids_made = self.participant.ids_made.load(Relaxed) + 1;
        self.participant.ids_made.store(ids_made, Relaxed);
        self.participant.last_id()
    }
}

/// The bits of an id that hold the number of the participant. The others hold how many ids it had made.
const NUMBER_BITS: u32 = 20;
const NUMBER_MASK: u64 = (1 << NUMBER_BITS) - 1;

/// The ids that one thread has made, as another thread sees them: whether it makes more shows whether it runs.
#[derive(Debug)]
pub(crate) struct Activity {
    /// The last id that was seen.
    last: u64,
}

impl Activity {
    /// Begins to observe the thread that made `id`, from that moment on.
    pub(crate) fn since(id: u64) -> Self {
        Self { last: id }
    }

    /// Begins to observe this thread.
    pub(crate) fn of_this_thread() -> Self {
        Self { last: pin().participant.last_id() }
    }

    /// Returns whether the thread has made an id since the last call.
    pub(crate) fn has_advanced(&mut self) -> bool {
        let number = self.last & NUMBER_MASK;
        let participants = participants();
        let Some(participant) = participants.all.get(usize::try_from(number).unwrap_or(usize::MAX))
        else {
            return false;
        };
        let now = participant.last_id();
        std::mem::replace(&mut self.last, now) != now
    }
}

/// Returns what this thread remembers, if anything.
#[inline]
pub(crate) fn front() -> Option<&'static Front> {
    FRONT.try_with(Cell::get).ok().flatten()
}

/// Pins the current epoch, so that this thread can read.
#[inline]
pub(crate) fn pin() -> EpochGuard {
    match Participant::of_this_thread() {
        Some(participant) => participant.enter(),
        None => Participant::pin_temporarily(),
    }
}

impl Drop for EpochGuard {
    #[inline]
    fn drop(&mut self) {
        if self.previous == TEMPORARY {
            return self.participant.end_temporary_pin();
        }
        self.participant.pinned_since.store(self.previous, Release);
    }
}

/// Ends the current epoch. A thread that pins after this call sees everything that the caller did before it.
///
/// Returns the epoch that ended, and the oldest epoch that is still pinned. If the second is later than the first, no
/// thread sees what the caller unlinked before this call. Returns `None` if that is unknown, for a short time after the
/// kernel began to refuse the fence (a process may give up the right to the system call).
pub(crate) fn advance() -> Option<(u64, u64)> {
    // A thread whose participant is not in this list yet takes the lock after this function, so it sees what the caller
    // did.
    let mut participants = participants();
    // For a thread that is reading there are two cases. Either it has stored its epoch, and the loads below see it. Or
    // it passes this fence before its first read, and that read sees what the caller unlinked. A thread that loads a
    // later epoch with Acquire sees that as well.
    if participants.asymmetric == Some(true) && barrier::issue().is_none() {
        participants.switch_to_fences();
    }
    if !participants.have_switched() {
        return None;
    }
    fence(SeqCst);
    let ended = EPOCH.fetch_add(1, SeqCst);
    Some((ended, participants.oldest()))
}

/// Returns the oldest epoch that is still pinned. Among the epochs that [`advance`] ended, no thread reads in an
/// earlier one any more.
pub(crate) fn oldest() -> u64 {
    participants().oldest()
}

/// How long after [`Participants::switch_to_fences`] a reader may still be without a fence. A store becomes visible in
/// less than a microsecond, or when the system stops the thread.
const SWITCH: Duration = Duration::from_millis(100);

impl Participants {
    /// Makes readers issue fences from now on.
    #[cold]
    fn switch_to_fences(&mut self) {
        self.all.iter().for_each(|participant| participant.asymmetric.store(false, SeqCst));
        self.asymmetric = Some(false);
        self.switched = Some(Instant::now());
    }

    /// Returns whether the pin of every reader that began without a fence is visible.
    fn have_switched(&mut self) -> bool {
        self.switched.take_if(|since| since.elapsed() >= SWITCH);
        self.switched.is_none()
    }

    fn oldest(&self) -> u64 {
        let epochs = self.all.iter().map(|participant| participant.pinned_since.load(Acquire));
        epochs.filter(|&epoch| epoch != 0).min().unwrap_or(u64::MAX)
    }
}

/// Locks the participants of this process. The first call in a child after fork unpins the participants of all threads
/// but the caller's, because those threads exist only in the parent. A thread that the child starts calls this function
/// before its first read.
fn participants() -> MutexGuard<'static, Participants> {
    let mut participants = PARTICIPANTS.lock();
    let process = fork::generation();
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

    /// Registers the process, which the kernel requires before the first [`issue`].
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

    /// Returns whether this thread has pinned no epoch up to `ended`. It ignores other participants, because other
    /// tests of this process read at the same time.
    fn oldest_is_after(ended: u64) -> bool {
        let participant = Participant::of_this_thread().unwrap();
        let pinned_since = participant.pinned_since.load(Relaxed);
        pinned_since == 0 || pinned_since > ended
    }

    #[test]
    fn an_epoch_stays_pinned_until_the_outermost_guard_is_dropped() {
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
    fn the_participant_of_an_ended_thread_is_reused() {
        let numbers = || std::thread::spawn(|| pin().index()).join().unwrap();
        let many: Vec<_> = (0..200).map(|_| numbers()).collect();
        assert!(many.iter().max().unwrap() < &100, "{many:?}");
    }

    #[test]
    fn a_thread_can_pin_while_it_ends() {
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
