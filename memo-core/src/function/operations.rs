//! What is asked of a function's cache from outside of calls, in memory and on disk.

use crate::error::Error;
use crate::function::function_cache::{Core, Durable};
use crate::value::keep::Keep;

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
