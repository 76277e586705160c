//! A file system in memory, for tests. It can fail or crash at any operation. After a crash it returns every disk that
//! may result.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::platform::crc32c::crc32c_append;
use crate::platform::shared_page::WORDS;
use crate::platform::sync::step;
use crate::platform::sync::usual::{Mutex, MutexGuard};

use super::fs::{ByteLocks, File, Fs, Page};
use super::fs_mem_unsynced::{Change, Inode, NameChange, Names, Outcome};

/// Which operations fail. A write that fails has written half of its bytes. A sync that fails discards the changes that
/// it should have made durable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    /// The first operation that fails, counted from 0.
    pub(crate) at: u64,
    /// How many operations fail. `u64::MAX`: all from there on.
    pub(crate) count: u64,
    /// The system's error number. [`SHORT`]: writes do not fail, but write only half of their bytes and return that
    /// number. [`ENOSPC`] (the disk is full): only operations that take space fail.
    pub(crate) errno: i32,
}

/// Short writes instead of an error: see [`Failure::errno`].
pub(crate) const SHORT: i32 = 0;
pub(crate) const ENOSPC: i32 = 28;

/// The operation at which the system crashes. It does nothing, or it is a write that writes half of its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crash {
    /// The number of the operation, counted from 0.
    pub(crate) at: u64,
    /// Whether a write writes half of its bytes.
    pub(crate) half: bool,
}

/// A disk that may result from a crash.
#[derive(Debug)]
pub(crate) struct Image {
    /// Describes which of the possible disks it is, for messages.
    pub(crate) name: String,
    /// The files. All of them are durable.
    pub(crate) fs: MemFs,
}

/// A file system in memory. Clones share the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemFs {
    disk: SharedDisk,
}

/// A disk that processes share.
#[derive(Debug, Clone, Default)]
struct SharedDisk(Arc<Mutex<Disk>>);

impl SharedDisk {
    fn lock(&self) -> MutexGuard<'_, Disk> {
        step();
        self.0.lock()
    }
}

#[derive(Debug, Default)]
struct Disk {
    /// All files. A file is identified by its index here.
    inodes: Vec<Inode>,
    dirs: BTreeSet<PathBuf>,
    /// The names as the process sees them.
    names: Names,
    /// The names that were synced.
    durable_names: Names,
    /// Changes of names that were not synced, in order.
    unsynced_names: Vec<NameChange>,
    /// The locked bytes of each file, and which open file locks them.
    locked: BTreeMap<(PathBuf, u64), u64>,
    /// How many files were opened to lock bytes.
    lockers: u64,
    /// The mapped pages. They are no part of what a disk holds after a crash.
    pages: BTreeMap<PathBuf, Words>,
    /// The number of operations so far.
    operations: u64,
    failure: Option<Failure>,
    crash: Option<Crash>,
    /// The system's error number that every sync of a directory returns.
    dir_sync_error: Option<i32>,
    /// Files of another user: they cannot be opened.
    denied: BTreeSet<PathBuf>,
    /// Files that cannot be removed.
    immutable: BTreeSet<PathBuf>,
    /// A write writes at most this many bytes.
    max_per_write: Option<usize>,
    /// Whether the crash has happened. Every operation fails then.
    crashed: bool,
}

impl MemFs {
    /// Makes an empty file system.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Sets which operations fail from now on.
    pub(crate) fn fail(&self, failure: Option<Failure>) {
        self.disk.lock().failure = failure;
    }

    /// Sets at which operation the system crashes.
    pub(crate) fn crash(&self, crash: Option<Crash>) {
        self.disk.lock().crash = crash;
    }

    /// Limits each write to `max` bytes.
    pub(crate) fn short_writes(&self, max: usize) {
        self.disk.lock().max_per_write = Some(max);
    }

    /// Makes every sync of a directory return this error number of the system.
    pub(crate) fn fail_dir_syncs(&self, errno: i32) {
        self.disk.lock().dir_sync_error = Some(errno);
    }

    /// Makes a file one of another user, which cannot be opened. Its name can be removed.
    pub(crate) fn deny(&self, path: &Path) {
        self.disk.lock().denied.insert(path.to_owned());
    }

    /// Makes each removal of a file fail.
    pub(crate) fn fix(&self, path: &Path) {
        self.disk.lock().immutable.insert(path.to_owned());
    }

    /// Returns the number of operations so far.
    #[must_use]
    pub(crate) fn operations(&self) -> u64 {
        self.disk.lock().operations
    }

