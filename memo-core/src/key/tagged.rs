//! The arguments of a call whose result has tags.

use serde::Serialize;

use super::arguments::Arguments;
use super::result_tag::Tag;
use super::sink::Sink;
use super::tag::NoKey;

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
