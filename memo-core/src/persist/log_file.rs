//! Creates the log of a process, or continues one that an earlier process left.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::file_name::{Name, publish, remove};
use super::fs::{File, Fs, write_all};
use super::header::{self, FORMAT, FileHeader, Kind, Stated, random_salt};
use super::identity::Identity;
use super::log_reader::LogReader;
use super::queue::QueueTarget;
use super::record::WallMillis;
use super::state::SlotLog;
use super::wal::LogFile;
use crate::error::Error;
use crate::platform::clock;

/// The directory of a store, and whose results it holds.
#[derive(Clone, Copy)]
pub(crate) struct StoreDirectory<'a> {
    pub(crate) fs: &'a dyn Fs,
    /// The path.
    pub(crate) dir: &'a Path,
    /// See [`Place::base`](super::place::Place::base).
    pub(crate) base: &'a Path,
    pub(crate) identity: &'a Identity,
}

/// What the header of a new file states, besides what its directory says.
pub(crate) struct NewFile {
    pub(crate) kind: Kind,
    pub(crate) number: u64,
    pub(crate) base_sequence: u64,
    pub(crate) high_water: WallMillis,
    pub(crate) logs: Vec<Stated>,
}

impl StoreDirectory<'_> {
    pub(crate) fn header(&self, new: NewFile) -> FileHeader {
        let NewFile { kind, number, base_sequence, high_water, logs } = new;
        let written = clock::wall();
        FileHeader {
            kind,
            identity: self.identity.clone(),
            salt: random_salt(),
            number,
            base_sequence,
            logs,
            high_water: high_water.max(written),
            written,
        }
    }

    /// Creates a log. Its header and its name are durable when this returns, before any record is appended.
    ///
    /// # Errors
    /// The errors of the system. The log does not exist then.
    pub(crate) fn create_log(&self, new: NewFile) -> Result<(LogFile, QueueTarget), Error> {
        let Self { fs, dir, .. } = *self;
        let number = new.number;
        let header = self.header(new);
        let (temporary, name) = (Name::TempLog(number), Name::Log(number));
        let path = temporary.at(dir);
        remove(fs, dir, temporary)?;
        let bytes = header.to_bytes();
        let made = fs.create(&path).and_then(|file| {
            write_all(&*file, &bytes, 0)?;
            file.sync()?;
            publish(fs, dir, temporary, name)?;
            fs.sync_dir(dir)?;
            Ok(file)
        });
        let file: Arc<dyn File> = made.map_err(|e| {
            let _ = remove(fs, dir, temporary);
            if e.kind() != io::ErrorKind::AlreadyExists {
                // After a rename that is not durable, the log must not be found beside the next one.
                let _ = remove(fs, dir, name);
            }
            Error::io("create", name.at(dir), &e)
        })?;
        let len = bytes.len() as u64;
        let log = LogFile { number, path: name.at(dir), file, len };
        Ok((log, QueueTarget { log: number, seed: header.seed(), at: len, removals: 0 }))
    }

    /// Continues the log of a slot whose process has ended, if that left it whole. `reader` has read it.
    pub(crate) fn adopt_log(
        &self,
        slot: SlotLog,
        reader: Option<&LogReader>,
    ) -> Option<(LogFile, QueueTarget)> {
        let reader = reader?;
        let number = reader.number;
        let path = Name::Log(number).at(self.dir);
        let file = self.fs.open_to_write(&path).ok()?;
        let size = file.size().ok()?;
        // Records of this format do not belong into a log of a later one that this version can read.
        let is_own_format = header::format(&*file).is_ok_and(|format| format == FORMAT);
        if size != slot.len || !reader.is_complete(size) || !is_own_format {
            return None;
        }
        let log = LogFile { number, path, file, len: size };
        let LogReader { seed, removals, .. } = *reader;
        Some((log, QueueTarget { log: number, seed, at: size, removals }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::fs_mem::MemFs;

    #[test]
    fn a_new_log_takes_the_place_of_no_other() {
        let (fs, dir) = (MemFs::new(), Path::new("/d"));
        fs.create_dir(dir, Path::new("")).unwrap();
        let identity = Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 };
        let directory = StoreDirectory { fs: &fs, dir, base: Path::new(""), identity: &identity };
        let create = || {
            let (kind, logs) = (Kind::Log, Vec::new());
            let new = NewFile { kind, number: 1, base_sequence: 0, high_water: 0, logs };
            directory.create_log(new).map(|(log, _)| log.path)
        };
        let first = create().unwrap();
        let bytes = fs.get(&first);
        let refused = create().unwrap_err();
        assert!(matches!(refused, Error::Io { .. }), "{refused}");
        assert_eq!(fs.get(&first), bytes);
        assert_eq!(fs.list(dir).unwrap().len(), 1);
    }
}
