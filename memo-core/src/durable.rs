//! What a cache asks of its directory. Behind a trait, so that a function without `persist` builds nothing of what
//! answers: only the settings that name a directory make a [`Durable`].

use crate::clock::Millis;
use crate::core::Core;
use crate::error::Error;
use crate::flight::Claim;
use crate::keep::Keep;
use crate::stats::Stats;
use crate::ward::Maintain;

/// The directory of one cache, which is `core` everywhere.
pub(crate) trait Durable<K: Keep>: Send + Sync {
    /// Reads what is there, before the first call. A failure is remembered and shown by stats and health. False when it
    /// has yet to be done, by a call that is not part of opening a directory.
    fn recover(&self, core: &Core<K>) -> bool;

    /// Opens it if that was not done before.
    fn init(&self, core: &Core<K>) -> Result<(), Error>;

    /// Writes the result of `claim`, which is not seen yet. `replaces`: an older value of the key, which may be on disk
    /// alone, must not come back.
    fn write(&self, core: &Core<K>, claim: Claim, value: &K::Held, expires: Millis, replaces: bool);

    /// Removes what is stored for the key of `claim`, whose value is not going to be: where memory knows an older one,
    /// or if what it replaces may be on disk alone.
    fn strike(&self, core: &Core<K>, claim: Claim, replaces: bool);

    /// Removes the entry of `key`, in memory and on disk; says whether memory had one.
    fn remove(&self, core: &Core<K>, hash: u64, key: &[u8]) -> bool;

    /// Removes all, likewise; says how many memory had.
    fn clear(&self, core: &Core<K>) -> usize;

    fn flush(&self, core: &Core<K>) -> Result<(), Error>;

    /// For the end of the process: opens nothing.
    fn flush_if_open(&self);

    fn snapshot(&self, core: &Core<K>) -> Result<(), Error>;

    /// What was kept of those in memory is all that is kept: what was evicted is on disk still, and a snapshot leaves it
    /// out. Where none can be written it is all removed, until one can be.
    fn keep_only_these(&self, core: &Core<K>);

    /// Done each second once something was written.
    fn tick(&self, core: &Core<K>);

    /// What recovery met that no crash explains.
    fn damage(&self) -> Vec<Error>;

    /// The last failure that still holds.
    fn trouble(&self) -> Option<Error>;

    /// Adds what it knows to `stats`.
    fn report(&self, stats: &mut Stats);
}

impl<K: Keep> Core<K> {
    fn durable(&self) -> Result<&dyn Durable<K>, Error> {
        self.directory.as_deref().ok_or_else(|| not_persistent::<K::Value>(self.nameless))
    }

    pub(crate) fn recover(&self) -> bool {
        self.directory.as_deref().is_none_or(|directory| directory.recover(self))
    }

    /// Removes the entry of `key`, in memory and on disk; says whether memory had one.
    pub(crate) fn invalidate(&self, hash: u64, key: &[u8]) -> bool {
        let removed = match &self.directory {
            Some(directory) => directory.remove(self, hash, key),
            None => self.cache.remove(hash, key, &mut || ()),
        };
        self.counts.invalidated.add(u64::from(removed));
        removed
    }

    pub(crate) fn clear(&self) {
        let count = match &self.directory {
            Some(directory) => directory.clear(self),
            None => self.cache.clear(&mut || ()),
        };
        self.counts.invalidated.add(count as u64);
    }

    pub(crate) fn try_init(&self) -> Result<(), Error> {
        match &self.directory {
            Some(directory) => directory.init(self),
            None => self.health(),
        }
    }

    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.durable()?.flush(self)
    }

    pub(crate) fn snapshot(&self) -> Result<(), Error> {
        self.durable()?.snapshot(self)
    }

    pub(crate) fn damage(&self) -> Vec<Error> {
        self.directory.as_ref().map(|directory| directory.damage()).unwrap_or_default()
    }

    pub(crate) fn health(&self) -> Result<(), Error> {
        match &self.directory {
            Some(directory) => directory.trouble().map_or(Ok(()), Err),
            None if self.nameless.is_some() => Err(not_persistent::<K::Value>(self.nameless)),
            None => Ok(()),
        }
    }
}

/// Why results of the type `V` have no directory. `nameless`: why not, though they were to have one.
fn not_persistent<V>(nameless: Option<&'static str>) -> Error {
    refused(std::any::type_name::<V>(), nameless)
}

#[cold]
fn refused(type_name: &'static str, nameless: Option<&str>) -> Error {
    let Some(reason) = nameless else { return Error::NotPersistent };
    Error::Unpersistable { type_name, reason: reason.to_owned() }
}

impl<K: Keep<Held: Send + Sync>> Maintain for Core<K> {
    fn tick(&self) {
        if let Some(directory) = &self.directory {
            directory.tick(self);
        }
    }
}
