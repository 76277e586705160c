//! Changes a version without knowing the type of its values, as one of the processes that share it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::written::Written;
use crate::error::Error;
use crate::persist::{
    Cost, Durability, Fs, Identity, Keep, MAX_ATTEMPTS, Moment, Place, RealFs, Record, Store,
    TypeFile, WallMillis, identity_of,
};
use crate::platform::clock::NEVER;

/// A longer value is kept apart.
const APART_FROM: usize = 256 << 10;
/// An editor that is asked for keys knows at most so many that it has written: as many as a set of 2^20 places holds.
/// Then it merges, and the snapshot knows them.
const MAX_WRITTEN: usize = if cfg!(test) { 5 } else { (1 << 20) / 8 * 7 };
/// It merges also if others have written so many records since the snapshot.
const MAX_INDEXED: usize = if cfg!(test) { 5 } else { 1 << 19 };

type OpenStore = fn(Arc<dyn Fs>, &Place, &Identity, Durability) -> Result<Store, Error>;

/// A process that writes to a version.
pub struct Editor {
    store: Store,
    place: Place,
    /// `None`: nobody asks.
    written: Option<Written>,
}

/// A result to be stored.
pub struct New<'a> {
    /// The canonical key.
    pub key: &'a [u8],
    /// The value, as its codec wrote it.
    pub value: &'a [u8],
    pub created: WallMillis,
    pub expires: Option<WallMillis>,
    pub cost: Option<Duration>,
    /// The tags one after another, as docs/format.md describes them, [`TAG`](crate::persist::TAG) bytes each. All take
    /// at most [`MAX_TAGS`](crate::persist::MAX_TAGS) bytes.
    pub tags: &'a [u8],
}

impl Editor {
    /// Begins to write to the version in `dir`. Creates the folder if it is missing. Like every process that begins to
    /// write, it sets aside what is damaged if no other writes.
    ///
    /// # Errors
    /// [`Error::Foreign`] if the results there have another identity: they would count as damaged. Those of
    /// [`Store::begin`].
    pub fn open(dir: &Path, identity: &Identity) -> Result<Self, Error> {
        Self::open_by(dir, identity, Store::open_without_index)
    }

    /// Does the same for an editor that is asked by [`Editor::has`]. What it must hold in memory for that is bounded: it
    /// merges when the logs have more.
    ///
    /// # Errors
    /// Those of [`Editor::open`]. The snapshot is not in place; the older files are.
    pub fn open_to_ask(dir: &Path, identity: &Identity) -> Result<Self, Error> {
        let is_long = |dir: &Path| {
            let moment = Moment::of(&RealFs, dir, identity, false)?;
            Ok(moment.shares().nth(1).is_some())
        };
        if dir.exists() && is_long(dir)? {
            Self::open(dir, identity)?.merge()?;
        }
        let opened = Self::open_by(dir, identity, Store::open_without_own)?;
        Ok(Self { written: Some(Written::default()), ..opened })
    }

    fn open_by(dir: &Path, identity: &Identity, open: OpenStore) -> Result<Self, Error> {
        let dir = std::path::absolute(dir).map_err(|e| Error::io("find", dir, &e))?;
        let found = if dir.exists() { identity_of(&RealFs, &dir)? } else { None };
        if found.is_some_and(|found| found != *identity) {
            let reason = "it holds results of another function or version".to_owned();
            return Err(Error::Foreign { path: dir, reason });
        }
        let place = Place::alone(&dir);
        let store = open(Arc::new(RealFs), &place, identity, Durability::Os)?;
        store.begin(&mut |_| ())?;
        Ok(Self { store, place, written: None })
    }

    /// Records what the values are.
    ///
    /// # Errors
    /// The errors of the system.
    pub fn describe(&self, type_file: &TypeFile) -> Result<(), Error> {
        type_file.write(&RealFs, &self.place)
    }

    /// Removes a key. When this returns, no process returns its value in a call that begins later.
    ///
    /// # Errors
    /// The removal is not on disk.
    pub fn remove(&self, key: &[u8]) -> Result<(), Error> {
        let record = Record::Remove { key };
        self.store.remove(record, self.store.queue(record, 0))?;
        self.keep_small()
    }

    /// Removes all keys, in the same way.
    ///
    /// # Errors
    /// The removal is not on disk.
    pub fn clear(&self) -> Result<(), Error> {
        self.store.clear()
    }

