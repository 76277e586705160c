//! The recording sink. It hashes a value and copies its bytes, in the order of serialization, in one pass.

use std::cell::Cell;

use serde_core::Serialize;

use super::hash::{self, Hash, Seed};
use super::item::{self, Item};
use super::items::Items;
use super::short::{FEW, copy_few};
use super::sink::{ItemPart, Sink};
use super::tag::{self, LONG, MAX_LENGTH, NoKey};

/// A sink that hashes a value and copies its bytes as far as there is room. They are those that a writer writes.
pub(crate) struct Recorder<'a> {
    hash: Hash<'a>,
    room: &'a mut [u8],
    /// How many bytes there were, also of those for which there was no room.
    len: usize,
}

/// What a recorder has found.
pub(crate) struct Recorded {
    pub(crate) hash: Result<u64, NoKey>,
    /// The number of bytes. All are copied if there was room for so many.
    pub(crate) len: usize,
}

/// A map or set in progress.
pub(crate) struct Bag {
    group: hash::Group,
    start: usize,
    order: Box<Order>,
}

/// What sorts the items of a bag. Each thread keeps one for each level of bags in bags.
#[derive(Default)]
struct Order {
    items: Vec<Item>,
    sorted: Vec<u8>,
    /// Another one that is kept.
    next: Option<Box<Order>>,
}

thread_local! {
    static ORDERS: Cell<Option<Box<Order>>> = const { Cell::new(None) };
}

/// The most items whose memory is kept.
const KEPT: usize = 1 << 12;

impl Order {
    fn take() -> Box<Self> {
        let first = ORDERS.try_with(Cell::take).ok().flatten();
        let mut first = first.unwrap_or_default();
        let next = first.next.take();
        let _ = ORDERS.try_with(|orders| orders.set(next));
        first
    }

    fn give_back(mut self: Box<Self>) {
        if self.items.capacity() <= KEPT && self.sorted.capacity() <= MAX_LENGTH {
            self.items.clear();
            self.next = ORDERS.try_with(Cell::take).ok().flatten();
            let _ = ORDERS.try_with(|orders| orders.set(Some(self)));
        }
    }
}

impl<'a> Recorder<'a> {
    #[inline]
    pub(crate) fn new(seed: &'a Seed, room: &'a mut [u8]) -> Self {
        Self { hash: Hash::new(seed), room, len: 0 }
    }

    #[inline]
    pub(crate) fn finish(self) -> Recorded {
        Recorded { hash: self.hash.finish(), len: self.len }
    }

    /// Returns the room for the next bytes, if there is enough.
    #[inline(always)]
    fn next(&mut self, len: usize) -> Option<&mut [u8]> {
        let start = self.len;
        self.len += len;
        self.room.get_mut(start..self.len)
    }

    #[inline(always)]
    fn push<const N: usize>(&mut self, first: u8, bytes: [u8; N]) {
        if let Some([head, tail @ ..]) = self.next(1 + N) {
            *head = first;
            tail.copy_from_slice(&bytes);
        }
    }

    /// Copies a head, a length and then bytes of that length.
    #[inline(always)]
    fn push_with_length<const N: usize>(&mut self, head: [u8; N], bytes: &[u8]) {
        let Some(len) = tag::short(bytes.len()) else {
            return self.push_long(&head, bytes);
        };
        if let Some((first, rest)) =
            self.next(N + 1 + bytes.len()).and_then(|room| room.split_at_mut_checked(N))
        {
            first.copy_from_slice(&head);
            if let [length, tail @ ..] = rest {
                *length = len;
                copy(tail, bytes);
            }
        }
    }

    #[inline(never)]
    fn push_long(&mut self, head: &[u8], bytes: &[u8]) {
        // Longer ones are in no key but as a part of a digest.
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        for part in [head, &[LONG], &len.to_le_bytes(), bytes] {
            if let Some(room) = self.next(part.len()) {
                room.copy_from_slice(part);
            }
        }
    }

