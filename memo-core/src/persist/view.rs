//! What one process has read of a directory: the open files, and where the newest record of each key is.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contents::Contents;
use super::frame::ChecksumSeed;
use super::fs::File;
use super::header::{MAX_HEADER, MAX_STATED, Stated};
use super::index::{Index, Lookup, Position};
use super::key_hash::key_hash;
use super::listing::{Listing, Source};
use super::log_reader::{Change, LogReader, MANY_REMOVALS};
use super::loss::{Loss, Recovery};
use super::quarantine::Cleanup;
use super::record::{Record, WallMillis};
use super::scan::{Event, Scan};
use super::snapshot::{Costs, OVERHEAD, SHARE, Snapshot};
use super::state::SlotLog;
use crate::error::Error;
use crate::platform::clock::{self, Millis};

/// What a process has read of a directory.
pub(crate) struct View {
    /// The random number of this process by which keys are hashed in the index.
    pub(crate) salt: u64,
    /// How far a time in a file may lie ahead of the clock. A later one was written while the clock was wrong.
    pub(crate) tolerance: Millis,
    /// Whether a log or the snapshot has a later one.
    pub(crate) has_future_times: bool,
    pub(crate) index: Index,
    pub(crate) logs: BTreeMap<u64, LogReader>,
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    /// The number of the snapshot, also if it is not complete, or 0.
    pub(crate) snapshot_number: u64,
    /// A snapshot that is not complete, whose records are in the index.
    incomplete: Option<(Arc<dyn File>, ChecksumSeed)>,
    /// The number of removals that were read since the snapshot.
    pub(crate) ended: u64,
    /// The highest sequence that was read.
    pub(crate) sequence: u64,
    pub(crate) costs: Costs,
    /// What was read and lost since the directory was opened.
    pub(crate) recovery: Recovery,
    /// The hashes of keys whose record was found damaged when it was read, so that each counts once.
    damaged: HashSet<u64>,
}

/// A removal that was read from a log.
#[derive(Debug, PartialEq, Eq)]
pub enum Removal {
    /// The value of the key was removed.
    Key(Box<[u8]>),
    /// All values were.
    All,
}

/// Where a record may be.
pub(crate) enum Location {
    /// At this position, in a file with that seed.
    At(Arc<dyn File>, ChecksumSeed, Position),
    /// In this snapshot, if its `since` is at least this.
    Snapshot(Arc<Snapshot>, u64),
    Nowhere,
}

impl View {
    /// Makes a view of an empty directory.
    pub(crate) fn new(salt: u64, tolerance: Millis) -> Self {
        Self {
            salt,
            tolerance,
            has_future_times: false,
            index: Index::default(),
            logs: BTreeMap::new(),
            snapshot: None,
            snapshot_number: 0,
            incomplete: None,
            ended: 0,
            sequence: 0,
            costs: Costs::default(),
            recovery: Recovery::default(),
            damaged: HashSet::new(),
        }
    }

