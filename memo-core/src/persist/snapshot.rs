//! A snapshot: a file with the newest records of all keys, which replaces logs and the snapshot before. It is never
//! changed. Behind the records are an index and a filter, so that opening it and finding a record read little of it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::entry_sort::EntrySort;
use super::file_name::{Name, publish, remove};
use super::frame::{self, ChecksumSeed, RecordMeta, u32_at, u64_at};
use super::fs::{File, Fs, read_full, write_all};
use super::header::FileHeader;
use super::key_hash::key_hash;
use super::listing::{Listing, Source};
use super::record::{Record, WallMillis};
use super::reference::MAX_APART;
use super::scan::Scan;
use super::snapshot_filter::{self, Answer, PAGE, SnapshotFilter};
use super::snapshot_index::{self, BLOCK, Candidates, IndexEntry, IndexReader, SnapshotIndex};
use super::stored::{Found, Stored};
use crate::error::Error;

/// The buffer is written when it holds this many bytes.
const CHUNK: usize = 256 << 10;
/// The length of the footer in bytes.
pub(super) const FOOTER: usize = 88;
/// The bytes of index and filter for each record, or somewhat more.
pub(crate) const SHARE: u64 = snapshot_index::SHARE + snapshot_filter::SHARE;
/// The bytes of index, filter and footer that a snapshot has besides, or somewhat more.
pub(crate) const OVERHEAD: usize = BLOCK + PAGE + FOOTER;

/// The last bytes of a complete snapshot.
struct Footer {
    index: SnapshotIndex,
    /// The number of pages of the filter, which follows the index.
    filter_pages: u64,
    costs: Costs,
    apart: ApartTotal,
    /// The length of the file in bytes.
    len: u64,
}

/// What the values of a snapshot take that are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApartTotal {
    pub(crate) bytes: u64,
    /// The number of values.
    pub(crate) count: u64,
    /// By then values of half of the bytes or more have expired. `u64::MAX`: never.
    pub(crate) half_expired: WallMillis,
}

impl ApartTotal {
    /// Adds up values: when each expires, and its length in bytes.
    fn of(mut values: Vec<(WallMillis, u64)>) -> Self {
        values.sort_unstable();
        let bytes = values.iter().map(|(_, len)| len).sum();
        let mut left = bytes;
        let half = values.iter().find(|(_, len)| {
            left -= len;
            left <= bytes / 2
        });
        let half_expired = half.map_or(u64::MAX, |(expires, _)| *expires);
        Self { bytes, count: values.len() as u64, half_expired }
    }
}

/// What the records cost of which that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Costs {
    /// The sum in nanoseconds.
    pub(crate) sum: u64,
    /// The number of records.
    pub(crate) count: u64,
}

impl Costs {
    pub(crate) fn add(&mut self, record: &Record<'_>) {
        let Record::Put { cost, .. } = record else { return };
        if let Some(time) = cost.time() {
            self.sum = self.sum.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
            self.count += 1;
        }
    }

    /// Returns the mean, or zero if no cost is known.
    pub(crate) fn mean(self) -> Duration {
        Duration::from_nanos(self.sum.checked_div(self.count).unwrap_or_default())
    }
}

