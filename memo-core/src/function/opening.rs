//! Opens the directory of a cache: to write, again in a child of fork, and again when it was removed or replaced.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::function::directory::Directory;
use crate::function::forgotten::{Forgotten, watch};
use crate::function::function_cache::FunctionCache;
use crate::function::thread_opening::unless_opening;
use crate::persist::{Removal, Store};
use crate::platform::exit;
use crate::platform::maintenance::CACHES;
use crate::statistics::explanation::Remover;
use crate::value::keep::Keep;

impl<K: Keep> Directory<K> {
    /// Returns the store, and begins to write if it does not yet. If that succeeds only now, after something was
    /// computed or removed, writes what is in memory, and removes what was removed.
    pub(crate) fn begin(&self, function: &FunctionCache<K>) -> Result<Arc<Store>, Error> {
        let disk = &self.disk;
        if let Some(store) = disk.begun() {
            self.settle(function, &store);
            return Ok(store);
        }
        self.open_in_child(function);
        let mut forgotten = Forgotten::new(function, Remover::Process);
        let begun = unless_opening(|| disk.begin(&mut |removal| forgotten.add(&removal)));
        let (store, is_first) = begun.unwrap_or_else(|| Err(disk.locked_by_this_process()))?;
        if is_first {
            watch(function, &store);
            exit::include_this_process();
            let calls = &function.memory.calls;
            if calls.recovered() == 0 {
                calls.set_recovered(store.status().entries, store.mean_cost());
            }
            self.settle(function, &store);
            maintain_soon(function);
        }
        Ok(store)
    }

    /// Opens the directory in a child of fork. Memory stays as it was in the parent if nothing was removed since.
    /// Returns the store if it is open.
    pub(crate) fn open_in_child(&self, function: &FunctionCache<K>) -> Option<Arc<Store>> {
        let mut forgotten = Forgotten::new(function, Remover::Process);
        let opened = unless_opening(|| {
            self.disk.open_in_child(|store| {
                if !function.removals.has_followed(store.removals_seen()) {
                    forgotten.add(&Removal::All);
                }
                watch(function, store);
            })
        });
        opened.flatten()
    }

    /// Opens the directory anew to read it if it was replaced. Who writes looks for that each second. Returns the store
    /// if it is open.
    pub(crate) fn reopen(
        &self,
        function: &FunctionCache<K>,
        opened: Option<Arc<Store>>,
    ) -> Option<Arc<Store>> {
        let mut forgotten = Forgotten::new(function, Remover::Process);
        match opened {
            Some(store) if store.check().is_ok() => return Some(store),
            Some(store) => {
                let follow = || store.follow(&mut |removal| forgotten.add(&removal));
                if unless_opening(follow).is_some_and(|followed| followed.is_err()) {
                    // What was removed last cannot be read any more.
                    forgotten.add(&Removal::All);
                }
                self.disk.close(&store);
            }
            None => {}
        }
        let _ = unless_opening(|| self.disk.reopen(&mut |removal| forgotten.add(&removal)));
        self.disk.opened()
    }

    /// Returns the store if there may be something on disk to remove, or another process may be computing it. It is
    /// opened before memory changes, so that no older entry can come back. If it cannot be opened now, all that it
    /// holds is removed when it is opened later.
    pub(crate) fn begin_to_remove(&self, function: &FunctionCache<K>) -> Option<Arc<Store>> {
        let unsettled = &self.unsettled;
        let is_used = || unless_opening(|| self.disk.is_used()).unwrap_or(true);
        // What memory holds may be written by another thread meanwhile, which opens the directory again.
        if self.disk.opened().is_none() && !unsettled.has_values() && !is_used() {
            return None;
        }
        function.maintain();
        self.begin(function).inspect_err(|_| unsettled.note_removal()).ok()
    }

    /// Opens the directory again, which was removed or replaced since `stale` was opened, and writes what is in memory.
    pub(crate) fn renew(
        &self,
        function: &FunctionCache<K>,
        stale: &Store,
    ) -> Result<Arc<Store>, Error> {
        // Before it is closed, because another thread may open it at once.
        self.unsettled.note_values();
        self.disk.close(stale);
        self.begin(function)
    }
}

/// Wakes the background thread, which removes old versions once a store was opened.
pub(crate) fn maintain_soon<K: Keep>(function: &FunctionCache<K>) {
    function.maintain();
    CACHES.wake(Duration::ZERO);
}
