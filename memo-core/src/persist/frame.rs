//! A record's bytes: a head of fixed size with its own checksum, then key and value.

use crate::platform::crc32c::{crc32c, crc32c_append};

use super::record::Record;

/// The longest key that is stored.
pub const MAX_KEY: usize = 1 << 20;
/// The longest value that is stored.
pub const MAX_VALUE: usize = 16 << 20;
/// The size of a head.
pub(crate) const HEAD: usize = 48;

/// The flag of an invalidation that an earlier log should have held.
const REPEATED: u8 = 1;
const REPLACES: u8 = 2;
pub(crate) const FLAGS: u8 = REPEATED | REPLACES;
const NEVER: u64 = u64::MAX;

/// What a file's salt makes of a checksum: a head is valid in its own file only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed(u32);

impl Seed {
    pub(crate) fn of(salt: u64) -> Self {
        Self(crc32c(&salt.to_le_bytes()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Put = 1,
    Remove = 2,
    Clear = 3,
    /// The last head of a complete snapshot.
    End = 4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) op: Op,
    pub(crate) repeated: bool,
    /// A put that takes the place of a value which must not come back.
    pub(crate) replaces: bool,
    /// Invalidations so far in the directory's history, this record included, modulo 2^16.
    pub(crate) removals: u16,
    pub(crate) key_len: usize,
    pub(crate) value_len: usize,
    pub(crate) sequence: u64,
    pub(crate) created: u64,
    pub(crate) expires: u64,
    pub(crate) key_crc: u32,
    pub(crate) value_crc: u32,
}

/// Where a record stands in history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) sequence: u64,
    pub(crate) removals: u16,
    pub(crate) repeated: bool,
    pub(crate) replaces: bool,
}

impl Head {
    fn of(record: &Record<'_>, place: Place) -> Self {
        let (op, key, value, created, expires) = match *record {
            Record::Put { key, value, created, expires } => {
                (Op::Put, key, value, created, expires.unwrap_or(NEVER))
            }
            Record::Remove { key } => (Op::Remove, key, &[][..], 0, NEVER),
            Record::Clear => (Op::Clear, &[][..], &[][..], 0, NEVER),
        };
        Self {
            op,
            repeated: place.repeated,
            replaces: place.replaces,
            removals: place.removals,
            key_len: key.len(),
            value_len: value.len(),
            sequence: place.sequence,
            created,
            expires,
            key_crc: crc32c(key),
            value_crc: crc32c(value),
        }
    }

    /// The head that ends a snapshot of `entries` in `bytes` bytes, which hash to `hash`.
    pub(crate) fn end(sequence: u64, entries: u64, bytes: u64, hash: u32) -> Self {
        Self {
            op: Op::End,
            repeated: false,
            replaces: false,
            removals: 0,
            key_len: 0,
            value_len: 0,
            sequence,
            created: entries,
            expires: bytes,
            key_crc: hash,
            value_crc: 0,
        }
    }

