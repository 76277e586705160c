//! The hashing sink: a hash of the value tree, not of its bytes.
//!
//! Ordered parts are folded one after another; fields, map entries and set elements are hashed each from the same
//! start and added up, so that no order of theirs matters and nothing has to be sorted. The step is the folded
//! multiplication of wyhash and foldhash: the two halves of a 128-bit product, one xor the other.

use std::hash::{BuildHasher, RandomState};

use serde::Serialize;

use super::items::Items;
use super::short::{SHORT, ends, word};
use super::sink::{ItemPart, Sink, SinkCopy};
use super::tag::{self, NoKey};

/// Random numbers of one cache: who does not know them cannot make keys that collide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed([u64; 3]);

impl Seed {
    pub(crate) fn random() -> Self {
        let state = RandomState::new();
        Self([state.hash_one(0), state.hash_one(1), state.hash_one(2) | 1])
    }
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
    {
        (product as u64) ^ ((product >> 64) as u64)
    }
}

/// Spreads a tag over the word, so that it meets every bit of a scalar.
#[inline]
const fn spread(tag: u8) -> u64 {
    (tag as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

pub(crate) struct Hash<'a> {
    seed: &'a Seed,
    state: u64,
    failed: Option<NoKey>,
}

/// An unordered group: the hash of what came before it, and the sum of its items'.
pub(crate) struct Group {
    before: u64,
    sum: u64,
}

impl<'a> Hash<'a> {
    #[inline]
    pub(crate) fn new(seed: &'a Seed) -> Self {
        Self { seed, state: seed.0[0], failed: None }
    }

    #[inline]
    pub(crate) fn finish(self) -> Result<u64, NoKey> {
        match self.failed {
            None => Ok(fold(self.state, self.seed.0[2])),
            Some(stop) => Err(stop),
        }
    }

    /// A tag after which more must come: a step cheaper than folding, since what comes is folded. (Rotating would take
    /// 64 of these back to where they began.)
    #[inline(always)]
    fn mark(&mut self, tag: u8) {
        self.state = self.state.wrapping_add(spread(tag)).wrapping_mul(self.seed.0[2]);
    }

    /// Bytes of any length, by value, so that the hasher itself is kept in registers.
    #[inline(always)]
    fn absorb(&mut self, tag: u8, bytes: &[u8]) {
        self.state = absorb(self.seed, self.state, tag, bytes);
    }
}

#[inline]
fn absorb(seed: &Seed, state: u64, tag: u8, bytes: &[u8]) -> u64 {
    let n = bytes.len();
    // Spread by a number that nobody knows: the last bytes of one length must not make up for another length.
    let head = (n as u64).wrapping_add(u64::from(tag) << 24).wrapping_mul(seed.0[2]);
    if n <= SHORT {
        let (low, high) = ends(bytes);
        fold(state ^ low, seed.0[1] ^ high ^ head)
    } else {
        absorb_long(seed, state ^ head, bytes)
    }
}

/// More than 16 bytes, in lanes that do not wait for one another. The last bytes may overlap what was taken before.
#[inline(never)]
fn absorb_long(seed: &Seed, state: u64, bytes: &[u8]) -> u64 {
    let [_, key, other] = seed.0;
    let [a, b] = lanes(seed, state);
    if bytes.len() >= 32 {
        return absorb_blocks(seed, state, bytes);
    }
    let ends = bytes.first_chunk::<16>().zip(bytes.last_chunk::<16>());
    ends.map_or(state, |(head, tail)| join(take(a, head, key), take(b, tail, other)))
}

#[inline(always)]
fn lanes(seed: &Seed, state: u64) -> [u64; 2] {
    [state, state.rotate_left(32) ^ seed.0[2]]
}

#[inline(never)]
fn absorb_blocks(seed: &Seed, state: u64, bytes: &[u8]) -> u64 {
    let [first, key, other] = seed.0;
    let Some((head, tail)) = bytes.first_chunk::<32>().zip(bytes.last_chunk::<32>()) else {
        return state;
    };
    let [mut a, mut b] = lanes(seed, state);
    let (mut c, mut d) = (state.rotate_left(16) ^ key, state.rotate_left(48) ^ first);
    let mut four = |low: &[u8], high: &[u8]| {
        a = take(a, low, key);
        b = take(b, &low[16..], other);
        c = take(c, high, key);
        d = take(d, &high[16..], other);
    };
    let mut rest = bytes;
    while let Some((block, after)) = rest.split_first_chunk::<64>() {
        four(&block[..32], &block[32..]);
        rest = after;
    }
    match bytes.last_chunk::<64>() {
        Some(last) => four(&last[..32], &last[32..]),
        None => four(head, tail),
    }
    fold(join(a, b), join(c, d))
}

#[inline(always)]
fn take(lane: u64, bytes: &[u8], key: u64) -> u64 {
    fold(word(bytes) ^ lane, word(&bytes[8..]) ^ key)
}

#[inline(always)]
fn join(a: u64, b: u64) -> u64 {
    a.rotate_left(23) ^ b
}

/// Is this the tag of something that is never a value by itself? All others are folded at once: marks in a row, such as
/// those of many bools, would make up for one another.
#[inline(always)]
fn opens(tag: u8) -> bool {
    matches!(tag, tag::SOME | tag::SEQ | tag::NEWTYPE_STRUCT | tag::TUPLE_STRUCT | tag::STRUCT)
}

/// Spreads the length of a name over the word.
const LENGTH: u64 = 0xff51_afd7_ed55_8ccd;

impl Items for Hash<'_> {
    #[inline]
    fn open_item(&mut self, _: &mut Group) {
        self.state = self.seed.0[0];
    }

    #[inline]
    fn close_item(&mut self, group: &mut Group) {
        group.sum = group.sum.wrapping_add(fold(self.state, self.seed.0[2]));
    }
}

