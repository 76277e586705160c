//! The key of one call.

use std::fmt;
use std::hash::Hasher;

use serde_core::Deserialize;

use super::argument::{Argument, ArgumentIndex, split};
use super::arguments::{self, Arguments};
use super::bytes::KeyBytes;
use super::decode_error::DecodeError;
use super::digest::Digest;
use super::result_tag::Tag;
use super::stored::canonical;
use super::tag::NoKey;
use super::tree;
use super::write::Fields;
use crate::platform::fnv::Fnv;

/// The key of one call of a memoized function.
///
/// A key contains what serde sees of the arguments. **What serde does not see is not in the key**: a field under
/// `#[serde(skip)]`; which of two `#[serde(untagged)]` variants of the same shape a value is; state behind an argument
/// that changes between calls (a cell, a file, the time). Two calls that differ only in such a thing share an entry. If
/// that is wrong, name the value that makes the key with `key = ...`. To find such cases, add `verify = 0.01`: it
/// recomputes that share of the hits and compares.
///
/// Otherwise two keys are equal exactly if the arguments serialize alike. The rules are:
///
/// - A sequence and a tuple of the same elements are alike. This covers `Vec`, slice, array, `VecDeque` and tuple.
/// - The order of the fields of a struct does not count. Nor does the order of the entries of a hash map, or of the
///   elements of a hash set or heap: those of the standard library and of hashbrown, `DashMap`, and those of bimap,
///   heapless (heaps), im, imbl, papaya, rpds and scc. The order of every other container counts, also of an
///   `IndexMap`. `memokit::unordered` says that the order of a container does not count.
/// - Exception: a map that is serialized without a length has no order. serde's derive does that for a struct with
///   `#[serde(flatten)]`, so the order of a flattened `IndexMap` does not count.
/// - All NaN are alike. `0.0` and `-0.0` differ.
/// - `&T`, `Box<T>`, `Rc<T>`, `Arc<T>` and `Cow<T>` are like `T`.
///
/// A key longer than 64 KiB is a digest: a hash of 256 bits of its bytes, and their number. It is compared instead of the
/// arguments, so a long argument takes no room in a cache. See [`Key::is_digest`].
///
/// Arguments that fail to serialize or nest deeper than 256 levels have no key. The function is then computed, and
/// nothing is cached.
///
/// The companion `NAME_key(...)` makes a key. `Debug` prints the arguments, or the digest.
///
/// [`Key::get`] decodes an argument.
#[derive(Clone)]
pub struct Key {
    encoded: Result<KeyBytes, NoKey>,
    /// What the arguments are called, as far as that is known. It does not count for equality.
    names: &'static [&'static str],
    /// What the result belongs to, as far as that is known. It does not count for equality.
    tags: Option<Box<[Tag]>>,
}

impl Key {
    /// Makes the key of `arguments`. Expansions call it.
    #[doc(hidden)]
    #[must_use]
    pub fn of<A: Arguments + ?Sized>(arguments: &A) -> Self {
        let tags = Some(arguments.tags());
        arguments::with_bytes(arguments, Fields::Sorted, |bytes| Self {
            encoded: bytes.map(KeyBytes::new),
            names: &[],
            tags,
        })
    }

    /// Says what the arguments are called. Expansions call it.
    #[doc(hidden)]
    #[must_use]
    pub fn with_names(self, names: &'static [&'static str]) -> Self {
        Self { names, ..self }
    }

    /// Makes the key of stored bytes.
    #[inline]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        canonical(bytes, |bytes| Self {
            encoded: bytes.map(KeyBytes::new).ok_or(NoKey::Refused),
            names: &[],
            tags: None,
        })
    }

    /// Returns what the result belongs to. `None`: that is not known, because the key was made of stored bytes.
    pub(crate) fn tags(&self) -> Option<&[Tag]> {
        self.tags.as_deref()
    }

    #[inline]
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        self.encoded.as_ref().ok().map(KeyBytes::as_slice)
    }

    /// Returns a hash that is the same in every process, or 0 if the arguments have no key. Two keys may have the same
    /// hash.
    #[inline]
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.bytes().map_or(0, |bytes| {
            let mut hash = Fnv::new();
            hash.write(bytes);
            hash.finish()
        })
    }

    /// Reports whether the arguments have a key. If not, no cache holds an entry for it.
    #[must_use]
    pub fn is_keyable(&self) -> bool {
        self.encoded.is_ok()
    }

    /// Reports whether the key is a digest of the arguments, because they take more than 64 KiB. Equal arguments have
    /// equal digests. Different arguments have the same digest only if somebody breaks SHA-256,
    /// or without the feature `persist`, SipHash under secrets of this process.
    #[inline]
    #[must_use]
    pub fn is_digest(&self) -> bool {
        self.bytes().is_some_and(|bytes| Digest::of(bytes).is_some())
    }

    /// Decodes an argument, by its index among the arguments that make the key, from 0, or by the name of its
    /// parameter. See [`Argument::decode`]. `T` may borrow from the key: `key.get::<&str>("symbol")`.
    ///
    /// Names are known of keys from a companion or a handle: those of the parameters, and `key` if the function has the
    /// argument `key`. An index is always known.
    ///
    /// # Errors
    /// Those of [`Key::arguments`], and [`DecodeError::Absent`] if there is no such argument,
    /// [`DecodeError::Mismatch`] if it is not a value of `T`.
    pub fn get<'a, T: Deserialize<'a>>(
        &'a self,
        index: impl ArgumentIndex,
    ) -> Result<T, DecodeError> {
        let arguments = self.arguments()?;
        let found = index.position(self.names).and_then(|position| arguments.get(position));
        let absent = || DecodeError::Absent { argument: format!("{index:?}") };
        found.ok_or_else(absent)?.decode()
    }

    /// Returns the arguments that make the key, in the order of the parameters.
    ///
    /// # Errors
    /// [`DecodeError::Unkeyable`] if the arguments have no key, [`DecodeError::Digest`] if the key is a digest.
    #[inline]
    pub fn arguments(&self) -> Result<Vec<Argument<'_>>, DecodeError> {
        let bytes = self.bytes().ok_or(DecodeError::Unkeyable)?;
        if self.is_digest() {
            return Err(DecodeError::Digest);
        }
        let arguments = split(bytes).ok_or(DecodeError::Unkeyable)?.into_iter().enumerate();
        let named = |(at, bytes)| Argument::new(self.names.get(at).copied(), bytes);
        Ok(arguments.map(named).collect())
    }
}

impl PartialEq for Key {
    #[inline]
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
        match &self.encoded {
            Ok(bytes) => tree::print(bytes.as_slice(), f),
            Err(reason) => write!(f, "(no key: {reason})"),
        }
    }
}
