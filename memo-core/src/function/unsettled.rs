//! What a directory does not know yet because it could not be written to, was removed or was replaced.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use crate::function::directory::Directory;
use crate::function::function_cache::FunctionCache;
use crate::function::thread_opening::unless_settling;
use crate::persist::Store;
use crate::platform::sync::usual::Mutex;
use crate::value::keep::Keep;

/// What a directory does not know yet.
#[derive(Default)]
pub(crate) struct Unsettled {
    /// How often something was removed or replaced that the directory may still hold.
    removals: AtomicU64,
    /// How many of these are over, because all that the directory held was removed afterwards.
    settled: AtomicU64,
    /// Whether memory may hold values that the directory does not.
    has_unwritten: AtomicBool,
    /// Held by the thread that settles.
    settling: Mutex<()>,
}

impl Unsettled {
    /// Notes that something was removed or replaced. Nothing that the directory holds counts until it is settled.
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
    fn is_due(&self) -> bool {
        self.has_removals() || self.has_values()
    }
}

impl<K: Keep> Directory<K> {
    /// Tells the directory what it does not know yet: removes all that it holds, or writes what memory holds. Does
    /// nothing while another thread does it, which may wait for the computation whose result is written next.
    pub(crate) fn settle(&self, function: &FunctionCache<K>, store: &Store) {
        if self.unsettled.is_due() {
            let settling = || self.unsettled.settling.try_lock();
            unless_settling(|| settling().map(|_settling| self.tell(function, store)));
        }
    }

    /// Does the same, and waits for another thread that does it.
    pub(crate) fn settle_now(&self, function: &FunctionCache<K>, store: &Store) {
        unless_settling(|| {
            let _settling = self.unsettled.settling.lock();
            self.tell(function, store);
        });
    }

    fn tell(&self, function: &FunctionCache<K>, store: &Store) {
        let unsettled = &self.unsettled;
        // What is gone is told nothing.
        if !unsettled.is_due() || store.check().is_err() {
            return;
        }
        // Read first: what is noted from now on is told next time.
        let removals = unsettled.removals.load(SeqCst);
        let has_values = unsettled.has_unwritten.swap(false, SeqCst);
        // A failure is counted by the store, which writes again what it could not write.
        if removals != unsettled.settled.load(SeqCst) {
            self.clear_stored(function, store);
            if store.check().is_ok() {
                unsettled.settled.store(removals, SeqCst);
            }
        } else if has_values {
            let _ = self.rewrite(function, store);
        }
    }
}
