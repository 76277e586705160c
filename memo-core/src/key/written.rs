//! The key of a call, written with its fields in the order of serialization.

use super::arguments::{self, Arguments};
use super::digest::Digest;
use super::hash::Seed;
use super::result_tag::Tag;
use super::stored::hash_bytes;
use super::write::{Fields, Writer};

/// A key in the order of serialization, in the buffer of the thread.
pub(crate) struct WrittenKey {
    writer: Option<Box<Writer>>,
    hash: Option<u64>,
    /// What the result belongs to.
    tags: Box<[Tag]>,
}

impl WrittenKey {
    /// Writes the key of `arguments`. `hash` is their hash, if they have a key.
    pub(crate) fn new<A: Arguments + ?Sized>(arguments: &A, hash: Option<u64>) -> Self {
        let tags = arguments.tags();
        let writer = Some(arguments::written(arguments, Fields::AsSerialized));
        let mut written = Self { writer, hash: None, tags };
        // A user's `Serialize` may write something else than it did for the hash, and the hash of a long key is that of
        // its digest. The hash is then computed from the written bytes.
        written.hash = hash.filter(|_| A::PLAIN && !written.is_digest());
        written
    }

    pub(crate) fn tags(&self) -> &[Tag] {
        &self.tags
    }

    fn bytes(&self) -> Option<&[u8]> {
        self.writer.as_ref()?.bytes().ok()
    }

    /// Reports whether the key is a digest of long arguments.
    pub(crate) fn is_digest(&self) -> bool {
        self.bytes().is_some_and(|bytes| Digest::of(bytes).is_some())
    }

    /// Returns the hash and the bytes, or `None` if the arguments have no key.
    pub(crate) fn key(&self, seed: &Seed) -> Option<(u64, &[u8])> {
        let bytes = self.bytes()?;
        let hash = self.hash.or_else(|| hash_bytes(bytes, seed))?;
        debug_assert_eq!(
            Some(hash),
            hash_bytes(bytes, seed),
            "values and bytes must have the same hash"
        );
        Some((hash, bytes))
    }
}

impl Drop for WrittenKey {
    fn drop(&mut self) {
        self.writer.take().into_iter().for_each(Writer::give_back);
    }
}
