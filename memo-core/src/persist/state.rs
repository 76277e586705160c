//! The page that the processes of a directory share. It says how far each log counts, and that something was removed.
//! It is valid while a process writes: the first one to write makes it anew from the files.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use super::fs::Page;
use super::header::random_salt;
use crate::platform::sync::step;

/// The first words of the page.
const FORMAT: usize = 0;
const EPOCH: usize = 1;
const SEQUENCE: usize = 2;
const REMOVALS: usize = 3;
const HORIZON: usize = 4;
const SNAPSHOT: usize = 5;
const MERGES: usize = 6;
const LAST_NUMBER: usize = 7;
const CLEARED: usize = 8;
const SLOTS_USED: usize = 9;
/// Where the slots begin.
const FIRST_SLOT: usize = 16;
/// The words of a slot: the number of the log, and its committed length in bytes.
const SLOT: usize = 4;
/// The number of slots, and so of the processes that can write at once.
pub(crate) const SLOTS: usize = (512 - FIRST_SLOT) / SLOT;

/// What the word [`FORMAT`] holds: "memo", and the format of the page.
const MAGIC: u64 = 0x6d65_6d6f_0000_0001;

/// The shared page.
#[derive(Clone)]
pub(crate) struct State(Arc<dyn Page>);

/// A log that a process writes, or wrote until it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SlotLog {
    /// The number of the log. 0: none.
    pub(crate) log: u64,
    /// The records before this offset are committed.
    pub(crate) len: u64,
}

/// What a page is filled with when the first process begins to write.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) sequence: u64,
    pub(crate) horizon: u64,
    pub(crate) snapshot: u64,
    pub(crate) last_number: u64,
    pub(crate) logs: Vec<SlotLog>,
}

impl State {
    pub(crate) fn new(page: Arc<dyn Page>) -> Self {
        Self(page)
    }

    /// Returns a word. The caller accesses it once.
    fn word(&self, n: usize) -> &AtomicU64 {
        step();
        &self.0.words()[n]
    }

    /// Fills the page. No other process uses it, except to see that its epoch changes.
    pub(crate) fn fill(&self, contents: &Contents) {
        // Random, so that a directory that was removed and created again has another one.
        let epoch = random_salt() | 1;
        self.word(EPOCH).store(epoch, SeqCst);
        // The count of removals goes on: processes that only read compare it with what they saw before.
        for n in HORIZON..self.0.words().len() {
            self.word(n).store(0, SeqCst);
        }
        let Contents { sequence, horizon, snapshot, last_number, logs } = contents;
        self.word(FORMAT).store(MAGIC, SeqCst);
        self.word(SEQUENCE).store(*sequence, SeqCst);
        self.word(HORIZON).store(*horizon, SeqCst);
        self.word(SNAPSHOT).store(*snapshot, SeqCst);
        self.word(LAST_NUMBER).store(*last_number, SeqCst);
        for (slot, log) in logs.iter().enumerate() {
            self.set_slot(slot, *log);
        }
        self.word(EPOCH).store(epoch.wrapping_add(1), SeqCst);
    }

