//! Generations. A generation is the number of a log, and of the snapshot of everything before that log. The log is
//! begun first. When the snapshot is written, the older files are removed.

use std::path::Path;
use std::sync::Arc;

use super::durability::Durability;
use super::file_name::{Name, by_age};
use super::frame::ChecksumSeed;
use super::fs::{File, Fs, write_all};
use super::header::{FileHeader, Kind, Predecessor, random_salt};
use super::identity::Identity;
use super::quarantine::remove;
use super::queue::Base;
use super::record::WallMillis;
use super::recovery::Recovered;
use super::snapshot::{self, Entries, Written};
use super::wal::{LogFile, Wal};
use crate::error::Error;
use crate::platform::clock;

/// The current generation and the older files.
pub(crate) struct Generations {
    /// The last number that was given to a generation, even if its log could not be created.
    pub(crate) last: u64,
    /// The generation of the current log.
    pub(crate) current: u64,
    /// The position in the history of changes at which the current log began.
    pub(crate) base: Base,
    /// What the header of the next log states about the log before it, if the current log could not be created.
    pub(crate) predecessor: Predecessor,
    /// Files that the next snapshot replaces.
    pub(crate) older: Vec<Name>,
    /// Whether the current log was begun for a snapshot that is not written yet, by a checkpoint or by
    /// [`Self::secure_removal`]. The next checkpoint then uses this log, unless it is broken.
    pub(crate) awaits_snapshot: bool,
    /// Whether all files were removed.
    pub(crate) emptied: Emptied,
}

/// Whether all files were removed, because no log could take an invalidation. A new log sets this to `No`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emptied {
    No,
    /// The removal has begun. Some files may be left.
    Partly,
    /// All files are removed, durably.
    Wholly,
}

/// The directory of a store, and whose results it holds.
pub(crate) struct StoreDirectory<'a> {
    pub(crate) fs: &'a dyn Fs,
    /// The path.
    pub(crate) dir: &'a Path,
    pub(crate) identity: &'a Identity,
}

impl StoreDirectory<'_> {
    fn header(
        &self,
        kind: Kind,
        generation: u64,
        base: Base,
        predecessor: Predecessor,
        high_water: WallMillis,
    ) -> FileHeader {
        let written = clock::wall();
        FileHeader {
            kind,
            identity: self.identity.clone(),
            salt: random_salt(),
            generation,
            base_sequence: base.sequence,
            base_removals: base.removals,
            predecessor,
            high_water: high_water.max(written),
            written,
        }
    }

    /// Creates a log. Its header and its name are durable when this returns, before any record is appended.
    pub(crate) fn create_log(
        &self,
        generation: u64,
        base: Base,
        predecessor: Predecessor,
        high_water: WallMillis,
    ) -> Result<(LogFile, ChecksumSeed), Error> {
        let Self { fs, dir, .. } = *self;
        let header = self.header(Kind::Log, generation, base, predecessor, high_water);
        let (temporary, name) = (Name::TempLog(generation), Name::Log(generation));
        let path = temporary.at(dir);
        remove(fs, dir, temporary)?;
        let bytes = header.to_bytes();
        let made = fs.create(&path).and_then(|file| {
            write_all(&*file, &bytes, 0)?;
            file.sync()?;
            fs.rename(&path, &name.at(dir))?;
            fs.sync_dir(dir)?;
            Ok(file)
        });
        let file: Arc<dyn File> = made.map_err(|e| {
            let _ = remove(fs, dir, temporary);
            Error::io("create", name.at(dir), &e)
        })?;
        Ok((
            LogFile { generation, path: name.at(dir), file, len: bytes.len() as u64 },
            header.seed(),
        ))
    }
}

impl Generations {
    /// Makes a checkpoint: begins a new log if needed, writes a snapshot of `entries`, and removes the older files.
    pub(crate) fn checkpoint(
        &mut self,
        directory: &StoreDirectory<'_>,
        wal: &Wal,
        entries: &mut Entries<'_>,
    ) -> Result<Written, Error> {
        if !self.awaits_snapshot || wal.is_broken() {
            self.begin(directory, wal)?;
            self.awaits_snapshot = true;
        } else {
            // Recovery replays this log over the snapshot. The snapshot may reflect a change whose record is still
            // queued. If that record were missing, an earlier record in the log would undo the change.
            wal.write_out()?;
        }
        let (_, high_water) = wal.base();
        let header = directory.header(
            Kind::Snapshot,
            self.current,
            self.base,
            Predecessor::default(),
            high_water,
        );
        let written = snapshot::write(directory.fs, directory.dir, &header, entries)?;
        self.awaits_snapshot = false;
        wal.snapshot_finished();
        self.older.retain(|name| remove(directory.fs, directory.dir, *name).is_err());
        self.older.push(Name::Snapshot(self.current));
        Ok(written)
    }

