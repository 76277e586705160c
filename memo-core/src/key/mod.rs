//! Keys: the canonical encoding of a call's arguments.
//!
//! `encoder` serializes into one of three sinks: `hash` finds the bucket, `compare` checks what is stored there, and
//! `write` makes the bytes on a miss. A cache stores fields in the order in which it met them; a [`Key`] has them sorted.
//! docs/format.md specifies the bytes.

pub mod arguments;
mod bytes;
mod compare;
mod encoder;
pub(crate) mod hash;
mod read;
mod sets;
mod short;
mod sink;
pub(crate) mod tag;
#[cfg(test)]
mod tests;
mod tree;
pub(crate) mod write;

use std::fmt;
use std::hash::Hasher;

pub use arguments::Arguments;
pub(crate) use bytes::KeyBytes;
use hash::{Hash, Seed};
use tag::Stop;
use write::{Fields, Writer};

use crate::fnv::Fnv;

/// The key of one call of a memoized function.
///
/// A key is made of what serde sees of the arguments, so **what serde cannot see is not in the key**: a field under
/// `#[serde(skip)]`, which of two `#[serde(untagged)]` variants of one shape a value is, and state behind an argument
/// that changes between calls (a cell, a file, the time). Two calls that differ in such a thing alone share an entry.
/// Where that is wrong, say what makes the key with `key = ...`. To find out, add `verify = 0.01`: it recomputes that
/// share of the hits and compares.
///
/// Otherwise two keys are equal exactly if the arguments serialize alike, where
///
/// - a sequence and a tuple of the same elements are alike (and so `Vec`, slice, array, `VecDeque` and tuple);
/// - the order of a map's entries, of a set's or heap's elements and of a struct's fields does not count;
/// - all NaN are alike; `0.0` and `-0.0` are not;
/// - `&T`, `Box<T>`, `Rc<T>`, `Arc<T>` and `Cow<T>` are as `T`.
///
/// Arguments that fail to serialize, are nested deeper than 256, or take more than 1 MiB have no key; the function is
/// then computed and nothing is kept.
///
/// Made by the companion `NAME_key(...)`. `Debug` prints the arguments.
#[derive(Clone)]
pub struct Key(Result<KeyBytes, Stop>);

impl Key {
    /// The key of `arguments`; expansions call this.
    #[doc(hidden)]
    #[must_use]
    pub fn of<A: Arguments + ?Sized>(arguments: &A) -> Self {
        arguments::with_bytes(arguments, Fields::Sorted, |bytes| Self(bytes.map(KeyBytes::new)))
    }

    /// The key of stored bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        canonical(bytes, |bytes| Self(bytes.map(KeyBytes::new).ok_or(Stop::Refused)))
    }

    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        self.0.as_ref().ok().map(KeyBytes::as_slice)
    }

    /// A hash that is the same in every process; 0 where there is no key. Two keys may share one.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.bytes().map_or(0, |bytes| {
            let mut hash = Fnv::new();
            hash.write(bytes);
            hash.finish()
        })
    }

    /// Do the arguments have a key? If not, no cache holds an entry of this key.
    #[must_use]
    pub fn is_keyable(&self) -> bool {
        self.0.is_ok()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl fmt::Debug for Key {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(bytes) => tree::print(bytes.as_slice(), f),
            Err(stop) => write!(f, "(no key: {stop})"),
        }
    }
}

/// The hash of a key's bytes, equal to that of the arguments which they encode; `None` where they encode none.
pub(crate) fn hash_bytes(bytes: &[u8], seed: &Seed) -> Option<u64> {
    let mut sink = Hash::new(seed);
    read::replay(bytes, &mut sink)?;
    sink.finish().ok()
}

/// Are these the bytes of one key? Those of equal hashes almost always are, and then almost always the same.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a == b || same_in_another_order(a, b)
}

#[cold]
fn same_in_another_order(a: &[u8], b: &[u8]) -> bool {
    canonical(a, |a| canonical(b, |b| a.is_some() && a == b))
}

/// Is `canonical` the canonical form of a key's bytes?
fn is_canonically(bytes: &[u8], canonical: &[u8]) -> bool {
    self::canonical(bytes, |bytes| bytes == Some(canonical))
}

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

/// Hands the canonical form of a key's bytes to `f`; `None` where they encode none.
fn canonical<R>(bytes: &[u8], f: impl FnOnce(Option<&[u8]>) -> R) -> R {
    Writer::with(Fields::Sorted, |writer| {
        let read = read::replay(bytes, writer);
        f(read.and_then(|()| writer.bytes().ok()))
    })
}
