//! The index of a snapshot: a hash table of blocks, of which a lookup reads one. Its entries are sorted by hash, and
//! the hash tells the block. Blocks are filled to two thirds, so that few entries go to the next block.

use std::io;

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

/// The bytes of an index for each entry, rounded up.
pub(crate) const SHARE: u64 = (BLOCK as u64).div_ceil(AVERAGE as u64);

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

/// Returns the block in which the search for a hash begins.
fn home(hash: u64, blocks: usize) -> usize {
    let block = (u128::from(hash) * blocks as u128) >> 64;
    usize::try_from(block).expect("less than the number of blocks")
}

/// Passes the blocks of an index to `write`, one after another.
pub(crate) fn encode(
    mut entries: Vec<IndexEntry>,
    seed: ChecksumSeed,
    write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    entries.sort_unstable();
    let homes = home_blocks(entries.len());
    let (mut rest, mut blocks) = (&entries[..], 0);
    while blocks < homes || !rest.is_empty() {
        // Those of this block, and those that the block before could not take.
        let wanted = rest.partition_point(|entry| home(entry.hash, homes) <= blocks);
        let (mine, later) = rest.split_at(wanted.min(CAPACITY));
        write(&block(mine, wanted > CAPACITY, seed))?;
        (rest, blocks) = (later, blocks + 1);
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

/// The index of an open snapshot.
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

impl SnapshotIndex {
    /// Returns the entries with that hash.
    pub(crate) fn find(
        &self,
        file: &dyn File,
        seed: ChecksumSeed,
        hash: u64,
    ) -> io::Result<Candidates> {
        let mut found = Vec::new();
        let homes = home_blocks(usize::try_from(self.entries).unwrap_or(usize::MAX));
        let mut number = home(hash, homes) as u64;
        let mut bytes = [0; BLOCK];
        while number < self.blocks {
            let filled = read_full(file, &mut bytes, self.at + number * BLOCK as u64)?;
            let count = usize::from(u16::from_le_bytes([bytes[4], bytes[5]]));
            let is_valid = filled == BLOCK
                && count <= CAPACITY
                && seed.checksum(&bytes[4..]) == u32_at(&bytes, 0);
            if !is_valid {
                return Ok(Candidates::Damaged);
            }
            let entries = &bytes[BLOCK_HEAD..BLOCK_HEAD + count * ENTRY];
            collect(entries, hash, &mut found);
            if bytes[6] == 0 || !found.is_empty() {
                break;
            }
            number += 1;
        }
        Ok(Candidates::Of(found))
    }
}

/// Adds the entries with that hash to `found`.
fn collect(entries: &[u8], hash: u64, found: &mut Vec<IndexEntry>) {
    let hash_at = |n: usize| u64_at(entries, n * ENTRY);
    let (mut low, mut high) = (0, entries.len() / ENTRY);
    while low < high {
        let middle = usize::midpoint(low, high);
        if hash_at(middle) < hash { low = middle + 1 } else { high = middle }
    }
    for entry in entries[low * ENTRY..].chunks_exact(ENTRY) {
        if u64_at(entry, 0) != hash {
            break;
        }
        found.push(IndexEntry { hash, at: u64_at(entry, 8), len: u32_at(entry, 16) });
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Fs, MemFs};
    use super::*;

    fn written(hashes: &[u64]) -> (MemFs, SnapshotIndex) {
        let entries: Vec<_> = (0..)
            .zip(hashes)
            .map(|(n, hash)| IndexEntry { hash: *hash, at: n * 100, len: 60 })
            .collect();
        let mut bytes = Vec::new();
        let blocks = encode(entries, ChecksumSeed::of(1), &mut |block| {
            bytes.extend_from_slice(block);
            Ok(())
        });
        let fs = MemFs::new();
        fs.put(Path::new("/i"), bytes);
        (fs, SnapshotIndex { at: 0, blocks: blocks.unwrap(), entries: hashes.len() as u64 })
    }

    fn offsets(fs: &MemFs, index: SnapshotIndex, hash: u64) -> Option<Vec<u64>> {
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
            for (at, hash) in (0..).zip(&hashes) {
                assert_eq!(offsets(&fs, index, *hash), Some(vec![at * 100]), "{hash}");
            }
            assert_eq!(offsets(&fs, index, u64::MAX / 2 + 12345), Some(vec![]));
        }
    }

    #[test]
    fn keys_with_one_hash_are_all_candidates() {
        let (fs, index) = written(&[5, 9, 5, 2]);
        assert_eq!(offsets(&fs, index, 5), Some(vec![0, 200]));
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let (fs, index) = written(&[5, 9]);
        let bytes = fs.get(Path::new("/i")).unwrap();
        for at in [0, 4, 6, 12, 30, BLOCK - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            fs.put(Path::new("/i"), damaged);
            assert_eq!(offsets(&fs, index, 5), None, "{at}");
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
            [(9, 160, 58), (5, 100, 60)].map(|(hash, at, len)| IndexEntry { hash, at, len });
        let mut bytes = Vec::new();
        let seed = ChecksumSeed::of(0x0123_4567_89ab_cdef);
        encode(entries.into(), seed, &mut |block| {
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
