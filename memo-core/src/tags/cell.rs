//! When a tag was last invalidated.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The state of a tag that is in use. Cells are never freed but used again for other tags, so that entries can refer to
/// them without a count of their own to follow. Only [`Cell::ended`] is read without the lock of the registry.
#[derive(Debug)]
pub(super) struct Cell {
    tag: AtomicU64,
    /// The epoch of the last invalidation, or 0.
    ended: AtomicU64,
    /// How many sets have the tag.
    users: AtomicU32,
}

impl Cell {
    pub(super) const fn new() -> Self {
        Self { tag: AtomicU64::new(0), ended: AtomicU64::new(0), users: AtomicU32::new(0) }
    }

    /// Makes the cell that of another tag.
    pub(super) fn assign(&self, tag: u64, ended: u64) {
        self.tag.store(tag, Relaxed);
        self.ended.store(ended, Relaxed);
    }

    pub(super) fn tag(&self) -> u64 {
        self.tag.load(Relaxed)
    }

    pub(super) fn ended(&self) -> u64 {
        self.ended.load(Relaxed)
    }

    pub(super) fn end(&self, epoch: u64) {
        self.ended.store(epoch, Relaxed);
    }

    /// Counts one user more.
    pub(super) fn take(&self) {
        self.users.store(self.users.load(Relaxed) + 1, Relaxed);
    }

    /// Counts one user less. Returns whether it was the last one.
    pub(super) fn give_back(&self) -> bool {
        let users = self.users.load(Relaxed) - 1;
        self.users.store(users, Relaxed);
        users == 0
    }
}
