//! What one process has read of a directory: the open files, and where the newest record of each key is.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contents::Contents;
use super::frame::ChecksumSeed;
use super::fs::File;
use super::header::{MAX_STATED, Stated};
use super::index::{Index, Lookup, Position};
use super::key_hash::key_hash;
use super::listing::Source;
use super::log_reader::{Change, LogReader, MANY_REMOVALS};
use super::loss::{Loss, Recovery};
use super::queue::Ticket;
use super::record::{Record, WallMillis};
use super::retired::Retired;
use super::share::Share;
use super::snapshot::{Costs, Snapshot};
use super::state::SlotLog;
use super::tag_key::tag_of;
use crate::error::Error;
use crate::key::Tag;
use crate::platform::clock::{self, Millis};

/// What a process has read of a directory.
pub(crate) struct View {
    /// The random number of this process by which keys are hashed in the index.
    pub(crate) salt: u64,
    /// The keys whose records are in the index. Only who reads all records, share by share, has less than all.
    pub(crate) share: Share,
    /// Whether what this process commits is in the index too. What it reads of its log again is, in either case.
    pub(crate) has_own: bool,
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
    pub(crate) incomplete: Option<(Arc<dyn File>, ChecksumSeed)>,
    /// The number of removals that were read since the snapshot.
    pub(crate) ended: u64,
    /// The bytes, and the number, of the values kept apart whose puts were read since the snapshot, whether or not
    /// they still count.
    pub(crate) unmerged_apart: u64,
    pub(crate) apart_puts: u64,
    /// The highest sequence that was read.
    pub(crate) sequence: u64,
    pub(crate) costs: Costs,
    /// What was read and lost since the directory was opened.
    pub(crate) recovery: Recovery,
    /// The hashes of keys whose record was found damaged when it was read, so that each counts once.
    damaged: HashSet<u64>,
    pub(crate) retired: Retired,
    /// Whether files may be there that are not read any more.
    pub(crate) may_have_leftovers: bool,
    /// The bytes of values that are kept apart, which the former snapshot had and this one has not.
    pub(crate) apart_leaving: u64,
}

