//! The lock of a directory: one store a directory, one directory a store.

use std::io;
use std::path::Path;
use std::process;
use std::thread;
use std::time::Duration;

use super::file_name::Name;
use super::fs::{Fs, Lock, read_start};
use super::listing::{HOLDER, holds_something, refuse_strangers};
use crate::error::Error;
use crate::platform::sync::Mutex;

pub(crate) struct LockFile(Mutex<Option<Lock>>);

impl LockFile {
    /// Makes the directory, for its owner alone, if it is missing, and locks it.
    ///
    /// # Errors
    /// [`Error::Locked`] while another has it, [`Error::Foreign`] when it is something else's, and those of the system.
    pub(crate) fn take(fs: &dyn Fs, dir: &Path) -> Result<Self, Error> {
        lock(fs, dir).map(|lock| Self(Mutex::new(Some(lock))))
    }

    /// Someone may have removed the directory, and another process made it anew.
    ///
    /// # Errors
    /// When it is no longer the one that was locked.
    pub(crate) fn check(&self, fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
        match &*self.0.lock() {
            Some(lock) if !fs.is_locked_by(&Name::Lock.at(dir), lock) => {
                let gone =
                    io::Error::new(io::ErrorKind::NotFound, "the folder was removed or replaced");
                Err(Error::io("write to", dir, &gone))
            }
            _ => Ok(()),
        }
    }

    /// Makes and locks anew what was removed, unless the folder around it was too.
    ///
    /// # Errors
    /// When something is there that another store left or has, and those of [`Self::take`].
    pub(crate) fn renew(&self, fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
        let mut held = self.0.lock();
        if let Some(around) = dir.parent() {
            fs.list(around).map_err(|e| Error::io("list", around, &e))?;
        }
        let unless_taken = || match holds_something(fs, dir) {
            true => Err(Error::Foreign {
                path: dir.to_owned(),
                reason: "another cache made the folder anew".to_owned(),
            }),
            false => Ok(()),
        };
        unless_taken()?;
        let lock = lock(fs, dir)?;
        // Another may have come and gone in between.
        unless_taken()?;
        *held = Some(lock);
        Ok(())
    }

    pub(crate) fn release(&self) {
        self.0.lock().take();
    }
}

fn lock(fs: &dyn Fs, dir: &Path) -> Result<Lock, Error> {
    refuse_strangers(fs, dir)?;
    fs.create_dir(dir).map_err(|e| Error::io("create", dir, &e))?;
    let path = Name::Lock.at(dir);
    let holder = format!("{HOLDER}{}\n", process::id());
    fs.lock(&path, holder.as_bytes()).map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => {
            Error::Locked { path: dir.to_owned(), pid: holder_of(fs, &path) }
        }
        _ => Error::io("lock", &path, &e),
    })
}

/// Who has the lock. A holder that came a moment ago may yet have to say so.
fn holder_of(fs: &dyn Fs, path: &Path) -> Option<u32> {
    (0..10).find_map(|attempt| {
        thread::sleep(Duration::from_millis(attempt));
        holder_by_now(fs, path)
    })
}

fn holder_by_now(fs: &dyn Fs, path: &Path) -> Option<u32> {
    let bytes = read_start(&*fs.open(path).ok()?, 64).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix(HOLDER)?.trim_end().parse().ok()
}
