//! The index of a snapshot: a hash table of blocks, of which a lookup reads one. Its entries are sorted by hash, and
//! the hash tells the block. Blocks are filled to two thirds, so that few entries go to the next block.

use std::io;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use super::frame::{ChecksumSeed, u32_at, u64_at};
use super::fs::{File, read_full};

/// The length of a block in bytes: a page.
pub(crate) const BLOCK: usize = 4096;
/// Checksum, number of entries, and whether the block is followed by entries that should be in it.
const BLOCK_HEAD: usize = 8;
/// Hash, offset and length of a record.
const ENTRY: usize = 20;
/// The most entries of a block.
const CAPACITY: usize = (BLOCK - BLOCK_HEAD) / ENTRY;
/// The number of entries that a block has on average.
const AVERAGE: usize = CAPACITY * 2 / 3;
/// The number of entries that are read around the place where one should be. A third of an average block: the hashes of
/// a block are spread evenly, so one entry in a thousand lies beyond.
const PART: usize = 40;

/// The bytes of an index for each entry, rounded up.
pub(super) const SHARE: u64 = (BLOCK as u64).div_ceil(AVERAGE as u64);

/// Where a record is, by the hash of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IndexEntry {
    pub(crate) hash: u64,
    pub(crate) at: u64,
    pub(crate) len: u32,
}

/// Returns the number of blocks for `entries` entries, without those at the end that take what the last block cannot.
fn home_blocks(entries: usize) -> usize {
    entries.div_ceil(AVERAGE).max(1)
}

/// Returns the block in which the search for a hash begins, and how far it is in the hashes of this block, as a share of
/// 2^64.
fn place(hash: u64, blocks: usize) -> (usize, u64) {
    let product = u128::from(hash) * blocks as u128;
    let block = usize::try_from(product >> 64).expect("less than the number of blocks");
    #[expect(clippy::cast_possible_truncation, reason = "takes the lower half")]
    (block, product as u64)
}

fn home(hash: u64, blocks: usize) -> usize {
    place(hash, blocks).0
}

/// Passes the blocks of an index to `write`, one after another. Returns their number. `entries` are `count`, sorted.
pub(crate) fn encode(
    count: u64,
    mut entries: impl Iterator<Item = io::Result<IndexEntry>>,
    seed: ChecksumSeed,
    write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let homes = home_blocks(usize::try_from(count).unwrap_or(usize::MAX));
    let mut next = entries.next().transpose()?;
    let (mut mine, mut blocks) = (Vec::with_capacity(CAPACITY), 0);
    while blocks < homes || next.is_some() {
        mine.clear();
        // Those of this block, and those that the block before could not take.
        let is_wanted = |entry: &IndexEntry| home(entry.hash, homes) <= blocks;
        while let Some(entry) = next.filter(|entry| mine.len() < CAPACITY && is_wanted(entry)) {
            mine.push(entry);
            next = entries.next().transpose()?;
        }
        write(&block(&mine, next.as_ref().is_some_and(is_wanted), seed))?;
        blocks += 1;
    }
    Ok(blocks as u64)
}

