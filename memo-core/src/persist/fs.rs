//! The few file operations that persistence needs, so that a test can stop the world at any of them.

use std::any::Any;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Held while a directory is in use; dropping it gives the directory back.
pub type Lock = Box<dyn Any + Send + Sync>;

/// A file system. Paths that name a symbolic link are refused, never followed.
pub trait Fs: Send + Sync + 'static {
    /// Creates a folder for its owner alone, with its parents, durably; one that exists is fine.
    ///
    /// # Errors
    /// Those of the system.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates a file for its owner alone.
    ///
    /// # Errors
    /// `AlreadyExists` when anything has that name, and those of the system.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens a plain file to read it or sync it.
    ///
    /// # Errors
    /// `InvalidInput` when it is no plain file, and those of the system.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Moves a file over whatever has the new name.
    ///
    /// # Errors
    /// Those of the system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Those of the system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, other than those of folders.
    ///
    /// # Errors
    /// Those of the system.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;

    /// Makes creations, renames and removals in a folder durable, where the system has such a call.
    ///
    /// # Errors
    /// Those of the system.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Is `path` still the file that `lock` locks? False once it was removed or replaced.
    fn is_locked_by(&self, path: &Path, lock: &Lock) -> bool;

    /// Locks a file against every other holder, in this process or another, and makes `holder` its content. The file
    /// is created when missing.
    ///
    /// # Errors
    /// `WouldBlock` when another holds it, and those of the system.
    fn lock(&self, path: &Path, holder: &[u8]) -> io::Result<Lock>;
}

/// An open file.
pub trait File: Send + Sync {
    /// Writes some of `bytes` at `at`, and says how many.
    ///
    /// # Errors
    /// Those of the system.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize>;

    /// Reads some bytes at `at`, and says how many; 0 at the end.
    ///
    /// # Errors
    /// Those of the system.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;

    /// The length in bytes.
    ///
    /// # Errors
    /// Those of the system.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file to `len` bytes.
    ///
    /// # Errors
    /// Those of the system.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// Makes the content and the length durable.
    ///
    /// # Errors
    /// Those of the system. After one, what was written since the last success may be lost whatever a later call says.
    fn sync(&self) -> io::Result<()>;
}

/// An operation is interrupted this often in a row before it counts as failed, so that no loop is endless.
const PATIENCE: u32 = 100;

/// Calls `operation` until it is not interrupted.
fn uninterrupted(mut operation: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    for _ in 1..PATIENCE {
        match operation() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
    operation()
}

/// Writes all of `bytes` at `at`, through interruptions and short writes.
pub(crate) fn write_all(file: &dyn File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match uninterrupted(|| file.write_at(bytes, at))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => {
                bytes = &bytes[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}

/// Fills `bytes` from `at` as far as the file goes, and says how far that was.
pub(crate) fn read_full(file: &dyn File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match uninterrupted(|| file.read_at(&mut bytes[filled..], at + filled as u64))? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// The first bytes of a file, at most `limit`.
pub(crate) fn read_start(file: &dyn File, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.size()?).map_or(limit, |size| size.min(limit))];
    let filled = read_full(file, &mut bytes, 0)?;
    bytes.truncate(filled);
    Ok(bytes)
}