impl Footer {
    fn to_bytes(&self, seed: ChecksumSeed) -> [u8; FOOTER] {
        let Self { index, filter_pages, costs, apart, len } = self;
        let mut bytes = [0; FOOTER];
        let index = [index.at, index.blocks, index.entries, *filter_pages];
        let apart = [apart.bytes, apart.count, apart.half_expired];
        let words = [&index[..], &[costs.sum, costs.count], &apart, &[*len]].concat();
        for (word, out) in words.iter().zip(bytes.chunks_exact_mut(8)) {
            out.copy_from_slice(&word.to_le_bytes());
        }
        let crc = seed.checksum(&bytes[..FOOTER - 4]);
        bytes[FOOTER - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Returns the offset of the filter. `None` if index and filter are not all that lies between the records, which
    /// begin at the offset `start`, and the footer, at `end`, or if the filter has not the length for its entries.
    fn filter_at(&self, start: u64, end: u64) -> Option<u64> {
        let index_len = self.index.blocks.checked_mul(BLOCK as u64)?;
        let filter_at = self.index.at.checked_add(index_len)?;
        let filter_len = self.filter_pages.checked_mul(PAGE as u64)?;
        let fits = self.index.at >= start
            && filter_at.checked_add(filter_len) == Some(end)
            && self.filter_pages == snapshot_filter::pages(self.index.entries);
        fits.then_some(filter_at)
    }

    /// Returns whether the totals are those of so many records, so that sums of them do not overflow.
    fn is_plausible(&self) -> bool {
        let Self { index, costs, apart, .. } = self;
        let most = apart.count.checked_mul(MAX_APART);
        costs.count <= index.entries
            && apart.count <= index.entries
            && most.is_some_and(|most| apart.bytes <= most)
    }

    fn parse(bytes: &[u8; FOOTER], seed: ChecksumSeed) -> Option<Self> {
        let word = |n: usize| u64_at(bytes, n * 8);
        let is_valid = seed.checksum(&bytes[..FOOTER - 4]) == u32_at(bytes, FOOTER - 4);
        is_valid.then(|| Self {
            index: SnapshotIndex { at: word(0), blocks: word(1), entries: word(2) },
            filter_pages: word(3),
            costs: Costs { sum: word(4), count: word(5) },
            apart: ApartTotal { bytes: word(6), count: word(7), half_expired: word(8) },
            len: word(9),
        })
    }
}

/// An open, complete snapshot.
pub(crate) struct Snapshot {
    pub(crate) header: FileHeader,
    /// The length of the file in bytes.
    pub(crate) len: u64,
    pub(crate) costs: Costs,
    pub(crate) apart: ApartTotal,
    file: Arc<dyn File>,
    seed: ChecksumSeed,
    /// Where the records begin.
    start: u64,
    index: IndexReader,
    filter: SnapshotFilter,
}

/// What a search for a key gave.
pub(crate) struct Search {
    pub(crate) found: Found,
    /// Whether a part of the filter was found damaged. Nothing is lost by that, and each part says so once.
    pub(crate) has_bad_filter: bool,
}

impl Snapshot {
    /// Opens a snapshot. Returns `None` if it is not complete.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn open(source: &Source) -> io::Result<Option<Self>> {
        let Source { file, header, start, size, .. } = source;
        let Some(at) = size.checked_sub(FOOTER as u64).filter(|at| at >= start) else {
            return Ok(None);
        };
        let mut bytes = [0; FOOTER];
        read_full(&**file, &mut bytes, at)?;
        let seed = header.seed();
        let footer = Footer::parse(&bytes, seed)
            .filter(|footer| footer.len == *size && footer.is_plausible());
        let Some(footer) = footer else { return Ok(None) };
        let Some(filter_at) = footer.filter_at(*start, at) else { return Ok(None) };
        let Footer { index, costs, apart, len, .. } = footer;
        Ok(Some(Self {
            header: header.clone(),
            len,
            costs,
            apart,
            file: Arc::clone(file),
            seed,
            start: *start,
            index: IndexReader::new(index),
            filter: SnapshotFilter::new(filter_at, index.entries),
        }))
    }

    /// Returns how many bytes of a log the snapshot has. `u64::MAX`: all, of a log that was gone.
    pub(crate) fn merged_len(&self, log: u64) -> u64 {
        let logs = &self.header.logs;
        match logs.binary_search_by_key(&log, |stated| stated.log) {
            Ok(at) => logs[at].len,
            Err(_) if log < self.header.number => u64::MAX,
            Err(_) => 0,
        }
    }

    /// Returns the number of records.
    pub(crate) fn entries(&self) -> u64 {
        self.index.index().entries
    }

    /// Reads the record of `key`. Finds `Found::Other` if there is none.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn find(&self, key: &[u8]) -> io::Result<Search> {
        let hash = key_hash(self.header.salt, key);
        let answer = self.filter.ask(&*self.file, self.seed, hash);
        let found = match answer {
            Answer::Absent => Found::Other,
            Answer::Possible | Answer::Damaged => self.find_by_index(hash, key)?,
        };
        Ok(Search { found, has_bad_filter: answer == Answer::Damaged })
    }

    fn find_by_index(&self, hash: u64, key: &[u8]) -> io::Result<Found> {
        let entries = match self.index.find(&*self.file, self.seed, hash)? {
            Candidates::Of(entries) => entries,
            Candidates::Damaged => return Ok(Found::Damaged),
        };
        let mut result = Found::Other;
        for IndexEntry { at, len, .. } in entries {
            match Stored::read(&*self.file, self.seed, at, len, Some(key))? {
                Found::Other => {}
                found @ Found::Stored(_) => return Ok(found),
                Found::Damaged => result = Found::Damaged,
            }
        }
        Ok(result)
    }

    /// Returns whether a record is in the older half of the snapshot. The oldest are left out first when there is not
    /// enough room.
    pub(crate) fn is_in_older_half(&self, at: u64) -> bool {
        at < self.start.midpoint(self.index.index().at)
    }

