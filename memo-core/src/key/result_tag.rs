//! A tag, as what it is told by on disk and in a tier too.

use std::fmt;

/// What a result belongs to: a user, a document, a catalog. `memokit::invalidate_tag`
/// takes out all results that have a tag.
///
/// Any value that is `Serialize` makes a tag. Two values make the same tag if they print alike as part of a key, with
/// the type of integers left out: `("user", 42_u64)` and `("user", 42_i32)` are one tag, and `"user 42"` is another.
///
/// In the argument `tags = [("user", id), "catalog"]` each element of the list is made a tag. Elsewhere it is made by
/// [`Tag::new`].
///
/// A tag is kept as 64 bits of a strong hash. If two have the same bits, which a billion tags have with a probability
/// of 3 %, then to invalidate one invalidates the other as well.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(u64);

impl Tag {
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns a tag that is told apart from equal ones by `salt`. A second time undoes it.
    pub(crate) fn salted(self, salt: u64) -> Self {
        Self(self.0 ^ salt)
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Tag {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:016x})", self.0)
    }
}
