//! A file system in a number of files that were opened before: where to open one takes a promise, and to read and write
//! it does not. This program alone has the files, so locks and the shared page are in its memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use super::fs::{ByteLocks, File, Fs, Page};
use super::labelled::{Label, Labelled};
use super::whole_file::OwnPage;
use crate::platform::access_handle::AccessHandle;
use crate::platform::sync::usual::Mutex;

/// With fewer free files than this, the pool asks for more.
const FEW: usize = 8;
/// What is not worth a file of the pool: notes for people and for tools, which do not look here.
const NEEDLESS: [&str; 2] = ["CACHEDIR.TAG", "TYPE.tmp"];

/// The file system.
#[derive(Clone)]
pub(crate) struct PoolFs(Arc<Pool>);

struct Pool {
    state: Mutex<State>,
    /// Asks for more files.
    ask: fn(),
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Arc<PoolFile>>,
    free: Vec<Labelled>,
    /// Directories are there as long as files are in them, and until the program ends.
    dirs: BTreeSet<String>,
    /// The files whose bytes are locked, which have no content: which bytes, and by which opening of the file.
    locks: BTreeMap<String, BTreeMap<u64, u64>>,
    lockers: u64,
    last_number: u64,
}

/// A file with a name. If it was removed, it is free when nobody has it open.
struct PoolFile {
    pool: Weak<Pool>,
    /// `None` only while it is dropped.
    file: Mutex<Option<Labelled>>,
    is_removed: AtomicBool,
}

impl PoolFs {
    /// Makes it of open files. `ask` is called when few are free: more are then wanted by [`Self::add`].
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(crate) fn open(handles: Vec<Box<dyn AccessHandle>>, ask: fn()) -> io::Result<Self> {
        let pool = Self(Arc::new(Pool { state: Mutex::default(), ask }));
        pool.add(handles)?;
        Ok(pool)
    }

    /// Adds open files. Of two with one path, the one that was labelled last counts: the program was ended while it
    /// replaced the other.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(crate) fn add(&self, handles: Vec<Box<dyn AccessHandle>>) -> io::Result<()> {
        let mut labelled = Vec::new();
        for handle in handles {
            labelled.push(Labelled::open(handle)?);
        }
        labelled.sort_by_key(|(_, label)| label.number);
        let mut replaced = Vec::new();
        let mut state = self.0.state.lock();
        for (file, label) in labelled {
            state.last_number = state.last_number.max(label.number);
            if label.path.is_empty() {
                // The program may have ended before it was.
                let _ = file.truncate(0);
                state.free.push(file);
            } else {
                let file = self.file(file);
                replaced.extend(state.files.insert(label.path, file));
            }
        }
        for file in &replaced {
            file.free(&mut state)?;
        }
        // Before the files, which go back to the pool.
        drop(state);
        Ok(())
    }

    /// Returns how many files are free.
    pub(crate) fn free(&self) -> usize {
        self.0.state.lock().free.len()
    }

    fn locks(&self, path: &Path, state: &mut State) -> Arc<dyn ByteLocks> {
        state.lockers += 1;
        Arc::new(OwnLocks { pool: self.clone(), path: path.to_owned(), locker: state.lockers })
    }

    fn file(&self, file: Labelled) -> Arc<PoolFile> {
        Arc::new(PoolFile {
            pool: Arc::downgrade(&self.0),
            file: Mutex::new(Some(file)),
            is_removed: AtomicBool::new(false),
        })
    }
}

impl State {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn has_dir(&self, dir: &str) -> bool {
        self.dirs.contains(dir) || self.below(dir).next().is_some()
    }

    /// Returns the paths in a directory, without that of the directory.
    fn below<'s>(&'s self, dir: &str) -> impl Iterator<Item = &'s str> {
        let prefix = format!("{dir}/");
        let paths = self.files.keys().chain(&self.dirs);
        paths.filter_map(move |path| path.strip_prefix(&prefix))
    }

    fn find(&self, path: &str) -> io::Result<Arc<PoolFile>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl PoolFile {
    fn with<R>(&self, act: impl FnOnce(&mut Labelled) -> io::Result<R>) -> io::Result<R> {
        act(self.file.lock().as_mut().ok_or(io::ErrorKind::NotFound)?)
    }

    fn label(&self, path: &str, state: &mut State) -> io::Result<()> {
        let label = Label { path: path.to_owned(), number: state.next_number() };
        self.with(|file| file.set(&label))
    }

    /// Makes the file one without a name.
    fn free(&self, state: &mut State) -> io::Result<()> {
        self.label("", state)?;
        self.is_removed.store(true, Relaxed);
        Ok(())
    }
}

impl Drop for PoolFile {
    fn drop(&mut self) {
        let (pool, file) = (self.pool.upgrade(), self.file.lock().take());
        if let (true, Some(pool), Some(file)) = (self.is_removed.load(Relaxed), pool, file) {
            // What it held takes no room any more. If that fails, the next file that is created cuts it.
            let _ = file.truncate(0);
            pool.state.lock().free.push(file);
        }
    }
}

/// Returns the text of a path.
fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