    pub(crate) fn to_bytes(self, seed: Seed) -> [u8; HEAD] {
        let length = |n: usize| u32::try_from(n).expect("a length within MAX_VALUE").to_le_bytes();
        let mut bytes = [0; HEAD];
        bytes[0] = self.op as u8;
        bytes[1] =
            if self.repeated { REPEATED } else { 0 } | if self.replaces { REPLACES } else { 0 };
        bytes[2..4].copy_from_slice(&self.removals.to_le_bytes());
        bytes[4..8].copy_from_slice(&length(self.key_len));
        bytes[8..12].copy_from_slice(&length(self.value_len));
        bytes[12..20].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.created.to_le_bytes());
        bytes[28..36].copy_from_slice(&self.expires.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.key_crc.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.value_crc.to_le_bytes());
        let crc = crc32c_append(seed.0, &bytes[..44]);
        bytes[44..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The head in the first bytes, if it is one of this file. Lengths it states are within bounds.
    pub(crate) fn parse(bytes: &[u8], seed: Seed) -> Option<Self> {
        let bytes: &[u8; HEAD] = bytes.first_chunk()?;
        let head = Self::read(bytes)?;
        (crc32c_append(seed.0, &bytes[..44]) == u32_at(bytes, 44)).then_some(head)
    }

    /// The head without a look at its checksum, which is the costly part of a search.
    fn read(bytes: &[u8; HEAD]) -> Option<Self> {
        let op = match bytes[0] {
            1 => Op::Put,
            2 => Op::Remove,
            3 => Op::Clear,
            4 => Op::End,
            _ => return None,
        };
        let (key_len, value_len) = (u32_at(bytes, 4) as usize, u32_at(bytes, 8) as usize);
        let plausible = bytes[1] <= FLAGS
            && (op == Op::Put || bytes[1] <= REPEATED)
            && key_len <= MAX_KEY
            && value_len <= MAX_VALUE
            && (op == Op::Put || value_len == 0)
            && (matches!(op, Op::Put | Op::Remove) || key_len == 0);
        plausible.then(|| Self {
            op,
            repeated: bytes[1] & REPEATED != 0,
            replaces: bytes[1] & REPLACES != 0,
            removals: u16::from_le_bytes([bytes[2], bytes[3]]),
            key_len,
            value_len,
            sequence: u64_at(bytes, 12),
            created: u64_at(bytes, 20),
            expires: u64_at(bytes, 28),
            key_crc: u32_at(bytes, 36),
            value_crc: u32_at(bytes, 40),
        })
    }

    /// Head, key and value together.
    pub(crate) fn total(&self) -> usize {
        HEAD + self.key_len + self.value_len
    }

    pub(crate) fn invalidates(&self) -> bool {
        matches!(self.op, Op::Remove | Op::Clear) || self.replaces
    }

    /// The record that this head and `body` make, or `None` for the end of a snapshot.
    pub(crate) fn record<'a>(&self, body: &'a [u8]) -> Option<Record<'a>> {
        let (key, value) = body.split_at(self.key_len);
        match self.op {
            Op::Put => Some(Record::Put {
                key,
                value,
                created: self.created,
                expires: (self.expires != NEVER).then_some(self.expires),
            }),
            Op::Remove => Some(Record::Remove { key }),
            Op::Clear => Some(Record::Clear),
            Op::End => None,
        }
    }
}

/// Could `record` be stored?
pub(crate) fn fits(record: &Record<'_>) -> bool {
    match record {
        Record::Put { key, value, .. } => key.len() <= MAX_KEY && value.len() <= MAX_VALUE,
        Record::Remove { key } => key.len() <= MAX_KEY,
        Record::Clear => true,
    }
}

/// Appends a record that [`fits`].
pub(crate) fn encode(out: &mut Vec<u8>, seed: Seed, place: Place, record: &Record<'_>) {
    let head = Head::of(record, place);
    out.reserve(head.total());
    out.extend_from_slice(&head.to_bytes(seed));
    match record {
        Record::Put { key, value, .. } => {
            out.extend_from_slice(key);
            out.extend_from_slice(value);
        }
        Record::Remove { key } => out.extend_from_slice(key),
        Record::Clear => {}
    }
}

/// The records in bytes that [`encode`] made and that never left memory.
pub(crate) fn decode_own(mut bytes: &[u8]) -> impl Iterator<Item = (Head, Record<'_>)> {
    std::iter::from_fn(move || {
        let head = Head::read(bytes.first_chunk()?)?;
        let (frame, rest) = bytes.split_at(head.total());
        bytes = rest;
        Some((head, head.record(&frame[HEAD..])?))
    })
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

pub(crate) fn u128_at(bytes: &[u8], at: usize) -> u128 {
    u128::from_le_bytes(bytes[at..at + 16].try_into().expect("16 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { sequence: 9, removals: 2, repeated: false, replaces: false };

    #[test]
    fn a_head_is_valid_under_its_own_salt_only() {
        let mut bytes = Vec::new();
        encode(&mut bytes, Seed::of(1), PLACE, &Record::Remove { key: b"k" });
        assert!(Head::parse(&bytes, Seed::of(1)).is_some());
        assert!(Head::parse(&bytes, Seed::of(2)).is_none());
    }

    #[test]
    fn zeros_are_no_head() {
        for salt in 0..1000 {
            assert!(Head::parse(&[0; HEAD], Seed::of(salt)).is_none());
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_document() {
        let mut bytes = Vec::new();
        let put = Record::Put { key: b"k", value: b"vv", created: 5, expires: None };
        encode(&mut bytes, Seed::of(0x0123_4567_89ab_cdef), PLACE, &put);
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, GOLDEN);
    }

    /// Made by another program from the tables in docs/format.md.
    const GOLDEN: &str = concat!(
        "010002000100000002000000090000000000000005000000000",
        "00000ffffffffffffffff086b32aa8241ce70013518d16b7676",
    );
}
