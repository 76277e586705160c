//! Files in memory for tests: can fail at any operation, or crash there and show what a disk may then hold.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::platform::crc32c::crc32c_append;
use crate::platform::sync::usual::Mutex;

use super::fs::{File, Fs, Lock};
use super::fs_mem_unsynced::{Change, Fate, Inode, NameChange, Names};

/// Operations that fail: a failing write has written half, and a failed sync forgets what it should have made durable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    /// The first operation that fails, counted from 0.
    pub(crate) at: u64,
    /// How many fail; `u64::MAX`: all from there on.
    pub(crate) count: u64,
    /// The system's error number; [`SHORT`] for writes that take half of what they are given and say so. On a full disk,
    /// [`ENOSPC`], only what takes space fails.
    pub(crate) errno: i32,
}

/// No error: see [`Failure::errno`].
pub(crate) const SHORT: i32 = 0;
pub(crate) const ENOSPC: i32 = 28;

/// The operation at which the world stops: it does nothing, or half if it writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crash {
    /// Counted from 0.
    pub(crate) at: u64,
    /// A write is cut in the middle.
    pub(crate) half: bool,
}

/// A disk as it may be found after a crash.
#[derive(Debug)]
pub(crate) struct Image {
    /// Which of the possibilities it is.
    pub(crate) name: String,
    /// What it holds, all of it durable.
    pub(crate) fs: MemFs,
}

/// A file system in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemFs {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug, Default)]
struct Disk {
    inodes: Vec<Inode>,
    dirs: BTreeSet<PathBuf>,
    names: Names,
    durable_names: Names,
    renamings: Vec<NameChange>,
    locked: BTreeSet<PathBuf>,
    operations: u64,
    failure: Option<Failure>,
    crash: Option<Crash>,
    most_per_write: Option<usize>,
    dead: bool,
}

impl MemFs {
    /// An empty file system.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// From now on fails as told.
    pub(crate) fn fail(&self, failure: Option<Failure>) {
        self.disk.lock().failure = failure;
    }

    /// From now on crashes as told.
    pub(crate) fn crash(&self, crash: Option<Crash>) {
        self.disk.lock().crash = crash;
    }

    /// No write takes more bytes than this.
    pub(crate) fn short_writes(&self, most: usize) {
        self.disk.lock().most_per_write = Some(most);
    }

    /// Operations so far.
    #[must_use]
    pub(crate) fn operations(&self) -> u64 {
        self.disk.lock().operations
    }

    /// What the next process finds when this one dies.
    #[must_use]
    pub(crate) fn after_process_death(&self) -> Self {
        let disk = self.disk.lock();
        let files = disk.names.iter().map(|(path, n)| (path, disk.inodes[*n].content.clone()));
        Self::holding(&disk.dirs, files)
    }

    /// What may be found when the power fails, each once.
    #[must_use]
    pub(crate) fn after_power_loss(&self) -> Vec<Image> {
        let disk = self.disk.lock();
        let mut images = Vec::new();
        let mut seen = BTreeSet::new();
        for (naming, names) in disk.possible_names() {
            for (fating, fates) in disk.possible_fates(&names) {
                let fate = |n: usize| fates.get(&n).copied().unwrap_or(Fate::Kept);
                let files: Vec<_> =
                    names.iter().map(|(path, n)| (path, disk.inodes[*n].after(fate(*n)))).collect();
                if seen.insert(digest(&files)) {
                    let fs = Self::holding(&disk.dirs, files.into_iter());
                    images.push(Image { name: format!("{naming}, {fating}"), fs });
                }
            }
        }
        images
    }

    fn holding<'a>(
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

    /// The process that holds locks dies, and the system lives on.
    pub(crate) fn kill(&self) {
        self.disk.lock().locked.clear();
    }

    /// Gives a file this content, durably and whatever fails.
    pub(crate) fn put(&self, path: &Path, content: Vec<u8>) {
        let mut disk = self.disk.lock();
        if let Some(parent) = path.parent() {
            disk.dirs.insert(parent.to_owned());
        }
        let durable = content.clone();
        disk.inodes.push(Inode { content, durable, ..Inode::default() });
        let inode = disk.inodes.len() - 1;
        disk.names.insert(path.to_owned(), inode);
        disk.durable_names.insert(path.to_owned(), inode);
    }

    /// A file's content.
    #[must_use]
    pub(crate) fn get(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = self.disk.lock();
        disk.names.get(path).map(|n| disk.inodes[*n].content.clone())
    }

    /// Every file.
    #[must_use]
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.disk.lock().names.keys().cloned().collect()
    }
}

impl Failure {
    fn meets(&self, operation: u64) -> bool {
        operation >= self.at && operation - self.at < self.count
    }
}

/// Two disks with one digest hold the same, but for one case in four billion.
fn digest(files: &[(&PathBuf, Vec<u8>)]) -> u32 {
    files.iter().fold(0, |sum, (path, content)| {
        crc32c_append(crc32c_append(sum, path.as_os_str().as_encoded_bytes()), content)
    })
}

impl Disk {
    /// Counts an operation, and says whether it takes place.
    fn step(&mut self) -> io::Result<()> {
        self.step_that(false)
    }

