//! The bytes of a record (its frame): a head of fixed size with a checksum of its own, then the key and the value.

use crate::platform::crc32c::{crc32c, crc32c_append};

use super::cost::Cost;
use super::record::Record;
use super::reference::REFERENCE;

/// The length in bytes of the longest key that is stored.
pub const MAX_KEY: usize = 1 << 20;
/// The length in bytes of the longest value in a record.
pub const MAX_VALUE: usize = 16 << 20;
/// The size of a head in bytes.
pub(crate) const HEAD: usize = 56;

/// The flag of a put that replaces a value which must not come back.
const REPLACES: u8 = 1;
/// The flag of a put whose value is kept apart.
const APART: u8 = 2;
/// The flag of a put whose value begins with tags.
const TAGGED: u8 = 4;
/// All flags. The other bits of the byte are 0.
pub(crate) const FLAGS: u8 = REPLACES | APART | TAGGED;
/// The size of a tag in bytes.
pub const TAG: usize = size_of::<u64>();
/// The size of the number of tags in bytes.
const TAG_COUNT: usize = size_of::<u16>();
/// The most bytes of the tags of a value.
pub const MAX_TAGS: usize = TAG * u16::MAX as usize;
/// The `expires` of a value that never expires.
const NEVER: u64 = u64::MAX;

/// The checksum of a file's salt. The checksums of heads continue it, so that a head is valid in its own file only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChecksumSeed(u32);

impl ChecksumSeed {
    pub(crate) fn of(salt: u64) -> Self {
        Self(crc32c(&salt.to_le_bytes()))
    }

    /// Returns the checksum of bytes of the file with this seed.
    pub(crate) fn checksum(self, bytes: &[u8]) -> u32 {
        crc32c_append(self.0, bytes)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Put = 1,
    Remove = 2,
    Clear = 3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) op: Op,
    /// Whether this is a put that replaces a value which must not come back.
    pub(crate) replaces: bool,
    /// Whether this is a put whose value is kept apart.
    pub(crate) apart: bool,
    /// Whether this is a put whose value begins with tags: their number in two bytes, then eight bytes each.
    pub(crate) tagged: bool,
    /// The number of removals in this file, this record included, modulo 2^16.
    pub(crate) removals: u16,
    pub(crate) key_len: usize,
    /// Of a put: what it cost to compute the value. Of others: [`Cost::UNKNOWN`].
    pub(crate) cost: Cost,
    pub(crate) value_len: usize,
    /// The number of the record among those of all processes. Within a log, each record has a higher one than the
    /// record before.
    pub(crate) sequence: u64,
    /// Of a put: the sequence when its computation began. Removals with a higher one remove the value, whenever they
    /// are written. Of a put that was inserted, and of others: the sequence.
    pub(crate) since: u64,
    /// Of a put: when the value was computed, in milliseconds since 1970.
    pub(crate) created: u64,
    /// Of a put: when the value expires, in milliseconds since 1970, or [`NEVER`].
    pub(crate) expires: u64,
    pub(crate) key_crc: u32,
    pub(crate) value_crc: u32,
}

/// The fields of a head that are not in the record itself. [`Head`] describes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordMeta {
    pub(crate) sequence: u64,
    pub(crate) since: u64,
    pub(crate) removals: u16,
    pub(crate) replaces: bool,
}

impl Head {
    fn of(record: &Record<'_>, meta: RecordMeta) -> Self {
        let (op, created, expires, cost) = match *record {
            Record::Put { created, expires, cost, .. } => {
                (Op::Put, created, expires.unwrap_or(NEVER), cost)
            }
            Record::Remove { .. } => (Op::Remove, 0, NEVER, Cost::UNKNOWN),
            Record::Clear => (Op::Clear, 0, NEVER, Cost::UNKNOWN),
        };
        let Parts { key, count, tags, value } = Parts::of(record);
        let value_crc = match count {
            None => crc32c(value),
            Some(count) => crc32c_append(crc32c_append(crc32c(&count), tags), value),
        };
        let tags_len = count.map_or(0, |count| count.len() + tags.len());
        Self {
            op,
            replaces: meta.replaces,
            apart: matches!(record, Record::Put { apart: true, .. }),
            tagged: count.is_some(),
            removals: meta.removals,
            key_len: key.len(),
            cost,
            value_len: tags_len + value.len(),
            sequence: meta.sequence,
            since: meta.since,
            created,
            expires,
            key_crc: crc32c(key),
            value_crc,
        }
    }

