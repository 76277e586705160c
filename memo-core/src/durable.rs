//! What a cache's directory has to do with its life: what it holds is read once, results go there before they are seen,
//! removals before they return.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::cache::Fresh;
use crate::clock::{self, Millis, NEVER};
use crate::core::Core;
use crate::disk::{Change, Disk};
use crate::error::Error;
use crate::flight::Claim;
use crate::keep::{Hold, Keep};
use crate::persist::{Maintain, Record, Store, hurry, maintain};

/// A writer that is faster than the compaction waits so long at each write, so that the disk does not fill.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

thread_local! {
    static OPENING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` unless this thread is opening a directory already: a value's `Serialize` or `Deserialize` that then calls
/// memoized functions is served from memory, since what it would open may be what it is part of opening.
fn unless_opening<R>(f: impl FnOnce() -> R) -> Option<R> {
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            OPENING.set(false);
        }
    }
    (!OPENING.replace(true)).then(|| {
        let _done = Done;
        f()
    })
}

impl<K: Keep> Core<K> {
    /// Reads what the directory holds, before the first call. A failure is remembered by the disk and shown by stats and
    /// health. False when it has yet to be done, by a call that is not part of opening a directory.
    pub(crate) fn recover(&self) -> bool {
        let Some(disk) = &self.disk else { return true };
        if self.recovered.get().is_some() {
            return true;
        }
        let recovered = unless_opening(|| {
            self.recovered.get_or_init(|| {
                let settle = &mut |_: &Store, behind| {
                    self.cache.shorten(behind, self.cut(NEVER));
                    disk.recovered.add(self.cache.len() as u64);
                };
                let replay = &mut |change: Change<&[u8], K::Value>| self.replay(change);
                if disk.exists() && disk.open(replay, settle).is_err() {
                    self.cache.clear(|| ());
                }
            });
        });
        recovered.is_some()
    }

    /// The store, opened if that was not done before. What a directory holds that could be opened only now is older
    /// than what memory holds; it is added where memory has nothing, and memory is written out.
    pub(crate) fn open(&self) -> Result<&Store, Error> {
        let disk = self.disk.as_ref().ok_or_else(|| self.not_persistent())?;
        if let Some(store) = disk.opened() {
            return Ok(store);
        }
        let found = RefCell::new(Vec::new());
        let replay = &mut |change: Change<&[u8], K::Value>| {
            found.borrow_mut().push(change.into_owned());
        };
        let settle = &mut |store: &Store, behind| {
            let had = self.cache.count() > 0;
            if self.void.swap(false, Relaxed) {
                let _ = store.commit_removal(store.queue(Record::Clear));
            } else {
                disk.recovered.add(self.merge(found.take(), behind));
            }
            if had {
                // A failure is counted by the store, which tries again.
                let _ = self.checkpoint(store);
            }
        };
        let busy = || Error::Locked { path: disk.dir.clone(), pid: Some(std::process::id()) };
        unless_opening(|| disk.open(replay, settle)).unwrap_or_else(|| Err(busy()))
    }

    /// Writes the result of `claim`, which is not seen yet. `replaces`: an older value of the key, which may be on disk
    /// alone, must not come back.
    pub(crate) fn write(&self, claim: &Claim, value: &K::Held, expires: Millis, replaces: bool) {
        let Some(disk) = &self.disk else { return };
        // What cannot be written stays in memory; each step counts its own failure.
        let Ok(store) = self.open() else { return };
        let mut bytes = Vec::new();
        if disk.encode(K::Hold::view(value), &mut bytes).is_err() {
            return;
        }
        let queue = |known: bool| {
            let record = disk.put(claim.key.as_slice(), &bytes, expires);
            if replaces || known { store.queue_replacing(record) } else { store.queue(record) }
        };
        let ticket = self.cache.announce(claim, Some((value.clone(), expires)), queue);
        let commit = |ticket| match replaces {
            true => store.commit_removal(ticket),
            false => store.commit(ticket),
        };
        if ticket.is_some_and(|ticket| commit(ticket).is_ok()) {
            disk.succeed();
        }
        self.watch();
        if store.is_outgrown() {
            hurry(if store.is_overfull() { LONGEST_PAUSE } else { Duration::ZERO });
        }
    }

    /// Removes what is stored for the key of `claim`, whose value is not going to be: where memory knows an older one,
    /// or if what it replaces may be on disk alone.
    pub(crate) fn strike(&self, claim: &Claim, replaces: bool) {
        let older = || self.cache.announce(claim, None, |older| older) == Some(true);
        if !self.is_persistent() || !(replaces || older()) {
            return;
        }
        let Some(store) = self.open_to_remove() else { return };
        let record = || store.queue(Record::Remove { key: claim.key.as_slice() });
        if let Some(ticket) = self.cache.announce(claim, None, |_| record()) {
            let _ = store.commit_removal(ticket);
        }
    }

    /// Has the directory looked after from the first change of it on.
    fn watch(&self) {
        if let (false, Some(ward)) = (self.watched.swap(true, Relaxed), &self.ward) {
            maintain(Weak::clone(ward));
        }
    }

    /// Ends are those by the present clock, before it is known how far that is behind.
    fn replay(&self, change: Change<&[u8], K::Value>) {
        match change {
            Change::Clear => drop(self.cache.clear(|| ())),
            Change::Remove(key) => {
                if let Some(hash) = self.hash_key(key) {
                    self.cache.remove(hash, key, || ());
                }
            }
            Change::Put(key, value, expires) => {
                if let Some(hash) = self.hash_key(key) {
                    self.restore(hash, key, value, expires);
                }
            }
        }
    }

    fn restore(&self, hash: u64, key: &[u8], value: K::Value, expires: Millis) {
        let weight = self.weight_found(key, &value);
        self.cache.restore(hash, key, Fresh { held: K::Hold::own(value), expires, weight });
    }

    /// What cannot be weighed is too heavy: the call that asks for it computes it anew, and panics itself.
    fn weight_found(&self, key: &[u8], value: &K::Value) -> Option<u64> {
        catch_unwind(AssertUnwindSafe(|| self.weight(key, value))).unwrap_or(Some(u64::MAX))
    }

    /// No entry lives longer than the present time to live.
    fn cut(&self, expires: Millis) -> Millis {
        match self.ttl.load(Relaxed) {
            NEVER => expires,
            ttl => expires.min(clock::now().saturating_add(ttl)),
        }
    }

    /// Adds what was found where memory has nothing, each key's last change, as far as there is room.
    fn merge(&self, found: Vec<Change<Box<[u8]>, K::Value>>, behind: Millis) -> u64 {
        let mut seen = HashSet::new();
        let mut added = Vec::new();
        let (mut places, mut bytes) = self.cache.room();
        for change in found.into_iter().rev() {
            match change {
                Change::Clear => break,
                Change::Remove(key) => drop(seen.insert(key)),
                Change::Put(key, value, expires) => {
                    let Some(hash) = self.hash_key(&key) else { continue };
                    if !seen.insert(key.clone()) || self.cache.peek(hash, &key).is_some() {
                        continue;
                    }
                    let weight = self.weight_found(&key, &value).unwrap_or_default();
                    if places > 0 && weight <= bytes {
                        (places, bytes) = (places - 1, bytes - weight);
                        added.push((hash, key, value, expires));
                    }
                }
            }
        }
        let count = added.len() as u64;
        for (hash, key, value, expires) in added.into_iter().rev() {
            let expires = if expires == NEVER { NEVER } else { expires.saturating_sub(behind) };
            self.restore(hash, &key, value, self.cut(expires));
        }
        count
    }

    fn checkpoint(&self, store: &Store) -> Result<(), Error> {
        store.checkpoint(&mut |sink| self.entries(sink))
    }

    /// Hands every entry as a record to `sink` until it returns false.
    fn entries(&self, sink: &mut dyn FnMut(Record<'_>) -> bool) {
        let Some(disk) = &self.disk else { return };
        let mut bytes = Vec::new();
        let mut wanted = true;
        self.cache.for_each(|key, held, expires| {
            bytes.clear();
            if wanted && disk.encode(K::Hold::view(held), &mut bytes).is_ok() {
                wanted = sink(disk.put(key.as_slice(), &bytes, expires));
            }
        });
    }

    /// Removes the entry of `key`, in memory and on disk; says whether memory had one.
    pub(crate) fn invalidate(&self, hash: u64, key: &[u8]) -> bool {
        let store = self.open_to_remove();
        let queue = || store.map(|store| store.queue(Record::Remove { key }));
        let (removed, ticket) = self.cache.remove(hash, key, queue);
        self.counts.invalidated.add(u64::from(removed));
        if let Some((store, ticket)) = store.zip(ticket) {
            let _ = store.commit_removal(ticket);
        }
        removed
    }

    pub(crate) fn clear(&self) {
        let store = self.open_to_remove();
        let (count, ticket) = self.cache.clear(|| store.map(|store| store.queue(Record::Clear)));
        self.counts.invalidated.add(count as u64);
        if let Some((store, ticket)) = store.zip(ticket) {
            let _ = store.commit_removal(ticket);
        }
    }

    /// The store, if there is something on disk to remove; opened before memory is changed, so that nothing older can
    /// come back. Where it cannot be opened, all that it holds is void should it ever be.
    fn open_to_remove(&self) -> Option<&Store> {
        let disk = self.disk.as_ref()?;
        if disk.opened().is_none() && !disk.exists() {
            return None;
        }
        self.watch();
        self.open().inspect_err(|_| self.void.store(true, Relaxed)).ok()
    }

    pub(crate) fn flush(&self) -> Result<(), Error> {
        match &self.disk {
            Some(disk) if disk.opened().is_none() && self.cache.count() == 0 => Ok(()),
            _ => self.open()?.flush(),
        }
    }

    /// For the end of the process: opens nothing.
    pub(crate) fn flush_if_open(&self) {
        // A failure is counted by the store.
        let _ = self.disk.as_ref().and_then(Disk::opened).map(Store::flush);
    }

    pub(crate) fn snapshot(&self) -> Result<(), Error> {
        self.checkpoint(self.open()?)
    }

    /// What was kept of those in memory is all that is kept: what was evicted is on disk still, and a snapshot leaves it
    /// out. Where none can be written it is all removed, until one can be.
    pub(crate) fn keep_only_these(&self) {
        if let (Err(_), Some(store)) = (self.snapshot(), self.disk.as_ref().and_then(Disk::opened))
        {
            let _ = store.commit_removal(store.queue(Record::Clear));
        }
    }

    /// What recovery met that no crash explains.
    pub(crate) fn damage(&self) -> Vec<Error> {
        self.disk.as_ref().map(|disk| disk.damage.lock().clone()).unwrap_or_default()
    }

    fn not_persistent(&self) -> Error {
        if !self.nameless {
            return Error::NotPersistent;
        }
        let reason = "an instance of a generic impl is stored where the function mentions `Self`: \
                      nothing else tells its folder from another instance's";
        Error::Unpersistable {
            type_name: std::any::type_name::<K::Value>(),
            reason: reason.to_owned(),
        }
    }

    pub(crate) fn health(&self) -> Result<(), Error> {
        match &self.disk {
            Some(disk) => disk.trouble().map_or(Ok(()), Err),
            None if self.nameless => Err(self.not_persistent()),
            None => Ok(()),
        }
    }
}

impl<K: Keep<Held: Send + Sync>> Maintain for Core<K> {
    fn tick(&self) {
        if let Some(store) = self.disk.as_ref().and_then(Disk::opened) {
            // A failure is counted by the store, which tries again.
            let _ = store.check();
            let _ = store.compact(self.cache.count(), &mut |sink| self.entries(sink));
        }
    }
}

#[cfg(test)]
mod tests;