impl Sink for Hash<'_> {
    type Within<'s>
        = SinkCopy<'s, Self>
    where
        Self: 's;
    type Fields = Group;
    type Bag = Group;

    #[inline(always)]
    fn enter(&mut self) -> SinkCopy<'_, Self> {
        let inner = Self { failed: None, ..*self };
        SinkCopy { outer: self, inner }
    }

    #[inline(always)]
    fn leave(SinkCopy { outer, inner }: SinkCopy<'_, Self>) {
        outer.state = inner.state;
        if let Some(stop) = inner.failed {
            outer.poison(stop);
        }
    }

    #[inline(always)]
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), NoKey> {
        match N {
            0 if opens(tag) => self.mark(tag),
            0..=8 => {
                let mut low = [0; 8];
                low[..N].copy_from_slice(&bytes);
                self.state =
                    fold(self.state ^ u64::from_le_bytes(low), self.seed.0[1] ^ spread(tag));
            }
            _ => self.absorb(tag, &bytes),
        }
        Ok(())
    }

    #[inline(always)]
    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), NoKey> {
        self.absorb(tag, bytes);
        Ok(())
    }

    #[inline(always)]
    fn name(&mut self, name: &str) -> Result<(), NoKey> {
        let bytes = name.as_bytes();
        if bytes.len() <= SHORT {
            // Names are of the program's making and mostly constants, for which the compiler does all of this but the
            // last line. What follows is folded with it. That nobody knows what the name is spread by keeps two fields
            // apart whose values are exchanged.
            let (low, high) = ends(bytes);
            let length = (bytes.len() as u64).wrapping_mul(LENGTH);
            let mixed = (low.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ high.rotate_left(31))
                .wrapping_mul(0x94d0_49bb_1331_11eb);
            let mixed = mixed ^ (mixed >> 29) ^ length;
            self.state = self.state.rotate_left(17) ^ mixed.wrapping_mul(self.seed.0[2]);
        } else {
            self.absorb(0, bytes);
        }
        Ok(())
    }

    #[inline]
    fn open_fields(&mut self) -> Result<Group, NoKey> {
        Ok(Group { before: self.state, sum: 0 })
    }

    #[inline]
    fn open_field(&mut self, fields: &mut Group, name: &str) -> Result<(), NoKey> {
        self.open_item(fields);
        self.name(name)
    }

    #[inline]
    fn close_field(&mut self, fields: &mut Group) -> Result<(), NoKey> {
        self.close_item(fields);
        Ok(())
    }

    #[inline]
    fn close_fields(&mut self, fields: Group) -> Result<(), NoKey> {
        self.close_bag(fields)
    }

    #[inline]
    fn open_bag(&mut self, tag: u8) -> Result<Group, NoKey> {
        self.mark(tag);
        Ok(Group { before: self.state, sum: 0 })
    }

    #[inline]
    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Group,
        depth: u32,
        part: ItemPart,
        value: &T,
    ) -> Result<(), NoKey> {
        self.part(bag, depth, part, value)
    }

    #[inline]
    fn close_bag(&mut self, bag: Group) -> Result<(), NoKey> {
        self.state = fold(bag.before ^ bag.sum, self.seed.0[1] ^ spread(tag::END));
        Ok(())
    }

    #[inline(always)]
    fn poison(&mut self, stop: NoKey) {
        self.failed.get_or_insert(stop);
    }
}
