//! Tells a directory what it does not know yet.

use crate::function::directory::Directory;
use crate::function::function_cache::FunctionCache;
use crate::function::thread_opening::unless_settling;
use crate::function::unsettled::Due;
use crate::persist::Store;
use crate::value::keep::Keep;

impl<K: Keep> Directory<K> {
    /// Tells the directory what it does not know yet. Does nothing while another thread does it, which may wait for the
    /// computation whose result is written next.
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
        // What is gone is told nothing.
        if !self.unsettled.is_due() || store.check().is_err() {
            return;
        }
        // A failure is counted by the store, which writes again what it could not write.
        match self.unsettled.take() {
            Some(Due::Removals(removals)) => {
                self.clear_stored(function, store);
                if store.check().is_ok() {
                    self.unsettled.settled(removals);
                }
            }
            Some(Due::Values) => _ = self.rewrite(function, store),
            None => {}
        }
    }
}