    /// Returns the files that the next process finds if this process dies now and the system does not.
    #[must_use]
    pub(crate) fn after_process_death(&self) -> Self {
        let disk = self.disk.lock();
        let files = disk.names.iter().map(|(path, n)| (path, disk.inodes[*n].content.clone()));
        Self::with_files(&disk.dirs, files)
    }

    /// Returns every disk that may result if the power fails now. No two of them are equal.
    #[must_use]
    pub(crate) fn after_power_loss(&self) -> Vec<Image> {
        let disk = self.disk.lock();
        let mut images = Vec::new();
        let mut seen = BTreeSet::new();
        for (names_label, names) in disk.possible_names() {
            for (outcomes_label, outcomes) in disk.possible_outcomes(&names) {
                let outcome = |n: usize| outcomes.get(&n).copied().unwrap_or(Outcome::Kept);
                let files: Vec<_> = names
                    .iter()
                    .map(|(path, n)| (path, disk.inodes[*n].after(outcome(*n))))
                    .collect();
                if seen.insert(digest(&files)) {
                    let fs = Self::with_files(&disk.dirs, files.into_iter());
                    images.push(Image { name: format!("{names_label}, {outcomes_label}"), fs });
                }
            }
        }
        images
    }

    /// Makes a file system with these files. All of them are durable.
    fn with_files<'a>(
        dirs: &BTreeSet<PathBuf>,
        files: impl Iterator<Item = (&'a PathBuf, Vec<u8>)>,
    ) -> Self {
        let fs = Self::new();
        fs.disk.lock().dirs = dirs.clone();
        for (path, content) in files {
            fs.put(path, content);
        }
        fs
    }

    /// Releases all locks, as the system does when the process that holds them dies.
    pub(crate) fn kill(&self) {
        self.disk.lock().locked.clear();
    }

    /// Removes a page, as the removal of its file does.
    pub(crate) fn remove_page(&self, path: &Path) {
        self.disk.lock().pages.remove(path);
    }

    /// Creates a file with this content, or replaces it. The result is durable. Never fails, and is not counted as an
    /// operation.
    pub(crate) fn put(&self, path: &Path, content: Vec<u8>) {
        let mut disk = self.disk.lock();
        if let Some(parent) = path.parent() {
            disk.dirs.extend(parent.ancestors().map(Path::to_owned));
        }
        let durable = content.clone();
        disk.inodes.push(Inode { content, durable, ..Inode::default() });
        let inode = disk.inodes.len() - 1;
        disk.names.insert(path.to_owned(), inode);
        disk.durable_names.insert(path.to_owned(), inode);
    }

    /// Returns a file's content. Never fails, and is not counted as an operation.
    #[must_use]
    pub(crate) fn get(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = self.disk.lock();
        disk.names.get(path).map(|n| disk.inodes[*n].content.clone())
    }

    /// Returns the paths of all files.
    #[must_use]
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.disk.lock().names.keys().cloned().collect()
    }
}

impl Failure {
    fn covers(&self, operation: u64) -> bool {
        operation >= self.at && operation - self.at < self.count
    }
}

/// Returns a checksum of all files. The probability that two different disks have the same one is 1 in four billion.
fn digest(files: &[(&PathBuf, Vec<u8>)]) -> u32 {
    files.iter().fold(0, |sum, (path, content)| {
        crc32c_append(crc32c_append(sum, path.as_os_str().as_encoded_bytes()), content)
    })
}

impl Disk {
    /// Counts an operation that takes no space. Returns an error if the operation fails.
    fn step(&mut self) -> io::Result<()> {
        self.step_with(false)
    }

    /// Counts an operation. `takes_space`: it fails if the disk is full. Returns an error if the operation fails.
    fn step_with(&mut self, takes_space: bool) -> io::Result<()> {
        if self.crashed {
            return Err(io::Error::other("crashed"));
        }
        let now = self.operations;
        self.operations += 1;
        if self.crash.is_some_and(|crash| crash.at == now) {
            self.crashed = true;
            return Err(io::Error::other("crashed"));
        }
        match self.failure {
            Some(failure) if failure.covers(now) => match failure.errno {
                SHORT => Ok(()),
                ENOSPC if !takes_space => Ok(()),
                errno => Err(io::Error::from_raw_os_error(errno)),
            },
            _ => Ok(()),
        }
    }

    /// Returns how many of `len` bytes a write writes. The write must be the operation that was counted last.
    fn accepted(&self, len: usize) -> usize {
        let short =
            |failure: Failure| failure.errno == SHORT && failure.covers(self.operations - 1);
        let len = if self.failure.is_some_and(short) { len.div_ceil(2) } else { len };
        self.max_per_write.map_or(len, |max| max.min(len))
    }

