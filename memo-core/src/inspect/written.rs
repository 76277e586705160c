//! Which keys an editor has written since a snapshot took them in.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault};

use crate::platform::id_hasher::IdHasher;

/// The keys, by hashes of 64 bits: 9 bytes for each, where an index of records takes 60 and more. Two keys with one
/// hash count as one. With ten million keys that happens to one pair in 300,000 runs.
#[derive(Default)]
pub(super) struct Written {
    hashes: HashSet<u64, BuildHasherDefault<IdHasher>>,
    /// So nobody can choose keys that collide.
    random: RandomState,
}

impl Written {
    pub(super) fn insert(&mut self, key: &[u8]) {
        self.hashes.insert(self.random.hash_one(key));
    }

    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.hashes.contains(&self.random.hash_one(key))
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn clear(&mut self) {
        self.hashes.clear();
    }
}
