//! The filter of a snapshot: tells of most keys that the snapshot does not have that it does not, without a read. It is
//! a blocked Bloom filter (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007): a key has
//! bits in one block only. The bits within a block are those of Parquet's split block filter: one in each of 8 words.
//!
//! Pages of blocks have a checksum each, and are read when they are first needed. So an opening reads none of them, and
//! a process has those in memory that it asks.

use std::io;
use std::sync::OnceLock;

use super::frame::{ChecksumSeed, u32_at};
use super::fs::{File, read_full};

/// The length of a page in bytes.
pub(crate) const PAGE: usize = 4096;
/// The length of a block in bytes. The first of a page holds its checksum and zeros.
const BLOCK: usize = 32;
/// The number of blocks of a page that hold bits.
const PER_PAGE: u64 = (PAGE / BLOCK - 1) as u64;
/// The number of entries that a block has on average: 10.7 bits for each give 1 % of wrong answers.
const AVERAGE: u64 = 24;

/// The bytes of a filter for each entry, rounded up.
pub(crate) const SHARE: u64 = (PAGE as u64).div_ceil(PER_PAGE * AVERAGE);

/// Odd numbers that choose a bit in each word of a block.
const FACTORS: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// Returns the number of blocks for `entries` entries.
fn blocks(entries: u64) -> u64 {
    entries.div_ceil(AVERAGE).max(1)
}

/// Returns the number of pages for `entries` entries.
pub(crate) fn pages(entries: u64) -> u64 {
    blocks(entries).div_ceil(PER_PAGE)
}

/// Where the bits of a hash are.
struct Place {
    page: u64,
    /// The offset of the block in the page.
    at: usize,
}

impl Place {
    fn of(hash: u64, blocks: u64) -> Self {
        let block = u64::try_from((u128::from(hash) * u128::from(blocks)) >> 64);
        let block = block.expect("less than the number of blocks");
        let within = usize::try_from(block % PER_PAGE).expect("less than a page");
        Self { page: block / PER_PAGE, at: (within + 1) * BLOCK }
    }
}

/// Returns the offset of each word in a block, with the bit of a hash in it.
fn bits(hash: u64) -> impl Iterator<Item = (usize, u32)> {
    let [a, b, c, d, ..] = hash.to_le_bytes();
    let low = u32::from_le_bytes([a, b, c, d]);
    FACTORS
        .iter()
        .enumerate()
        .map(move |(n, factor)| (n * 4, 1 << (low.wrapping_mul(*factor) >> 27)))
}

/// Passes the pages of a filter to `write`, one after another. `hashes`: those of the `entries` entries, in rising
/// order. Returns the number of pages.
pub(crate) fn encode(
    entries: u64,
    mut hashes: impl Iterator<Item = io::Result<u64>>,
    seed: ChecksumSeed,
    write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let (blocks, pages) = (blocks(entries), pages(entries));
    let mut next = hashes.next().transpose()?;
    for number in 0..pages {
        let mut page = [0; PAGE];
        while let Some(hash) = next {
            let place = Place::of(hash, blocks);
            if place.page != number {
                break;
            }
            for (at, bit) in bits(hash) {
                let word = &mut page[place.at + at..place.at + at + 4];
                word.copy_from_slice(&(u32_at(word, 0) | bit).to_le_bytes());
            }
            next = hashes.next().transpose()?;
        }
        let crc = seed.checksum(&page[4..]);
        page[..4].copy_from_slice(&crc.to_le_bytes());
        write(&page)?;
    }
    Ok(pages)
}

/// A page, or `None` if it cannot be used.
type Page = Option<Box<[u8; PAGE]>>;

/// The filter of an open snapshot.
pub(crate) struct SnapshotFilter {
    /// The offset of the first page in the file.
    at: u64,
    blocks: u64,
    /// The pages that were read.
    pages: Box<[OnceLock<Page>]>,
}

/// What a filter says about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The snapshot does not have it.
    Absent,
    /// The snapshot may have it.
    Possible,
    /// The same, and a damaged page was found. Each page gives this answer once.
    Damaged,
}

impl SnapshotFilter {
    /// `at`: the offset of the filter in the file. `entries`: the number of entries of the snapshot.
    pub(crate) fn new(at: u64, entries: u64) -> Self {
        let pages = (0..pages(entries)).map(|_| OnceLock::new()).collect();
        Self { at, blocks: blocks(entries), pages }
    }

