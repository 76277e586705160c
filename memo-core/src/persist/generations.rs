//! Generations: a log begins, a snapshot of all entries follows, what came before goes.

use std::path::Path;
use std::sync::Arc;

use super::durability::Durability;
use super::file_name::{Name, by_age};
use super::frame::Seed;
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

/// The generation in use and the files from before it.
pub(crate) struct Generations {
    /// The last number given to a generation, whether or not its log came to be.
    pub(crate) last: u64,
    /// The generation of the current log.
    pub(crate) current: u64,
    /// Where history stood when the current log began.
    pub(crate) base: Base,
    /// What a log says of the one before while there is none open.
    pub(crate) predecessor: Predecessor,
    /// Files that the next snapshot makes superfluous.
    pub(crate) older: Vec<Name>,
    /// The current log was begun by a checkpoint whose snapshot failed; the next attempt needs no other log.
    pub(crate) awaits_snapshot: bool,
    pub(crate) emptied: Emptied,
}

/// Were all files removed, since the log could not take an invalidation? A new log ends that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emptied {
    No,
    /// It was begun, and some file may be left.
    Partly,
    Wholly,
}

/// Where files are made, and for whom.
pub(crate) struct Place<'a> {
    pub(crate) fs: &'a dyn Fs,
    pub(crate) dir: &'a Path,
    pub(crate) identity: &'a Identity,
}

impl Place<'_> {
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

    /// Creates a log that is durable, header and name, before anything is appended to it.
    pub(crate) fn create_log(
        &self,
        generation: u64,
        base: Base,
        predecessor: Predecessor,
        high_water: WallMillis,
    ) -> Result<(LogFile, Seed), Error> {
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
    /// Runs a checkpoint.
    pub(crate) fn checkpoint(
        &mut self,
        place: &Place<'_>,
        wal: &Wal,
        entries: &mut Entries<'_>,
    ) -> Result<Written, Error> {
        if !self.awaits_snapshot || wal.is_broken() {
            self.begin(place, wal)?;
            self.awaits_snapshot = true;
        } else {
            // What the snapshot shows must not be undone by an earlier record of this log whose successor is queued.
            wal.write_out()?;
        }
        let (_, high_water) = wal.base();
        let header = place.header(
            Kind::Snapshot,
            self.current,
            self.base,
            Predecessor::default(),
            high_water,
        );
        let written = snapshot::write(place.fs, place.dir, &header, entries)?;
        self.awaits_snapshot = false;
        wal.settle();
        self.older.retain(|name| remove(place.fs, place.dir, *name).is_err());
        self.older.push(Name::Snapshot(self.current));
        Ok(written)
    }

    /// Goes on in a new log.
    fn begin(&mut self, place: &Place<'_>, wal: &Wal) -> Result<(), Error> {
        self.last += 1;
        let generation = self.last;
        let (base, high_water) = wal.base();
        let predecessor = wal.predecessor().unwrap_or(self.predecessor);
        let begun = place
            .create_log(generation, base, predecessor, high_water)
            .and_then(|(log, seed)| wal.switch(log, seed));
        match begun {
            Ok(base) => {
                let before = std::mem::replace(&mut self.current, generation);
                self.older.push(Name::Log(before));
                self.base = base;
                self.emptied = Emptied::No;
                Ok(())
            }
            Err(error) => {
                // It would stand between the current log and the next.
                if remove(place.fs, place.dir, Name::Log(generation)).is_err() {
                    self.older.push(Name::Log(generation));
                }
                Err(error)
            }
        }
    }

    /// Makes what the broken log owes durable in a new log, or removes every file that could bring something back.
    pub(crate) fn secure(&mut self, place: &Place<'_>, wal: &Wal) -> Result<(), Error> {
        if self.emptied == Emptied::Wholly {
            return Ok(());
        }
        match self.begin(place, wal) {
            Ok(()) => {
                self.awaits_snapshot = true;
                Ok(())
            }
            Err(_) => self.empty(place),
        }
    }

    /// Oldest first, each removal durable before the next: were a newer file gone and an older one left, what the newer
    /// one removed would come back.
    fn empty(&mut self, place: &Place<'_>) -> Result<(), Error> {
        let Place { fs, dir, .. } = *place;
        let names = by_age(fs, dir)?;
        self.emptied = Emptied::Partly;
        // What a checkpoint removed before, too.
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

    /// Logs that a recovery would read.
    pub(crate) fn logs(&self) -> usize {
        1 + self.older.iter().filter(|name| matches!(name, Name::Log(_))).count()
    }
}

/// Begins the log of a new generation, and once it is durable sets aside what does not count.
pub(crate) fn begin(
    place: &Place<'_>,
    durability: Durability,
    recovered: &Recovered,
) -> (Wal, Generations) {
    let Recovered { recovery, newest, sequence, removals, predecessor, kept, tidy, .. } = recovered;
    let base = Base { sequence: *sequence, removals: *removals };
    let generation = newest + 1;
    let synced = sync_kept(place, kept);
    let mut predecessor = *predecessor;
    if synced.is_err() {
        predecessor.durable_len = 0;
    }
    let log = place.create_log(generation, base, predecessor, recovery.high_water);
    let begun = log.is_ok();
    let wal = Wal::new(durability, base, recovery.high_water, log);
    let tidied = if begun { tidy.run(place.fs, place.dir) } else { Ok(()) };
    if let Err(error) = &synced {
        wal.backoff.count(error);
        wal.backoff.back_off();
    }
    if let Err(error) = &tidied {
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

/// What the last process wrote and had no time to sync is made durable now, so that its interval does not grow, and the
/// next log can say how long the last one is.
fn sync_kept(place: &Place<'_>, kept: &[Name]) -> Result<(), Error> {
    for name in kept.iter().filter(|name| matches!(name, Name::Log(_))) {
        let path = name.at(place.dir);
        let synced = place.fs.open(&path).and_then(|file| file.sync());
        synced.map_err(|e| Error::io("sync", path, &e))?;
    }
    Ok(())
}