    /// Passes the offset of each damaged block of the index and page of the filter to `damaged`. Passes each entry of
    /// the index to `entry`: the offset and the length of a record.
    ///
    /// # Errors
    /// The errors of the system.
    #[cfg(any(feature = "inspect", test))]
    pub(crate) fn check_tables(
        &self,
        entry: &mut dyn FnMut(u64, u32),
        damaged: &mut dyn FnMut(u64),
    ) -> io::Result<()> {
        let index = self.index.index();
        let end = index.at + index.blocks * BLOCK as u64;
        let filter_end = self.len - FOOTER as u64;
        for at in (index.at..filter_end).step_by(BLOCK) {
            let mut bytes = [0; BLOCK];
            let is_whole = read_full(&*self.file, &mut bytes, at)? == BLOCK;
            if !is_whole || self.seed.checksum(&bytes[4..]) != u32_at(&bytes, 0) {
                damaged(at);
            } else if at < end {
                snapshot_index::entries(&bytes).for_each(|(at, len)| entry(at, len));
            }
        }
        Ok(())
    }

    /// Begins to read all records, the oldest first.
    pub(crate) fn scan(&self) -> Scan<'_> {
        Scan::unordered(&*self.file, self.seed, self.start, self.index.index().at)
    }
}

/// Returns the length in bytes of what a view of a directory must index: the records in logs that are not in the
/// snapshot, and the snapshot if it is not complete.
pub(crate) fn unindexed_bytes(Listing { logs, snapshots, .. }: &Listing) -> u64 {
    let snapshot = snapshots.last();
    let is_complete = |source: &Source| matches!(Snapshot::open(source), Ok(Some(_)));
    let unindexed = snapshot.filter(|source| !is_complete(source)).map_or(0, |s| s.size);
    let merged = |log: &Source| {
        let stated = snapshot.and_then(|s| s.header.logs.iter().find(|l| l.log == log.number));
        stated.map_or(0, |stated| stated.len)
    };
    unindexed + logs.iter().map(|log| log.size.saturating_sub(merged(log))).sum::<u64>()
}

/// Writes a snapshot under a temporary name, with the puts that `fill` adds. Renames it once it is durable. Removes the
/// temporary file after an error.
///
/// # Errors
/// The errors of `fill` and of the system.
pub(crate) fn write(
    fs: &dyn Fs,
    dir: &Path,
    header: &FileHeader,
    fill: &mut dyn FnMut(&mut Body<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let temporary = Name::TempSnapshot(header.number);
    let path = temporary.at(dir);
    let written = write_temporary(fs, dir, header, fill).and_then(|()| {
        publish(fs, dir, temporary, Name::Snapshot(header.number))
            .map_err(|e| Error::io("rename", &path, &e))?;
        fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, &e))
    });
    if written.is_err() {
        let _ = remove(fs, dir, temporary);
    }
    written
}

fn write_temporary(
    fs: &dyn Fs,
    dir: &Path,
    header: &FileHeader,
    fill: &mut dyn FnMut(&mut Body<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let temporary = Name::TempSnapshot(header.number);
    remove(fs, dir, temporary)?;
    let path = temporary.at(dir);
    let file = fs.create(&path).map_err(|e| Error::io("create", &path, &e))?;
    let mut body = Body::new(fs, dir, &*file, header);
    fill(&mut body)?;
    body.end().map_err(|e| Error::io("write", &path, &e))?;
    file.sync().map_err(|e| Error::io("sync", &path, &e))
}

/// A snapshot that is being written.
pub(crate) struct Body<'f> {
    out: Output<'f>,
    seed: ChecksumSeed,
    salt: u64,
    entries: EntrySort<'f>,
    costs: Costs,
    /// Of each value that is kept apart: when it expires, and its length in bytes.
    apart: Vec<(WallMillis, u64)>,
}

/// A file that is written from its beginning to its end.
struct Output<'f> {
    file: &'f dyn File,
    /// Bytes that are not written yet.
    buffer: Vec<u8>,
    /// How many bytes are written: the offset of the buffer in the file.
    at: u64,
}

