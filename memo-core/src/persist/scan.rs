//! Reads the records of a file in bounded memory. If bytes are damaged and records follow, continues with these.

use std::io;

use crate::platform::crc32c::crc32c;

use super::frame::{ChecksumSeed, FLAGS, HEAD, Head, Op};
use super::fs::{File, read_full};
use super::record::Record;

/// The file is read in pieces of this many bytes, or more if a record is longer.
const CHUNK: u64 = 256 << 10;
/// The smallest part in bytes that a disk writes at a time.
const SECTOR: usize = 512;

/// What is read next.
pub(crate) enum Event<'a> {
    /// A valid record.
    Record(Head, Record<'a>),
    /// A record whose value is damaged. Head and key are valid.
    BadValue(Head, &'a [u8]),
    /// A record whose key is damaged. The head is valid.
    BadKey(Head),
    /// Bytes that are not a record were skipped. A valid head follows.
    Gap {
        /// Whether the bytes look as if a crash kept them from the disk.
        unwritten: bool,
    },
}

/// Reads the records from an offset on, in order. A head is valid only if its sequence is higher than the one before.
/// Therefore a stale copy of a record within the file does not count.
pub(crate) struct Scan<'f> {
    window: Window<'f>,
    seed: ChecksumSeed,
    /// Where the next record begins.
    at: u64,
    /// The sequence of the last record. `None`: those of the file are in no order.
    last: Option<u64>,
    /// Where the last record ended.
    valid_len: u64,
    /// Whether the file ends in bytes that are not a record.
    torn: bool,
    /// Whether the last skipped bytes look as if a crash kept them from the disk.
    unwritten: bool,
}

impl<'f> Scan<'f> {
    /// Reads `file` from `start` up to `limit`. `last`: the sequence of the record before `start`, or 0.
    pub(crate) fn new(
        file: &'f dyn File,
        seed: ChecksumSeed,
        start: u64,
        limit: u64,
        last: u64,
    ) -> Self {
        Self { last: Some(last), ..Self::unordered(file, seed, start, limit) }
    }

    /// Does the same for a file whose records are not in the order of their sequences.
    pub(crate) fn unordered(
        file: &'f dyn File,
        seed: ChecksumSeed,
        start: u64,
        limit: u64,
    ) -> Self {
        let window = Window { file, bytes: Vec::new(), start, limit };
        Self { window, seed, at: start, last: None, valid_len: start, torn: false, unwritten: true }
    }

    /// Returns the offset at which the last record ended.
    pub(crate) fn valid_len(&self) -> u64 {
        self.valid_len
    }

    /// Returns the offset at which [`Self::next`] continues.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Returns whether the file ends in bytes that are not a record. Known once `next` has returned `None`.
    pub(crate) fn torn(&self) -> bool {
        self.torn
    }

    /// Returns whether the last skipped bytes, or the bytes at the end, look as if a crash kept records from the disk.
    pub(crate) fn unwritten(&self) -> bool {
        self.unwritten
    }

