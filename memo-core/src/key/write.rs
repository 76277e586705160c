//! The writing sink. It makes bytes in which every map and set is sorted. In canonical bytes the fields of structs are
//! sorted too. A key that is too long for that becomes a digest.

use std::cell::Cell;

use serde_core::Serialize;

use super::digest::Regions;
use super::encoder::encode;
use super::item::{self, Item};
use super::items::Items;
use super::sink::{ItemPart, Sink};
use super::tag::{self, LONG, MAX_LENGTH, NoKey};

/// The order in which the fields of a struct are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fields {
    /// In the order of serialization. A cache stores this form: the next call serializes its fields in the same order,
    /// so one pass compares them.
    #[default]
    AsSerialized,
    /// By name. All orders have the same form.
    Sorted,
}

/// A sink that writes a value into a buffer. Each thread keeps one for reuse, so that encoding allocates nothing.
#[derive(Default)]
pub(crate) struct Writer {
    order: Fields,
    out: Vec<u8>,
    /// The length of `out` beyond which [`Writer::make_room`] decides. It is 0 after a failure.
    limit: usize,
    /// What is hashed, while the writer makes a digest.
    regions: Regions,
    /// The items of all groups in progress. Those of the innermost group are last.
    items: Vec<Item>,
    sorted: Vec<u8>,
    failed: Option<NoKey>,
}

/// An unordered group in progress: the position of its first item in `items` and in `out`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    first: usize,
    start: usize,
    items: Kind,
}

/// What the items of a group are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Fields,
    Entries,
    Elements,
}

impl Kind {
    pub(crate) fn of_bag(tag: u8) -> Self {
        if tag == tag::MAP { Self::Entries } else { Self::Elements }
    }
}

impl Writer {
    /// Runs `f` with this thread's writer, cleared. A nested call (from a user's `Serialize`) gets a new writer.
    pub(crate) fn with<R>(order: Fields, f: impl FnOnce(&mut Self) -> R) -> R {
        let mut writer = Self::take(order);
        let result = f(&mut writer);
        writer.give_back();
        result
    }

    pub(crate) fn take(order: Fields) -> Box<Self> {
        let mut writer = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
        writer.clear();
        writer.order = order;
        writer
    }

    pub(crate) fn give_back(mut self: Box<Self>) {
        if self.out.capacity().max(self.items.capacity()) > KEPT {
            *self = Self::default();
        }
        let _ = SCRATCH.try_with(|cell| cell.set(Some(self)));
    }

    fn clear(&mut self) {
        self.out.clear();
        self.items.clear();
        self.regions.clear();
        self.limit = MAX_LENGTH;
        self.failed = None;
    }

    /// Ends a pass over the arguments. Returns true if there has to be another, which makes the digest of a long key:
    /// it needs the fields of all structs sorted, and the first pass may have left them as they came.
    pub(crate) fn needs_another_pass(&mut self) -> bool {
        let is_digest = !self.regions.is_empty();
        if !is_digest && self.failed == Some(NoKey::TooLong) {
            self.clear();
            self.order = Fields::Sorted;
            self.open_region();
            return true;
        }
        if is_digest && self.failed.is_none() && !self.regions.close_key(&mut self.out) {
            self.poison(NoKey::Changed);
        }
        false
    }

    /// Returns the written bytes, or the failure.
    pub(crate) fn bytes(&self) -> Result<&[u8], NoKey> {
        self.check().map(|()| self.out.as_slice())
    }

    /// Returns the failure, if there is one. After a failure no group may be closed, because `items` may still contain
    /// items of abandoned groups.
    fn check(&self) -> Result<(), NoKey> {
        self.failed.map_or(Ok(()), Err)
    }