impl Fs for PoolFs {
    fn create_dir(&self, path: &Path, _base: &Path) -> io::Result<()> {
        let mut state = self.0.state.lock();
        for dir in path.ancestors().filter(|dir| !dir.as_os_str().is_empty()) {
            state.dirs.insert(text(dir)?.to_owned());
        }
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let path = text(path)?;
        if NEEDLESS.iter().any(|name| path.ends_with(name)) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut state = self.0.state.lock();
        if state.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let Some(labelled) = state.free.pop() else {
            drop(state);
            (self.0.ask)();
            let reason = "no file is free that was opened before";
            return Err(io::Error::new(io::ErrorKind::StorageFull, reason));
        };
        let is_few = state.free.len() < FEW;
        let file = self.file(labelled);
        // If that fails, it is free again.
        file.is_removed.store(true, Relaxed);
        let created = file
            .with(|file| file.truncate(0))
            .and_then(|()| file.label(path, &mut state))
            .map(|()| state.files.insert(path.to_owned(), Arc::clone(&file)));
        drop(state);
        created?;
        file.is_removed.store(false, Relaxed);
        if is_few {
            (self.0.ask)();
        }
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = self.0.state.lock().find(text(path)?)?;
        Ok(file)
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (text(from)?, text(to)?);
        let mut state = self.0.state.lock();
        let file = state.find(from)?;
        file.label(to, &mut state)?;
        state.files.remove(from);
        let replaced = state.files.insert(to.to_owned(), file);
        // A label that stays is older than the other one.
        let freed = replaced.as_ref().map_or(Ok(()), |file| file.free(&mut state));
        drop(state);
        freed
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = text(path)?;
        let mut state = self.0.state.lock();
        if state.locks.remove(path).is_some() {
            return Ok(());
        }
        let file = state.find(path)?;
        file.free(&mut state)?;
        let removed = state.files.remove(path);
        // Before the file, which goes back to the pool.
        drop(state);
        drop((file, removed));
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let (dir, state) = (text(dir)?, self.0.state.lock());
        if !state.has_dir(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let prefix = format!("{dir}/");
        let names = state.files.keys().filter_map(|path| path.strip_prefix(&prefix));
        Ok(names.filter(|name| !name.contains('/')).map(OsString::from).collect())
    }

    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let (dir, state) = (text(dir)?, self.0.state.lock());
        if !state.has_dir(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let prefix = format!("{dir}/");
        let mut names = BTreeSet::new();
        names.extend(state.dirs.iter().filter_map(|d| d.strip_prefix(&prefix)?.split('/').next()));
        let files = state.files.keys().filter_map(|path| path.strip_prefix(&prefix));
        names.extend(files.filter_map(|path| path.split_once('/').map(|(name, _)| name)));
        Ok(names.into_iter().map(OsString::from).collect())
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        let (dir, mut state) = (text(dir)?, self.0.state.lock());
        if state.below(dir).next().is_some() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        if state.dirs.remove(dir) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn call_sync_dir(&self, _dir: &Path) -> io::Result<()> {
        // Labels are durable when they are written.
        Ok(())
    }

    fn byte_locks(&self, path: &Path, _content: &[u8]) -> io::Result<Arc<dyn ByteLocks>> {
        let mut state = self.0.state.lock();
        state.locks.entry(text(path)?.to_owned()).or_default();
        Ok(self.locks(path, &mut state))
    }

    fn observe_locks(&self, path: &Path) -> io::Result<Arc<dyn ByteLocks>> {
        let mut state = self.0.state.lock();
        if !state.locks.contains_key(text(path)?) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(self.locks(path, &mut state))
    }

    fn page(&self, _path: &Path, create: bool) -> io::Result<Arc<dyn Page>> {
        if create {
            Ok(Arc::new(OwnPage::default()))
        } else {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}

/// One opening of a file whose bytes are locked. Only stores of this program can have its other locks.
struct OwnLocks {
    pool: PoolFs,
    path: PathBuf,
    locker: u64,
}

impl OwnLocks {
    /// Acts on the locked bytes of the file, unless it was removed.
    fn with<R>(&self, act: impl FnOnce(&mut BTreeMap<u64, u64>) -> R) -> io::Result<R> {
        let mut state = self.pool.0.state.lock();
        let locks = state.locks.get_mut(text(&self.path)?);
        locks.map(act).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl ByteLocks for OwnLocks {
    fn try_lock(&self, byte: u64) -> io::Result<bool> {
        self.with(|locks| *locks.entry(byte).or_insert(self.locker) == self.locker)
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        self.with(|locks| locks.retain(|at, locker| *at != byte || *locker != self.locker))
    }

    fn is_locked_by_other(&self, byte: u64, count: u64) -> io::Result<bool> {
        let bytes = byte..byte.saturating_add(count);
        self.with(|locks| locks.range(bytes).any(|(_, locker)| *locker != self.locker))
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn is_at(&self, path: &Path) -> bool {
        text(path).is_ok_and(|path| self.pool.0.state.lock().locks.contains_key(path))
    }
}

impl Drop for OwnLocks {
    fn drop(&mut self) {
        // Nothing is locked if the file was removed.
        let _ = self.with(|locks| locks.retain(|_, locker| *locker != self.locker));
    }
}

impl File for PoolFile {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.with(|file| file.write_at(bytes, at))
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        self.with(|file| file.read_at(bytes, at))
    }

    fn size(&self) -> io::Result<u64> {
        self.with(|file| file.size())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.with(|file| file.truncate(len))
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|file| file.sync())
    }

    fn is_at(&self, path: &Path) -> bool {
        let (Some(pool), Ok(path)) = (self.pool.upgrade(), text(path)) else { return false };
        let state = pool.state.lock();
        state.files.get(path).is_some_and(|file| std::ptr::eq(&**file, self))
    }
}