fn block(entries: &[IndexEntry], overflows: bool, seed: ChecksumSeed) -> [u8; BLOCK] {
    let mut bytes = [0; BLOCK];
    let count = u16::try_from(entries.len()).expect("at most the capacity of a block");
    bytes[4..6].copy_from_slice(&count.to_le_bytes());
    bytes[6] = u8::from(overflows);
    for (entry, out) in entries.iter().zip(bytes[BLOCK_HEAD..].chunks_exact_mut(ENTRY)) {
        out[..8].copy_from_slice(&entry.hash.to_le_bytes());
        out[8..16].copy_from_slice(&entry.at.to_le_bytes());
        out[16..].copy_from_slice(&entry.len.to_le_bytes());
    }
    let crc = seed.checksum(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Where the index of a snapshot is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SnapshotIndex {
    /// The offset of the first block in the file.
    pub(crate) at: u64,
    pub(crate) blocks: u64,
    /// The number of entries.
    pub(crate) entries: u64,
}

/// What a lookup found.
pub(crate) enum Candidates {
    /// The entries with the hash.
    Of(Vec<IndexEntry>),
    /// A block is damaged.
    Damaged,
}

/// The index of an open snapshot.
pub(crate) struct IndexReader {
    index: SnapshotIndex,
    /// What is known of each block, by [`Checked::to_word`]. Of a block whose checksum was right, only a part is read
    /// from then on: the file does not change, and the record shows if the disk has given other bytes.
    checked: Box<[AtomicU16]>,
}

/// What is known of a block whose checksum was right.
#[derive(Clone, Copy)]
struct Checked {
    /// The number of entries in the block.
    count: usize,
    /// Whether the next block has entries that should be in this one.
    overflows: bool,
}

impl Checked {
    const OVERFLOWS: u16 = 1 << 15;

    /// Returns a number that is not 0.
    fn to_word(self) -> u16 {
        let count = u16::try_from(self.count).expect("at most the capacity of a block");
        (count + 1) | if self.overflows { Self::OVERFLOWS } else { 0 }
    }

    fn from_word(word: u16) -> Option<Self> {
        let count = usize::from(word & !Self::OVERFLOWS).checked_sub(1)?;
        Some(Self { count, overflows: word & Self::OVERFLOWS != 0 })
    }
}

impl IndexReader {
    pub(crate) fn new(index: SnapshotIndex) -> Self {
        let checked = (0..index.blocks).map(|_| AtomicU16::new(0)).collect();
        Self { index, checked }
    }

    /// Returns the entries with that hash.
    pub(crate) fn find(
        &self,
        file: &dyn File,
        seed: ChecksumSeed,
        hash: u64,
    ) -> io::Result<Candidates> {
        let entries = usize::try_from(self.index.entries).unwrap_or(usize::MAX);
        let (home, share) = place(hash, home_blocks(entries));
        for (number, word) in self.checked.iter().enumerate().skip(home) {
            // What the block before could not take comes first.
            let share = if number == home { share } else { 0 };
            let known = Checked::from_word(word.load(Relaxed));
            let part = match known {
                Some(checked) => self.find_in_part(file, number, checked, hash, share)?,
                None => None,
            };
            let (found, checked) = match part.zip(known) {
                Some(part) => part,
                None => match self.find_in_block(file, seed, number, hash)? {
                    Some(whole) => whole,
                    None => return Ok(Candidates::Damaged),
                },
            };
            if !checked.overflows || !found.is_empty() {
                return Ok(Candidates::Of(found));
            }
        }
        Ok(Candidates::Of(Vec::new()))
    }

    /// Reads a block as a whole. Returns the entries with that hash, or `None` if the block is damaged.
    fn find_in_block(
        &self,
        file: &dyn File,
        seed: ChecksumSeed,
        number: usize,
        hash: u64,
    ) -> io::Result<Option<(Vec<IndexEntry>, Checked)>> {
        let mut bytes = [0; BLOCK];
        let filled = read_full(file, &mut bytes, self.block_at(number))?;
        let count = usize::from(u16::from_le_bytes([bytes[4], bytes[5]]));
        let is_valid =
            filled == BLOCK && count <= CAPACITY && seed.checksum(&bytes[4..]) == u32_at(&bytes, 0);
        if !is_valid {
            return Ok(None);
        }
        let checked = Checked { count, overflows: bytes[6] != 0 };
        self.checked[number].store(checked.to_word(), Relaxed);
        let (found, _) = collect(&bytes[BLOCK_HEAD..BLOCK_HEAD + count * ENTRY], hash);
        Ok(Some((found, checked)))
    }

    /// Reads the part of a block in which a hash should be, by its share. Returns the entries with that hash, or `None`
    /// if there may be some before or behind the part.
    fn find_in_part(
        &self,
        file: &dyn File,
        number: usize,
        Checked { count, .. }: Checked,
        hash: u64,
        share: u64,
    ) -> io::Result<Option<Vec<IndexEntry>>> {
        let mut bytes = [0; PART * ENTRY];
        let len = count.min(PART);
        let middle = (u128::from(share) * count as u128) >> 64;
        let middle = usize::try_from(middle).expect("less than the number of entries");
        let first = middle.saturating_sub(len / 2).min(count - len);
        let part = &mut bytes[..len * ENTRY];
        let at = self.block_at(number) + (BLOCK_HEAD + first * ENTRY) as u64;
        if read_full(file, part, at)? < part.len() {
            return Ok(None);
        }
        let (found, before) = collect(part, hash);
        let is_decided =
            (before > 0 || first == 0) && (before + found.len() < len || first + len == count);
        Ok(is_decided.then_some(found))
    }

    fn block_at(&self, number: usize) -> u64 {
        self.index.at + number as u64 * BLOCK as u64
    }

    pub(crate) fn index(&self) -> SnapshotIndex {
        self.index
    }
}

/// Returns the offsets and lengths of the records in a block whose checksum is right.
#[cfg(any(feature = "inspect", test))]
pub(crate) fn entries(block: &[u8; BLOCK]) -> impl Iterator<Item = (u64, u32)> + '_ {
    let count = usize::from(u16::from_le_bytes([block[4], block[5]])).min(CAPACITY);
    let entries = block[BLOCK_HEAD..].chunks_exact(ENTRY).take(count);
    entries.map(|entry| (u64_at(entry, 8), u32_at(entry, 16)))
}

/// Returns the entries with that hash, and the number of those before them.
fn collect(entries: &[u8], hash: u64) -> (Vec<IndexEntry>, usize) {
    let hash_at = |n: usize| u64_at(entries, n * ENTRY);
    let (mut low, mut high) = (0, entries.len() / ENTRY);
    while low < high {
        let middle = usize::midpoint(low, high);
        if hash_at(middle) < hash { low = middle + 1 } else { high = middle }
    }
    let found = entries[low * ENTRY..]
        .chunks_exact(ENTRY)
        .take_while(|entry| u64_at(entry, 0) == hash)
        .map(|entry| IndexEntry { hash, at: u64_at(entry, 8), len: u32_at(entry, 16) })
        .collect();
    (found, low)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Fs, MemFs};
    use super::*;

    fn written(hashes: &[u64]) -> (MemFs, IndexReader) {
        let mut entries: Vec<_> = (0..)
            .zip(hashes)
            .map(|(n, hash)| IndexEntry { hash: *hash, at: n * 100, len: 60 })
            .collect();
        entries.sort_unstable();
        let mut bytes = Vec::new();
        let count = entries.len() as u64;
        let entries = entries.into_iter().map(Ok);
        let blocks = encode(count, entries, ChecksumSeed::of(1), &mut |block| {
            bytes.extend_from_slice(block);
            Ok(())
        });
        let fs = MemFs::new();
        fs.put(Path::new("/i"), bytes);
        let entries = hashes.len() as u64;
        (fs, IndexReader::new(SnapshotIndex { at: 0, blocks: blocks.unwrap(), entries }))
    }

    fn offsets(fs: &MemFs, index: &IndexReader, hash: u64) -> Option<Vec<u64>> {
        let file = fs.open(Path::new("/i")).unwrap();
        match index.find(&*file, ChecksumSeed::of(1), hash).unwrap() {
            Candidates::Of(entries) => Some(entries.iter().map(|entry| entry.at).collect()),
            Candidates::Damaged => None,
        }
    }

    #[test]
    fn every_entry_is_found_however_hashes_are_spread() {
        let even: Vec<u64> = (1..=5000).map(|n| n * (u64::MAX / 5001)).collect();
        let crowded: Vec<u64> = (0..5000).collect();
        let high: Vec<u64> = (0..1000).map(|n| u64::MAX - n).collect();
        for hashes in [even, crowded, high, vec![7], vec![]] {
            let (fs, index) = written(&hashes);
            // First a whole block is read, and then a part of it.
            for again in [false, true] {
                for (at, hash) in (0..).zip(&hashes) {
                    let found = offsets(&fs, &index, *hash);
                    assert_eq!(found, Some(vec![at * 100]), "{hash} {again}");
                }
                for absent in [u64::MAX / 2 + 12345, u64::MAX - 1001, 5001, u64::MAX / 3] {
                    assert_eq!(offsets(&fs, &index, absent), Some(vec![]), "{absent} {again}");
                }
            }
        }
    }

    #[test]
    fn keys_with_one_hash_are_all_candidates() {
        let (fs, index) = written(&[5, 9, 5, 2]);
        assert_eq!(offsets(&fs, &index, 5), Some(vec![0, 200]));
        // More than a part holds, in several blocks.
        let many: Vec<u64> = (0..1000).map(|n| if n < 500 { 1 << 62 } else { n << 54 }).collect();
        let (fs, index) = written(&many);
        let all = |found: Option<Vec<u64>>| found.unwrap_or_default().len();
        let first = all(offsets(&fs, &index, 1 << 62));
        assert!(first > PART);
        assert_eq!(all(offsets(&fs, &index, 1 << 62)), first);
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let (fs, _) = written(&[5, 9]);
        let bytes = fs.get(Path::new("/i")).unwrap();
        for at in [0, 4, 6, 12, 30, BLOCK - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            fs.put(Path::new("/i"), damaged);
            let (_, index) = written(&[5, 9]);
            assert_eq!(offsets(&fs, &index, 5), None, "{at}");
        }
    }
    /// Another program made these bytes from the tables in docs/format.md. Zeros follow.
    const GOLDEN: &str = concat!(
        "5b88d9d402000000050000000000000064000000000000003c0000000900000000000000a0000000",
        "000000003a000000",
    );

    #[test]
    fn the_bytes_are_as_docs_format_md_describes() {
        let entries =
            [(5, 100, 60), (9, 160, 58)].map(|(hash, at, len)| IndexEntry { hash, at, len });
        let mut bytes = Vec::new();
        let seed = ChecksumSeed::of(0x0123_4567_89ab_cdef);
        encode(2, entries.into_iter().map(Ok), seed, &mut |block| {
            bytes.extend_from_slice(block);
            Ok(())
        })
        .unwrap();
        let (used, rest) = bytes.split_at(GOLDEN.len() / 2);
        let hex: String = used.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((&*hex, bytes.len()), (GOLDEN, BLOCK));
        assert!(rest.iter().all(|byte| *byte == 0));
    }
}
