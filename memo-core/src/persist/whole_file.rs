//! What stands in for locks of bytes and for a shared page where the system or the file system has none: one process at
//! a time has the directory to write. Others read what is there when they open it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use super::fs::{ByteLocks, File, Page};
use crate::platform::fork::NotInherited;
use crate::platform::os;
use crate::platform::shared_page::WORDS;
use crate::platform::sync::usual::Mutex;

/// A lock of the whole file, which is held as long as one of its bytes is.
pub(crate) struct WholeFile {
    path: PathBuf,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// The locked file. Closing it releases the lock.
    file: Option<(NotInherited, fs::File)>,
    bytes: BTreeSet<u64>,
}

impl WholeFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), held: Mutex::default() }
    }

    fn lock(&self) -> io::Result<Option<(NotInherited, fs::File)>> {
        let file = fs::OpenOptions::new().read(true).write(true).open(&self.path)?;
        let not_inherited = NotInherited::new(&file);
        match os::try_lock(&file) {
            Ok(()) => Ok(Some((not_inherited, file))),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl ByteLocks for WholeFile {
    fn try_lock(&self, byte: u64) -> io::Result<bool> {
        let mut held = self.held.lock();
        if held.file.is_none() {
            held.file = self.lock()?;
        }
        let is_locked = held.file.is_some();
        if is_locked {
            held.bytes.insert(byte);
        }
        Ok(is_locked)
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        let mut held = self.held.lock();
        held.bytes.remove(&byte);
        if held.bytes.is_empty() {
            held.file = None;
        }
        Ok(())
    }

    fn is_locked_by_other(&self, _byte: u64, _count: u64) -> io::Result<bool> {
        if self.held.lock().file.is_some() {
            return Ok(false);
        }
        Ok(self.lock()?.is_none())
    }

    fn is_at(&self, path: &Path) -> bool {
        match &self.held.lock().file {
            Some((_, file)) => file.is_at(path),
            None => path.exists(),
        }
    }

    fn is_shared(&self) -> bool {
        false
    }
}

/// A page of this process alone.
pub(crate) struct OwnPage(Box<[AtomicU64; WORDS]>);

impl Default for OwnPage {
    fn default() -> Self {
        Self(Box::new(std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl Page for OwnPage {
    fn words(&self) -> &[AtomicU64; WORDS] {
        &self.0
    }

    fn is_at(&self, _path: &Path) -> bool {
        true
    }
}
