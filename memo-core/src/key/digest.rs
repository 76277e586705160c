//! The digest that stands for a key longer than [`MAX_LENGTH`]. docs/format.md says what is hashed.
//!
//! The bytes of a long key go into a hash as they are written. The items of a group (fields, entries, elements) are
//! sorted when the group ends, so they have to wait for that. Each part of an item that is longer than a digest is
//! therefore replaced by its own digest. So what waits is a few bytes for each item, however large the items are.

use super::StrongHash;
use super::tag::{self, MAX_LENGTH};

/// The hash of the bytes, and their number.
pub(super) struct Digest<'a> {
    pub(super) hash: &'a [u8; 32],
    pub(super) len: u64,
}

/// The length of a digest behind its tag and the byte for its length.
const LENGTH: u8 = 32 + 8;

/// A part of an item that is longer than this is replaced by its digest.
const MAX_PART: usize = 64;

/// A region hands its bytes to the hash when there are more than this. Each open region may hold as many.
const CHUNK: usize = 4096;

impl<'a> Digest<'a> {
    /// Returns the digest that `key` is, or `None` if it is another key.
    pub(super) fn of(key: &'a [u8]) -> Option<Self> {
        let (hash, len) = key.strip_prefix(&[tag::DIGEST, LENGTH])?.split_first_chunk()?;
        Some(Self { hash, len: u64::from_le_bytes(len.try_into().ok()?) })
    }
}

/// The regions of a long key that are being written, each within the one before: the key itself, and parts of items.
/// There are none while a key may still be short.
#[derive(Default)]
pub(super) struct Regions(Vec<Region>);

struct Region {
    /// Where the bytes that are not hashed yet begin in the buffer of the writer.
    start: usize,
    /// The hash of the bytes so far, and their number.
    hasher: Option<StrongHash>,
    hashed: u64,
    /// The number of bytes that the parts within had more than the digests that replaced them.
    replaced: u64,
}

impl Region {
    fn hash(&mut self, bytes: &[u8]) {
        self.hasher.get_or_insert_with(StrongHash::default).update(bytes);
        self.hashed += bytes.len() as u64;
    }

    /// Replaces the region's bytes in `out` by their digest. Returns their number.
    fn replace(mut self, out: &mut Vec<u8>) -> u64 {
        self.hash(out.get(self.start..).unwrap_or_default());
        let len = self.hashed + self.replaced;
        out.truncate(self.start);
        out.extend_from_slice(&[tag::DIGEST, LENGTH]);
        out.extend_from_slice(&self.hasher.unwrap_or_default().finish());
        out.extend_from_slice(&len.to_le_bytes());
        len
    }
}

impl Regions {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Begins a region at the end of `out`.
    pub(super) fn open(&mut self, out: &[u8]) {
        self.0.push(Region { start: out.len(), hasher: None, hashed: 0, replaced: 0 });
    }

    /// Ends the innermost region, which is a part of an item.
    pub(super) fn close_part(&mut self, out: &mut Vec<u8>) {
        let Some(part) = self.0.pop() else { return };
        let (start, mut replaced) = (part.start, part.replaced);
        if part.hasher.is_some() || out.len() > start + MAX_PART {
            let len = part.replace(out);
            replaced = len - (out.len() - start) as u64;
        }
        if let Some(around) = self.0.last_mut() {
            around.replaced += replaced;
        }
    }

    /// Ends the outermost region, the key, and leaves its digest in `out`. Returns false if the key is short after all,
    /// which happens if an argument has changed since the writer found it too long.
    pub(super) fn close_key(&mut self, out: &mut Vec<u8>) -> bool {
        let key = self.0.pop();
        key.is_some_and(|key| key.replace(out) > MAX_LENGTH as u64)
    }

    /// Returns the length of the buffer beyond which the innermost region has bytes to hash.
    pub(super) fn limit(&self) -> usize {
        self.0.last().map_or(0, |region| region.start + CHUNK)
    }

    /// Returns where the bytes of the innermost region that are not hashed yet begin in the buffer.
    pub(super) fn start(&self) -> usize {
        self.0.last().map_or(0, |region| region.start)
    }

    /// Adds bytes to the hash of the innermost region.
    pub(super) fn hash(&mut self, bytes: &[u8]) {
        if let Some(region) = self.0.last_mut() {
            region.hash(bytes);
        }
    }
}
