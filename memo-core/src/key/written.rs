//! A key as a call met it.

use super::arguments::{self, Arguments};
use super::hash::Seed;
use super::stored::hash_bytes;
use super::write::{Fields, Writer};

/// A key as it was met, in the thread's buffer.
pub(crate) struct Written {
    writer: Option<Box<Writer>>,
    hash: Option<u64>,
}

impl Written {
    /// The key of `arguments`, whose hash is known where they have one.
    pub(crate) fn new<A: Arguments + ?Sized>(arguments: &A, hash: Option<u64>) -> Self {
        let writer = Some(arguments::written(arguments, Fields::AsMet));
        // A `Serialize` may have changed its mind: what counts is what was written, and not what was hashed first.
        Self { writer, hash: hash.filter(|_| A::PLAIN) }
    }

    /// The hash and the bytes; nothing where there is no key.
    pub(crate) fn key(&self, seed: &Seed) -> Option<(u64, &[u8])> {
        let bytes = self.writer.as_ref()?.bytes().ok()?;
        let hash = self.hash.or_else(|| hash_bytes(bytes, seed))?;
        debug_assert_eq!(Some(hash), hash_bytes(bytes, seed), "values and bytes hash alike");
        Some((hash, bytes))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.writer.take().into_iter().for_each(Writer::give_back);
    }
}
