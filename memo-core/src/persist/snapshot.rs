//! Writes a snapshot: a file with all entries, which replaces the older files.

use std::path::Path;

use crate::platform::crc32c::crc32c_append;

use super::file_name::Name;
use super::frame::{self, ChecksumSeed, Head, RecordMeta};
use super::fs::{File, Fs, write_all};
use super::header::FileHeader;
use super::quarantine::remove;
use super::record::Record;
use crate::error::Error;

/// The buffer is written when it holds this many bytes.
const CHUNK: usize = 256 << 10;

/// Calls its argument with each entry as a [`Record::Put`], the least recently used first. Stops when the argument
/// returns false.
pub type Entries<'a> = dyn FnMut(&mut dyn FnMut(Record<'_>) -> bool) + 'a;

/// The size of a snapshot that was written.
pub(crate) struct Written {
    /// The length of the file in bytes.
    pub(crate) bytes: u64,
    /// The number of entries.
    pub(crate) entries: u64,
}

/// Writes a snapshot under a temporary name. Renames it once it is durable. Removes the temporary file after an error.
pub(crate) fn write(
    fs: &dyn Fs,
    dir: &Path,
    header: &FileHeader,
    entries: &mut Entries<'_>,
) -> Result<Written, Error> {
    let temporary = Name::TempSnapshot(header.generation);
    let path = temporary.at(dir);
    let written = fill(fs, dir, temporary, header, entries).and_then(|written| {
        let target = Name::Snapshot(header.generation).at(dir);
        fs.rename(&path, &target).map_err(|e| Error::io("rename", &path, &e))?;
        fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, &e))?;
        Ok(written)
    });
    if written.is_err() {
        let _ = remove(fs, dir, temporary);
    }
    written
}

fn fill(
    fs: &dyn Fs,
    dir: &Path,
    temporary: Name,
    header: &FileHeader,
    entries: &mut Entries<'_>,
) -> Result<Written, Error> {
    remove(fs, dir, temporary)?;
    let path = temporary.at(dir);
    let file = fs.create(&path).map_err(|e| Error::io("create", &path, &e))?;
    let mut body = Body::new(&*file, header);
    entries(&mut |record| body.add(&record));
    let written = body.end().map_err(|e| Error::io("write", &path, &e))?;
    file.sync().map_err(|e| Error::io("sync", &path, &e))?;
    Ok(written)
}

struct Body<'f> {
    file: &'f dyn File,
    seed: ChecksumSeed,
    meta: RecordMeta,
    base_sequence: u64,
    /// Bytes that are not written yet.
    buffer: Vec<u8>,
    /// How many bytes are written: the offset of the buffer in the file.
    at: u64,
    /// The checksum of the written bytes after the file header.
    hash: u32,
    /// The length of the file header until it is written, then 0.
    unwritten_header: usize,
    /// The first error. After an error nothing is written.
    failed: Option<std::io::Error>,
}

impl<'f> Body<'f> {
    fn new(file: &'f dyn File, header: &FileHeader) -> Self {
        let buffer = header.to_bytes();
        Self {
            file,
            seed: header.seed(),
            meta: RecordMeta { sequence: 0, removals: 0, repeated: false, replaces: false },
            base_sequence: header.base_sequence,
            unwritten_header: buffer.len(),
            buffer,
            at: 0,
            hash: 0,
            failed: None,
        }
    }

    /// Adds an entry. Returns false after a failed write: then no more entries are needed.
    fn add(&mut self, record: &Record<'_>) -> bool {
        if matches!(record, Record::Put { .. }) && frame::fits(record) {
            self.meta.sequence += 1;
            frame::encode(&mut self.buffer, self.seed, self.meta, record);
            if self.buffer.len() >= CHUNK && self.failed.is_none() {
                self.failed = self.write_buffer().err();
            }
        }
        self.failed.is_none()
    }

    fn write_buffer(&mut self) -> std::io::Result<()> {
        write_all(self.file, &self.buffer, self.at)?;
        let from = std::mem::take(&mut self.unwritten_header);
        self.hash = crc32c_append(self.hash, &self.buffer[from..]);
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the rest of the buffer and the last head.
    fn end(mut self) -> std::io::Result<Written> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        self.write_buffer()?;
        let entries = self.meta.sequence;
        let end = Head::end(self.base_sequence, entries, self.at, self.hash);
        let bytes = end.to_bytes(self.seed);
        write_all(self.file, &bytes, self.at)?;
        Ok(Written { bytes: self.at + bytes.len() as u64, entries })
    }
}
