//! Sinks that take the items of a map or set one by one.

use serde_core::Serialize;

use super::encoder::encode;
use super::sink::{ItemPart, Sink};
use super::tag::NoKey;

/// A sink that takes the items of a map or set as they arrive. Encoded bytes can therefore feed it as well as values.
pub(crate) trait Items: Sink {
    fn open_item(&mut self, bag: &mut Self::Bag);
    /// Marks the end of the key of an entry.
    fn split_item(&mut self, bag: &mut Self::Bag);
    fn close_item(&mut self, bag: &mut Self::Bag);

    /// Adds a part of an item. Implements [`Sink::bag_part`] for sinks that do nothing else there.
    #[inline(always)]
    fn part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Self::Bag,
        depth: u32,
        part: ItemPart,
        value: &T,
    ) -> Result<(), NoKey> {
        if part.opens() {
            self.open_item(bag);
        }
        encode(self, depth, value)?;
        self.end_of(part, bag);
        Ok(())
    }

    /// Marks the end of a part.
    #[inline(always)]
    fn end_of(&mut self, part: ItemPart, bag: &mut Self::Bag) {
        if part == ItemPart::Key {
            self.split_item(bag);
        }
        if part.closes() {
            self.close_item(bag);
        }
    }
}