    /// Reads what is in a directory. `committed`: the logs of processes that may be writing, and how far they count.
    /// Returns also what to do with the files that do not count.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn read(
        dir: &Path,
        listing: Listing,
        committed: &[SlotLog],
        salt: u64,
        tolerance: Millis,
    ) -> Result<(Self, Cleanup), Error> {
        let Listing { logs, snapshots, newest: _, losses, mut cleanup, .. } = listing;
        let mut view = Self::new(salt, tolerance);
        for (name, loss) in losses {
            match loss {
                Loss::BadFile | Loss::Unreadable => {
                    view.recovery.damaged(name.at(dir), 0, loss);
                }
                _ => view.recovery.note(loss),
            }
        }
        let mut merged = Vec::new();
        let mut snapshots = snapshots.into_iter().rev();
        if let Some(newest) = snapshots.next() {
            merged.clone_from(&newest.header.logs);
            view.use_snapshot(dir, &newest, &mut cleanup)?;
        }
        // The logs between an older snapshot and the newest are gone, and with them what they removed.
        cleanup.remove.extend(snapshots.map(|older| older.name));
        let durable: Vec<(Stated, u64)> = logs
            .iter()
            .flat_map(|log| {
                log.header.logs.iter().map(|stated| (*stated, log.header.base_sequence))
            })
            .collect();
        for source in &logs {
            let from = merged.iter().find(|stated| stated.log == source.number);
            if from.is_none() && source.number < view.snapshot_number {
                cleanup.remove.push(source.name);
                continue;
            }
            let live = committed.iter().find(|slot| slot.log == source.number);
            view.open_log(dir, source, from.copied());
            view.read_log(source.number, live.map_or(source.size, |slot| slot.len), &mut |_| ())?;
            if live.is_none() {
                view.check_whole(source, &durable, &mut cleanup);
                view.drop_merged(source, from.map_or(0, |from| from.len), &mut cleanup);
            }
        }
        Ok((view, cleanup))
    }

    /// Drops a log that nobody writes any more and of which the snapshot has all, from the offset 0 to `from`.
    fn drop_merged(&mut self, source: &Source, from: u64, cleanup: &mut Cleanup) {
        if from > source.start && self.logs.get(&source.number).is_some_and(|l| l.read_to <= from) {
            self.logs.remove(&source.number);
            cleanup.remove.push(source.name);
        }
    }

    fn use_snapshot(
        &mut self,
        dir: &Path,
        source: &Source,
        cleanup: &mut Cleanup,
    ) -> Result<(), Error> {
        let failed = |e| Error::io("read", source.name.at(dir), &e);
        self.snapshot_number = source.number;
        let horizon = source.header.base_sequence;
        self.index = Index::new(horizon);
        self.sequence = self.sequence.max(horizon);
        self.note_time(source.header.high_water, || source.name.at(dir));
        if let Some(snapshot) = Snapshot::open(source).map_err(failed)? {
            self.costs = snapshot.costs;
            self.snapshot = Some(Arc::new(snapshot));
            return Ok(());
        }
        self.recovery.damaged(source.name.at(dir), 0, Loss::BadFile);
        cleanup.copy.push(source.name);
        self.incomplete = Some((Arc::clone(&source.file), source.header.seed()));
        let Source { file, header, start, size, .. } = source;
        let mut scan = Scan::unordered(&**file, header.seed(), *start, *size);
        loop {
            let at = scan.at();
            let Some(event) = scan.next().map_err(failed)? else { return Ok(()) };
            let Event::Record(head, Record::Put { key, .. }) = event else { continue };
            let len = u32::try_from(head.total()).unwrap_or(u32::MAX);
            let position = Position { log: source.number, at, len };
            self.sequence = self.sequence.max(head.sequence);
            let hash = key_hash(self.salt, key);
            self.index.restore(hash, head.sequence, head.since, position);
        }
    }

    /// Begins to read a log. `from`: what the snapshot has of it.
    pub(crate) fn open_log(&mut self, dir: &Path, source: &Source, from: Option<Stated>) {
        let header = &source.header;
        self.sequence = self.sequence.max(header.base_sequence);
        self.note_time(header.high_water, || source.name.at(dir));
        let reader = LogReader::new(source, source.name.at(dir), from);
        self.logs.insert(source.number, reader);
    }

    /// Reads a log up to the offset `limit`. Passes on what was removed.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn read_log(
        &mut self,
        number: u64,
        limit: u64,
        removed: &mut dyn FnMut(Removal),
    ) -> Result<(), Error> {
        let latest = clock::wall().saturating_add(self.tolerance);
        let Self { salt, index, logs, ended, sequence, costs, recovery, .. } = self;
        let Some(reader) = logs.get_mut(&number) else { return Ok(()) };
        let (mut high_water, mut future, mut records) = (0, 0, 0);
        let read = reader.read(limit, recovery, &mut |change| {
            records += 1;
            match change {
                Change::Put(head, position, record) => {
                    let known = if head.created > latest { &mut future } else { &mut high_water };
                    *known = head.created.max(*known);
                    *sequence = (*sequence).max(head.sequence);
                    costs.add(&record);
                    if let Record::Put { key, .. } = record {
                        index.put(key_hash(*salt, key), head.sequence, head.since, position);
                    }
                }
                Change::Remove(key, at) => {
                    *ended += 1;
                    *sequence = (*sequence).max(at);
                    index.remove(key_hash(*salt, key), at);
                    removed(Removal::Key(key.into()));
                }
                Change::Clear(at) => {
                    *sequence = (*sequence).max(at);
                    index.clear(at);
                    removed(Removal::All);
                }
            }
        });
        recovery.records += records;
        let path = reader.path.clone();
        self.note_time(high_water, PathBuf::new);
        self.note_time(future, || path);
        read
    }

    /// Notes a time in a file: by then the clock had reached it, unless it was wrong.
    fn note_time(&mut self, at: WallMillis, path: impl FnOnce() -> PathBuf) {
        if at <= clock::wall().saturating_add(self.tolerance) {
            self.recovery.high_water = self.recovery.high_water.max(at);
        } else if !std::mem::replace(&mut self.has_future_times, true) {
            self.recovery.damaged(path(), 0, Loss::FutureTime);
        }
    }

    /// Removes the puts of a key that began before `sequence`.
    pub(crate) fn remove(&mut self, hash: u64, sequence: u64) {
        self.ended += 1;
        self.index.remove(hash, sequence);
    }

    /// Notes if the end of a log is missing that nobody writes any more, or if bytes in it are damaged. `durable`: what
    /// later logs state, and the highest sequence when they were begun.
    fn check_whole(&mut self, source: &Source, durable: &[(Stated, u64)], cleanup: &mut Cleanup) {
        let Some(reader) = self.logs.get(&source.number) else { return };
        let is_missing =
            |stated: &Stated| stated.log == source.number && reader.read_to < stated.len;
        let missing = durable.iter().filter(|(stated, _)| is_missing(stated));
        let lost_to = missing.map(|(_, sequence)| *sequence).max();
        let is_cut = lost_to.is_some();
        if reader.has_gap || is_cut {
            cleanup.copy.push(source.name);
        }
        if let Some(lost_to) = lost_to {
            // What is missing may have removed any entry.
            self.recovery.damaged(reader.path.clone(), reader.read_to, Loss::CutShort);
            self.index.clear(lost_to);
            self.sequence = self.sequence.max(lost_to);
        } else if reader.is_torn {
            self.recovery.note(Loss::TornTail);
        }
    }

    /// Returns where the record of a key with that hash may be.
    pub(crate) fn locate(&self, hash: u64) -> Location {
        let least = match self.index.get(hash) {
            Lookup::Elsewhere(least) => least,
            Lookup::At(position) => match self.file_of(position) {
                Some((file, seed)) => return Location::At(file, seed, position),
                // The log is gone because a snapshot has its records.
                None => 0,
            },
        };
        match &self.snapshot {
            Some(snapshot) => Location::Snapshot(Arc::clone(snapshot), least),
            None => Location::Nowhere,
        }
    }

    /// Notes that nothing in a log that this process has ended is new.
    pub(crate) fn mark_whole(&mut self, log: u64) {
        let size = self.logs.get(&log).and_then(|reader| reader.file.size().ok());
        self.mark_own(log, size.unwrap_or_default());
    }

    /// Notes that this process has written its own log up to `len`, so that nothing in it is new.
    pub(crate) fn mark_own(&mut self, log: u64, len: u64) {
        if let Some(reader) = self.logs.get_mut(&log) {
            reader.skip_to(len);
        }
    }

    /// Returns the file that a position is in.
    pub(crate) fn file_of(&self, position: Position) -> Option<(Arc<dyn File>, ChecksumSeed)> {
        if position.log == self.snapshot_number {
            return self.incomplete.clone();
        }
        let reader = self.logs.get(&position.log)?;
        Some((Arc::clone(&reader.file), reader.seed))
    }

    /// Returns the length in bytes of what the logs hold and no snapshot has, as far as it was read. `own`: the log
    /// that this process writes, and its length.
    pub(crate) fn unmerged_bytes(&self, own: Option<(u64, u64)>) -> u64 {
        let unmerged =
            |log: &LogReader| log_len(log, own).saturating_sub(self.merged_len(log.number));
        self.logs.values().map(unmerged).sum()
    }

    /// Returns how many bytes of a log the snapshot has.
    pub(crate) fn merged_len(&self, log: u64) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.merged_len(log))
    }

    /// Returns the length in bytes of the records that count, or somewhat more.
    pub(crate) fn bytes(&self) -> u64 {
        let snapshot = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.len);
        snapshot + self.index.puts().map(|(_, at)| u64::from(at.len)).sum::<u64>()
    }

    /// Returns the length in bytes of a snapshot of all records, or somewhat more.
    pub(crate) fn snapshot_bytes(&self) -> u64 {
        self.bytes() + self.snapshot_overhead() + self.index.len() as u64 * SHARE
    }

    /// Returns how many bytes a snapshot has besides records and their shares of index and filter, or somewhat more.
    pub(crate) fn snapshot_overhead(&self) -> u64 {
        (MAX_HEADER + OVERHEAD) as u64
    }

    /// Returns the length in bytes of all files that are read. `own`: as in [`Self::unmerged_bytes`].
    pub(crate) fn file_bytes(&self, own: Option<(u64, u64)>) -> u64 {
        let snapshot = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.len);
        snapshot + self.logs.values().map(|log| log_len(log, own)).sum::<u64>()
    }

    /// Returns whether more than half of what the files hold, less `least` bytes, does not count any more. Assumes that
    /// each removal ends a record of average length.
    pub(crate) fn is_mostly_dead(&self, least: u64) -> bool {
        let bytes = self.bytes() + self.unmerged_bytes(None);
        let live = self.bytes().saturating_sub(self.ended * self.bytes() / self.puts().max(1));
        bytes > 2 * live + least
    }

    /// Returns the records that count now.
    pub(crate) fn contents(&self) -> Contents {
        let mut puts: Vec<_> = self
            .index
            .puts()
            .filter_map(|(_, position)| {
                let (file, seed) = self.file_of(position)?;
                Some((position, file, seed))
            })
            .collect();
        puts.sort_unstable_by_key(|(position, ..)| (position.log, position.at));
        let (salt, index, snapshot) = (self.salt, self.index.clone(), self.snapshot.clone());
        Contents { salt, index, snapshot, puts }
    }

    /// Returns whether `later` has read another directory, which was created again at the same path.
    fn is_replaced_by(&self, later: &Self) -> bool {
        let is_other = |reader: &LogReader| {
            later.logs.get(&reader.number).is_some_and(|other| other.seed != reader.seed)
        };
        let snapshots = self.snapshot.as_ref().zip(later.snapshot.as_ref());
        let has_other_snapshot = snapshots.is_some_and(|(own, other)| {
            own.header.number == other.header.number && own.header.salt != other.header.salt
        });
        has_other_snapshot || self.logs.values().any(is_other)
    }

    /// Returns what was removed between this view and `later`, which has read the directory after it.
    ///
    /// # Errors
    /// A log cannot be read.
    pub(crate) fn removed_until(&mut self, later: &Self) -> Result<Vec<Removal>, Error> {
        if self.is_replaced_by(later) {
            return Ok(vec![Removal::All]);
        }
        if self.snapshot_number != later.snapshot_number {
            let snapshot = later.snapshot.as_deref();
            if snapshot.is_none_or(|snapshot| self.may_miss_removal(snapshot)) {
                return Ok(vec![Removal::All]);
            }
        } else if self.logs.keys().any(|log| !later.logs.contains_key(log)) {
            return Ok(vec![Removal::All]);
        }
        let mut removed = Vec::new();
        for (number, reader) in &later.logs {
            self.logs.entry(*number).or_insert_with(|| reader.restarted());
            self.read_log(*number, reader.read_to, &mut |removal| removed.push(removal))?;
        }
        Ok(removed)
    }

    /// Returns whether a newer snapshot may have a removal that was not read.
    pub(crate) fn may_miss_removal(&self, snapshot: &Snapshot) -> bool {
        let stated = &snapshot.header.logs;
        let is_cut = stated.len() >= MAX_STATED
            && stated.first().is_some_and(|first| first.log > self.snapshot_number);
        is_cut
            || stated.iter().any(|end| match self.logs.get(&end.log) {
                Some(reader) => reader.may_miss_removal(end),
                // The snapshot of this view has all of it, or it is new.
                None => {
                    end.log > self.snapshot_number
                        && (end.removals != 0 || end.len >= MANY_REMOVALS)
                }
            })
    }

    /// Notes that the record that was found for a key with that hash is damaged.
    pub(crate) fn note_damage(&mut self, hash: u64, path: PathBuf) {
        if self.damaged.insert(hash) {
            self.recovery.damaged(path, 0, Loss::BadRecord);
        }
    }

    /// Notes that a part of the filter of a snapshot is damaged.
    pub(crate) fn note_bad_filter(&mut self, path: PathBuf) {
        self.recovery.damaged(path, 0, Loss::BadFilter);
    }

    /// Returns the number of puts in the snapshot and of those in logs that count.
    pub(crate) fn puts(&self) -> u64 {
        self.index.len() as u64 + self.snapshot.as_ref().map_or(0, |snapshot| snapshot.entries())
    }

    /// Returns the number of records that count, or somewhat more: those in the snapshot that a log replaces count
    /// twice.
    pub(crate) fn entries(&self) -> u64 {
        // A clear is newer than the records of the snapshot.
        let snapshot = self.snapshot.as_ref().filter(|_| !self.index.is_cleared());
        self.index.len() as u64 + snapshot.map_or(0, |snapshot| snapshot.entries())
    }

    /// Changes to a new snapshot. Records that it contains are forgotten, and so are logs that it contains and that
    /// nobody writes any more.
    pub(crate) fn change_snapshot(&mut self, snapshot: &Arc<Snapshot>, live: &[SlotLog]) {
        let header = &snapshot.header;
        self.index.merged(header.base_sequence, |at| at.at < snapshot.merged_len(at.log));
        self.logs.retain(|log, reader| {
            live.iter().any(|slot| slot.log == *log) || reader.read_to > snapshot.merged_len(*log)
        });
        self.ended = 0;
        self.has_future_times = false;
        self.costs = snapshot.costs;
        self.snapshot_number = header.number;
        self.incomplete = None;
        self.snapshot = Some(Arc::clone(snapshot));
    }

    /// Changes to what was read anew. What was lost before stays in the reports.
    pub(crate) fn replace(&mut self, fresh: Self) {
        let before = std::mem::take(&mut self.recovery);
        let damaged = std::mem::take(&mut self.damaged);
        *self = Self { damaged, ..fresh };
        if before.records > 0 || !before.discarded.is_empty() {
            let high_water = self.recovery.high_water.max(before.high_water);
            self.recovery = Recovery { high_water, ..before };
        }
    }
}

/// Returns the length of a log. `own`: the log that this process writes, and its length.
fn log_len(log: &LogReader, own: Option<(u64, u64)>) -> u64 {
    match own {
        Some((number, len)) if number == log.number => len,
        _ => log.read_to,
    }
}
