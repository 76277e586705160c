//! The key of one call.

use std::fmt;
use std::hash::Hasher;

use super::arguments::{self, Arguments};
use super::bytes::KeyBytes;
use super::stored::canonical;
use super::tag::NoKey;
use super::tree;
use super::write::Fields;
use crate::platform::fnv::Fnv;

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
pub struct Key(Result<KeyBytes, NoKey>);

impl Key {
    /// The key of `arguments`; expansions call this.
    #[doc(hidden)]
    #[must_use]
    pub fn of<A: Arguments + ?Sized>(arguments: &A) -> Self {
        arguments::with_bytes(arguments, Fields::Sorted, |bytes| Self(bytes.map(KeyBytes::new)))
    }

    /// The key of stored bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        canonical(bytes, |bytes| Self(bytes.map(KeyBytes::new).ok_or(NoKey::Refused)))
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
