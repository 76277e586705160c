//! The locks of a directory: bytes of its lock file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::file_name::Name;
use super::fs::{ByteLocks, Fs};
use super::listing::{LOCK_PREFIX, refuse_foreign};
use super::state::SLOTS;
use crate::error::Error;
use crate::platform::clock::Instant;
use crate::platform::host;
use crate::platform::process;
use crate::platform::sync::MODELLED;

/// The first byte of those that are no locks of keys.
const BASE: u64 = 1 << 62;
/// Held by a process that begins or ends to write, or that lists the files. So these change while nobody lists them.
const FILES: u64 = BASE;
/// Held by the process that writes a snapshot.
const MERGE: u64 = BASE + 1;
/// The first of the bytes of slots. Each is held by the process that writes the slot's log.
const FIRST_SLOT: u64 = BASE + 16;

/// The first of the bytes of computers. A process also holds one for its slot, among those of its computer: on a
/// network file system locks exclude processes of other computers, but these do not see the same shared page.
const FIRST_HOST: u64 = BASE + (1 << 20);
/// The number of bytes of each computer.
const PER_HOST: u64 = 128;
const HOSTS: u64 = 1 << 40;
/// The first of the bytes of values. Each is held by the process that makes the file of that number, until a record
/// that mentions it is committed.
const FIRST_VALUE: u64 = 1 << 61;
/// The bits of a number that choose its byte.
const VALUE_MASK: u64 = FIRST_VALUE - 1;

/// How long a process waits for the lock [`FILES`].
const MAX_WAIT: Duration = Duration::from_secs(1);
/// How often it tries to get a lock.
const INTERVAL: Duration = Duration::from_millis(1);
/// How often the lock is tried while the lock file is removed by others each time.
const MAX_ATTEMPTS: usize = 3;

/// The open lock file of a directory.
pub(crate) struct Locks {
    bytes: Arc<dyn ByteLocks>,
    dir: PathBuf,
}

/// A held lock.
pub(crate) struct Held {
    bytes: Arc<dyn ByteLocks>,
    byte: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        // The system releases it at the latest when the process ends.
        let _ = self.bytes.unlock(self.byte);
    }
}

fn value_byte(number: u64) -> u64 {
    FIRST_VALUE + (number & VALUE_MASK)
}

/// Opens the lock file of a directory. Creates it if it is missing.
///
/// # Errors
/// The errors of the system.
pub(crate) fn open_lock_file(fs: &dyn Fs, dir: &Path) -> io::Result<Arc<dyn ByteLocks>> {
    let content = format!("{LOCK_PREFIX}{}\n", process::id());
    fs.byte_locks(&Name::Lock.at(dir), content.as_bytes())
}

/// Returns the first byte of this computer.
fn own_host() -> u64 {
    FIRST_HOST + host::id() % HOSTS * PER_HOST
}

impl Locks {
    /// Opens the lock file, and takes the lock of the files. Creates the directory, for its owner alone, if it is
    /// missing, and those of its missing parents that are below `base`.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process holds the lock for too long, [`Error::Foreign`] if the directory belongs to
    /// something else, and the errors of the system.
    pub(crate) fn open(fs: &dyn Fs, dir: &Path, base: &Path) -> Result<(Self, Held), Error> {
        refuse_foreign(fs, dir)?;
        let path = Name::Lock.at(dir);
        for _ in 0..MAX_ATTEMPTS {
            fs.create_dir(dir, base).map_err(|e| Error::io("create", dir, &e))?;
            let bytes = match open_lock_file(fs, dir) {
                Ok(bytes) => bytes,
                // The folder was removed meanwhile, as an old version. The next attempt creates it again.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                // Another user made the lock file. Its holders, if there are any, notice that the file was replaced.
                Err(e)
                    if e.kind() == io::ErrorKind::PermissionDenied && fs.remove(&path).is_ok() =>
                {
                    continue;
                }
                Err(e) => return Err(Error::io("lock", &path, &e)),
            };
            let locks = Self { bytes, dir: dir.to_owned() };
            let held = locks.files()?;
            if locks.bytes.is_at(&path) {
                return Ok((locks, held));
            }
        }
        Err(Error::Locked { path: dir.to_owned(), pid: None })
    }

    /// Opens the lock file only to see which locks are held. `None` if there is none.
    pub(crate) fn observe(fs: &dyn Fs, dir: &Path) -> Option<Self> {
        let bytes = fs.observe_locks(&Name::Lock.at(dir)).ok()?;
        Some(Self { bytes, dir: dir.to_owned() })
    }

    /// Waits for the lock of the files.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process holds it for too long, and the errors of the system.
    pub(crate) fn files(&self) -> Result<Held, Error> {
        self.lock_within(MAX_WAIT, FILES)?.ok_or_else(|| self.locked())
    }

