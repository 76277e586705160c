//! Locks of keys, so that of all processes one computes a value. Each is a byte of the lock file, which the system
//! releases when the process ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use once_cell::sync::OnceCell;

use super::fs::{ByteLocks, Fs};
use super::key_hash::key_hash;
use super::listing::refuse_foreign;
use super::locks::open_lock_file;
use super::place::Place;

/// The bits of a key's hash that choose its byte. All others of the lock file are behind.
const MASK: u64 = (1 << 61) - 1;
/// A process holds at most this many, because each makes every lock of others slower.
const MAX_HELD: usize = 64;

/// The locks of keys that this process may take.
#[derive(Default)]
pub(crate) struct KeyLocks {
    /// `None`: there can be no locks here.
    bytes: OnceCell<Option<Arc<dyn ByteLocks>>>,
    held: Arc<AtomicUsize>,
}

/// The lock of a key.
pub struct KeyLock {
    bytes: Arc<dyn ByteLocks>,
    byte: u64,
    held: Arc<AtomicUsize>,
}

/// What an attempt to lock a key gave.
pub enum KeyClaim {
    /// No other process computes the value.
    Locked(KeyLock),
    /// Another process does.
    Busy,
    /// There is no lock: each process computes.
    Unlocked,
}

impl KeyLocks {
    /// Tries to lock a key. Creates the directory and the lock file if they are missing. (Two threads of one process
    /// get the same lock at once. Within a process flights exclude them.)
    pub(crate) fn try_lock(&self, fs: &dyn Fs, place: &Place, key: &[u8]) -> KeyClaim {
        let bytes = self.bytes.get_or_init(|| open(fs, place));
        let Some(bytes) = bytes.as_ref().filter(|_| self.held.load(Relaxed) < MAX_HELD) else {
            return KeyClaim::Unlocked;
        };
        // Not a salted hash: all processes must agree. Keys that collide wait for each other, and that has a limit.
        let byte = key_hash(0, key) & MASK;
        match bytes.try_lock(byte) {
            Ok(true) => {
                self.held.fetch_add(1, Relaxed);
                let (bytes, held) = (Arc::clone(bytes), Arc::clone(&self.held));
                KeyClaim::Locked(KeyLock { bytes, byte, held })
            }
            Ok(false) => KeyClaim::Busy,
            Err(_) => KeyClaim::Unlocked,
        }
    }
}

/// Opens the lock file. A failure is no error here: writing the result will show it.
fn open(fs: &dyn Fs, place: &Place) -> Option<Arc<dyn ByteLocks>> {
    refuse_foreign(fs, place.dir()).ok()?;
    fs.create_dir(place.dir(), place.base()).ok()?;
    open_lock_file(fs, place.dir()).ok().filter(|bytes| bytes.is_shared())
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        self.held.fetch_sub(1, Relaxed);
        // The system releases it at the latest when the process ends.
        let _ = self.bytes.unlock(self.byte);
    }
}
