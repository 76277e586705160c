//! The operations on a function's cache that are not calls of the function, in memory and on disk.

use std::time::Duration;

use crate::cache::departures::Removing;
use crate::error::Error;
use crate::function::events::Events;
use crate::function::function_cache::{FunctionCache, Storage};
use crate::function::loaded::Loaded;
use crate::key::Tag;
use crate::platform::clock;
use crate::platform::maintenance;
use crate::statistics::explanation::Remover;
use crate::value::holder::Holder;
use crate::value::keep::Keep;

/// How long a flush waits for a tier.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

impl<K: Keep> FunctionCache<K> {
    /// Returns the storage.
    ///
    /// # Errors
    /// The reason why there is none.
    fn storage_or_error(&self) -> Result<&dyn Storage<K>, Error> {
        self.storage.as_deref().ok_or_else(|| no_storage_error::<K::Value>(self.not_stored_reason))
    }

    /// Reads the entries that are on disk, if that was not done before. Returns false if this thread is already opening
    /// a storage. A later call then reads the entries.
    pub(crate) fn recover(&self) -> bool {
        let recovered = self.storage.as_deref().is_none_or(|storage| storage.recover(self));
        // A tick tells whether the disk or the tier fails.
        if self.memory.has_expiring() || cfg!(feature = "tracing") && self.is_stored() {
            self.maintain();
        }
        recovered
    }

    /// Removes from memory what other processes have removed.
    pub(crate) fn follow(&self) {
        maintenance::catch_up();
        if let Some(storage) = &self.storage {
            storage.follow(self);
        }
    }

    /// Returns the value of `key`, in memory or on disk, without marking it as used.
    pub(crate) fn peek(&self, hash: u64, key: &[u8]) -> Option<K::Held> {
        self.follow();
        let elsewhere = || self.load_elsewhere(key).filter(|loaded| !loaded.is_stale);
        let peeked = self.memory.peek(hash, key);
        peeked.or_else(|| elsewhere().map(|loaded| K::Holder::own(loaded.value)))
    }

    /// Returns the value of `key` on disk, or in the tier if there is one, without marking it as used.
    pub(in crate::function) fn load_elsewhere(&self, key: &[u8]) -> Option<Loaded<K::Value>> {
        match (&self.shared, &self.storage) {
            (Some(shared), _) => shared.get(self, key),
            (None, Some(storage)) => storage.load(self, key, false, self.memory.stale()),
            (None, None) => None,
        }
    }

    /// Passes each value on disk to `each`. Removes all of them if they cannot be read, and all from a tier.
    pub(crate) fn judge_stored(&self, each: &mut dyn FnMut(&[u8], K::Value)) {
        self.remove_from_tier(None, || ());
        if let Some(storage) = &self.storage {
            storage.judge(self, each);
        }
    }

    /// Passes each key to `each` that is in memory, being computed, or on disk. Removes all from disk if it cannot be
    /// read, and all from a tier.
    pub(crate) fn keys_to_judge(&self, each: &mut dyn FnMut(&[u8])) {
        self.remove_from_tier(None, || ());
        self.memory.all_keys().iter().for_each(|key| each(key.as_slice()));
        if let Some(storage) = &self.storage {
            storage.keys(self, each);
        }
    }

    /// Removes the entry of `key`, in memory and on disk. Returns whether memory had one. `by`: for explanations.
    pub(crate) fn invalidate(&self, hash: u64, key: &[u8], by: Remover) -> bool {
        let removed = self.remove_from_tier(Some(key), || self.remove_here(hash, key, by));
        Events::invalidated(&self.name, by, usize::from(removed));
        self.counts.invalidated.add(u64::from(removed));
        self.tell_listener();
        removed
    }

    /// Removes the entry of `key`, in memory and on disk. Returns whether memory had one.
    pub(crate) fn remove_here(&self, hash: u64, key: &[u8], by: Remover) -> bool {
        self.observe_removal(hash);
        // Machines are told of what they have removed themselves, too. That is noted already.
        let elsewhere = self.is_stored() && by != Remover::Machine;
        let removing = Removing { by, elsewhere };
        match &self.storage {
            Some(storage) => storage.remove(self, hash, key, removing),
            None => self.memory.remove(hash, key, removing, &mut || ()),
        }
    }

    /// Removes an entry, or all, from the tier. `remove` removes it here. Meanwhile it is not read from the tier.
    fn remove_from_tier<R>(&self, key: Option<&[u8]>, remove: impl FnOnce() -> R) -> R {
        let Some(shared) = &self.shared else { return remove() };
        let open = shared.begin_to_remove(key);
        let removed = remove();
        if let Some(open) = open {
            shared.remove(&open);
        }
        removed
    }

    pub(crate) fn clear(&self) {
        self.observe_clear();
        let count = self.remove_from_tier(None, || match &self.storage {
            Some(storage) => storage.clear(self),
            None => self.memory.clear(Remover::Clear, &mut || ()),
        });
        self.counts.invalidated.add(count as u64);
        Events::invalidated(&self.name, Remover::Clear, count);
        self.tell_listener();
    }

