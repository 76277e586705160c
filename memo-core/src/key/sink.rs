//! The target of an encoded value: a hasher, a comparer with stored bytes, a recorder, or a writer.

use std::ops::{Deref, DerefMut};

use serde_core::Serialize;

use super::tag::NoKey;

/// The target of an encoded value. The order of fields, map entries and set elements must not matter to a sink. The
/// order of everything else must matter.
///
/// A sink that has returned an error stays failed, even if a hand-written `Serialize` ignores the error.
pub(crate) trait Sink: Sized {
    /// The sink inside a struct or sequence in progress.
    type Within<'s>: DerefMut<Target = Self>
    where
        Self: 's;
    /// The fields of a struct in progress.
    type Fields;
    /// A map or set in progress.
    type Bag;

    fn enter(&mut self) -> Self::Within<'_>;
    fn leave(within: Self::Within<'_>);

    /// Adds a tag, followed by bytes whose length the tag implies.
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), NoKey>;
    /// Adds a tag, followed by bytes of any length.
    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), NoKey>;
    /// Adds the name of a type, variant or field. Its position always follows from a preceding tag.
    fn name(&mut self, name: &str) -> Result<(), NoKey>;

    fn open_fields(&mut self) -> Result<Self::Fields, NoKey>;
    fn open_field(&mut self, fields: &mut Self::Fields, name: &str) -> Result<(), NoKey>;
    fn close_field(&mut self, fields: &mut Self::Fields) -> Result<(), NoKey>;
    fn close_fields(&mut self, fields: Self::Fields) -> Result<(), NoKey>;

    fn open_bag(&mut self, tag: u8) -> Result<Self::Bag, NoKey>;
    /// Adds a part of an item: a whole element of a set, or the key or value of an entry of a map.
    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Self::Bag,
        depth: u32,
        part: ItemPart,
        value: &T,
    ) -> Result<(), NoKey>;
    fn close_bag(&mut self, bag: Self::Bag) -> Result<(), NoKey>;

    /// Makes the sink fail from now on.
    fn poison(&mut self, reason: NoKey);
}

/// A copy of a small sink, written back at the end. A function that serializes a struct is not always inlined into the
/// function that owns the sink. With the copy it keeps the sink in registers and does not store it at each step.
pub(crate) struct SinkCopy<'s, S> {
    pub(crate) outer: &'s mut S,
    pub(crate) inner: S,
}

impl<S> Deref for SinkCopy<'_, S> {
    type Target = S;
    #[inline(always)]
    fn deref(&self) -> &S {
        &self.inner
    }
}

impl<S> DerefMut for SinkCopy<'_, S> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

/// The part of an unordered item that is passed to a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemPart {
    Element,
    Key,
    Value,
}

impl ItemPart {
    pub(crate) fn opens(self) -> bool {
        self != Self::Value
    }
    pub(crate) fn closes(self) -> bool {
        self != Self::Key
    }
}