    /// Returns whether the page is still the file at `path`.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.0.is_at(path)
    }

    /// Returns whether no process has filled the page yet.
    pub(crate) fn is_new(&self) -> bool {
        self.word(FORMAT).load(SeqCst) == 0
    }

    /// Returns whether this version of the program wrote the page.
    pub(crate) fn is_known(&self) -> bool {
        self.word(FORMAT).load(SeqCst) == MAGIC
    }

    /// Returns a number that changes each time the page is filled. It is odd meanwhile.
    pub(crate) fn epoch(&self) -> u64 {
        self.word(EPOCH).load(SeqCst)
    }

    /// Returns the highest sequence so far.
    pub(crate) fn sequence(&self) -> u64 {
        self.word(SEQUENCE).load(SeqCst)
    }

    /// Returns a sequence that no other record has, higher than all so far.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.word(SEQUENCE).fetch_add(1, SeqCst) + 1
    }

    /// Returns how many removals were committed.
    pub(crate) fn removals(&self) -> u64 {
        self.word(REMOVALS).load(SeqCst)
    }

    /// Returns the word that counts the removals, for as long as the process lives. The page stays mapped then.
    pub(crate) fn leak_removals(&self) -> &'static AtomicU64 {
        let page: &'static Arc<dyn Page> = Box::leak(Box::new(Arc::clone(&self.0)));
        &page.words()[REMOVALS]
    }

    /// Tells all processes that a removal was committed.
    pub(crate) fn count_removal(&self) {
        self.word(REMOVALS).fetch_add(1, SeqCst);
    }

    /// Returns the sequence up to which records count only if a snapshot has them, or if the snapshot that is being
    /// written will.
    pub(crate) fn horizon(&self) -> u64 {
        self.word(HORIZON).load(SeqCst)
    }

    /// Raises the horizon to the present sequence, and returns it. Who commits an older record notices, and numbers it
    /// anew.
    pub(crate) fn raise_horizon(&self) -> u64 {
        let horizon = self.sequence();
        self.word(HORIZON).fetch_max(horizon, SeqCst);
        horizon
    }

    /// Returns the number of the snapshot that counts, or 0.
    pub(crate) fn snapshot(&self) -> u64 {
        self.word(SNAPSHOT).load(SeqCst)
    }

    /// Returns how many snapshots were written since the page was filled.
    pub(crate) fn merges(&self) -> u64 {
        self.word(MERGES).load(SeqCst)
    }

    pub(crate) fn set_snapshot(&self, number: u64) {
        self.word(SNAPSHOT).store(number, SeqCst);
        self.word(MERGES).fetch_add(1, SeqCst);
    }

    /// Returns a number that no file has had.
    pub(crate) fn next_number(&self) -> u64 {
        self.word(LAST_NUMBER).fetch_add(1, SeqCst) + 1
    }

    /// Returns the sequence of the last clear that no log could take, or 0.
    pub(crate) fn cleared(&self) -> u64 {
        self.word(CLEARED).load(SeqCst)
    }

    pub(crate) fn set_cleared(&self, sequence: u64) {
        self.word(CLEARED).fetch_max(sequence, SeqCst);
    }

    /// Notes that all files are about to be removed, and nobody writes. What is in them counts no more for processes
    /// that only read, until one begins to write: it finds what is left then. (The page may know less of the files than
    /// its readers do, so this is higher than all sequences.)
    pub(crate) fn set_removed(&self) {
        self.set_cleared(u64::MAX);
    }

    /// Returns whether [`Self::set_removed`] was called since a process has begun to write.
    pub(crate) fn is_removed(&self) -> bool {
        self.cleared() == u64::MAX
    }

    pub(crate) fn slot(&self, slot: usize) -> SlotLog {
        let at = FIRST_SLOT + slot * SLOT;
        loop {
            let log = self.word(at).load(SeqCst);
            let len = self.word(at + 1).load(SeqCst);
            if self.word(at).load(SeqCst) == log {
                return SlotLog { log, len };
            }
        }
    }

    /// Returns how many slots have ever been used.
    pub(crate) fn slots_used(&self) -> usize {
        usize::try_from(self.word(SLOTS_USED).load(SeqCst)).map_or(SLOTS, |used| used.min(SLOTS))
    }

    /// Returns the logs of all slots.
    pub(crate) fn logs(&self) -> Vec<SlotLog> {
        let slots = (0..self.slots_used()).map(|slot| self.slot(slot));
        slots.filter(|slot| slot.log != 0).collect()
    }

    /// Sets the log of a slot. In between it has none: whoever reads the page then reads the former log to its end.
    pub(crate) fn set_slot(&self, slot: usize, log: SlotLog) {
        let at = FIRST_SLOT + slot * SLOT;
        self.word(SLOTS_USED).fetch_max(slot as u64 + 1, SeqCst);
        self.word(at).store(0, SeqCst);
        self.word(at + 1).store(log.len, SeqCst);
        self.word(at).store(log.log, SeqCst);
    }

    /// Commits the records of a slot's log before the offset `len`.
    pub(crate) fn commit(&self, slot: usize, len: u64) {
        self.word(FIRST_SLOT + slot * SLOT + 1).store(len, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::super::fs::Fs;
    use super::super::fs_mem::MemFs;
    use super::*;

    /// A log that looks empty would hide what it holds, for good if the process was killed at that moment.
    #[test]
    fn nobody_sees_the_former_log_of_a_slot_as_empty() {
        let state = State::new(MemFs::new().page(Path::new("/STATE"), true).unwrap());
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0;
                while !is_over.load(SeqCst) {
                    number += 1;
                    state.set_slot(0, SlotLog { log: number, len: 1000 + number });
                }
            });
            for _ in 0..200_000 {
                let SlotLog { log, len } = state.slot(0);
                let is_right = log == 0 || len == 1000 + log;
                is_over.store(!is_right, SeqCst);
                assert!(is_right, "log {log} has {len} bytes");
            }
            is_over.store(true, SeqCst);
        });
    }
}
