//! The recording sink. It hashes a value and copies its bytes, in the order of serialization, in one pass.

use serde_core::Serialize;

use super::hash::{self, Hash, Seed};
use super::short::{FEW, copy_few};
use super::sink::{ItemPart, Sink, SinkCopy};
use super::tag::{self, LONG, MAX_LENGTH, NoKey};
use super::write::{self, Fields, Kind, Writer};

/// A sink that hashes a value and copies its bytes as far as there is room. What is copied is what a [`Writer`] writes,
/// unless that fails.
pub(crate) struct Recorder<'a> {
    hash: Hash<'a>,
    /// Where the next bytes go. Empty once there was no room for some.
    room: &'a mut [u8],
    /// How many bytes had no room.
    missing: usize,
}

/// What a recorder has found.
pub(crate) struct Recorded {
    pub(crate) hash: Result<u64, NoKey>,
    /// How much room is left.
    pub(crate) left: usize,
    /// How much more room there must be at least. If it is 0, all bytes are copied.
    pub(crate) missing: usize,
}

/// A map or set in progress. Its items are sorted as a writer sorts them.
pub(crate) struct Bag {
    hash: hash::Group,
    writer: Box<Writer>,
    group: write::Group,
}

impl<'a> Recorder<'a> {
    #[inline]
    pub(crate) fn new(seed: &'a Seed, room: &'a mut [u8]) -> Self {
        Self { hash: Hash::new(seed), room, missing: 0 }
    }

    #[inline]
    pub(crate) fn finish(self) -> Recorded {
        let Self { hash, room, missing } = self;
        Recorded { hash: hash.finish(), left: room.len(), missing }
    }

    /// Returns the room for the next bytes, if there is enough.
    #[inline(always)]
    fn next(&mut self, len: usize) -> Option<&'a mut [u8]> {
        let Some((next, rest)) = std::mem::take(&mut self.room).split_at_mut_checked(len) else {
            self.missing += len;
            return None;
        };
        self.room = rest;
        Some(next)
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

    /// Passes a failure to copy a part on. If it is too long, only the hash goes on: the key is a digest.
    fn copied(&mut self, written: Result<(), NoKey>) -> Result<(), NoKey> {
        match written {
            Err(NoKey::TooLong) => (self.room, self.missing) = (&mut [], MAX_LENGTH),
            Err(reason) => {
                self.poison(reason);
                return Err(reason);
            }
            Ok(()) => {}
        }
        Ok(())
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
}

/// Both have the same length.
#[inline(always)]
fn copy(room: &mut [u8], bytes: &[u8]) {
    if bytes.len() <= FEW { copy_few(room, bytes) } else { room.copy_from_slice(bytes) }
}

impl Sink for Recorder<'_> {
    type Within<'s>
        = SinkCopy<'s, Self>
    where
        Self: 's;
    type Fields = hash::Group;
    type Bag = Bag;

    #[inline(always)]
    fn enter(&mut self) -> SinkCopy<'_, Self> {
        let room = std::mem::take(&mut self.room);
        let inner = Self { hash: self.hash.copy(), room, missing: self.missing };
        SinkCopy { outer: self, inner }
    }

    #[inline(always)]
    fn leave(SinkCopy { outer, inner }: SinkCopy<'_, Self>) {
        outer.hash.take_back(&inner.hash);
        (outer.room, outer.missing) = (inner.room, inner.missing);
    }

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

    fn open_bag(&mut self, tag: u8) -> Result<Bag, NoKey> {
        self.push(tag, []);
        let writer = Writer::take(Fields::AsSerialized);
        let group = writer.open_group(Kind::of_bag(tag));
        Ok(Bag { hash: self.hash.open_bag(tag)?, writer, group })
    }

    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Bag,
        depth: u32,
        part: ItemPart,
        value: &T,
    ) -> Result<(), NoKey> {
        if self.missing == 0 {
            let written = bag.writer.bag_part(&mut bag.group, depth, part, value);
            self.copied(written)?;
        }
        self.hash.bag_part(&mut bag.hash, depth, part, value)
    }

    fn close_bag(&mut self, bag: Bag) -> Result<(), NoKey> {
        let Bag { hash, mut writer, group } = bag;
        let sorted = writer.sorted(group).map(|items| {
            items.for_each(|item| {
                if let Some(room) = self.next(item.len()) {
                    room.copy_from_slice(item);
                }
            });
        });
        writer.give_back();
        self.copied(sorted)?;
        self.push(tag::END, []);
        self.hash.close_bag(hash)
    }

    #[inline(always)]
    fn poison(&mut self, reason: NoKey) {
        self.hash.poison(reason);
    }
}
