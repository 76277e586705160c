//! Reads stored values: that of a key, or all.

use std::io;
use std::time::Duration;

use super::file_name::Name;
use super::key_hash::key_hash;
use super::record::Record;
use super::reference::Reference;
use super::shared::{MAX_ATTEMPTS, Shared};
use super::snapshot::{Search, Snapshot};
use super::store::Store;
use super::stored::{Found, Stored, with_value};
use super::value_file::Apart;
use super::view::Location;
use crate::error::Error;

impl Store {
    /// Reads the newest value of a key. `None` also if it is damaged; that is noted. `catch_up` follows the other
    /// processes: a value that is kept apart may be gone because its record does not count any more. `is_use`: with a
    /// bound on bytes, what was used last is the last to go.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn find(
        &self,
        key: &[u8],
        is_use: bool,
        catch_up: &mut dyn FnMut(),
    ) -> Result<Option<Stored>, Error> {
        self.shared.find(key, is_use, &mut |stored| self.find_apart(key, stored, catch_up))
    }

    /// Returns what the newest value of a key cost to compute, if that is known. Does not read a value that is kept
    /// apart.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn cost(&self, key: &[u8]) -> Result<Option<Duration>, Error> {
        let stored = self.shared.find(key, false, &mut |stored| Ok(Some(stored)))?;
        Ok(stored.and_then(|stored| stored.record().cost()))
    }

    /// Reads the value of a record that was found for a key.
    #[cold]
    fn find_apart(
        &self,
        key: &[u8],
        mut stored: Stored,
        catch_up: &mut dyn FnMut(),
    ) -> Result<Option<Stored>, Error> {
        let mut before = None;
        for _ in 0..MAX_ATTEMPTS {
            let Some(value) = stored.record().reference() else { return Ok(Some(stored)) };
            match self.shared.read_value(&value)? {
                Apart::Value(value) => return Ok(Some(stored.with_value(value))),
                Apart::Missing if before != Some(value) => before = Some(value),
                Apart::Missing | Apart::Damaged => {
                    self.shared.note_damage(key, &value);
                    return Ok(None);
                }
            }
            catch_up();
            match self.shared.find(key, false, &mut |stored| Ok(Some(stored)))? {
                Some(found) => stored = found,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Returns whether there is a value of a key that need not be written again. Does not read one that is kept apart.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn has(&self, key: &[u8]) -> Result<bool, Error> {
        let Shared { fs, place, writer, .. } = &*self.shared;
        let is_there = |value: Reference| {
            let is_at_risk = writer.get().is_some_and(|w| w.values.is_at_risk(value.number));
            let found = value.is_there(&**fs, place.dir());
            Ok(!is_at_risk && found.map_err(|e| self.shared.cannot_read(&value, &e))?)
        };
        match self.shared.find(key, true, &mut |stored| Ok(Some(stored)))? {
            Some(stored) => stored.record().reference().map_or(Ok(true), is_there),
            None => Ok(false),
        }
    }

    /// Passes each put that counts to `each`. Those that others write meanwhile may be missing.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn for_each(&self, each: &mut dyn FnMut(Record<'_>)) -> Result<(), Error> {
        // A copy, because `each` may run code of users.
        let contents = self.shared.view.lock().contents();
        contents.for_each(self.shared.place.dir(), &mut |put| {
            let value = match put.apart.filter(|_| put.counts) {
                Some(value) => self.shared.read_value(&value)?,
                None if put.counts => {
                    each(put.record);
                    return Ok(());
                }
                None => return Ok(()),
            };
            if let Apart::Value(value) = value {
                each(with_value(put.record, Some(&value)));
            }
            Ok(())
        })
    }
}

impl Store {
    /// Passes the key of each put that counts to `each`. Does not read values that are kept apart. Keys that others
    /// write meanwhile may be missing.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn for_each_key(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        // A copy, because `each` may run code of users.
        let contents = self.shared.view.lock().contents();
        contents.for_each(self.shared.place.dir(), &mut |put| {
            if put.counts {
                each(put.key);
            }
            Ok(())
        })
    }
}

impl Shared {
    /// Finds the record of a key. Passes one whose value is kept apart to `apart`, and returns what that returns.
    fn find(
        &self,
        key: &[u8],
        is_use: bool,
        apart: &mut dyn FnMut(Stored) -> Result<Option<Stored>, Error>,
    ) -> Result<Option<Stored>, Error> {
        let hash = key_hash(self.salt, key);
        let location = self.view.lock().locate(hash);
        let (found, name) = match location {
            Location::Nowhere => return Ok(None),
            Location::At(file, seed, position) => {
                let found = Stored::read(&*file, seed, position.at, position.len, Some(key));
                (found, Name::Log(position.log))
            }
            Location::Snapshot(snapshot, least) => {
                let found = self.find_in_snapshot(&snapshot, least, hash, key, is_use);
                (found, Name::Snapshot(snapshot.header.number))
            }
        };
        let path = || name.at(self.place.dir());
        match self.count_error(found.map_err(|e| Error::io("read", path(), &e)))? {
            Found::Stored(stored) if self.has_ended(&stored) => Ok(None),
            Found::Stored(stored) if stored.head.apart => apart(stored),
            Found::Stored(stored) => Ok(Some(stored)),
            Found::Other => Ok(None),
            Found::Damaged => {
                self.view.lock().note_damage(hash, path());
                Ok(None)
            }
        }
    }

    /// Returns whether a tag of the value was removed since its computation began.
    fn has_ended(&self, stored: &Stored) -> bool {
        let Record::Put { tags, .. } = stored.record() else { return false };
        !tags.is_empty() && self.view.lock().index.has_ended(self.salt, tags, stored.head.since)
    }

    /// Reads the record of a key in a snapshot, if its `since` is at least `least`. `hash`: that of the key.
    fn find_in_snapshot(
        &self,
        snapshot: &Snapshot,
        least: u64,
        hash: u64,
        key: &[u8],
        is_use: bool,
    ) -> io::Result<Found> {
        let Search { found, has_bad_filter } = snapshot.find(key)?;
        if has_bad_filter {
            let path = Name::Snapshot(snapshot.header.number).at(self.place.dir());
            self.view.lock().note_bad_filter(path);
        }
        let Found::Stored(stored) = &found else { return Ok(found) };
        if stored.head.since < least {
            return Ok(Found::Other);
        }
        if is_use {
            self.touch(snapshot, hash, stored);
        }
        Ok(found)
    }

    fn read_value(&self, value: &Reference) -> Result<Apart, Error> {
        let read = value.read(&*self.fs, self.place.dir());
        self.count_error(read.map_err(|e| self.cannot_read(value, &e)))
    }

    fn cannot_read(&self, value: &Reference, error: &std::io::Error) -> Error {
        Error::io("read", Name::Value(value.number).at(self.place.dir()), error)
    }

    fn note_damage(&self, key: &[u8], value: &Reference) {
        let path = Name::Value(value.number).at(self.place.dir());
        self.view.lock().note_damage(key_hash(self.salt, key), path);
    }
}
