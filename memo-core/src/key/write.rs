//! The writing sink: bytes in which every map and set is sorted, and in canonical ones the fields of structs too.

use std::cell::Cell;
use std::cmp::Ordering;

use serde::Serialize;

use super::items::Items;
use super::sink::{ItemPart, Sink};
use super::tag::{self, LONG, MAX_LENGTH, NoKey};

/// The order in which the fields of a struct are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fields {
    /// As they come: what a cache stores, since the next call's come in the same order and compare in one pass.
    #[default]
    AsMet,
    /// By name: one form for all orders.
    Sorted,
}

/// A buffer for bytes; one a thread is kept warm, so that encoding allocates nothing.
#[derive(Default)]
pub(crate) struct Writer {
    order: Fields,
    out: Vec<u8>,
    /// So long may `out` become: not at all after a failure.
    limit: usize,
    /// The items of all groups in progress, those of the innermost last.
    items: Vec<Item>,
    sorted: Vec<u8>,
    failed: Option<NoKey>,
}

/// An item of a group: where it stands in `out`, and its first bytes, which mostly tell its place among the others.
#[derive(Debug, Clone, Copy)]
struct Item {
    start: usize,
    end: usize,
    first: u64,
}

impl Item {
    fn bytes<'a>(&self, out: &'a [u8]) -> &'a [u8] {
        &out[self.start..self.end]
    }

    /// By bytes, a prefix first: shorter ones have zeros in `first`, and where that leaves doubt all bytes decide.
    #[inline]
    fn order(&self, other: &Self, out: &[u8]) -> Ordering {
        self.first.cmp(&other.first).then_with(|| self.bytes(out).cmp(other.bytes(out)))
    }
}

/// The first eight bytes as a number that is in order as they are.
#[inline]
fn first(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut first = [0; 8];
        first[..bytes.len()].copy_from_slice(bytes);
        first
    }))
}

/// An unordered group in progress: where its first item stands in `items` and in `out`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    first: usize,
    start: usize,
    fields: bool,
}

impl Writer {
    /// Runs `f` with this thread's writer, emptied. A nested call (from a user's `Serialize`) gets a new one.
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

    pub(crate) fn give_back(self: Box<Self>) {
        let _ = SCRATCH.try_with(|cell| cell.set(Some(self)));
    }

    fn clear(&mut self) {
        self.out.clear();
        self.items.clear();
        self.limit = MAX_LENGTH;
        self.failed = None;
    }

    /// The bytes written, if all went well.
    pub(crate) fn bytes(&self) -> Result<&[u8], NoKey> {
        self.sound().map(|()| self.out.as_slice())
    }

    /// Nothing is done after a failure: items of groups that were given up may still stand in `items`.
    fn sound(&self) -> Result<(), NoKey> {
        self.failed.map_or(Ok(()), Err)
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) -> Result<(), NoKey> {
        if self.out.len() + bytes.len() > self.limit {
            return self.overrun();
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// It is too long, unless it had failed before.
    #[cold]
    fn overrun(&mut self) -> Result<(), NoKey> {
        self.poison(NoKey::TooLong);
        self.sound()
    }

    fn push_sized(&mut self, tag: Option<u8>, bytes: &[u8]) -> Result<(), NoKey> {
        match (tag, tag::short(bytes.len())) {
            (Some(tag), Some(n)) => self.push(&[tag, n])?,
            (None, Some(n)) => self.push(&[n])?,
            (tag, None) => {
                let n = u32::try_from(bytes.len()).map_err(|_| NoKey::TooLong);
                let n = n.inspect_err(|&stop| self.poison(stop))?;
                self.push(tag.as_slice())?;
                self.push(&[LONG])?;
                self.push(&n.to_le_bytes())?;
            }
        }
        self.push(bytes)
    }

    pub(crate) fn open_group(&self, fields: bool) -> Group {
        Group { first: self.items.len(), start: self.out.len(), fields }
    }

    /// Sorts the group's items, unless they are fields that stay as met.
    fn close_group(&mut self, group: Group) -> Result<(), NoKey> {
        self.sound()?;
        let out = &mut self.out;
        let items = &mut self.items[group.first..];
        let in_order = items.is_sorted_by(|a, b| a.order(b, out).is_le());
        if !in_order {
            sort(items, out);
        }
        if group.fields && has_doubled_name(out, items) {
            self.poison(NoKey::DoubledField);
            return Err(NoKey::DoubledField);
        }
        let as_met = group.fields && self.order == Fields::AsMet;
        if !in_order && !as_met {
            self.sorted.clear();
            for item in &*items {
                self.sorted.extend_from_slice(item.bytes(out));
            }
            out.truncate(group.start);
            out.extend_from_slice(&self.sorted);
        }
        self.items.truncate(group.first);
        self.push(&[tag::END])
    }

    /// The items of a group, sorted.
    pub(crate) fn sorted(&mut self, group: Group) -> Result<impl Iterator<Item = &[u8]>, NoKey> {
        self.sound()?;
        let out = &self.out;
        let items = &mut self.items[group.first..];
        sort(items, out);
        Ok(items.iter().map(|item| item.bytes(out)))
    }
}

// Built once: it is much code.
#[inline(never)]
fn sort(items: &mut [Item], out: &[u8]) {
    items.sort_unstable_by(|a, b| a.order(b, out));
}

/// Do two fields begin with one name? Sorted, they are neighbours.
fn has_doubled_name(out: &[u8], sorted: &[Item]) -> bool {
    let name = |item: &Item| super::read::sized(item.bytes(out)).map(|(name, _)| name);
    sorted.windows(2).any(|pair| name(&pair[0]) == name(&pair[1]))
}

impl Items for Writer {
    fn open_item(&mut self, _: &mut Group) {
        let at = self.out.len();
        self.items.push(Item { start: at, end: at, first: 0 });
    }

    /// Ends the innermost open item. One is missing only after a failure, when the bytes go nowhere.
    fn close_item(&mut self, _: &mut Group) {
        if let Some(item) = self.items.last_mut() {
            item.end = self.out.len();
            item.first = first(item.bytes(&self.out));
        }
    }
}

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
        self.push_sized(Some(tag), bytes)
    }

    fn name(&mut self, name: &str) -> Result<(), NoKey> {
        self.push_sized(None, name.as_bytes())
    }

    fn open_fields(&mut self) -> Result<Group, NoKey> {
        Ok(self.open_group(true))
    }

    fn open_field(&mut self, fields: &mut Group, name: &str) -> Result<(), NoKey> {
        self.open_item(fields);
        self.name(name)
    }

    fn close_field(&mut self, fields: &mut Group) -> Result<(), NoKey> {
        self.close_item(fields);
        Ok(())
    }

    fn close_fields(&mut self, fields: Group) -> Result<(), NoKey> {
        self.close_group(fields)
    }

    fn open_bag(&mut self, tag: u8) -> Result<Group, NoKey> {
        self.push(&[tag])?;
        Ok(self.open_group(false))
    }

    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Group,
        depth: u32,
        part: ItemPart,
        value: &T,
    ) -> Result<(), NoKey> {
        self.part(bag, depth, part, value)
    }

    fn close_bag(&mut self, bag: Group) -> Result<(), NoKey> {
        self.close_group(bag)
    }

    fn poison(&mut self, stop: NoKey) {
        self.limit = 0;
        self.failed.get_or_insert(stop);
    }
}
