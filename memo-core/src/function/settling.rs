//! Tells a directory what it does not know yet.

use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::function::directory::Directory;
use crate::function::function_cache::FunctionCache;
use crate::function::thread_opening::unless_settling;
use crate::function::unsettled::Due;
use crate::persist::Store;
use crate::platform::clock::Instant;
use crate::value::keep::Keep;

/// The longest that a thread waits for another one.
const MAX_WAIT: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_millis(1);

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
    ///
    /// # Errors
    /// [`Error::Locked`] if that takes too long: it may wait for a computation of this thread. Also if this thread tells
    /// a directory something, and a `Serialize` that runs then asks for this.
    pub(crate) fn settle_now(
        &self,
        function: &FunctionCache<K>,
        store: &Store,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let is_told = unless_settling(|| {
            while began.elapsed() < MAX_WAIT {
                if let Some(_settling) = self.unsettled.settling.try_lock() {
                    self.tell(function, store);
                    return true;
                }
                thread::sleep(INTERVAL);
            }
            false
        });
        is_told
            .filter(|is_told| *is_told)
            .map(drop)
            .ok_or_else(|| self.disk.locked_by_this_process())
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