/// A removal that was read from a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// The value of the key was removed.
    Key(Box<[u8]>),
    /// All values with the tag were.
    Tag(Tag),
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
    /// Makes a view of an empty directory. `share`: the keys whose records will be in the index.
    pub(crate) fn new(share: Share, salt: u64, tolerance: Millis) -> Self {
        Self {
            salt,
            share,
            has_own: true,
            tolerance,
            has_future_times: false,
            index: Index::default(),
            logs: BTreeMap::new(),
            snapshot: None,
            snapshot_number: 0,
            incomplete: None,
            ended: 0,
            unmerged_apart: 0,
            apart_puts: 0,
            sequence: 0,
            costs: Costs::default(),
            recovery: Recovery::default(),
            damaged: HashSet::new(),
            retired: Retired::default(),
            may_have_leftovers: true,
            apart_leaving: 0,
        }
    }

    /// Returns a view that has read nothing, for another look at the same directory.
    pub(crate) fn emptied(&self) -> Self {
        Self { has_own: self.has_own, ..Self::new(self.share, self.salt, self.tolerance) }
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
        let Self { salt, share, index, logs, ended, sequence, costs, recovery, .. } = self;
        let (unmerged_apart, apart_puts) = (&mut self.unmerged_apart, &mut self.apart_puts);
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
                    *unmerged_apart += position.apart();
                    *apart_puts += u64::from(position.apart() > 0);
                    let Record::Put { key, .. } = record else { return };
                    let hash = key_hash(*salt, key);
                    if share.has(hash) {
                        index.put(hash, head.sequence, head.since, position);
                    }
                }
                Change::Remove(key, at) => {
                    *ended += 1;
                    *sequence = (*sequence).max(at);
                    let hash = key_hash(*salt, key);
                    let tag = tag_of(key);
                    // Tags end puts of every share.
                    if tag.is_some() || share.has(hash) {
                        index.remove(hash, at);
                    }
                    removed(tag.map_or_else(|| Removal::Key(key.into()), Removal::Tag));
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
    pub(crate) fn note_time(&mut self, at: WallMillis, path: impl FnOnce() -> PathBuf) {
        if at <= clock::wall().saturating_add(self.tolerance) {
            self.recovery.high_water = self.recovery.high_water.max(at);
        } else if !std::mem::replace(&mut self.has_future_times, true) {
            self.recovery.damaged(path(), 0, Loss::FutureTime);
        }
    }

    /// Removes the puts of a key that began before `sequence`.
    /// `horizon`: what the page says since the removal has its number.
    pub(crate) fn remove(&mut self, horizon: u64, hash: u64, sequence: u64) {
        self.index.note_horizon(horizon);
        self.ended += 1;
        if self.share.has(hash) {
            self.index.remove(hash, sequence);
        }
    }

    /// Returns where the record of a key with that hash may be.
    pub(crate) fn locate(&self, hash: u64) -> Location {
        let least = match self.index.get(hash) {
            Lookup::Elsewhere(least) => least,
            Lookup::At(position) => match self.file_of(position) {
                Some((file, seed)) => return Location::At(file, seed, position),
                // The log is gone because a snapshot has its records, or it was begun at this moment.
                None => self.index.removed(hash),
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

    /// Adds a put that this process has committed. `horizon`: what the page says since.
    pub(crate) fn put(&mut self, horizon: u64, hash: u64, ticket: Ticket) {
        let Ticket { sequence, since, position, .. } = ticket;
        self.index.note_horizon(horizon);
        self.unmerged_apart += position.apart();
        self.apart_puts += u64::from(position.apart() > 0);
        if self.has_own && self.share.has(hash) {
            self.index.put(hash, sequence, since, position);
        }
    }

    /// Returns the records that count now.
    pub(crate) fn contents(&self) -> Contents {
        self.contents_of(self.index.clone())
    }

    /// Does the same without a copy of the index.
    pub(crate) fn into_contents(mut self) -> Contents {
        let index = std::mem::take(&mut self.index);
        self.contents_of(index)
    }

    fn contents_of(&self, index: Index) -> Contents {
        let mut puts: Vec<_> = index
            .puts()
            .filter_map(|(_, position)| {
                let (file, seed) = self.file_of(position)?;
                Some((position, file, seed))
            })
            .collect();
        puts.sort_unstable_by_key(|(position, ..)| (position.log, position.at));
        let Self { salt, share, snapshot_number, .. } = *self;
        Contents { salt, share, index, snapshot: self.snapshot.clone(), snapshot_number, puts }
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

    /// Changes to a new snapshot. Records that it contains are forgotten, and so are logs that it contains and that
    /// nobody writes any more.
    pub(crate) fn change_snapshot(&mut self, snapshot: &Arc<Snapshot>, live: &[SlotLog]) {
        let header = &snapshot.header;
        let generations = self.index.merged(header.base_sequence);
        let (kept, merged): (_, BTreeMap<_, _>) =
            std::mem::take(&mut self.logs).into_iter().partition(|(log, reader)| {
                live.iter().any(|slot| slot.log == *log)
                    || reader.read_to > snapshot.merged_len(*log)
            });
        let apart = self.apart_files();
        self.logs = kept;
        self.retired.add((generations, merged, self.snapshot.take()));
        self.ended = 0;
        self.unmerged_apart = self.index.apart();
        self.apart_puts = 0;
        self.has_future_times = false;
        self.costs = snapshot.costs;
        self.snapshot_number = header.number;
        self.incomplete = None;
        self.snapshot = Some(Arc::clone(snapshot));
        self.leave(apart);
    }

    /// Notes that files may not be removed yet that were read until now. `apart`: what [`Self::apart_files`] was then.
    fn leave(&mut self, apart: u64) {
        self.may_have_leftovers = true;
        self.apart_leaving += apart.saturating_sub(self.apart_files());
    }

    /// Changes to what was read anew. What was lost before stays in the reports.
    pub(crate) fn replace(&mut self, fresh: Self) {
        let before = std::mem::take(&mut self.recovery);
        let damaged = std::mem::take(&mut self.damaged);
        let mut former = std::mem::replace(self, Self { damaged, ..fresh });
        let mut retired = std::mem::take(&mut former.retired);
        let apart = former.apart_files();
        retired.add(former);
        self.retired = retired;
        self.leave(apart);
        if before.records > 0 || !before.discarded.is_empty() {
            let high_water = self.recovery.high_water.max(before.high_water);
            self.recovery = Recovery { high_water, ..before };
        }
    }
}
