//! What a directory does not know yet because it could not be written to, was removed or was replaced.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use crate::platform::sync::usual::Mutex;

/// What a directory has to be told.
pub(crate) enum Due {
    /// That nothing counts that it holds, and what memory holds. With them it was told of so many removals.
    Removals(u64),
    /// What memory holds.
    Values,
}

/// What a directory does not know yet.
#[derive(Default)]
pub(crate) struct Unsettled {
    /// How often something was removed or replaced that the directory may still hold.
    removals: AtomicU64,
    /// How many of these are over, because all that the directory held was removed afterwards.
    settled: AtomicU64,
    /// Whether memory may hold values that the directory does not.
    has_unwritten: AtomicBool,
    /// Held by the thread that tells the directory.
    pub(crate) settling: Mutex<()>,
}

impl Unsettled {
    /// Notes that something was removed or replaced. Nothing that the directory holds counts until it was told.
    pub(crate) fn note_removal(&self) {
        self.removals.fetch_add(1, SeqCst);
    }

    /// Notes that memory may hold values that the directory does not.
    pub(crate) fn note_values(&self) {
        self.has_unwritten.store(true, SeqCst);
    }

    /// Returns whether memory may hold values that the directory does not.
    pub(crate) fn has_values(&self) -> bool {
        self.has_unwritten.load(SeqCst)
    }

    /// Returns whether something was removed that the directory may still hold.
    pub(crate) fn has_removals(&self) -> bool {
        self.removals.load(SeqCst) != self.settled.load(SeqCst)
    }

    /// Returns whether there is anything that the directory does not know.
    pub(crate) fn is_due(&self) -> bool {
        self.has_removals() || self.has_values()
    }

    /// Returns what the directory has to be told next. What is noted from now on is another thing.
    pub(crate) fn take(&self) -> Option<Due> {
        let removals = self.removals.load(SeqCst);
        let has_values = self.has_unwritten.swap(false, SeqCst);
        if removals != self.settled.load(SeqCst) {
            return Some(Due::Removals(removals));
        }
        has_values.then_some(Due::Values)
    }

    /// Notes that the directory was told of so many removals.
    pub(crate) fn settled(&self, removals: u64) {
        self.settled.store(removals, SeqCst);
    }
}
