//! The files of values that this process makes. As long as no committed record mentions such a file, a byte of the lock
//! file is locked for it, so that no process takes it for one that nobody will mention.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file_name::{Name, remove};
use super::fs::{File, Fs, write_all};
use super::header::random_salt;
use super::locks::{Held, Locks};
use super::reference::{REFERENCE, Reference};
use super::value_file::{VALUE_AT, list_values};
use crate::error::Error;
use crate::platform::crc32c::crc32c_append;
use crate::platform::fork;
use crate::platform::process;
use crate::platform::sync::usual::Mutex;

/// When so many files wait to be synced, the next one is synced at once.
const MAX_UNSYNCED: usize = 256;

/// The files of values that this process has made lately.
#[derive(Default)]
pub(crate) struct NewValues {
    /// The numbers of those that no committed record mentions yet. (Locks of one process do not exclude it.)
    pending: Mutex<BTreeSet<u64>>,
    /// The numbers of those that are complete and not synced.
    unsynced: Mutex<Vec<u64>>,
    /// The numbers of those whose sync has failed. They may be read until the power fails, and a later sync could
    /// succeed although they are lost.
    at_risk: Mutex<BTreeSet<u64>>,
    /// Held while files are synced, so that no thread mistakes a sync in progress for a finished one.
    syncing: Mutex<()>,
}

impl NewValues {
    /// Returns the numbers of the files that a record mentions which was committed before, or that no record will ever
    /// mention.
    ///
    /// A file is locked before it is made, and until its record is committed. So if it is not locked now, what is
    /// committed from now on does not mention it for the first time.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn settled(
        &self,
        fs: &dyn Fs,
        dir: &Path,
        locks: &Locks,
    ) -> Result<Vec<u64>, Error> {
        let mut settled = Vec::new();
        for number in list_values(fs, dir)? {
            if !self.pending.lock().contains(&number) && !locks.is_value_taken(number)? {
                settled.push(number);
            }
        }
        Ok(settled)
    }

    /// Syncs what was completed and not synced. After a failure it is at risk, see [`Self::is_at_risk`].
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn sync(&self, fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
        let _syncing = self.syncing.lock();
        let numbers = std::mem::take(&mut *self.unsynced.lock());
        if numbers.is_empty() {
            return Ok(());
        }
        let synced = numbers
            .iter()
            .try_for_each(|number| sync_file(fs, &Name::Value(*number).at(dir)))
            .and_then(|()| fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, &e)));
        if synced.is_err() {
            self.at_risk.lock().extend(numbers);
        }
        synced
    }

    /// Returns whether the value of that number was not synced because of a failure, so that it must be written again.
    pub(crate) fn is_at_risk(&self, number: u64) -> bool {
        self.at_risk.lock().contains(&number)
    }

    /// Notes that a file must be synced. Returns false if it must be synced at once.
    fn defer_sync(&self, number: u64) -> bool {
        let mut unsynced = self.unsynced.lock();
        let has_room = unsynced.len() < MAX_UNSYNCED;
        if has_room {
            unsynced.push(number);
        }
        has_room
    }
}

fn sync_file(fs: &dyn Fs, path: &Path) -> Result<(), Error> {
    match fs.open(path).and_then(|file| file.sync()) {
        // It does not count any more.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        synced => synced.map_err(|e| Error::io("sync", path, &e)),
    }
}

/// Where a value is written, and who keeps account of it.
pub(crate) trait Values: Send + Sync {
    fn fs(&self) -> &dyn Fs;
    fn dir(&self) -> &Path;
    fn new_values(&self) -> &NewValues;
}

/// The file of a value, until the record that mentions it is committed. It is removed when this is dropped, unless
/// [`Self::keep`] is called.
pub struct NewValue {
    owner: Arc<dyn Values>,
    /// The generation of the process that makes the file. A forked child must not remove it.
    generation: u64,
    path: PathBuf,
    file: Option<Arc<dyn File>>,
    /// `len` and `crc` are those of what was written so far.
    reference: Reference,
    is_kept: bool,
    /// Released after all else.
    lock: Option<Held>,
}

impl NewValue {
    /// Makes the file of that number.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn create(
        owner: Arc<dyn Values>,
        locks: &Locks,
        number: u64,
    ) -> Result<Self, Error> {
        let path = Name::Value(number).at(owner.dir());
        owner.new_values().pending.lock().insert(number);
        let reference = Reference { number, salt: random_salt(), len: 0, crc: 0 };
        let generation = fork::generation();
        let mut made =
            Self { owner, generation, path, file: None, reference, is_kept: true, lock: None };
        let Some(lock) = locks.value(number)? else {
            return Err(Error::Locked { path: made.path.clone(), pid: None });
        };
        made.lock = Some(lock);
        let failed = |e| Error::io("create", &made.path, &e);
        let file = made.owner.fs().create(&made.path).map_err(failed)?;
        made.is_kept = false;
        let written = write_all(&*file, &reference.header(), 0);
        made.file = Some(file);
        written.map_err(|e| Error::io("write", &made.path, &e))?;
        Ok(made)
    }

    /// Appends bytes to the value.
    ///
    /// # Errors
    /// The errors of the system. The value cannot be stored then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.check_process()?;
        let at = VALUE_AT + self.reference.len;
        write_all(self.file(), bytes, at).map_err(|e| Error::io("write", &self.path, &e))?;
        self.reference.len += bytes.len() as u64;
        self.reference.crc = crc32c_append(self.reference.crc, bytes);
        Ok(())
    }

    /// Reads bytes of the value that were written, from the offset `at` in it. Returns how many; 0 at its end.
    ///
    /// # Errors
    /// The errors of the system.
    pub fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        self.file().read_at(bytes, VALUE_AT + at)
    }

    /// Ends the value. Syncs it if `syncs`, and otherwise when the store is synced. Returns what a record holds in its
    /// place.
    ///
    /// # Errors
    /// The errors of the system. The value cannot be stored then.
    pub(crate) fn finish(&mut self, syncs: bool) -> Result<[u8; REFERENCE], Error> {
        self.check_process()?;
        let (fs, dir) = (self.owner.fs(), self.owner.dir());
        if syncs || !self.owner.new_values().defer_sync(self.reference.number) {
            self.file().sync().map_err(|e| Error::io("sync", &self.path, &e))?;
            fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, &e))?;
        }
        Ok(self.reference.to_bytes())
    }

    /// Called when a record that mentions the file was queued for a log. Even if it is not committed, the next process
    /// may find it there, so only a merge may remove the file. No process does until this is dropped.
    pub fn keep(&mut self) {
        self.is_kept = true;
    }

    fn file(&self) -> &dyn File {
        &**self.file.as_ref().expect("the file is open until this is dropped")
    }

    /// Fails in a forked child.
    fn check_process(&self) -> Result<(), Error> {
        match self.generation == fork::generation() {
            true => Ok(()),
            false => Err(Error::Forked { owner: process::id() }),
        }
    }
}

impl Drop for NewValue {
    fn drop(&mut self) {
        if self.check_process().is_err() {
            // The lock is that of the parent.
            std::mem::forget(self.lock.take());
            return;
        }
        // Windows removes no open file.
        self.file = None;
        if !self.is_kept {
            // What is left is removed by the next merge.
            let _ = remove(self.owner.fs(), self.owner.dir(), Name::Value(self.reference.number));
        }
        self.owner.new_values().pending.lock().remove(&self.reference.number);
    }
}