    /// Asks for a hash. A page that cannot be read counts as damaged: the index has the answer.
    pub(crate) fn ask(&self, file: &dyn File, seed: ChecksumSeed, hash: u64) -> Answer {
        let place = Place::of(hash, self.blocks);
        let page = usize::try_from(place.page).ok().and_then(|page| self.pages.get(page));
        let Some(page) = page else { return Answer::Possible };
        let mut is_new = false;
        if page.get().is_none() {
            // Several threads may read the page. One of them keeps it.
            is_new = page.set(self.read(file, seed, place.page)).is_ok();
        }
        match page.get() {
            Some(Some(bytes)) => {
                let has = |(at, bit): (usize, u32)| u32_at(&bytes[place.at..], at) & bit != 0;
                if bits(hash).all(has) { Answer::Possible } else { Answer::Absent }
            }
            _ if is_new => Answer::Damaged,
            _ => Answer::Possible,
        }
    }

    fn read(&self, file: &dyn File, seed: ChecksumSeed, number: u64) -> Page {
        let mut bytes = Box::new([0; PAGE]);
        let filled = read_full(file, &mut *bytes, self.at + number * PAGE as u64).ok()?;
        let is_valid = filled == PAGE && seed.checksum(&bytes[4..]) == u32_at(&*bytes, 0);
        is_valid.then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::key_hash::key_hash;
    use super::super::{Fs, MemFs};
    use super::*;

    const SEED: u64 = 0x0123_4567_89ab_cdef;

    fn encoded(hashes: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (count, all) = (hashes.len() as u64, hashes.iter().copied().map(Ok));
        let pages_written = encode(count, all, ChecksumSeed::of(SEED), &mut |page| {
            bytes.extend_from_slice(page);
            Ok(())
        });
        assert_eq!(pages_written.unwrap(), pages(hashes.len() as u64));
        bytes
    }

    fn opened(bytes: Vec<u8>) -> Arc<dyn File> {
        let fs = MemFs::new();
        fs.put(Path::new("/f"), bytes);
        fs.open(Path::new("/f")).unwrap()
    }

    fn hashes(numbers: std::ops::Range<u64>) -> Vec<u64> {
        let mut hashes: Vec<u64> = numbers.map(|n| key_hash(1, &n.to_le_bytes())).collect();
        hashes.sort_unstable();
        hashes
    }

    #[test]
    fn keys_that_are_there_are_possible_and_most_others_are_absent() {
        for count in [0, 1, 24, 100, 50_000] {
            let file = opened(encoded(&hashes(0..count)));
            let filter = SnapshotFilter::new(0, count);
            let ask = |hash: &u64| filter.ask(&*file, ChecksumSeed::of(SEED), *hash);
            assert!(hashes(0..count).iter().all(|hash| ask(hash) == Answer::Possible), "{count}");
            let others = hashes(1_000_000..1_100_000);
            let wrong = others.iter().filter(|hash| ask(hash) != Answer::Absent).count();
            // 1 % and some chance. (With few entries the fullness of the blocks varies more.)
            assert!(wrong < if count < 1000 { 3000 } else { 1200 }, "{count}: {wrong}");
        }
    }

    #[test]
    fn a_damaged_page_makes_all_its_keys_possible_and_says_so_once() {
        let count = 5000;
        let bytes = encoded(&hashes(0..count));
        for at in [0, 2, 4, 40, PAGE - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            let file = opened(damaged);
            let filter = SnapshotFilter::new(0, count);
            let ask = |hash| filter.ask(&*file, ChecksumSeed::of(SEED), hash);
            assert_eq!(
                [ask(0), ask(0), ask(1)],
                [Answer::Damaged, Answer::Possible, Answer::Possible]
            );
            let all = hashes(0..count + 1000);
            let answers: Vec<_> = all.iter().map(|hash| ask(*hash)).collect();
            assert!(!answers.contains(&Answer::Damaged));
            assert!(answers.contains(&Answer::Absent), "the other page is whole");
        }
    }

    #[test]
    fn a_page_that_the_file_does_not_have_is_damaged() {
        let file = opened(vec![0; 10]);
        assert_eq!(
            SnapshotFilter::new(0, 3).ask(&*file, ChecksumSeed::of(SEED), 7),
            Answer::Damaged
        );
    }

    /// Another program made these bytes from the tables in docs/format.md. Zeros follow.
    const GOLDEN: &str = concat!(
        "82a6d2a0000000000000000000000000000000000000000000000000000000000010000808040000",
        "000021002001000040800000040000100840000004000002",
    );

    #[test]
    fn the_bytes_are_as_docs_format_md_describes() {
        let mut bytes = encoded(&[5, 0x6eb9_2a29_3950_84f1]);
        let rest = bytes.split_off(GOLDEN.len() / 2);
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((&*hex, rest.len() + bytes.len()), (GOLDEN, PAGE));
        assert!(rest.iter().all(|byte| *byte == 0));
    }
}
