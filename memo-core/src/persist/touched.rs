//! Which records were written again because they were used.

use std::collections::HashSet;

/// The records in the older half of a snapshot that this process has written again because they were used.
#[derive(Default)]
pub(crate) struct Touched {
    snapshot: u64,
    /// The hashes of their keys.
    hashes: HashSet<u64>,
}

impl Touched {
    /// Returns whether the record with that hash was written again since the snapshot.
    pub(crate) fn has(&self, snapshot: u64, hash: u64) -> bool {
        self.snapshot == snapshot && self.hashes.contains(&hash)
    }

    pub(crate) fn add(&mut self, snapshot: u64, hash: u64) {
        if self.snapshot != snapshot {
            *self = Self { snapshot, ..Self::default() };
        }
        self.hashes.insert(hash);
    }
}