    pub(crate) fn to_bytes(self, seed: ChecksumSeed) -> [u8; HEAD] {
        let length = |n: usize| u32::try_from(n).expect("a length within MAX_VALUE").to_le_bytes();
        let mut bytes = [0; HEAD];
        bytes[0] = self.op as u8;
        let flags = [(self.replaces, REPLACES), (self.apart, APART), (self.tagged, TAGGED)];
        bytes[1] = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum();
        bytes[2..4].copy_from_slice(&self.removals.to_le_bytes());
        bytes[4..8].copy_from_slice(&length(self.key_len));
        // MAX_KEY needs only three bytes.
        bytes[7] = self.cost.to_byte();
        bytes[8..12].copy_from_slice(&length(self.value_len));
        bytes[12..20].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.since.to_le_bytes());
        bytes[28..36].copy_from_slice(&self.created.to_le_bytes());
        bytes[36..44].copy_from_slice(&self.expires.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.key_crc.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.value_crc.to_le_bytes());
        let crc = seed.checksum(&bytes[..52]);
        bytes[52..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Parses the head at the beginning of `bytes`. Returns `None` if they are not a valid head of the file with this
    /// seed. The lengths in a head that is returned are at most [`MAX_KEY`] and [`MAX_VALUE`].
    pub(crate) fn parse(bytes: &[u8], seed: ChecksumSeed) -> Option<Self> {
        let bytes: &[u8; HEAD] = bytes.first_chunk()?;
        let head = Self::read(bytes)?;
        (seed.checksum(&bytes[..52]) == u32_at(bytes, 52)).then_some(head)
    }

    /// Parses a head without checking its checksum. A search for heads does this first, because the checksum costs most
    /// of its time.
    fn read(bytes: &[u8; HEAD]) -> Option<Self> {
        let op = match bytes[0] {
            1 => Op::Put,
            2 => Op::Remove,
            3 => Op::Clear,
            _ => return None,
        };
        let key_len = (u32_at(bytes, 4) & 0xff_ffff) as usize;
        let (cost, value_len) = (Cost::from_byte(bytes[7]), u32_at(bytes, 8) as usize);
        let (is_apart, is_tagged) = (bytes[1] & APART != 0, bytes[1] & TAGGED != 0);
        let is_plausible = bytes[1] <= FLAGS
            && (!is_apart || is_tagged || value_len == REFERENCE)
            && (!is_tagged || value_len >= TAG_COUNT)
            && (op == Op::Put || bytes[1] == 0)
            && key_len <= MAX_KEY
            && value_len <= MAX_VALUE
            && (op == Op::Put || (value_len == 0 && cost == Cost::UNKNOWN))
            && (op != Op::Clear || key_len == 0);
        is_plausible.then(|| Self {
            op,
            replaces: bytes[1] & REPLACES != 0,
            apart: is_apart,
            tagged: is_tagged,
            removals: u16::from_le_bytes([bytes[2], bytes[3]]),
            key_len,
            cost,
            value_len,
            sequence: u64_at(bytes, 12),
            since: u64_at(bytes, 20),
            created: u64_at(bytes, 28),
            expires: u64_at(bytes, 36),
            key_crc: u32_at(bytes, 44),
            value_crc: u32_at(bytes, 48),
        })
    }

    /// Returns the length of head, key and value together, in bytes.
    pub(crate) fn total(&self) -> usize {
        HEAD + self.key_len + self.value_len
    }

    /// Returns whether the record is an invalidation: a remove, a clear, or a put that replaces a value which must not
    /// come back.
    pub(crate) fn invalidates(&self) -> bool {
        matches!(self.op, Op::Remove | Op::Clear) || self.replaces
    }

    /// Returns the record of this head. `body` is its key and value.
    pub(crate) fn record<'a>(&self, body: &'a [u8]) -> Record<'a> {
        let (key, value) = body.split_at(self.key_len);
        let (tags, value) = if self.tagged { split_tags(value) } else { (&[][..], value) };
        match self.op {
            Op::Put => Record::Put {
                key,
                value,
                tags,
                apart: self.apart,
                created: self.created,
                expires: (self.expires != NEVER).then_some(self.expires),
                cost: self.cost,
            },
            Op::Remove => Record::Remove { key },
            Op::Clear => Record::Clear,
        }
    }

    /// Returns what of this head another file with the record states too.
    pub(crate) fn meta(&self) -> RecordMeta {
        let Self { sequence, since, removals, replaces, .. } = *self;
        RecordMeta { sequence, since, removals, replaces }
    }
}

/// Returns whether key and value of `record` are short enough to be stored.
pub(crate) fn fits(record: &Record<'_>) -> bool {
    match record {
        Record::Put { key, value, tags, .. } => {
            let count = if tags.is_empty() { 0 } else { TAG_COUNT };
            let len = count + tags.len() + value.len();
            key.len() <= MAX_KEY && tags.len() <= MAX_TAGS && len <= MAX_VALUE
        }
        Record::Remove { key } => key.len() <= MAX_KEY,
        Record::Clear => true,
    }
}

/// Appends the bytes of `record` to `out`. The record must fit: see [`fits`].
pub(crate) fn encode(out: &mut Vec<u8>, seed: ChecksumSeed, meta: RecordMeta, record: &Record<'_>) {
    let head = Head::of(record, meta);
    out.reserve(head.total());
    out.extend_from_slice(&head.to_bytes(seed));
    let Parts { key, count, tags, value } = Parts::of(record);
    out.extend_from_slice(key);
    if let Some(count) = count {
        out.extend_from_slice(&count);
        out.extend_from_slice(tags);
    }
    out.extend_from_slice(value);
}

