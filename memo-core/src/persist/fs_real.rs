//! The real file system.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::fs::{ByteLocks, File, Fs, Page, write_all};
use super::whole_file::{OwnPage, WholeFile};
use crate::platform::byte_locks;
use crate::platform::fork::NotInherited;
use crate::platform::shared_page::{PAGE, SharedPage, WORDS};

/// The file system of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

impl Fs for RealFs {
    fn create_dir(&self, path: &Path, base: &Path) -> io::Result<()> {
        let is_missing = |p: &&Path| *p != base && !p.as_os_str().is_empty() && !p.is_dir();
        let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
        // From the outermost on, because each is given to the owner of the one around it. Each by itself: creating all
        // at once would also create `base` if it is removed meanwhile.
        for dir in missing.iter().rev() {
            match private_dir().create(dir) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
                created => created?,
            }
            #[cfg(unix)]
            give_to_owner_of_parent(dir, &private_file().read(true).open(dir)?)?;
        }
        for created in missing {
            self.sync_dir(&parent(created))?;
        }
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut options = private_file();
        let file = options.read(true).write(true).create_new(true).open(path)?;
        give_to_owner_of_parent(path, &file)?;
        Ok(Arc::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        // Checked before the file is opened, because opening a pipe would wait for its other end.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        // Windows syncs a file only if it was opened for writing.
        Ok(Arc::new(OpenOptions::new().read(true).write(cfg!(windows)).open(path)?))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = private_file().read(true).write(true).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        list(dir, false)
    }

    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        list(dir, true)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    #[cfg(unix)]
    fn call_sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    #[cfg(not(unix))]
    fn call_sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn byte_locks(&self, path: &Path, content: &[u8]) -> io::Result<Arc<dyn ByteLocks>> {
        let file = private_file().read(true).write(true).create(true).truncate(false).open(path)?;
        give_to_owner_of_parent(path, &file)?;
        if file.metadata()?.len() == 0 {
            write_all(&file, content, 0)?;
        }
        Ok(locks_of(file, path))
    }

    fn observe_locks(&self, path: &Path) -> io::Result<Arc<dyn ByteLocks>> {
        let file = fs::File::open(path)?;
        Ok(locks_of(file, path))
    }

    fn page(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Page>> {
        if !create {
            let file = fs::File::open(path)?;
            if file.metadata()?.len() < PAGE as u64 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            return Ok(Arc::new(SharedPage::map(&file, false)?));
        }
        let file = private_file().read(true).write(true).create(true).truncate(false).open(path)?;
        give_to_owner_of_parent(path, &file)?;
        let len = file.metadata()?.len();
        if len < PAGE as u64 {
            // Real zeros: a store into a hole would kill the process if the disk is full.
            let missing = PAGE - usize::try_from(len).unwrap_or(PAGE);
            write_all(&file, &[0; PAGE][..missing], len)?;
        }
        match SharedPage::map(&file, true) {
            Ok(page) => Ok(Arc::new(page)),
            Err(e) if says_no_mapping(&e) => Ok(Arc::new(OwnPage::default())),
            Err(e) => Err(e),
        }
    }
}

/// The file whose bytes are locked.
struct LockFile {
    /// Dropped before the file is closed.
    _not_inherited: NotInherited,
    file: fs::File,
}

fn locks_of(file: fs::File, path: &Path) -> Arc<dyn ByteLocks> {
    if !has_byte_locks(&file) {
        return Arc::new(WholeFile::new(path));
    }
    Arc::new(LockFile { _not_inherited: NotInherited::new(&file), file })
}

/// Finds out by trying whether bytes of the file can be locked and pages of it shared.
fn has_byte_locks(file: &fs::File) -> bool {
    let has_locks = byte_locks::is_locked_by_other(file, 0, 1).is_ok();
    let map = || SharedPage::map(file, false);
    has_locks && !matches!(map(), Err(e) if says_no_mapping(&e))
}

/// Returns whether the error says that files of this kind cannot be mapped. (A file that is shorter than a page gives
/// another one.)
fn says_no_mapping(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || crate::platform::os::says_no_mapping(error)
}

impl Page for SharedPage {
    fn words(&self) -> &[AtomicU64; WORDS] {
        Self::words(self)
    }

    fn is_at(&self, path: &Path) -> bool {
        Self::is_at(self, path)
    }
}

impl ByteLocks for LockFile {
    fn try_lock(&self, byte: u64) -> io::Result<bool> {
        byte_locks::try_lock(&self.file, byte)
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        byte_locks::unlock(&self.file, byte)
    }

    fn is_locked_by_other(&self, byte: u64, count: u64) -> io::Result<bool> {
        byte_locks::is_locked_by_other(&self.file, byte, count)
    }

    fn is_at(&self, path: &Path) -> bool {
        File::is_at(&self.file, path)
    }
}

impl File for fs::File {
    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, bytes, at)
    }

    #[cfg(windows)]
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(self, bytes, at)
    }

    #[cfg(unix)]
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, bytes, at)
    }

    #[cfg(windows)]
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, bytes, at)
    }

    // Without threads nobody moves the position meanwhile.
    #[cfg(not(any(unix, windows)))]
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let mut file = self;
        io::Seek::seek(&mut file, io::SeekFrom::Start(at))?;
        io::Write::write(&mut file, bytes)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let mut file = self;
        io::Seek::seek(&mut file, io::SeekFrom::Start(at))?;
        io::Read::read(&mut file, bytes)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    #[cfg(unix)]
    fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let file_id = |m: fs::Metadata| (m.dev(), m.ino());
        let (open, current) = (self.metadata(), fs::symlink_metadata(path));
        open.ok().zip(current.ok()).is_some_and(|(open, now)| file_id(open) == file_id(now))
    }

    /// Always true: Windows does not remove or replace a file that is open.
    #[cfg(not(unix))]
    fn is_at(&self, _path: &Path) -> bool {
        true
    }
}

/// Returns the names in `dir`, either of the subdirectories or of all else.
fn list(dir: &Path, subdirectories: bool) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() == subdirectories {
            names.push(entry.file_name());
        }
    }
    Ok(names)
}

/// Returns the directory that contains `path`.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Gives what root has created in a folder of another user to that user, who could not open it otherwise. `file` is the
/// open file or directory at `path`.
#[cfg(unix)]
fn give_to_owner_of_parent(path: &Path, file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    if !crate::platform::os::is_root() {
        return Ok(());
    }
    let (parent, created) = (fs::metadata(parent(path))?, file.metadata()?);
    if (parent.uid(), parent.gid()) == (created.uid(), created.gid()) {
        return Ok(());
    }
    // Without the right to do so, as on some network file systems, the file stays with root.
    let _ = fchown(file, Some(parent.uid()), Some(parent.gid()));
    Ok(())
}

#[cfg(not(unix))]
fn give_to_owner_of_parent(_path: &Path, _file: &fs::File) -> io::Result<()> {
    Ok(())
}

/// Returns options that open no symbolic link. Only the owner can access a new file.
#[cfg(unix)]
fn private_file() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(crate::platform::os::NO_FOLLOW);
    options
}

/// Returns options that do not follow a symbolic link. A new file inherits its permissions from the directory.
#[cfg(windows)]
fn private_file() -> OpenOptions {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    let mut options = OpenOptions::new();
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    options
}

/// WASI has neither owners nor modes.
#[cfg(not(any(unix, windows)))]
fn private_file() -> OpenOptions {
    OpenOptions::new()
}

/// Only the owner can access a new directory.
#[cfg(unix)]
fn private_dir() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn private_dir() -> DirBuilder {
    DirBuilder::new()
}
