//! Reads the records of a file in bounded memory, past damage where records follow it.

use std::io;

use crate::platform::crc32c::{crc32c, crc32c_append};

use super::frame::{FLAGS, HEAD, Head, Op, Seed};
use super::fs::{File, read_full};
use super::record::Record;

const CHUNK: u64 = 256 << 10;
/// No disk writes less at a time.
const SECTOR: usize = 512;

pub(crate) enum Event<'a> {
    Record(Head, Record<'a>),
    /// The key is whole, the value is not.
    BadValue(Head, &'a [u8]),
    /// Only the head is whole.
    BadKey(Head),
    /// Bytes that are no record were passed over; a record follows.
    Gap {
        unwritten: bool,
    },
}

/// Records from an offset on, in order. A head counts only if its sequence is newer than the one before, so that a
/// stale copy of a record within the file does not.
pub(crate) struct Scan<'f> {
    window: Window<'f>,
    seed: Seed,
    at: u64,
    last: u64,
    valid: u64,
    torn: bool,
    /// The bytes last passed over look as if a crash kept them from the disk.
    unwritten: bool,
}

impl<'f> Scan<'f> {
    /// Reads `file` from `start` up to `limit`.
    pub(crate) fn new(file: &'f dyn File, seed: Seed, start: u64, limit: u64) -> Self {
        let window = Window { file, bytes: Vec::new(), start, limit, hash: 0 };
        Self { window, seed, at: start, last: 0, valid: start, torn: false, unwritten: true }
    }

    /// Where the last record ended.
    pub(crate) fn valid_len(&self) -> u64 {
        self.valid
    }

    /// Where what `next` will return begins.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Did bytes remain that are no record?
    pub(crate) fn torn(&self) -> bool {
        self.torn
    }

    /// Do these bytes look as if a crash kept what should be there from the disk?
    pub(crate) fn unwritten(&self) -> bool {
        self.unwritten
    }

    /// The hash of what was read; of the whole once `next` has returned `None` without a torn tail.
    pub(crate) fn hash(&self) -> u32 {
        self.window.hash
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<Event<'_>>> {
        if !self.window.ensure(self.at, HEAD)? {
            (self.torn, self.unwritten) = (self.at < self.window.limit, true);
            return Ok(None);
        }
        let bytes = self.window.slice(self.at, HEAD);
        let Some(head) = self.plausible(bytes).or_else(|| self.restored(bytes)) else {
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
        self.valid = self.at;
        self.last = head.sequence;
        Ok(Some(judge(head, &self.window.slice(from, head.total())[HEAD..])))
    }

    fn plausible(&self, bytes: &[u8]) -> Option<Head> {
        Head::parse(bytes, self.seed).filter(|head| head.sequence > self.last && head.op != Op::End)
    }

    /// The head of which no more is missing than its first two bytes, at the end of a sector that reads as zeros. A
    /// flipped bit may look like that, so this cannot be left to count as never written.
    fn restored(&self, bytes: &[u8]) -> Option<Head> {
        let missing = self.left_in_sector().min(2);
        let mut bytes: [u8; HEAD] =
            *bytes.first_chunk().filter(|_| self.begins_unwritten(bytes))?;
        for op in [Op::Put, Op::Remove, Op::Clear] {
            for flags in 0..=FLAGS {
                bytes[..missing].copy_from_slice(&[op as u8, flags][..missing]);
                let head = self.plausible(&bytes);
                if head.is_some() {
                    return head;
                }
            }
        }
        None
    }

    /// Bytes from here to the end of the sector.
    fn left_in_sector(&self) -> usize {
        SECTOR - usize::try_from(self.at % SECTOR as u64).expect("less than a sector")
    }

    /// Are these zeros, as far as this sector goes? Then it may not have reached the disk when the next one did.
    fn begins_unwritten(&self, bytes: &[u8]) -> bool {
        bytes.iter().take(self.left_in_sector()).all(|byte| *byte == 0)
    }

    /// Moves to the next whole record, if there is one.
    fn find_next(&mut self) -> io::Result<bool> {
        let mut from = self.at + 1;
        self.unwritten = self.begins_unwritten(self.window.slice(self.at, HEAD));
        while self.window.ensure(from, HEAD)? {
            let buffered = self.window.buffered(from);
            let found = buffered.windows(HEAD).position(|bytes| self.plausible(bytes).is_some());
            let passed = found.unwrap_or(buffered.len());
            self.unwritten |= has_hole(&buffered[..passed]);
            if let Some(offset) = found {
                self.at = from + offset as u64;
                return Ok(true);
            }
            from += (passed - HEAD + 1) as u64;
        }
        Ok(false)
    }
}

/// A page that never reached the disk reads as zeros, more of them in a row than a damaged record shows.
fn has_hole(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte != 0).any(|zeros| zeros.len() >= HEAD - 1)
}

fn judge(head: Head, body: &[u8]) -> Event<'_> {
    let (key, value) = body.split_at(head.key_len);
    if crc32c(key) != head.key_crc {
        return Event::BadKey(head);
    }
    if crc32c(value) != head.value_crc {
        return Event::BadValue(head, key);
    }
    match head.record(body) {
        Some(record) => Event::Record(head, record),
        None => Event::BadKey(head),
    }
}

/// The part of a file that is in memory. Requests never go back, and none beyond the limit is served or allocated.
struct Window<'f> {
    file: &'f dyn File,
    bytes: Vec<u8>,
    start: u64,
    limit: u64,
    hash: u32,
}

impl Window<'_> {
    fn ensure(&mut self, at: u64, len: usize) -> io::Result<bool> {
        let end = at + len as u64;
        if end > self.limit {
            return Ok(false);
        }
        let held = self.start + self.bytes.len() as u64;
        if end <= held {
            return Ok(true);
        }
        let passed =
            usize::try_from(at - self.start).map_or(self.bytes.len(), |n| n.min(self.bytes.len()));
        self.bytes.drain(..passed);
        self.start += passed as u64;
        let kept = self.bytes.len();
        let wanted = (end - self.start).max(CHUNK).min(self.limit - self.start);
        let wanted = usize::try_from(wanted).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.bytes.resize(wanted, 0);
        let filled = read_full(self.file, &mut self.bytes[kept..], held)?;
        if filled < wanted - kept {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.hash = crc32c_append(self.hash, &self.bytes[kept..]);
        Ok(true)
    }

    fn slice(&self, at: u64, len: usize) -> &[u8] {
        &self.buffered(at)[..len]
    }

    fn buffered(&self, at: u64) -> &[u8] {
        &self.bytes[usize::try_from(at - self.start).expect("within the window")..]
    }
}