    /// Does the same, and removes what other versions of the function have stored on disk.
    pub(crate) fn clear_versions(&self) -> Result<(), Error> {
        self.clear();
        match &self.storage {
            Some(storage) => storage.clear_versions(self),
            None if self.not_stored_reason.is_some() => {
                Err(no_storage_error::<K::Value>(self.not_stored_reason))
            }
            None => Ok(()),
        }
    }

    /// Removes the results with a tag from disk and from the tier. Memory ends them afterwards, for all functions at
    /// once, so that what is read from there meanwhile ends too.
    pub(crate) fn remove_tag(&self, tag: Tag) {
        if let Some(storage) = self.storage.as_ref().filter(|_| self.memory.is_tagged()) {
            storage.remove_tag(self, tag);
        }
    }

    /// Removes the entries that cannot be served any more. Returns how many these were.
    pub(crate) fn sweep(&self) -> usize {
        self.memory.expect_invalidated(0);
        self.remove_over()
    }

    /// Does the same for those that are known to be over.
    pub(in crate::function) fn remove_over(&self) -> usize {
        let removed = self.memory.remove_expired();
        if Events::are_heard() {
            Events::expired(&self.name, removed as u64);
        }
        self.tell_listener();
        removed
    }

    /// Changes for how long after its last use an entry lives. Returns false if the function has no `idle`.
    pub(crate) fn set_idle(&self, idle: Option<Duration>) -> bool {
        let is_set = self.memory.set_idle(idle.map(clock::millis));
        if is_set {
            self.maintain();
        }
        is_set
    }

    /// Changes for how long after its time to live an entry is served while it is computed again.
    pub(crate) fn set_stale(&self, stale: Duration) {
        self.memory.set_stale(clock::millis(stale));
        self.maintain();
    }

    /// Changes the bound on entries.
    pub(crate) fn set_max(&self, max: usize) {
        self.trim(|| self.memory.set_max(max));
    }

    /// Changes the bound on weight. Returns false if entries have no weights.
    pub(crate) fn set_max_bytes(&self, max: u64) -> bool {
        self.trim(|| self.memory.set_max_bytes(max))
    }

    /// Runs `change`, and tells how many entries were evicted meanwhile.
    fn trim<R>(&self, change: impl FnOnce() -> R) -> R {
        let before = Events::are_heard().then(|| self.memory.removed().0);
        let changed = change();
        if let Some(before) = before {
            Events::evicted(&self.name, self.memory.removed().0 - before);
        }
        self.observe_bound();
        self.tell_listener();
        changed
    }

    pub(crate) fn try_init(&self) -> Result<(), Error> {
        match &self.storage {
            Some(storage) => storage.init(self),
            None => self.health(),
        }
    }

    pub(crate) fn max_disk(&self) -> Option<u64> {
        self.storage.as_ref()?.max_disk()
    }

    pub(crate) fn set_max_disk(&self, max: u64) -> bool {
        self.storage.as_ref().is_some_and(|storage| storage.set_max_disk(max))
    }

    pub(crate) fn flush(&self) -> Result<(), Error> {
        let Some(shared) = &self.shared else { return self.storage_or_error()?.flush(self) };
        let on_disk = self.storage.as_ref().map_or(Ok(()), |storage| storage.flush(self));
        shared.flush(FLUSH_LIMIT).and(on_disk)
    }

    /// Flushes at the end of the process.
    pub(crate) fn flush_if_open(&self) {
        if let Some(storage) = &self.storage {
            storage.flush_if_open();
        }
        if let Some(shared) = &self.shared {
            // What could not be written is lost, as it would be if the tier had dropped it.
            let _ = shared.flush(FLUSH_LIMIT);
        }
    }

    pub(crate) fn snapshot(&self) -> Result<(), Error> {
        self.storage_or_error()?.snapshot(self)
    }

    pub(crate) fn damage(&self) -> Vec<Error> {
        self.storage.as_ref().map(|storage| storage.damage()).unwrap_or_default()
    }

    pub(crate) fn health(&self) -> Result<(), Error> {
        if let Some(failure) = self.shared.as_ref().and_then(|shared| shared.failure()) {
            return Err(failure);
        }
        match &self.storage {
            Some(storage) => storage.failure().map_or(Ok(()), Err),
            None if self.not_stored_reason.is_some() => {
                Err(no_storage_error::<K::Value>(self.not_stored_reason))
            }
            None => Ok(()),
        }
    }
}

/// Returns the reason why results of the type `V` have no storage. `not_stored_reason` is given if the function has
/// `persist`, but results of this instance cannot be stored.
fn no_storage_error<V>(not_stored_reason: Option<&'static str>) -> Error {
    storage_error(std::any::type_name::<V>(), not_stored_reason)
}

/// Not generic, so that it is compiled once.
#[cold]
fn storage_error(type_name: &'static str, not_stored_reason: Option<&str>) -> Error {
    let Some(reason) = not_stored_reason else { return Error::NotPersistent };
    Error::Unpersistable { type_name, reason: reason.to_owned() }
}