    /// Returns whether there is a value of the key, or this editor has stored one since. Only one of
    /// [`Editor::open_to_ask`] knows.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn has(&self, key: &[u8]) -> Result<bool, Error> {
        self.store.follow(&mut |_| ())?;
        let has_written = self.written.as_ref().is_some_and(|written| written.has(key));
        if has_written { Ok(true) } else { self.store.has(key) }
    }

    /// Stores a result. `replaces`: in place of another, which no process returns afterwards.
    ///
    /// # Errors
    /// The result is not on disk.
    pub fn put(&mut self, new: &New<'_>, replaces: bool) -> Result<(), Error> {
        self.append(new, replaces)?;
        if let Some(written) = &mut self.written {
            written.insert(new.key);
            let is_full = written.len() >= MAX_WRITTEN || self.store.indexed() >= MAX_INDEXED;
            if is_full && self.store.merge(&Keep::all(NEVER))? {
                written.clear();
                self.change_to_snapshot()?;
            }
        }
        self.keep_small()
    }

    fn append(&self, new: &New<'_>, replaces: bool) -> Result<(), Error> {
        let New { key, value, created, expires, cost, tags } = *new;
        let cost = Cost::of(cost);
        let mut file = None;
        let mut reference = Vec::new();
        if value.len() > APART_FROM {
            let mut made = self.store.new_value()?;
            made.write(value)?;
            reference = self.store.finish_value(&mut made)?;
            file = Some(made);
        }
        let apart = file.is_some();
        let value = if apart { &reference } else { value };
        let record = Record::Put { key, value, apart, created, expires, cost, tags };
        let mut since = if replaces { u64::MAX } else { self.store.since() };
        for _ in 0..MAX_ATTEMPTS {
            let ticket = match replaces {
                true => self.store.queue_replacing(record, since),
                false => self.store.queue(record, since),
            };
            if let Some(file) = file.as_mut().filter(|_| ticket.is_queued()) {
                file.keep();
            }
            match replaces {
                true => self.store.commit_removal(ticket)?,
                false => self.store.commit(ticket)?,
            }
            if !self.store.is_overtaken(ticket) {
                break;
            }
            // What was removed up to the horizon was removed before this value was given.
            since = if replaces { u64::MAX } else { self.store.horizon() };
        }
        Ok(())
    }

    /// Writes a snapshot of all that counts and has not expired, and removes what it replaces.
    ///
    /// # Errors
    /// The snapshot is not in place. The older files are. [`Error::Locked`] if another process writes one for too long.
    pub fn compact(&self) -> Result<(), Error> {
        self.store.condense(&Keep::all(0))?;
        self.change_to_snapshot()
    }

    /// Does the same, unless another process does so at this moment.
    fn merge(&self) -> Result<(), Error> {
        self.store.merge(&Keep::all(0))?;
        self.change_to_snapshot()
    }

    fn keep_small(&self) -> Result<(), Error> {
        if self.store.is_outgrown() { self.compact_if_due() } else { Ok(()) }
    }

    fn compact_if_due(&self) -> Result<(), Error> {
        self.store.compact(&Keep::all(NEVER))?;
        self.change_to_snapshot()
    }

    /// Until this process has changed to the snapshot, its logs count as outgrown.
    fn change_to_snapshot(&self) -> Result<(), Error> {
        self.store.follow(&mut |_| ())?;
        // The files are open, and what was read of their filters is in memory.
        self.store.free_retired();
        self.store.rotate_merged()
    }

    /// Makes all durable, and the folder small if most of it does not count any more.
    ///
    /// # Errors
    /// Something is not on disk.
    pub fn finish(self) -> Result<(), Error> {
        self.compact_if_due()?;
        self.store.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::Locks;
    use crate::platform::test_directory::TestDirectory;

    fn identity() -> Identity {
        Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 }
    }

    fn put(editor: &mut Editor, n: usize) {
        let (key, value) = (format!("key {n}"), [7; 40]);
        let (key, value) = (key.as_bytes(), &value);
        let new = New { key, value, created: 1, expires: None, cost: None, tags: &[] };
        editor.put(&new, false).unwrap();
    }

    fn has(editor: &Editor, n: usize) -> bool {
        editor.has(format!("key {n}").as_bytes()).unwrap()
    }

    #[test]
    fn an_editor_that_is_asked_knows_all_keys_and_holds_few() {
        let root = TestDirectory::new("asked");
        let dir = root.0.join("version");
        let mut before = Editor::open(&dir, &identity()).unwrap();
        (0..10).for_each(|n| put(&mut before, n));
        before.remove(b"key 3").unwrap();
        before.finish().unwrap();
        let mut asked = Editor::open_to_ask(&dir, &identity()).unwrap();
        assert_eq!(asked.store.indexed(), 0);
        let mut other = Editor::open(&dir, &identity()).unwrap();
        for n in 0..60 {
            let is_there = n != 3 && (n < 10 || n % 4 == 0);
            if n >= 10 && n % 4 == 0 {
                put(&mut other, n);
            }
            assert_eq!(has(&asked, n), is_there, "{n}");
            if !is_there {
                let indexed = asked.store.indexed();
                put(&mut asked, n);
                assert!(asked.store.indexed() <= indexed, "{n}");
            }
            let held = asked.written.as_ref().unwrap().len() + asked.store.indexed();
            assert!(held < MAX_WRITTEN + MAX_INDEXED, "{held}");
            assert!(asked.store.shared.view.lock().retired.is_empty(), "{n}");
            assert!((0..=n).all(|n| has(&asked, n)), "{n}");
        }
        other.remove(b"key 4").unwrap();
        assert!(!has(&asked, 4));
    }

    #[test]
    fn a_caller_learns_that_another_process_merges() {
        let root = TestDirectory::new("editor");
        let dir = root.0.join("version");
        let editor = Editor::open(&dir, &identity()).unwrap();
        let (locks, files) = Locks::open(&RealFs, &dir, &dir).unwrap();
        drop(files);
        let merging = locks.merge(Duration::ZERO).unwrap().expect("nobody merges");
        assert!(matches!(editor.compact(), Err(Error::Locked { .. })));
        drop(merging);
        editor.compact().unwrap();
        editor.finish().unwrap();
    }
}
