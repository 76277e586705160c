//! The few file operations that persistence needs, as traits, so that a test can simulate a failure or a crash at any
//! of them.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::platform::shared_page::WORDS;

/// A file system. Reading follows symbolic links, creating and locking does not: the call returns an error.
pub trait Fs: Send + Sync + 'static {
    /// Creates a directory that only its owner can access, and those of its missing parents that are below `base`, and
    /// makes them durable. Does nothing if the directory exists.
    ///
    /// # Errors
    /// `NotFound` if `base` is missing or is removed meanwhile, and the errors of the system.
    fn create_dir(&self, path: &Path, base: &Path) -> io::Result<()>;

    /// Creates a file that only its owner can access.
    ///
    /// # Errors
    /// `AlreadyExists` if a file or anything else has that name, and the errors of the system.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens a regular file to read it or to sync it.
    ///
    /// # Errors
    /// `InvalidInput` if it is not a regular file, and the errors of the system.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens a regular file to read it and to append to it.
    ///
    /// # Errors
    /// The errors of the system.
    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Renames a file. Replaces the file that has the new name, if there is one.
    ///
    /// # Errors
    /// The errors of the system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The errors of the system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns the names in a directory, without the names of subdirectories.
    ///
    /// # Errors
    /// The errors of the system.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;

    /// Returns the names of the subdirectories of a directory.
    ///
    /// # Errors
    /// The errors of the system.
    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<OsString>>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `DirectoryNotEmpty` if it holds something, and the errors of the system.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals of files in a directory durable. Does nothing on a system or a file system
    /// without such a call.
    ///
    /// # Errors
    /// The errors of the system.
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        match self.call_sync_dir(dir) {
            Err(e) if crate::platform::os::says_unsupported(&e) => Ok(()),
            result => result,
        }
    }

    /// Calls the system for [`Self::sync_dir`].
    ///
    /// # Errors
    /// The errors of the system, also that there is no such call.
    fn call_sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Opens the file whose bytes are locked. Creates it with this content if it is missing.
    ///
    /// # Errors
    /// The errors of the system.
    fn byte_locks(&self, path: &Path, content: &[u8]) -> io::Result<Arc<dyn ByteLocks>>;

    /// Opens the file whose bytes are locked, only to see which are. It may be one that this user cannot write.
    ///
    /// # Errors
    /// `NotFound` if it is missing, and the errors of the system.
    fn observe_locks(&self, path: &Path) -> io::Result<Arc<dyn ByteLocks>>;

    /// Maps the first page of a file, to read it. With `create` also to change it: a missing file is created, with
    /// zeros.
    ///
    /// # Errors
    /// The errors of the system, also that there are no shared mappings.
    fn page(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Page>>;
}

/// Locks on single bytes of a file. Each open file has its own. The system releases them when their holder dies.
pub trait ByteLocks: Send + Sync {
    /// Locks a byte. Returns false if another open file has the lock.
    ///
    /// # Errors
    /// The errors of the system.
    fn try_lock(&self, byte: u64) -> io::Result<bool>;

    /// Releases a byte.
    ///
    /// # Errors
    /// The errors of the system.
    fn unlock(&self, byte: u64) -> io::Result<()>;

    /// Returns whether another open file has a lock on one of `count` bytes from `byte` on.
    ///
    /// # Errors
    /// The errors of the system.
    fn is_locked_by_other(&self, byte: u64, count: u64) -> io::Result<bool>;

    /// Returns whether several processes can lock different bytes at once. False where one lock stands for all bytes.
    fn is_shared(&self) -> bool {
        true
    }

    /// Returns whether `path` is still this file. False if it was removed or replaced.
    fn is_at(&self, path: &Path) -> bool;
}

/// A page that processes share.
pub trait Page: Send + Sync {
    /// Returns the words of the page. They are changed by whole words only.
    fn words(&self) -> &[AtomicU64; WORDS];

    /// Returns whether `path` is still the file of this page. False if it was removed, replaced or cut.
    fn is_at(&self, path: &Path) -> bool;
}

/// An open file.
pub trait File: Send + Sync {
    /// Writes some of `bytes` at the offset `at`. Returns how many bytes it wrote.
    ///
    /// # Errors
    /// The errors of the system.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize>;

    /// Reads some bytes at the offset `at`. Returns how many bytes it read; 0 at the end of the file.
    ///
    /// # Errors
    /// The errors of the system.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;

    /// Returns the length in bytes.
    ///
    /// # Errors
    /// The errors of the system.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file to `len` bytes.
    ///
    /// # Errors
    /// The errors of the system.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Makes the content and the length durable.
    ///
    /// # Errors
    /// The errors of the system. After an error, everything written since the last successful sync may be lost, even if
    /// a later call succeeds.
    fn sync(&self) -> io::Result<()>;

    /// Returns whether `path` is still this file. False if it was removed or replaced.
    fn is_at(&self, path: &Path) -> bool;
}

/// How often an operation is tried if it is interrupted each time. Then it has failed, so that no loop is endless.
const MAX_ATTEMPTS: u32 = 100;

/// Calls `operation` again while it is interrupted, at most [`MAX_ATTEMPTS`] times in all.
fn retry_interrupted(mut operation: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    for _ in 1..MAX_ATTEMPTS {
        match operation() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
    operation()
}

/// Writes all of `bytes` at the offset `at`. Continues after interrupted and short writes.
pub(crate) fn write_all(file: &dyn File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match retry_interrupted(|| file.write_at(bytes, at))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => {
                bytes = &bytes[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}

/// Reads from the offset `at` until `bytes` is full or the file ends. Returns how many bytes it read.
pub(crate) fn read_full(file: &dyn File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match retry_interrupted(|| file.read_at(&mut bytes[filled..], at + filled as u64))? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// Returns the first bytes of a file, at most `limit` bytes.
pub(crate) fn read_start(file: &dyn File, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.size()?).map_or(limit, |size| size.min(limit))];
    let filled = read_full(file, &mut bytes, 0)?;
    bytes.truncate(filled);
    Ok(bytes)
}