    /// Sorts the items of a bag, as a writer does.
    fn sort(&mut self, bag: &mut Bag) {
        let Some(all) = self.room.get_mut(..self.len) else { return };
        let Order { items, sorted, .. } = &mut *bag.order;
        if !item::sort(items, all) {
            item::join(items, all, sorted);
            // They have as many bytes, unless a `Serialize` ends an entry that has no value.
            if let Some(room) = all.get_mut(bag.start..).filter(|r| r.len() == sorted.len()) {
                room.copy_from_slice(sorted);
            }
        }
    }
}

/// Both have the same length.
#[inline(always)]
fn copy(room: &mut [u8], bytes: &[u8]) {
    if bytes.len() <= FEW { copy_few(room, bytes) } else { room.copy_from_slice(bytes) }
}

impl Items for Recorder<'_> {
    fn open_item(&mut self, bag: &mut Bag) {
        bag.order.items.push(Item::at(self.len));
        self.hash.open_item(&mut bag.group);
    }

    #[inline]
    fn split_item(&mut self, bag: &mut Bag) {
        self.hash.split_item(&mut bag.group);
    }

    fn close_item(&mut self, bag: &mut Bag) {
        if let (Some(item), Some(all)) = (bag.order.items.last_mut(), self.room.get(..self.len)) {
            item.close(self.len, all);
        }
        self.hash.close_item(&mut bag.group);
    }
}

impl Sink for Recorder<'_> {
    // Not a copy: it is too large for registers, and a debug build would have it in the frame of each level.
    type Within<'s>
        = &'s mut Self
    where
        Self: 's;
    type Fields = hash::Group;
    type Bag = Bag;

    #[inline(always)]
    fn enter(&mut self) -> &mut Self {
        self
    }

    #[inline(always)]
    fn leave(_: &mut Self) {}

    #[inline(always)]
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), NoKey> {
        self.push(tag, bytes);
        self.hash.fixed(tag, bytes)
    }

    #[inline(always)]
    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), NoKey> {
        self.push_with_length([tag], bytes);
        self.hash.blob(tag, bytes)
    }

    #[inline(always)]
    fn name(&mut self, name: &str) -> Result<(), NoKey> {
        self.push_with_length([], name.as_bytes());
        self.hash.name(name)
    }

    #[inline]
    fn open_fields(&mut self) -> Result<hash::Group, NoKey> {
        self.hash.open_fields()
    }

    #[inline(always)]
    fn open_field(&mut self, fields: &mut hash::Group, name: &str) -> Result<(), NoKey> {
        self.push_with_length([], name.as_bytes());
        self.hash.open_field(fields, name)
    }

    #[inline]
    fn close_field(&mut self, fields: &mut hash::Group) -> Result<(), NoKey> {
        self.hash.close_field(fields)
    }

    #[inline]
    fn close_fields(&mut self, fields: hash::Group) -> Result<(), NoKey> {
        self.push(tag::END, []);
        self.hash.close_fields(fields)
    }

    #[inline(never)]
    fn open_bag(&mut self, tag: u8) -> Result<Bag, NoKey> {
        self.push(tag, []);
        let group = self.hash.open_bag(tag)?;
        Ok(Bag { group, start: self.len, order: Order::take() })
    }

    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Bag,
        depth: u32,
        part: ItemPart,
        value: &T,
    ) -> Result<(), NoKey> {
        self.part(bag, depth, part, value)
    }

    #[inline(never)]
    fn close_bag(&mut self, mut bag: Bag) -> Result<(), NoKey> {
        self.sort(&mut bag);
        bag.order.give_back();
        self.push(tag::END, []);
        self.hash.close_bag(bag.group)
    }

    #[inline(always)]
    fn poison(&mut self, reason: NoKey) {
        self.hash.poison(reason);
    }
}