/// What follows a head.
struct Parts<'a> {
    key: &'a [u8],
    /// The number of tags, if there are any.
    count: Option<[u8; TAG_COUNT]>,
    tags: &'a [u8],
    value: &'a [u8],
}

impl<'a> Parts<'a> {
    #[inline]
    fn of(record: &Record<'a>) -> Self {
        let (key, value, tags): (&[u8], &[u8], &[u8]) = match *record {
            Record::Put { key, value, tags, .. } => (key, value, tags),
            Record::Remove { key } => (key, &[], &[]),
            Record::Clear => (&[], &[], &[]),
        };
        let number = || u16::try_from(tags.len() / TAG).expect("tags within MAX_TAGS");
        let count = (!tags.is_empty()).then(|| number().to_le_bytes());
        Self { key, count, tags, value }
    }
}

/// Divides what a head calls the value into tags and the value. Bytes that no tags begin are all value.
fn split_tags(bytes: &[u8]) -> (&[u8], &[u8]) {
    let split = bytes.split_first_chunk().and_then(|(count, rest)| {
        rest.split_at_checked(usize::from(u16::from_le_bytes(*count)) * TAG)
    });
    split.unwrap_or((&[], bytes))
}

/// Returns the records in `bytes`, which [`encode`] wrote. Checks no checksum, because the bytes never left memory.
pub(crate) fn decode_own(mut bytes: &[u8]) -> impl Iterator<Item = (Head, Record<'_>)> {
    std::iter::from_fn(move || {
        let head = Head::read(bytes.first_chunk()?)?;
        let (frame, rest) = bytes.split_at(head.total());
        bytes = rest;
        Some((head, head.record(&frame[HEAD..])))
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
    use std::time::Duration;

    use super::*;

    const META: RecordMeta = RecordMeta { sequence: 9, since: 8, removals: 2, replaces: false };

    #[test]
    fn a_head_is_valid_only_with_the_salt_of_its_file() {
        let mut bytes = Vec::new();
        encode(&mut bytes, ChecksumSeed::of(1), META, &Record::Remove { key: b"k" });
        assert!(Head::parse(&bytes, ChecksumSeed::of(1)).is_some());
        assert!(Head::parse(&bytes, ChecksumSeed::of(2)).is_none());
    }

    #[test]
    fn zeros_are_not_a_valid_head() {
        for salt in 0..1000 {
            assert!(Head::parse(&[0; HEAD], ChecksumSeed::of(salt)).is_none());
        }
    }

    #[test]
    fn the_bytes_are_as_docs_format_md_describes() {
        for (time, golden) in
            [(None, GOLDEN), (Some(Duration::from_secs(8)), GOLDEN_OF_EIGHT_SECONDS)]
        {
            let mut bytes = Vec::new();
            let cost = Cost::of(time);
            let put = Record::Put {
                key: b"k",
                value: b"vv",
                apart: false,
                created: 5,
                expires: None,
                cost,
                tags: &[],
            };
            encode(&mut bytes, ChecksumSeed::of(0x0123_4567_89ab_cdef), META, &put);
            let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(hex, golden);
        }
    }

    /// Another program made these bytes from the tables in docs/format.md.
    const GOLDEN: &str = concat!(
        "010002000100000002000000090000000000000008000000000000000500000000000000ffffffff",
        "ffffffff086b32aa8241ce7039b050316b7676",
    );
    const GOLDEN_OF_EIGHT_SECONDS: &str = concat!(
        "010002000100008302000000090000000000000008000000000000000500000000000000ffffffff",
        "ffffffff086b32aa8241ce708d743e306b7676",
    );

    #[test]
    fn the_longest_key_leaves_room_for_the_highest_cost() {
        let (key, cost) = (vec![7; MAX_KEY], Cost::of(Some(Duration::MAX)));
        let put = Record::Put {
            key: &key,
            value: b"v",
            apart: false,
            created: 5,
            expires: None,
            cost,
            tags: &[],
        };
        let (mut bytes, seed) = (Vec::new(), ChecksumSeed::of(1));
        encode(&mut bytes, seed, META, &put);
        let head = Head::parse(&bytes, seed).expect("a valid head");
        assert_eq!(head.record(&bytes[HEAD..]), put);
    }

    #[test]
    fn only_a_put_has_a_cost() {
        let seed = ChecksumSeed::of(1);
        let clear = Head::of(&Record::Clear, META);
        for op in [Op::Put, Op::Remove, Op::Clear] {
            let cost = Cost::of(Some(Duration::from_secs(1)));
            let head = Head { op, cost, ..clear };
            assert_eq!(Head::parse(&head.to_bytes(seed), seed).is_some(), op == Op::Put);
        }
    }
}
