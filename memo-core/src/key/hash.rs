//! The hashing sink: a hash of the value tree, not of its bytes.
//!
//! Ordered parts are folded one after another; fields, map entries and set elements are hashed each from the same
//! start and added up, so that no order of theirs matters and nothing has to be sorted. The step is the folded
//! multiplication of wyhash and foldhash: the two halves of a 128-bit product, one xor the other.

use std::hash::{BuildHasher, RandomState};

use serde::Serialize;

use super::encoder::{Encoder, Part, Sink};
use super::tag::{self, Stop};

/// Random numbers of one cache: who does not know them cannot make keys that collide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed([u64; 3]);

impl Seed {
    pub(crate) fn random() -> Self {
        let state = RandomState::new();
        Self([state.hash_one(0), state.hash_one(1), state.hash_one(2) | 1])
    }
}

#[inline]
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

#[inline]
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(word)
}

pub(crate) struct Hash<'a> {
    seed: &'a Seed,
    state: u64,
    failed: Option<Stop>,
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
    pub(crate) fn finish(self) -> Result<u64, Stop> {
        match self.failed {
            None => Ok(fold(self.state, self.seed.0[2])),
            Some(stop) => Err(stop),
        }
    }

    #[inline]
    fn absorb(&mut self, word: u64) {
        self.state = fold(self.state ^ word, self.seed.0[1]);
    }

    #[inline]
    fn absorb_bytes(&mut self, bytes: &[u8]) {
        let n = bytes.len();
        match n {
            0 => {}
            1..=3 => {
                let ends = u64::from(bytes[0]) << 16 | u64::from(bytes[n / 2]) << 8;
                self.absorb(ends | u64::from(bytes[n - 1]));
            }
            4..=7 => {
                let half = |at: usize| {
                    u64::from(u32::from_le_bytes([
                        bytes[at],
                        bytes[at + 1],
                        bytes[at + 2],
                        bytes[at + 3],
                    ]))
                };
                self.absorb(half(0) << 32 | half(n - 4));
            }
            8..=16 => self.absorb_pair(word(bytes), word(&bytes[n - 8..])),
            _ => self.absorb_long(bytes),
        }
    }

    #[inline]
    fn absorb_pair(&mut self, a: u64, b: u64) {
        self.state = fold(a ^ self.state, b ^ self.seed.0[1]);
    }

    /// Two independent lanes of 16 bytes, then the last 32 bytes, which may overlap what was taken.
    fn absorb_long(&mut self, bytes: &[u8]) {
        let [_, key, other] = self.seed.0;
        let mut lanes = [self.state, self.state ^ other];
        let mut rest = bytes;
        while rest.len() > 32 {
            lanes[0] = fold(word(rest) ^ lanes[0], word(&rest[8..]) ^ key);
            lanes[1] = fold(word(&rest[16..]) ^ lanes[1], word(&rest[24..]) ^ other);
            rest = &rest[32..];
        }
        self.state = lanes[0].rotate_left(23) ^ lanes[1];
        let tail = &bytes[bytes.len().saturating_sub(32)..];
        let n = tail.len();
        self.absorb_pair(word(tail), word(&tail[8..]));
        self.absorb_pair(word(&tail[n - 16..]), word(&tail[n - 8..]));
    }

    #[inline]
    pub(super) fn open_group(&mut self) -> Group {
        Group { before: std::mem::replace(&mut self.state, self.seed.0[0]), sum: 0 }
    }

    #[inline]
    pub(super) fn open_item(&mut self) {
        self.state = self.seed.0[0];
    }

    #[inline]
    pub(super) fn close_item(&mut self, group: &mut Group) {
        group.sum = group.sum.wrapping_add(fold(self.state, self.seed.0[2]));
    }

    #[inline]
    pub(super) fn close_group(&mut self, group: &Group) {
        self.state = group.before;
        self.absorb(group.sum);
        self.absorb(spread(tag::END));
    }
}

impl Sink for Hash<'_> {
    type Fields = Group;
    type Bag = Group;

    #[inline]
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), Stop> {
        if N <= 8 {
            let mut low = [0; 8];
            low[..N].copy_from_slice(&bytes);
            self.state = fold(self.state ^ u64::from_le_bytes(low), self.seed.0[1] ^ spread(tag));
        } else {
            self.absorb(spread(tag));
            self.absorb_bytes(&bytes);
        }
        Ok(())
    }

    #[inline]
    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.absorb(spread(tag) ^ bytes.len() as u64);
        self.absorb_bytes(bytes);
        Ok(())
    }

    #[inline]
    fn name(&mut self, name: &str) -> Result<(), Stop> {
        self.blob(tag::STR, name.as_bytes())
    }

    #[inline]
    fn open_fields(&mut self) -> Result<Group, Stop> {
        Ok(self.open_group())
    }

    #[inline]
    fn open_field(&mut self, _: &mut Group, name: &str) -> Result<(), Stop> {
        self.open_item();
        self.name(name)
    }

    #[inline]
    fn close_field(&mut self, fields: &mut Group) -> Result<(), Stop> {
        self.close_item(fields);
        Ok(())
    }

    #[inline]
    fn close_fields(&mut self, fields: Group) -> Result<(), Stop> {
        self.close_group(&fields);
        Ok(())
    }

    #[inline]
    fn open_bag(&mut self, tag: u8) -> Result<Group, Stop> {
        self.absorb(spread(tag));
        Ok(self.open_group())
    }

    #[inline]
    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Group,
        depth: u32,
        part: Part,
        value: &T,
    ) -> Result<(), Stop> {
        if part.opens() {
            self.open_item();
        }
        Encoder { sink: self, depth }.value(value)?;
        if part.closes() {
            self.close_item(bag);
        }
        Ok(())
    }

    #[inline]
    fn close_bag(&mut self, bag: Group) -> Result<(), Stop> {
        self.close_group(&bag);
        Ok(())
    }

    fn poison(&mut self, stop: Stop) {
        self.failed.get_or_insert(stop);
    }
}