    /// Takes the lock of the snapshot. `None` if another process has it for longer than `wait`.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn merge(&self, wait: Duration) -> Result<Option<Held>, Error> {
        self.lock_within(wait, MERGE)
    }

    /// Returns the error that another process uses the directory.
    pub(crate) fn locked(&self) -> Error {
        Error::Locked { path: self.dir.clone(), pid: None }
    }

    fn lock_within(&self, wait: Duration, byte: u64) -> Result<Option<Held>, Error> {
        let began = Instant::now();
        // Time does not pass in a model.
        let is_over = |attempt| if MODELLED { attempt > 20 } else { began.elapsed() >= wait };
        for attempt in 0.. {
            let held = self.try_lock(byte)?;
            if held.is_some() || is_over(attempt) {
                return Ok(held);
            }
            if !MODELLED {
                thread::sleep(INTERVAL);
            }
        }
        Ok(None)
    }

    /// Returns whether another process has the lock of the snapshot.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn is_merge_taken(&self) -> Result<bool, Error> {
        self.is_taken_by_other(MERGE)
    }

    /// Takes the byte of this computer for a slot that this process has taken.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn host(&self, slot: usize) -> Result<Option<Held>, Error> {
        self.try_lock(own_host() + slot as u64)
    }

    /// Returns whether a process of another computer writes.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn has_other_hosts(&self) -> Result<bool, Error> {
        let (own, end) = (own_host(), FIRST_HOST + HOSTS * PER_HOST);
        let others = [(FIRST_HOST, own), (own + PER_HOST, end)];
        let mut others = others.into_iter().filter(|(from, to)| from < to);
        others
            .try_fold(false, |found, (from, to)| {
                let found = found || self.bytes.is_locked_by_other(from, to - from)?;
                Ok(found)
            })
            .map_err(|e| Error::io("lock", Name::Lock.at(&self.dir), &e))
    }

    /// Takes a slot. `None` if another process has it.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn slot(&self, slot: usize) -> Result<Option<Held>, Error> {
        self.try_lock(FIRST_SLOT + slot as u64)
    }

    /// Takes the lock of a value. `None` if another process has it.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn value(&self, number: u64) -> Result<Option<Held>, Error> {
        self.try_lock(value_byte(number))
    }

    /// Returns whether another process has the lock of a value.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn is_value_taken(&self, number: u64) -> Result<bool, Error> {
        self.is_taken_by_other(value_byte(number))
    }

    fn is_taken_by_other(&self, byte: u64) -> Result<bool, Error> {
        let taken = self.bytes.is_locked_by_other(byte, 1);
        taken.map_err(|e| Error::io("lock", Name::Lock.at(&self.dir), &e))
    }

    /// Returns whether another process has a slot, as far as that can be found out.
    pub(crate) fn is_taken(&self, slot: usize) -> bool {
        self.bytes.is_locked_by_other(FIRST_SLOT + slot as u64, 1).unwrap_or(true)
    }

    /// Returns the slots that other processes have.
    #[cfg(any(feature = "inspect", test))]
    pub(crate) fn taken_slots(&self) -> Vec<usize> {
        let is_held = |slot: &usize| {
            self.bytes.is_locked_by_other(FIRST_SLOT + *slot as u64, 1).unwrap_or(false)
        };
        (0..SLOTS).filter(is_held).collect()
    }

    /// Returns whether another process writes.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn has_writers(&self) -> Result<bool, Error> {
        self.others_hold(FIRST_SLOT, SLOTS as u64)
    }

    /// Returns whether another open file of any process holds the lock of a key or of a value: it computes something.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn has_computations(&self) -> Result<bool, Error> {
        self.others_hold(0, BASE)
    }

    fn others_hold(&self, first: u64, count: u64) -> Result<bool, Error> {
        let held = self.bytes.is_locked_by_other(first, count);
        held.map_err(|e| Error::io("lock", Name::Lock.at(&self.dir), &e))
    }

    /// Checks that the lock file is still that of the directory. A user may have removed the directory, and another
    /// process may have created it again.
    ///
    /// # Errors
    /// [`Error::Io`] if it is not.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.bytes.is_at(&Name::Lock.at(&self.dir)) {
            return Ok(());
        }
        Err(Self::replaced(&self.dir))
    }

    /// Returns the error that a directory is not the one that was opened.
    pub(crate) fn replaced(dir: &Path) -> Error {
        let error =
            io::Error::new(io::ErrorKind::NotFound, "the directory was removed or replaced");
        Error::io("write to", dir, &error)
    }

    fn try_lock(&self, byte: u64) -> Result<Option<Held>, Error> {
        let locked = self.bytes.try_lock(byte);
        match locked.map_err(|e| Error::io("lock", Name::Lock.at(&self.dir), &e))? {
            true => Ok(Some(Held { bytes: Arc::clone(&self.bytes), byte })),
            false => Ok(None),
        }
    }
}
