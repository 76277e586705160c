//! The functions of keys that the fuzz targets (fuzz/) call.

use crate::key::{self, Arguments, Key};

/// The random numbers with which a cache hashes its keys.
#[derive(Debug)]
pub struct Seed(key::hash::Seed);

impl Seed {
    /// Returns different numbers at each call.
    #[must_use]
    pub fn random() -> Self {
        Self(key::hash::Seed::random())
    }

    /// Returns the hash of `arguments`, or `None` if they make no key.
    pub fn hash<A: Arguments>(&self, arguments: &A) -> Option<u64> {
        key::arguments::hash(arguments, &self.0).ok()
    }

    /// Returns the hash of the key that `bytes` encode, or `None` if they are not an encoding.
    #[must_use]
    pub fn hash_bytes(&self, bytes: &[u8]) -> Option<u64> {
        key::hash_bytes(bytes, &self.0)
    }
}

/// Returns whether `bytes` are the key of `arguments`.
pub fn matches<A: Arguments>(arguments: &A, bytes: &[u8]) -> bool {
    key::arguments::matches(arguments, bytes)
}

/// Returns the bytes of `key`, or `None` if its arguments make no key.
#[must_use]
pub fn bytes(key: &Key) -> Option<&[u8]> {
    key.bytes()
}

/// Makes a key of `bytes`, which need not be an encoding.
#[must_use]
pub fn key(bytes: &[u8]) -> Key {
    Key::from_bytes(bytes)
}