    fn step_that(&mut self, takes_space: bool) -> io::Result<()> {
        if self.dead {
            return Err(io::Error::other("crashed"));
        }
        let now = self.operations;
        self.operations += 1;
        if self.crash.is_some_and(|crash| crash.at == now) {
            self.dead = true;
            return Err(io::Error::other("crashed"));
        }
        match self.failure {
            Some(failure) if failure.meets(now) => match failure.errno {
                SHORT => Ok(()),
                ENOSPC if !takes_space => Ok(()),
                errno => Err(io::Error::from_raw_os_error(errno)),
            },
            _ => Ok(()),
        }
    }

    /// How many of `len` bytes the write of the operation just counted takes.
    fn taken(&self, len: usize) -> usize {
        let short = |failure: Failure| failure.errno == SHORT && failure.meets(self.operations - 1);
        let len = if self.failure.is_some_and(short) { len.div_ceil(2) } else { len };
        self.most_per_write.map_or(len, |most| most.min(len))
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.renamings.push(change);
    }

    /// What may have become of the files that have names: each fate of each, while the others are whole and while they
    /// got nothing.
    fn possible_fates(&self, names: &Names) -> Vec<(String, BTreeMap<usize, Fate>)> {
        let dirty = |n: &usize| !self.inodes[*n].unsynced.is_empty();
        let dirty: Vec<usize> = names.values().copied().filter(dirty).collect();
        let all = |fate: Fate| dirty.iter().map(|n| (*n, fate)).collect::<BTreeMap<_, _>>();
        let mut possible = vec![("writes Kept".to_owned(), all(Fate::Kept))];
        for n in &dirty {
            for others in [Fate::Kept, Fate::Dropped] {
                for fate in self.inodes[*n].fates() {
                    let mut fates = all(others);
                    fates.insert(*n, fate);
                    possible.push((format!("file {n} {fate:?}, others {others:?}"), fates));
                }
            }
        }
        possible
    }

    /// The names on disk, after each number of changes in order, and with any single one missing.
    fn possible_names(&self) -> Vec<(String, Names)> {
        let all = &self.renamings;
        let mut possible = Vec::new();
        for count in 0..=all.len() {
            possible.push((format!("{count} of {} names", all.len()), all[..count].to_vec()));
        }
        for missing in 0..all.len().saturating_sub(1) {
            let mut changes = all.clone();
            changes.remove(missing);
            possible.push((format!("name {missing} of {} missing", all.len()), changes));
        }
        let settle = |(name, changes): (String, Vec<NameChange>)| {
            let mut names = self.durable_names.clone();
            changes.iter().for_each(|change| change.apply(&mut names));
            (name, names)
        };
        possible.into_iter().map(settle).collect()
    }
}

impl Fs for MemFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step_that(true)?;
        disk.dirs.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut disk = self.disk.lock();
        disk.step_that(true)?;
        if disk.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        disk.inodes.push(Inode::default());
        let inode = disk.inodes.len() - 1;
        disk.rename(NameChange::Create(path.to_owned(), inode));
        Ok(Arc::new(MemFile { disk: Arc::clone(&self.disk), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut disk = self.disk.lock();
        disk.step()?;
        let inode = disk.find(path)?;
        Ok(Arc::new(MemFile { disk: Arc::clone(&self.disk), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step()?;
        disk.find(from)?;
        disk.rename(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step()?;
        disk.find(path)?;
        disk.rename(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let mut disk = self.disk.lock();
        disk.step()?;
        if !disk.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let here = disk.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(here.filter_map(|path| path.file_name().map(Into::into)).collect())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.step()?;
        let Disk { renamings, durable_names, .. } = &mut *disk;
        renamings.retain(|change| {
            let synced = change.is_in(dir);
            if synced {
                change.apply(durable_names);
            }
            !synced
        });
        Ok(())
    }

    fn is_locked_by(&self, _path: &Path, _lock: &Lock) -> bool {
        true
    }

    fn lock(&self, path: &Path, holder: &[u8]) -> io::Result<Lock> {
        let mut disk = self.disk.lock();
        disk.step()?;
        if !disk.locked.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        drop(disk);
        self.put(path, holder.to_vec());
        Ok(Box::new(MemLock { disk: Arc::clone(&self.disk), path: path.to_owned() }))
    }
}

struct MemLock {
    disk: Arc<Mutex<Disk>>,
    path: PathBuf,
}

impl Drop for MemLock {
    fn drop(&mut self) {
        self.disk.lock().locked.remove(&self.path);
    }
}

struct MemFile {
    disk: Arc<Mutex<Disk>>,
    inode: usize,
}

impl File for MemFile {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        let was_dead = disk.dead;
        if let Err(e) = disk.step_that(true) {
            let half = disk.crash.is_some_and(|crash| crash.half) || !disk.dead;
            if half && !was_dead {
                let part = bytes[..bytes.len() / 2].to_vec();
                disk.inodes[self.inode].change(Change::Write(at, part));
            }
            return Err(e);
        }
        let taken = disk.taken(bytes.len());
        disk.inodes[self.inode].write(at, &bytes[..taken], bytes.len());
        Ok(taken)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        disk.step()?;
        let content = &disk.inodes[self.inode].content;
        let rest = usize::try_from(at).ok().and_then(|at| content.get(at..)).unwrap_or_default();
        let read = rest.len().min(bytes.len());
        bytes[..read].copy_from_slice(&rest[..read]);
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
        let stepped = disk.step();
        if disk.dead {
            return stepped;
        }
        let Inode { durable, unsynced, .. } = &mut disk.inodes[self.inode];
        let changes = std::mem::take(unsynced);
        stepped?;
        changes.iter().for_each(|change| change.apply(durable));
        Ok(())
    }
}
