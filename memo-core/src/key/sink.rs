//! What an encoded value goes into: a hasher, a comparer with stored bytes, or a writer.

use std::ops::{Deref, DerefMut};

use serde::Serialize;

use super::tag::NoKey;

/// Where an encoded value goes. The order in which fields, map entries and set elements come in must not matter to a
/// sink; the order of everything else must.
///
/// A sink that has returned an error stays failed, whatever a hand-written `Serialize` makes of the error.
pub(crate) trait Sink: Sized {
    /// The sink within a struct or sequence in progress.
    type Within<'s>: DerefMut<Target = Self>
    where
        Self: 's;
    /// The fields of a struct in progress.
    type Fields;
    /// A map or set in progress.
    type Bag;

    fn enter(&mut self) -> Self::Within<'_>;
    fn leave(within: Self::Within<'_>);

    /// A tag followed by bytes of a length that the tag implies.
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), NoKey>;
    /// A tag followed by bytes of any length.
    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), NoKey>;
    /// The name of a type or a variant; always after a tag that says so.
    fn name(&mut self, name: &str) -> Result<(), NoKey>;

    fn open_fields(&mut self) -> Result<Self::Fields, NoKey>;
    fn open_field(&mut self, fields: &mut Self::Fields, name: &str) -> Result<(), NoKey>;
    fn close_field(&mut self, fields: &mut Self::Fields) -> Result<(), NoKey>;
    fn close_fields(&mut self, fields: Self::Fields) -> Result<(), NoKey>;

    fn open_bag(&mut self, tag: u8) -> Result<Self::Bag, NoKey>;
    /// A part of an item: the whole of a set's element, or the key or the value of a map's entry.
    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Self::Bag,
        depth: u32,
        part: ItemPart,
        value: &T,
    ) -> Result<(), NoKey>;
    fn close_bag(&mut self, bag: Self::Bag) -> Result<(), NoKey>;

    /// Makes every later outcome a failure.
    fn poison(&mut self, stop: NoKey);
}

/// A copy of a small sink, to be put back. A function that serializes a struct is not always inlined where the sink is;
/// it then has the copy in registers, and does not store it at each step.
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

/// Which part of an unordered item is being given.
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
