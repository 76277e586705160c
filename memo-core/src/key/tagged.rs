//! Tags as calls name them: what makes a value a tag, and the arguments of a call whose result has tags.

use std::fmt;

use serde_core::Serialize;

use super::StrongHash;
use super::arguments::{Arguments, Serialized, with_bytes};
use super::result_tag::Tag;
use super::sink::Sink;
use super::tag::NoKey;
use super::tree;
use super::write::Fields;

/// The arguments of a call, and what makes the tags of its result. It runs only if the call is no hit.
#[derive(Debug)]
pub struct Tagged<A, F> {
    arguments: A,
    tags: F,
}

/// Adds tags to arguments. Expansions call it.
#[doc(hidden)]
#[inline]
pub fn tagged<A: Arguments, F: Fn() -> Vec<Tag>>(arguments: A, tags: F) -> Tagged<A, F> {
    Tagged { arguments, tags }
}

/// Values that can be a tag.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be a tag",
    label = "a tag must be `serde::Serialize`",
    note = "derive `serde::Serialize` for your own type, or make the tag of something else"
)]
pub trait Taggable: Serialize {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Taggable for T {}

/// Makes a tag. Expansions call it.
#[doc(hidden)]
pub fn tag<T: Taggable + ?Sized>(value: &T) -> Tag {
    Tag::new(value)
}

/// Collects tags. Expansions call it.
#[doc(hidden)]
pub fn tags<T: IntoIterator<Item = Tag>>(tags: T) -> Vec<Tag> {
    tags.into_iter().collect()
}

impl<A: Arguments, F: Fn() -> Vec<Tag>> Arguments for Tagged<A, F> {
    const PLAIN: bool = A::PLAIN;

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey> {
        self.arguments.encode(sink)
    }

    fn tags(&self) -> Box<[Tag]> {
        (self.tags)().into()
    }
}

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
    #[inline]
    fn of(bytes: &[u8]) -> Self {
        let mut hash = StrongHash::default();
        hash.update(Printed(bytes).to_string().as_bytes());
        let first = hash.finish().first_chunk().copied().unwrap_or_default();
        Self::from_bits(u64::from_le_bytes(first))
    }
}

struct Printed<'a>(&'a [u8]);

impl fmt::Display for Printed<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tree::print(self.0, f)
    }
}