impl Output<'_> {
    /// Returns the offset of what comes next.
    fn end(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    /// Writes the buffer if it is long.
    fn write_if_long(&mut self) -> io::Result<()> {
        if self.buffer.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        write_all(self.file, &self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl<'f> Body<'f> {
    fn new(fs: &'f dyn Fs, dir: &'f Path, file: &'f dyn File, header: &FileHeader) -> Self {
        Self {
            out: Output { file, buffer: header.to_bytes(), at: 0 },
            seed: header.seed(),
            salt: header.salt,
            entries: EntrySort::new(fs, dir, header.number),
            costs: Costs::default(),
            apart: Vec::new(),
        }
    }

    /// Adds a put.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn add(&mut self, meta: RecordMeta, put: &Record<'_>) -> io::Result<()> {
        let Record::Put { key, expires, .. } = put else { return Ok(()) };
        let at = self.out.end();
        let meta = RecordMeta { removals: 0, replaces: false, ..meta };
        frame::encode(&mut self.out.buffer, self.seed, meta, put);
        let len = u32::try_from(self.out.end() - at).map_err(|_| io::ErrorKind::InvalidData)?;
        self.entries.push(IndexEntry { hash: key_hash(self.salt, key), at, len })?;
        self.costs.add(put);
        let expires = expires.unwrap_or(u64::MAX);
        self.apart.extend(put.reference().map(|value| (expires, value.len)));
        self.out.write_if_long()
    }

    /// Writes the rest of the buffer, the index, the filter and the footer.
    fn end(self) -> io::Result<()> {
        let Self { mut out, seed, mut entries, costs, apart, .. } = self;
        let (at, count) = (out.end(), entries.len());
        entries.end()?;
        let mut write = |part: &[u8]| {
            out.buffer.extend_from_slice(part);
            out.write_if_long()
        };
        let blocks = snapshot_index::encode(count, entries.sorted()?, seed, &mut write)?;
        let hashes = entries.sorted()?.map(|entry| entry.map(|entry| entry.hash));
        let filter_pages = snapshot_filter::encode(count, hashes, seed, &mut write)?;
        let len = out.end() + FOOTER as u64;
        let index = SnapshotIndex { at, blocks, entries: count };
        let footer = Footer { index, filter_pages, costs, apart: ApartTotal::of(apart), len };
        out.buffer.extend_from_slice(&footer.to_bytes(seed));
        out.write()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another program made these bytes from the table in docs/format.md.
    const GOLDEN: &str = concat!(
        "da00000000000000010000000000000002000000000000000100000000000000",
        "07000000000000000100000000000000b80b0000000000000200000000000000",
        "6300000000000000322100000000000000000000cf157668",
    );

    #[test]
    fn the_footer_is_as_docs_format_md_describes() {
        let seed = ChecksumSeed::of(0x0123_4567_89ab_cdef);
        let index = SnapshotIndex { at: 218, blocks: 1, entries: 2 };
        let len = 218 + OVERHEAD as u64;
        let apart = ApartTotal { bytes: 3000, count: 2, half_expired: 99 };
        let costs = Costs { sum: 7, count: 1 };
        let footer = Footer { index, filter_pages: 1, costs, apart, len };
        let bytes = footer.to_bytes(seed);
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, GOLDEN);
        let parsed = Footer::parse(&bytes, seed).expect("a valid footer");
        assert_eq!((parsed.costs, parsed.apart, parsed.len), (footer.costs, apart, len));
    }

    #[test]
    fn totals_of_more_records_than_there_are_make_a_footer_invalid() {
        let index = SnapshotIndex { at: 218, blocks: 1, entries: 2 };
        let is_plausible = |costs: u64, count, bytes| {
            let apart = ApartTotal { bytes, count, half_expired: 0 };
            let costs = Costs { sum: u64::MAX, count: costs };
            Footer { index, filter_pages: 1, costs, apart, len: 0 }.is_plausible()
        };
        assert!(is_plausible(2, 2, 2 * MAX_APART) && is_plausible(0, 0, 0));
        assert!(!is_plausible(3, 2, 0) && !is_plausible(u64::MAX, 2, 0));
        assert!(!is_plausible(0, 3, 0) && !is_plausible(0, u64::MAX, 0));
        assert!(!is_plausible(0, 1, MAX_APART + 1) && !is_plausible(0, 0, 1));
    }

    #[test]
    fn half_of_the_bytes_apart_expire_by_the_time_that_is_stated() {
        let half = |values: &[(u64, u64)]| ApartTotal::of(values.to_vec()).half_expired;
        assert_eq!(half(&[]), u64::MAX);
        assert_eq!(half(&[(u64::MAX, 9)]), u64::MAX);
        assert_eq!(half(&[(5, 10), (u64::MAX, 10)]), 5);
        assert_eq!(half(&[(7, 10), (5, 9), (u64::MAX, 20)]), u64::MAX);
        assert_eq!(half(&[(7, 10), (5, 10), (u64::MAX, 20)]), 7);
        assert_eq!(half(&[(7, 10), (5, 30), (u64::MAX, 20)]), 5);
        let all = ApartTotal::of(vec![(7, 10), (5, 30)]);
        assert_eq!((all.bytes, all.count), (40, 2));
    }
}
