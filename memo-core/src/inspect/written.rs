//! Which keys an editor has written since a snapshot took them in.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault};

use crate::platform::id_hasher::IdHasher;

/// The keys, by hashes of 64 bits. A place of the set takes 9 bytes, one of an index of records 49. Two keys with one
/// hash count as one: of a million keys that happens to two in one of 37 million runs.
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
