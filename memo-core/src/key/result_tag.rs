//! A tag, as what it is told by on disk and in a tier too.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::arguments::{Serialized, with_bytes};
use super::tree;
use super::write::Fields;

/// What a result belongs to: a user, a document, a catalog. `memokit::invalidate_tag`
/// takes out all results that have a tag.
///
/// Any value that is `Serialize` makes a tag. Two values make the same tag if they print alike as part of a key, with the
/// type of integers left out: `("user", 42_u64)` and `("user", 42_i32)` are one tag, and `"user 42"` is another.
///
/// In the argument `tags = [("user", id), "catalog"]` each element of the list is made a tag. Elsewhere it is made by
/// [`Tag::new`].
///
/// A tag is kept as 64 bits of a SHA-256 hash. If two have the same bits, which a billion tags have with a probability
/// of 3 %, then to invalidate one invalidates the other as well.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(u64);

impl Tag {
    /// Makes a tag of a value. Values that fail to serialize, or nest deeper than 256 levels, are all the same tag.
    #[must_use]
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Self {
        with_bytes(&(Serialized(value), ()), Fields::Sorted, |bytes| {
            Self::of(bytes.unwrap_or_default())
        })
    }

    /// Makes a tag of the bytes of a key. They are hashed as they are printed, because that leaves the type of integers
    /// out.
    fn of(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(Printed(bytes).to_string());
        let first = hash.first_chunk().copied().unwrap_or_default();
        Self(u64::from_le_bytes(first))
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}

struct Printed<'a>(&'a [u8]);

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tree::print(self.0, f)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:016x})", self.0)
    }
}
