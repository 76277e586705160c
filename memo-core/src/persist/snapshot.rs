//! Writes all entries to a file that replaces what came before.

use std::path::Path;

use crate::platform::crc32c::crc32c_append;

use super::file_name::Name;
use super::frame::{self, Head, Place, Seed};
use super::fs::{File, Fs, write_all};
use super::header::FileHeader;
use super::quarantine::remove;
use super::record::Record;
use crate::error::Error;

const CHUNK: usize = 256 << 10;

/// Calls its argument with each entry as a [`Record::Put`], least recently used first, until that returns false.
pub type Entries<'a> = dyn FnMut(&mut dyn FnMut(Record<'_>) -> bool) + 'a;

/// A snapshot in its place.
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
}

/// Writes a snapshot under a temporary name, and gives it its name once it is durable.
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
    seed: Seed,
    place: Place,
    base_sequence: u64,
    buffer: Vec<u8>,
    /// Bytes before the buffer.
    at: u64,
    /// Of the bytes after the header.
    hash: u32,
    header_left: usize,
    failed: Option<std::io::Error>,
}

impl<'f> Body<'f> {
    fn new(file: &'f dyn File, header: &FileHeader) -> Self {
        let buffer = header.to_bytes();
        Self {
            file,
            seed: header.seed(),
            place: Place { sequence: 0, removals: 0, repeated: false, replaces: false },
            base_sequence: header.base_sequence,
            header_left: buffer.len(),
            buffer,
            at: 0,
            hash: 0,
            failed: None,
        }
    }

    /// Adds an entry; false when there is no point in adding more.
    fn add(&mut self, record: &Record<'_>) -> bool {
        if matches!(record, Record::Put { .. }) && frame::fits(record) {
            self.place.sequence += 1;
            frame::encode(&mut self.buffer, self.seed, self.place, record);
            if self.buffer.len() >= CHUNK && self.failed.is_none() {
                self.failed = self.spill().err();
            }
        }
        self.failed.is_none()
    }

    fn spill(&mut self) -> std::io::Result<()> {
        write_all(self.file, &self.buffer, self.at)?;
        let hashed = std::mem::take(&mut self.header_left);
        self.hash = crc32c_append(self.hash, &self.buffer[hashed..]);
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn end(mut self) -> std::io::Result<Written> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        self.spill()?;
        let entries = self.place.sequence;
        let end = Head::end(self.base_sequence, entries, self.at, self.hash);
        let bytes = end.to_bytes(self.seed);
        write_all(self.file, &bytes, self.at)?;
        Ok(Written { bytes: self.at + bytes.len() as u64, entries })
    }
}