    /// Begins the log of a new generation and switches to it.
    fn begin(&mut self, directory: &StoreDirectory<'_>, wal: &Wal) -> Result<(), Error> {
        self.last += 1;
        let generation = self.last;
        let (base, high_water) = wal.base();
        let predecessor = wal.predecessor().unwrap_or(self.predecessor);
        let begun = directory
            .create_log(generation, base, predecessor, high_water)
            .and_then(|(log, seed)| wal.switch(log, seed));
        match begun {
            Ok(base) => {
                let previous = std::mem::replace(&mut self.current, generation);
                self.older.push(Name::Log(previous));
                self.base = base;
                self.emptied = Emptied::No;
                Ok(())
            }
            Err(error) => {
                // If the new log stayed, recovery would read it between the current log and the next one.
                if remove(directory.fs, directory.dir, Name::Log(generation)).is_err() {
                    self.older.push(Name::Log(generation));
                }
                Err(error)
            }
        }
    }

    /// Makes the pending removals of the broken log durable in a new log. If that fails, removes all logs and
    /// snapshots, so that recovery cannot bring back an invalidated entry.
    pub(crate) fn secure_removal(
        &mut self,
        directory: &StoreDirectory<'_>,
        wal: &Wal,
    ) -> Result<(), Error> {
        if self.emptied == Emptied::Wholly {
            return Ok(());
        }
        match self.begin(directory, wal) {
            Ok(()) => {
                self.awaits_snapshot = true;
                Ok(())
            }
            Err(_) => self.remove_all(directory),
        }
    }

    /// Removes all logs and snapshots, the oldest first. Each removal is synced before the next: if a newer file were
    /// gone and an older one left, the entries that the newer one invalidated would come back.
    fn remove_all(&mut self, directory: &StoreDirectory<'_>) -> Result<(), Error> {
        let StoreDirectory { fs, dir, .. } = *directory;
        let names = by_age(fs, dir)?;
        self.emptied = Emptied::Partly;
        // Earlier removals, by a checkpoint, may not be durable yet.
        let mut synced = fs.sync_dir(dir);
        for name in names {
            if !matches!(name, Name::Log(_) | Name::Snapshot(_)) {
                continue;
            }
            remove(fs, dir, name)?;
            synced = synced.and(fs.sync_dir(dir));
        }
        synced.map_err(|e| Error::io("sync", dir, &e))?;
        self.emptied = Emptied::Wholly;
        Ok(())
    }

    /// Returns the number of logs that a recovery would read.
    pub(crate) fn logs(&self) -> usize {
        1 + self.older.iter().filter(|name| matches!(name, Name::Log(_))).count()
    }
}

/// Begins the log of a new generation. Then, once that log is durable, sets aside the files that recovery did not use.
pub(crate) fn begin(
    directory: &StoreDirectory<'_>,
    durability: Durability,
    recovered: &Recovered,
) -> (Wal, Generations) {
    let Recovered { recovery, newest, sequence, removals, predecessor, kept, cleanup, .. } =
        recovered;
    let base = Base { sequence: *sequence, removals: *removals };
    let generation = newest + 1;
    let synced = sync_kept(directory, kept);
    let mut predecessor = *predecessor;
    if synced.is_err() {
        predecessor.durable_len = 0;
    }
    let log = directory.create_log(generation, base, predecessor, recovery.high_water);
    let begun = log.is_ok();
    let wal = Wal::new(durability, base, recovery.high_water, log);
    let cleaned = if begun { cleanup.run(directory.fs, directory.dir) } else { Ok(()) };
    if let Err(error) = &synced {
        wal.backoff.count(error);
        wal.backoff.back_off();
    }
    if let Err(error) = &cleaned {
        wal.backoff.count(error);
    }
    let generations = Generations {
        last: generation,
        current: generation,
        base,
        predecessor: if begun { Predecessor::default() } else { predecessor },
        older: kept.clone(),
        awaits_snapshot: false,
        emptied: Emptied::No,
    };
    (wal, generations)
}

/// Syncs the logs of earlier processes. An earlier process may have ended before it synced its last records: without
/// this sync, they would stay at risk for longer than the interval. Then the header of the next log can also state how
/// much of the last log is durable.
fn sync_kept(directory: &StoreDirectory<'_>, kept: &[Name]) -> Result<(), Error> {
    for name in kept.iter().filter(|name| matches!(name, Name::Log(_))) {
        let path = name.at(directory.dir);
        let synced = directory.fs.open(&path).and_then(|file| file.sync());
        synced.map_err(|e| Error::io("sync", path, &e))?;
    }
    Ok(())
}