    /// Adds some bytes, of which there are never many.
    #[inline]
    fn push(&mut self, bytes: &[u8]) -> Result<(), NoKey> {
        if self.out.len() + bytes.len() > self.limit {
            self.make_room()?;
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds bytes of any number. If they are many and the writer makes a digest, they are hashed and not copied.
    fn push_long(&mut self, bytes: &[u8]) -> Result<(), NoKey> {
        if self.out.len() + bytes.len() > self.limit {
            self.make_room()?;
            self.regions.hash(bytes);
        } else {
            self.out.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Hashes what was written, if the writer makes a digest. Otherwise the key is too long.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self) -> Result<(), NoKey> {
        if self.regions.is_empty() {
            self.poison(NoKey::TooLong);
        }
        self.check()?;
        let start = self.regions.start();
        self.regions.hash(self.out.get(start..).unwrap_or_default());
        self.out.truncate(start);
        Ok(())
    }

    /// Begins a part of an item. Does something only if the writer makes a digest.
    #[inline]
    fn begin_part(&mut self) {
        if !self.regions.is_empty() {
            self.open_region();
        }
    }

    /// Ends a part of an item. Does something only if the writer makes a digest.
    #[inline]
    fn end_part(&mut self) {
        if !self.regions.is_empty() {
            self.close_region();
        }
    }

    #[cold]
    #[inline(never)]
    fn open_region(&mut self) {
        if self.failed.is_none() {
            self.regions.open(&self.out);
            self.limit = self.regions.limit();
        }
    }

    #[cold]
    #[inline(never)]
    fn close_region(&mut self) {
        if self.failed.is_none() {
            self.regions.close_part(&mut self.out);
            self.limit = self.regions.limit();
        }
    }

    /// Adds a head that ends before the length, the length, and bytes of any number.
    #[inline]
    fn push_with_length<const N: usize>(
        &mut self,
        head: [u8; N],
        bytes: &[u8],
    ) -> Result<(), NoKey> {
        let Some(len) = tag::short(bytes.len()) else {
            return self.push_with_long_length(&head, bytes);
        };
        if self.out.len() + N + 1 + bytes.len() > self.limit {
            self.make_room()?;
        }
        self.out.reserve(N + 1 + bytes.len());
        self.out.extend_from_slice(&head);
        self.out.push(len);
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    #[inline(never)]
    fn push_with_long_length(&mut self, head: &[u8], bytes: &[u8]) -> Result<(), NoKey> {
        let len = u32::try_from(bytes.len()).map_err(|_| NoKey::TooLong);
        let len = len.inspect_err(|&reason| self.poison(reason))?;
        self.push(head)?;
        self.push(&[LONG])?;
        self.push(&len.to_le_bytes())?;
        self.push_long(bytes)
    }

    pub(crate) fn open_group(&self, items: Kind) -> Group {
        Group { first: self.items.len(), start: self.out.len(), items }
    }

    /// Ends a group. Sorts its items, unless they are fields that stay in the order of serialization.
    fn close_group(&mut self, group: Group) -> Result<(), NoKey> {
        self.check()?;
        let out = &mut self.out;
        let items = &mut self.items[group.first..];
        let in_order = item::sort(items, out);
        if group.items != Kind::Elements && item::has_duplicate_name(items, out) {
            self.poison(NoKey::DuplicateName);
            return Err(NoKey::DuplicateName);
        }
        let as_serialized = group.items == Kind::Fields && self.order == Fields::AsSerialized;
        if out.len() > self.limit {
            let start = self.regions.start();
            self.regions.hash(out.get(start..group.start).unwrap_or_default());
            items.iter().for_each(|item| self.regions.hash(item.bytes(out)));
            out.truncate(start);
        } else if !in_order && !as_serialized {
            item::join(items, out, &mut self.sorted);
            out.truncate(group.start);
            out.extend_from_slice(&self.sorted);
        }
        self.items.truncate(group.first);
        self.push(&[tag::END])
    }

    /// Returns the items of a group, sorted. The writer makes no digest.
    pub(crate) fn sorted(&mut self, group: Group) -> Result<impl Iterator<Item = &[u8]>, NoKey> {
        self.check()?;
        let out = &self.out;
        let items = &mut self.items[group.first..];
        item::sort(items, out);
        Ok(items.iter().map(|item| item.bytes(out)))
    }
}

impl Items for Writer {
    #[inline]
    fn open_item(&mut self, _: &mut Group) {
        let at = self.out.len();
        self.items.push(Item::at(at));
    }

    #[inline]
    fn split_item(&mut self, _: &mut Group) {
        let at = self.out.len();
        if let Some(item) = self.items.last_mut() {
            item.split(at);
        }
    }

    /// Ends the innermost open item. It is missing only after a failure, and the bytes are then unused.
    #[inline]
    fn close_item(&mut self, _: &mut Group) {
        let at = self.out.len();
        if let Some(item) = self.items.last_mut() {
            item.close(at, &self.out);
        }
    }
}

/// The largest buffer that is kept for reuse, in bytes or items. A short key needs no larger one.
const KEPT: usize = 2 * MAX_LENGTH;

thread_local! {
    static SCRATCH: Cell<Option<Box<Writer>>> = const { Cell::new(None) };
}

impl Sink for Writer {
    type Within<'s> = &'s mut Self;
    type Fields = Group;
    type Bag = Group;

    #[inline(always)]
    fn enter(&mut self) -> &mut Self {
        self
    }

    #[inline(always)]
    fn leave(_: &mut Self) {}

    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), NoKey> {
        let mut all = [tag; 17];
        all[1..=N].copy_from_slice(&bytes);
        self.push(&all[..=N])
    }

    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), NoKey> {
        self.push_with_length([tag], bytes)
    }

    fn name(&mut self, name: &str) -> Result<(), NoKey> {
        self.push_with_length([], name.as_bytes())
    }

    fn open_fields(&mut self) -> Result<Group, NoKey> {
        Ok(self.open_group(Kind::Fields))
    }

    fn open_field(&mut self, fields: &mut Group, name: &str) -> Result<(), NoKey> {
        self.open_item(fields);
        self.begin_part();
        self.name(name)?;
        self.end_part();
        self.split_item(fields);
        self.begin_part();
        Ok(())
    }

    fn close_field(&mut self, fields: &mut Group) -> Result<(), NoKey> {
        self.end_part();
        self.close_item(fields);
        Ok(())
    }

    fn close_fields(&mut self, fields: Group) -> Result<(), NoKey> {
        self.close_group(fields)
    }

    fn open_bag(&mut self, tag: u8) -> Result<Group, NoKey> {
        self.push(&[tag])?;
        Ok(self.open_group(Kind::of_bag(tag)))
    }

    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Group,
        depth: u32,
        part: ItemPart,
        value: &T,
    ) -> Result<(), NoKey> {
        if part.opens() {
            self.open_item(bag);
        }
        self.begin_part();
        encode(self, depth, value)?;
        self.end_part();
        self.end_of(part, bag);
        Ok(())
    }

    fn close_bag(&mut self, bag: Group) -> Result<(), NoKey> {
        self.close_group(bag)
    }

    fn poison(&mut self, reason: NoKey) {
        self.limit = 0;
        self.failed.get_or_insert(reason);
    }
}
