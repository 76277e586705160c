//! What the fuzz targets (fuzz/) reach of the keys.

use crate::key::{self, Arguments, Key};

/// Random numbers of a cache.
#[derive(Debug)]
pub struct Seed(key::hash::Seed);

impl Seed {
    /// Other numbers each time.
    #[must_use]
    pub fn random() -> Self {
        Self(key::hash::Seed::random())
    }

    /// The hash of arguments; `None` without a key.
    pub fn hash<A: Arguments>(&self, arguments: &A) -> Option<u64> {
        key::arguments::hash(arguments, &self.0).ok()
    }

    /// The hash of what bytes encode; `None` where they encode nothing.
    #[must_use]
    pub fn hash_bytes(&self, bytes: &[u8]) -> Option<u64> {
        key::hash_bytes(bytes, &self.0)
    }
}

/// Are these the bytes of the key of `arguments`?
pub fn matches<A: Arguments>(arguments: &A, bytes: &[u8]) -> bool {
    key::arguments::matches(arguments, bytes)
}

/// The bytes of a key.
#[must_use]
pub fn bytes(key: &Key) -> Option<&[u8]> {
    key.bytes()
}

/// The key of these bytes, be they an encoding or not.
#[must_use]
pub fn key(bytes: &[u8]) -> Key {
    Key::from_bytes(bytes)
}
