//! The hashing sink. It hashes the value tree and not its bytes. Some hashes are on disk (`codec/digest.rs`): a change
//! here changes a disk format.
//!
//! Ordered parts are folded one after another. Fields, map entries and set elements are each hashed from the same
//! start, and the hashes are added. Their order therefore does not matter, and nothing has to be sorted. The step is
//! the folded multiplication of wyhash and foldhash: the xor of the two halves of a 128-bit product.

use std::hash::{BuildHasher, RandomState};

use serde_core::Serialize;

use super::items::Items;
use super::short::{SHORT, ends, word};
use super::sink::{ItemPart, Sink, SinkCopy};
use super::tag::{self, NoKey};

/// The random numbers of one cache: the start of the state, a number that is mixed in before a fold, and an odd factor.
/// Without them, an attacker cannot construct keys that collide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed([u64; 3]);

impl Seed {
    /// The seed of the hashes that are on disk (`codec/digest.rs`), the same in every process.
    #[cfg(feature = "persist")]
    pub(crate) const STORED: Self =
        Self([0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d1]);

    pub(crate) fn random() -> Self {
        let state = RandomState::new();
        Self([state.hash_one(0), state.hash_one(1), state.hash_one(2) | 1])
    }
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "takes each half of the product")]
    {
        (product as u64) ^ ((product >> 64) as u64)
    }
}

/// Spreads a tag over the word, so that it affects every bit of a scalar.
#[inline]
const fn spread(tag: u8) -> u64 {
    (tag as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A sink that hashes a value.
pub(crate) struct Hash<'a> {
    seed: &'a Seed,
    state: u64,
    failed: Option<NoKey>,
}

/// An unordered group in progress: the hash of everything before it, and the sum of the hashes of its items.
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
            Some(reason) => Err(reason),
        }
    }

    /// Adds a tag that something must follow. This is cheaper than folding, and enough, because the part that follows
    /// is folded. (With a rotation, 64 such steps would restore the initial state.)
    #[inline(always)]
    fn mark(&mut self, tag: u8) {
        self.state = self.state.wrapping_add(spread(tag)).wrapping_mul(self.seed.0[2]);
    }

    /// Adds bytes of any length. The state is passed by value, so that the hasher stays in registers.
    #[inline(always)]
    fn absorb(&mut self, tag: u8, bytes: &[u8]) {
        self.state = absorb(self.seed, self.state, tag, bytes);
    }
}

#[inline]
fn absorb(seed: &Seed, state: u64, tag: u8, bytes: &[u8]) -> u64 {
    let len = bytes.len();
    // Spread by a secret number, so that the last bytes cannot compensate for a different length.
    let head = (len as u64).wrapping_add(u64::from(tag) << 24).wrapping_mul(seed.0[2]);
    if len <= SHORT {
        let (low, high) = ends(bytes);
        fold(state ^ low, seed.0[1] ^ high ^ head)
    } else {
        absorb_long(seed, state ^ head, bytes)
    }
}

/// Hashes more than 16 bytes in lanes that do not depend on one another. The last bytes may overlap the bytes before
/// them.
#[inline(never)]
fn absorb_long(seed: &Seed, state: u64, bytes: &[u8]) -> u64 {
    let [_, key, other] = seed.0;
    let [a, b] = lanes(seed, state);
    if bytes.len() >= 32 {
        return absorb_blocks(seed, state, bytes);
    }
    let ends = bytes.first_chunk::<16>().zip(bytes.last_chunk::<16>());
    ends.map_or(state, |(head, tail)| {
        combine(absorb_block(a, head, key), absorb_block(b, tail, other))
    })
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
    let mut absorb_four = |low: &[u8], high: &[u8]| {
        a = absorb_block(a, low, key);
        b = absorb_block(b, &low[16..], other);
        c = absorb_block(c, high, key);
        d = absorb_block(d, &high[16..], other);
    };
    let mut rest = bytes;
    while let Some((block, after)) = rest.split_first_chunk::<64>() {
        absorb_four(&block[..32], &block[32..]);
        rest = after;
    }
    match bytes.last_chunk::<64>() {
        Some(last) => absorb_four(&last[..32], &last[32..]),
        None => absorb_four(head, tail),
    }
    fold(combine(a, b), combine(c, d))
}

#[inline(always)]
fn absorb_block(lane: u64, bytes: &[u8], key: u64) -> u64 {
    fold(word(bytes) ^ lane, word(&bytes[8..]) ^ key)
}

#[inline(always)]
fn combine(a: u64, b: u64) -> u64 {
    a.rotate_left(23) ^ b
}

/// Reports whether a value with this tag always has more parts. All other tags are folded at once, because a row of
/// marks, such as those of many bools, could cancel out.
#[inline(always)]
fn must_continue(tag: u8) -> bool {
    matches!(
        tag,
        tag::SOME | tag::SEQ | tag::ENTRIES | tag::NEWTYPE_STRUCT | tag::TUPLE_STRUCT | tag::STRUCT
    )
}

/// A factor that spreads the length of a name over the word.
const LENGTH: u64 = 0xff51_afd7_ed55_8ccd;

impl Items for Hash<'_> {
    #[inline]
    fn open_item(&mut self, _: &mut Group) {
        self.state = self.seed.0[0];
    }

    #[inline]
    fn split_item(&mut self, _: &mut Group) {}

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
        if let Some(reason) = inner.failed {
            outer.poison(reason);
        }
    }

    #[inline(always)]
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), NoKey> {
        match N {
            0 if must_continue(tag) => self.mark(tag),
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
            // Names come from the program and are mostly constants. For a constant, the compiler computes all of this
            // except the last line. The following part is folded with the name. The secret factor distinguishes two
            // fields whose values are exchanged.
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
    fn poison(&mut self, reason: NoKey) {
        self.failed.get_or_insert(reason);
    }
}
