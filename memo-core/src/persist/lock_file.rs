//! The lock file of a directory. It ensures that at most one store uses the directory.

use std::io;
use std::path::Path;
use std::process;
use std::thread;
use std::time::Duration;

use super::file_name::Name;
use super::fs::{Fs, Lock, read_start};
use super::listing::{LOCK_PREFIX, holds_something, refuse_foreign};
use super::place::Place;
use crate::error::Error;
use crate::platform::sync::Mutex;

/// How often the lock is tried while the lock file is removed by others each time.
const MAX_ATTEMPTS: usize = 3;

/// The lock of a store. `None` after [`LockFile::release`].
pub(crate) struct LockFile(Mutex<Option<Lock>>);

impl LockFile {
    /// Locks the directory. Creates it, for its owner alone, if it is missing.
    ///
    /// # Errors
    /// [`Error::Locked`] if another store has it, [`Error::Foreign`] if it belongs to something else, and the errors of
    /// the system.
    pub(crate) fn take(fs: &dyn Fs, dir: &Path) -> Result<Self, Error> {
        lock(fs, dir).map(|lock| Self(Mutex::new(Some(lock))))
    }

    /// Checks that the directory is still the one that was locked. A user may have removed it, and another process may
    /// have created it again.
    ///
    /// # Errors
    /// [`Error::Io`] if it is not.
    pub(crate) fn check(&self, fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
        match &*self.0.lock() {
            Some(lock) if !fs.is_locked_by(&Name::Lock.at(dir), lock) => {
                let error = io::Error::new(
                    io::ErrorKind::NotFound,
                    "the directory was removed or replaced",
                );
                Err(Error::io("write to", dir, &error))
            }
            _ => Ok(()),
        }
    }

    /// Creates and locks the directory again after it was removed. Fails if the parent of the place's root was removed
    /// too.
    ///
    /// # Errors
    /// [`Error::Foreign`] if another store has created files there, the errors of [`Self::take`], and those of reading
    /// the parent directory.
    pub(crate) fn renew(&self, fs: &dyn Fs, place: &Place) -> Result<(), Error> {
        let mut held = self.0.lock();
        let dir = place.dir();
        if let Some(parent) = place.root().parent() {
            fs.list(parent).map_err(|e| Error::io("list", parent, &e))?;
        }
        let check_unused = || match holds_something(fs, dir) {
            true => Err(Error::Foreign {
                path: dir.to_owned(),
                reason: "another cache has created the directory again".to_owned(),
            }),
            false => Ok(()),
        };
        check_unused()?;
        let lock = lock(fs, dir)?;
        // Another store may have opened and closed the directory before we locked it.
        check_unused()?;
        *held = Some(lock);
        Ok(())
    }

    /// Releases the lock, so that the directory can be opened again.
    pub(crate) fn release(&self) {
        self.0.lock().take();
    }
}

fn lock(fs: &dyn Fs, dir: &Path) -> Result<Lock, Error> {
    refuse_foreign(fs, dir)?;
    let path = Name::Lock.at(dir);
    let holder = format!("{LOCK_PREFIX}{}\n", process::id());
    for _ in 0..MAX_ATTEMPTS {
        fs.create_dir(dir).map_err(|e| Error::io("create", dir, &e))?;
        match fs.lock(&path, holder.as_bytes()) {
            Ok(lock) if fs.is_locked_by(&path, &lock) => return Ok(lock),
            // The folder was removed meanwhile, as an old version. The next attempt creates it again.
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            // Another user made the lock file. Its holder, if there is one, notices that the file was replaced.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied && fs.remove(&path).is_ok() => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            Err(e) => return Err(Error::io("lock", &path, &e)),
        }
    }
    Err(Error::Locked { path: dir.to_owned(), pid: holder_pid(fs, &path) })
}

/// Returns the id of the process that holds the lock. Retries for up to 45 ms, because a process that has just locked
/// the file may not have written its id yet.
fn holder_pid(fs: &dyn Fs, path: &Path) -> Option<u32> {
    (0..10).find_map(|attempt| {
        thread::sleep(Duration::from_millis(attempt));
        read_holder_pid(fs, path)
    })
}

fn read_holder_pid(fs: &dyn Fs, path: &Path) -> Option<u32> {
    let bytes = read_start(&*fs.open(path).ok()?, 64).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix(LOCK_PREFIX)?.trim_end().parse().ok()
}