    fn check_access(&self, path: &Path) -> io::Result<()> {
        if self.denied.contains(path) {
            Err(io::ErrorKind::PermissionDenied.into())
        } else {
            Ok(())
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    /// Returns what may become of the unsynced changes of all files that have names. Each possibility has a label. Each
    /// outcome of each file is combined with two cases: all changes of the other files are kept, or all are dropped.
    fn possible_outcomes(&self, names: &Names) -> Vec<(String, BTreeMap<usize, Outcome>)> {
        let dirty = |n: &usize| !self.inodes[*n].unsynced.is_empty();
        let dirty: Vec<usize> = names.values().copied().filter(dirty).collect();
        let all =
            |outcome: Outcome| dirty.iter().map(|n| (*n, outcome)).collect::<BTreeMap<_, _>>();
        let mut possible = vec![("all writes kept".to_owned(), all(Outcome::Kept))];
        for n in &dirty {
            for others in [Outcome::Kept, Outcome::Dropped] {
                for outcome in self.inodes[*n].outcomes() {
                    let mut outcomes = all(others);
                    outcomes.insert(*n, outcome);
                    possible.push((format!("file {n} {outcome:?}, others {others:?}"), outcomes));
                }
            }
        }
        possible
    }

    /// Returns the names that may be on disk. Each possibility has a label. In some, only the first
    /// changes reached the disk, for each number of changes. In the others, all changes but one did.
    fn possible_names(&self) -> Vec<(String, Names)> {
        let all = &self.unsynced_names;
        let mut possible = Vec::new();
        for count in 0..=all.len() {
            possible.push((
                format!("first {count} of {} name changes", all.len()),
                all[..count].to_vec(),
            ));
        }
        for missing in 0..all.len().saturating_sub(1) {
            let mut changes = all.clone();
            changes.remove(missing);
            possible.push((format!("name change {missing} of {} missing", all.len()), changes));
        }
        let apply = |(label, changes): (String, Vec<NameChange>)| {
            let mut names = self.durable_names.clone();
            changes.iter().for_each(|change| change.apply(&mut names));
            (label, names)
        };
        possible.into_iter().map(apply).collect()
    }
}

impl Fs for MemFs {
    fn create_dir(&self, path: &Path, base: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step_with(true)?;
        if !base.as_os_str().is_empty() && !disk.dirs.contains(base) {
            return Err(io::ErrorKind::NotFound.into());
        }
        disk.dirs.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut disk = self.disk.lock();
        disk.step_with(true)?;
        if disk.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        disk.inodes.push(Inode::default());
        let inode = disk.inodes.len() - 1;
        disk.change_name(NameChange::Create(path.to_owned(), inode));
        Ok(Arc::new(MemFile { disk: self.disk.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut disk = self.disk.lock();
        disk.step()?;
        disk.check_access(path)?;
        let inode = disk.find(path)?;
        Ok(Arc::new(MemFile { disk: self.disk.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step()?;
        disk.find(from)?;
        if disk.denied.remove(from) {
            disk.denied.insert(to.to_owned());
        }
        disk.change_name(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step()?;
        if disk.immutable.contains(path) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        disk.find(path)?;
        disk.denied.remove(path);
        disk.change_name(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let mut disk = self.disk.lock();
        disk.step()?;
        if !disk.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let in_dir = disk.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(in_dir.filter_map(|path| path.file_name().map(Into::into)).collect())
    }

    fn list_dirs(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let mut disk = self.disk.lock();
        disk.step()?;
        if !disk.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let in_dir = disk.dirs.iter().filter(|path| path.parent() == Some(dir));
        Ok(in_dir.filter_map(|path| path.file_name().map(Into::into)).collect())
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step()?;
        let is_inside = |path: &PathBuf| path.parent() == Some(dir);
        if disk.names.keys().any(is_inside) || disk.dirs.iter().any(is_inside) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        if disk.dirs.remove(dir) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn call_sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step()?;
        if let Some(errno) = disk.dir_sync_error {
            return Err(io::Error::from_raw_os_error(errno));
        }
        let Disk { unsynced_names, durable_names, .. } = &mut *disk;
        unsynced_names.retain(|change| {
            let synced = change.is_in(dir);
            if synced {
                change.apply(durable_names);
            }
            !synced
        });
        Ok(())
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.open(path)
    }

    fn byte_locks(&self, path: &Path, content: &[u8]) -> io::Result<Arc<dyn ByteLocks>> {
        let mut disk = self.disk.lock();
        disk.step()?;
        disk.check_access(path)?;
        let is_new = !disk.names.contains_key(path);
        drop(disk);
        if is_new {
            self.put(path, content.to_vec());
        }
        self.observe_locks(path)
    }

    fn observe_locks(&self, path: &Path) -> io::Result<Arc<dyn ByteLocks>> {
        let mut disk = self.disk.lock();
        let inode = disk.find(path)?;
        disk.lockers += 1;
        let (locker, path) = (disk.lockers, path.to_owned());
        Ok(Arc::new(MemLocks { disk: self.disk.clone(), path, inode, locker }))
    }

    fn page(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Page>> {
        let mut disk = self.disk.lock();
        disk.step()?;
        let new = || Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
        let words = match disk.pages.get(path) {
            Some(words) => words,
            None if create => disk.pages.entry(path.to_owned()).or_insert_with(new),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(MemPage { disk: self.disk.clone(), words: Arc::clone(words) }))
    }
}

type Words = Arc<[AtomicU64; WORDS]>;

struct MemPage {
    disk: SharedDisk,
    words: Words,
}

impl Page for MemPage {
    fn words(&self) -> &[AtomicU64; WORDS] {
        &self.words
    }

    fn is_at(&self, path: &Path) -> bool {
        self.disk.lock().pages.get(path).is_some_and(|words| Arc::ptr_eq(words, &self.words))
    }
}

struct MemLocks {
    disk: SharedDisk,
    path: PathBuf,
    inode: usize,
    locker: u64,
}

impl ByteLocks for MemLocks {
    fn try_lock(&self, byte: u64) -> io::Result<bool> {
        let mut disk = self.disk.lock();
        let holder = *disk.locked.entry((self.path.clone(), byte)).or_insert(self.locker);
        Ok(holder == self.locker)
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        let mut disk = self.disk.lock();
        let key = (self.path.clone(), byte);
        if disk.locked.get(&key) == Some(&self.locker) {
            disk.locked.remove(&key);
        }
        Ok(())
    }

    fn is_locked_by_other(&self, byte: u64, count: u64) -> io::Result<bool> {
        let disk = self.disk.lock();
        let bytes = byte..byte + count;
        Ok(disk.locked.iter().any(|((path, at), holder)| {
            *path == self.path && bytes.contains(at) && *holder != self.locker
        }))
    }

    fn is_at(&self, path: &Path) -> bool {
        self.disk.lock().names.get(path) == Some(&self.inode)
    }
}

impl Drop for MemLocks {
    fn drop(&mut self) {
        let mut disk = self.disk.lock();
        disk.locked.retain(|(path, _), holder| *path != self.path || *holder != self.locker);
    }
}

struct MemFile {
    disk: SharedDisk,
    inode: usize,
}

impl File for MemFile {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        let had_crashed = disk.crashed;
        if let Err(e) = disk.step_with(true) {
            let writes_half = disk.crash.is_some_and(|crash| crash.half) || !disk.crashed;
            if writes_half && !had_crashed {
                let half = bytes[..bytes.len() / 2].to_vec();
                disk.inodes[self.inode].change(Change::Write(at, half));
            }
            return Err(e);
        }
        let accepted = disk.accepted(bytes.len());
        disk.inodes[self.inode].write(at, &bytes[..accepted], bytes.len());
        Ok(accepted)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        disk.step()?;
        let content = &disk.inodes[self.inode].content;
        let available =
            usize::try_from(at).ok().and_then(|at| content.get(at..)).unwrap_or_default();
        let read = available.len().min(bytes.len());
        bytes[..read].copy_from_slice(&available[..read]);
        Ok(read)
    }

    fn size(&self) -> io::Result<u64> {
        let mut disk = self.disk.lock();
        disk.step()?;
        Ok(disk.inodes[self.inode].content.len() as u64)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step()?;
        disk.inodes[self.inode].change(Change::Truncate(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk.lock();
        let result = disk.step();
        if disk.crashed {
            return result;
        }
        let Inode { durable, unsynced, .. } = &mut disk.inodes[self.inode];
        let changes = std::mem::take(unsynced);
        result?;
        changes.iter().for_each(|change| change.apply(durable));
        Ok(())
    }

    fn is_at(&self, path: &Path) -> bool {
        self.disk.lock().names.get(path) == Some(&self.inode)
    }
}