    /// Reads the next record. Returns `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Event<'_>>> {
        if !self.window.ensure(self.at, HEAD)? {
            (self.torn, self.unwritten) = (self.at < self.window.limit, true);
            return Ok(None);
        }
        let bytes = self.window.slice(self.at, HEAD);
        let Some(head) = self.parse(bytes).or_else(|| self.parse_repaired(bytes)) else {
            if self.find_next()? {
                return Ok(Some(Event::Gap { unwritten: self.unwritten }));
            }
            self.torn = true;
            return Ok(None);
        };
        let from = self.at;
        if !self.window.ensure(from, head.total())? {
            (self.torn, self.unwritten) = (true, true);
            return Ok(None);
        }
        self.at += head.total() as u64;
        self.valid_len = self.at;
        self.last = self.last.map(|_| head.sequence);
        Ok(Some(check_body(head, &self.window.slice(from, head.total())[HEAD..])))
    }

    /// Parses a valid head of a record.
    fn parse(&self, bytes: &[u8]) -> Option<Head> {
        Head::parse(bytes, self.seed)
            .filter(|head| self.last.is_none_or(|last| head.sequence > last))
    }

    /// Parses a head whose first one or two bytes lie at the end of a sector that reads as zeros, by trying every op
    /// and flag there. A flipped bit can look like that, so such a head must not count as never written.
    fn parse_repaired(&self, bytes: &[u8]) -> Option<Head> {
        let missing = self.left_in_sector().min(2);
        let mut bytes: [u8; HEAD] =
            *bytes.first_chunk().filter(|_| self.is_sector_unwritten(bytes))?;
        for op in [Op::Put, Op::Remove, Op::Clear] {
            for flags in 0..=FLAGS {
                bytes[..missing].copy_from_slice(&[op as u8, flags][..missing]);
                let head = self.parse(&bytes);
                if head.is_some() {
                    return head;
                }
            }
        }
        None
    }

    /// Returns the number of bytes from here to the end of the sector.
    fn left_in_sector(&self) -> usize {
        SECTOR - usize::try_from(self.at % SECTOR as u64).expect("less than a sector")
    }

    /// Returns whether `bytes`, which begin at the current offset, are zeros as far as they lie in the current sector.
    /// Then this sector may not have reached the disk although the next one did.
    fn is_sector_unwritten(&self, bytes: &[u8]) -> bool {
        bytes.iter().take(self.left_in_sector()).all(|byte| *byte == 0)
    }

    /// Searches byte by byte for the next valid head and moves to it. Returns whether there is one.
    fn find_next(&mut self) -> io::Result<bool> {
        let mut from = self.at + 1;
        self.unwritten = self.is_sector_unwritten(self.window.slice(self.at, HEAD));
        while self.window.ensure(from, HEAD)? {
            let buffered = self.window.buffered(from);
            let found = buffered.windows(HEAD).position(|bytes| self.parse(bytes).is_some());
            let skipped = found.unwrap_or(buffered.len());
            self.unwritten |= has_zero_run(&buffered[..skipped]);
            if let Some(offset) = found {
                self.at = from + offset as u64;
                return Ok(true);
            }
            from += (skipped - HEAD + 1) as u64;
        }
        Ok(false)
    }
}

/// Returns whether `bytes` hold at least `HEAD - 1` zeros in a row. A page that never reached the disk reads as zeros.
/// A damaged record does not have as many in a row.
fn has_zero_run(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte != 0).any(|zeros| zeros.len() >= HEAD - 1)
}

/// Checks key and value against the checksums in `head`.
fn check_body(head: Head, body: &[u8]) -> Event<'_> {
    let (key, value) = body.split_at(head.key_len);
    if crc32c(key) != head.key_crc {
        return Event::BadKey(head);
    }
    if crc32c(value) != head.value_crc {
        return Event::BadValue(head, key);
    }
    Event::Record(head, head.record(body))
}

/// The part of a file that is in memory. It only moves forward, and it never reads or allocates beyond the limit.
struct Window<'f> {
    file: &'f dyn File,
    bytes: Vec<u8>,
    /// The offset of `bytes` in the file.
    start: u64,
    /// Nothing is read from this offset on.
    limit: u64,
}

impl Window<'_> {
    /// Makes sure that `len` bytes at the offset `at` are in memory. Returns false if they go beyond the limit. If it
    /// reads, it drops the bytes before `at`.
    fn ensure(&mut self, at: u64, len: usize) -> io::Result<bool> {
        let end = at + len as u64;
        if end > self.limit {
            return Ok(false);
        }
        let read_to = self.start + self.bytes.len() as u64;
        if end <= read_to {
            return Ok(true);
        }
        let dropped =
            usize::try_from(at - self.start).map_or(self.bytes.len(), |n| n.min(self.bytes.len()));
        self.bytes.drain(..dropped);
        self.start += dropped as u64;
        let kept = self.bytes.len();
        let wanted = (end - self.start).max(CHUNK).min(self.limit - self.start);
        let wanted = usize::try_from(wanted).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.bytes.resize(wanted, 0);
        let filled = read_full(self.file, &mut self.bytes[kept..], read_to)?;
        if filled < wanted - kept {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(true)
    }

    fn slice(&self, at: u64, len: usize) -> &[u8] {
        &self.buffered(at)[..len]
    }

    /// Returns all bytes in memory from the offset `at` on.
    fn buffered(&self, at: u64) -> &[u8] {
        &self.bytes[usize::try_from(at - self.start).expect("within the window")..]
    }
}
