//! Reads the records that count from the files of a directory. Changes no file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::file_name::Name;
use super::frame::{HEAD, Head, Op};
use super::fs::{Fs, read_full};
use super::header::{FileHeader, Predecessor};
use super::identity::Identity;
use super::listing::{Listing, Source, list};
use super::loss::{Loss, Recovery};
use super::quarantine::Cleanup;
use super::record::{Record, WallMillis};
use super::scan::{Event, Scan};
use crate::error::Error;

/// The result of a recovery. The next generation starts from it.
pub(crate) struct Recovered {
    pub(crate) recovery: Recovery,
    /// The highest generation among the names of all files.
    pub(crate) newest: u64,
    /// The last sequence in the history of the directory.
    pub(crate) sequence: u64,
    /// The number of invalidations in that history, modulo 2^16.
    pub(crate) removals: u16,
    /// What the header of the next log states about the last log.
    pub(crate) predecessor: Predecessor,
    /// Logs and snapshots that are needed until the next snapshot.
    pub(crate) kept: Vec<Name>,
    /// The length of the kept logs in bytes.
    pub(crate) log_bytes: u64,
    pub(crate) snapshot: Option<KeptSnapshot>,
    /// What to do with the files that are not kept. A damaged file that is kept is copied to quarantine.
    pub(crate) cleanup: Cleanup,
}

/// The snapshot among the kept files.
pub(crate) struct KeptSnapshot {
    /// The length of the file.
    pub(crate) bytes: u64,
    /// When it was written.
    pub(crate) written: WallMillis,
}

/// Calls `replay` with every record that counts, in order.
///
/// # Errors
/// A file cannot be read or has a newer format. The caller must then discard the records that `replay` received.
pub(crate) fn recover(
    fs: &dyn Fs,
    dir: &Path,
    identity: &Identity,
    replay: &mut dyn FnMut(Record<'_>),
) -> Result<Recovered, Error> {
    let listing = list(fs, dir, identity)?;
    let Plan { steps, mut cleanup, losses, newest } = plan(dir, listing)?;
    let mut reader = Reader::new(dir, replay);
    for (name, loss) in losses {
        match loss {
            Loss::BadFile | Loss::Unreadable => reader.recovery.damaged(name.at(dir), 0, loss),
            _ => reader.recovery.note(loss),
        }
    }
    let mut kept = Vec::new();
    let (mut log_bytes, mut snapshot, mut predecessor) = (0, None, Predecessor::default());
    for (index, step) in steps.iter().enumerate() {
        let (source, name) = (&step.source, step.source.name);
        let outcome = reader.read(index, step)?;
        if outcome.gap {
            cleanup.copy.push(name);
        }
        match name {
            Name::Snapshot(_) => {
                snapshot =
                    Some(KeptSnapshot { bytes: source.size, written: source.header.written });
            }
            _ if outcome.valid_len == source.start && source.size == source.start => {
                cleanup.remove.push(name);
                continue;
            }
            _ => {
                log_bytes += source.size;
                predecessor = Predecessor {
                    generation: source.generation,
                    durable_len: outcome.valid_len,
                    valid_len: outcome.valid_len,
                };
            }
        }
        kept.push(name);
    }
    reader.repair(&steps)?;
    let Reader { recovery, sequence, removals, .. } = reader;
    let removals = removals.unwrap_or_default();
    Ok(Recovered {
        recovery,
        newest,
        sequence,
        removals,
        predecessor,
        kept,
        log_bytes,
        snapshot,
        cleanup,
    })
}

/// A file to read.
struct Step {
    source: Source,
    /// Records are read up to this offset.
    limit: u64,
    /// How many bytes of a log were synced, as the header of a later log states.
    durable: u64,
    /// Whether this is a log that is read right after the complete snapshot of its own generation. The snapshot already
    /// reflects the pending removals at the beginning of the log.
    after_own_snapshot: bool,
    /// The last head of a complete snapshot.
    end: Option<Head>,
}

/// What to read, and what to do with the other files.
struct Plan {
    /// The files in the order in which they are read.
    steps: Vec<Step>,
    cleanup: Cleanup,
    losses: Vec<(Name, Loss)>,
    newest: u64,
}

/// Chooses the newest complete snapshot and the logs of its generation and later. If no snapshot is complete, chooses
/// all logs and the readable part of the newest snapshot, which is read just before the log of its generation.
fn plan(dir: &Path, listing: Listing) -> Result<Plan, Error> {
    let Listing { logs, snapshots, newest, mut losses, mut cleanup, .. } = listing;
    let mut base: Option<Step> = None;
    let mut incomplete: Option<Step> = None;
    for source in snapshots.into_iter().rev() {
        if base.is_some() {
            cleanup.remove.push(source.name);
            continue;
        }
        let end = read_end(&source).map_err(|e| Error::io("read", source.name.at(dir), &e))?;
        if end.is_some() {
            let limit = source.size - HEAD as u64;
            base = Some(Step { source, limit, durable: 0, after_own_snapshot: false, end });
            continue;
        }
        losses.push((source.name, Loss::BadFile));
        if incomplete.is_none() {
            let limit = source.size;
            incomplete = Some(Step { source, limit, durable: 0, after_own_snapshot: false, end });
        } else {
            cleanup.quarantine.push(source.name);
        }
    }
    let from = base.as_ref().map_or(0, |step| step.source.generation);
    if base.is_some() {
        cleanup.quarantine.extend(incomplete.take().map(|step| step.source.name));
    }
    let mut steps = Vec::with_capacity(logs.len() + 1);
    steps.extend(base);
    let lengths: Vec<_> = logs.iter().map(|log| stated_lengths(log, &logs)).collect();
    for (source, (durable, limit)) in logs.into_iter().zip(lengths) {
        if source.generation < from {
            cleanup.remove.push(source.name);
            continue;
        }
        if incomplete.as_ref().is_some_and(|s| s.source.generation <= source.generation) {
            steps.extend(incomplete.take());
        }
        let after_own_snapshot = steps
            .last()
            .is_some_and(|s: &Step| s.end.is_some() && s.source.generation == source.generation);
        steps.push(Step { source, limit, durable, after_own_snapshot, end: None });
    }
    steps.extend(incomplete);
    Ok(Plan { steps, cleanup, losses, newest })
}

/// Returns how many bytes of `log` were synced, and how many of them count, as the headers of later logs state.
fn stated_lengths(log: &Source, logs: &[Source]) -> (u64, u64) {
    let statements = logs.iter().map(|later| later.header.predecessor);
    statements
        .filter(|predecessor| predecessor.generation == log.generation)
        .fold((0, Predecessor::WHOLE), |(_, valid), predecessor| {
            (predecessor.durable_len, valid.min(predecessor.valid_len))
        })
}

/// Reads the last head of a snapshot. Returns `None` if the snapshot is not complete.
fn read_end(source: &Source) -> std::io::Result<Option<Head>> {
    let Some(at) = source.size.checked_sub(HEAD as u64).filter(|at| *at >= source.start) else {
        return Ok(None);
    };
    let mut bytes = [0; HEAD];
    read_full(&*source.file, &mut bytes, at)?;
    let end = Head::parse(&bytes, source.header.seed());
    Ok(end.filter(|end| end.op == Op::End && end.end_offset() == at))
}

/// The position of a record among all records that are read: the index of the file, and the sequence if it is a log.
type Order = (usize, u64);

/// The result of reading a file.
struct Outcome {
    /// The offset at which the last record ended.
    valid_len: u64,
    /// Whether bytes between two records are damaged, or the synced end of the log is missing. Then a copy of the file
    /// goes to quarantine.
    gap: bool,
}

/// Reads the files one after another, and passes on their records.
struct Reader<'r> {
    dir: PathBuf,
    replay: &'r mut dyn FnMut(Record<'_>),
    recovery: Recovery,
    /// The file that is being read, and the offset in it.
    position: (Name, u64),
    /// The highest sequence so far.
    sequence: u64,
    /// The number of invalidations up to here, modulo 2^16. `None` before the first file.
    removals: Option<u16>,
    /// Whether a crash can explain a gap before the next record: the missing records may never have reached the disk.
    unwritten: bool,
    /// The generation of the last log, if no later header states where that log ended. A crash may have taken records
    /// from its end.
    open_ended: Option<u64>,
    /// Keys of which a record is damaged, known only by their checksum, each with the position of the last such record.
    damaged_keys: HashMap<u32, Order>,
    /// The position of the last clear.
    cleared: Order,
}

impl<'r> Reader<'r> {
    fn new(dir: &Path, replay: &'r mut dyn FnMut(Record<'_>)) -> Self {
        Self {
            dir: dir.to_owned(),
            replay,
            recovery: Recovery::default(),
            position: (Name::Lock, 0),
            sequence: 0,
            removals: None,
            unwritten: false,
            open_ended: None,
            damaged_keys: HashMap::new(),
            cleared: (0, 0),
        }
    }

    /// Reads one file and replays its records.
    fn read(&mut self, index: usize, step: &Step) -> Result<Outcome, Error> {
        let Step { source, after_own_snapshot, end, .. } = step;
        let is_log = matches!(source.name, Name::Log(_));
        self.enter(&source.header, is_log, end.is_some());
        let mut scan = step.scan();
        let (mut gap, mut entries) = (false, 0);
        loop {
            self.position = (source.name, scan.at());
            let next = scan.next().map_err(|e| self.unreadable(source, &e))?;
            let Some(event) = next else { break };
            let head = match &event {
                Event::Gap { unwritten } => {
                    gap = true;
                    self.unwritten = *unwritten;
                    self.damaged(Loss::BadStretch);
                    continue;
                }
                Event::Record(head, _) | Event::BadValue(head, _) | Event::BadKey(head) => *head,
            };
            entries += 1;
            let order = step.order(index, &head);
            if is_log {
                if head.repeated && *after_own_snapshot {
                    continue;
                }
                self.check_removals(order, &head);
            }
            self.apply(order, &event);
        }
        let is_short = step.limit != Predecessor::WHOLE && source.size < step.limit;
        let wrong_sum = end
            .is_some_and(|end| end.entry_count() != entries || end.body_checksum() != scan.hash());
        if is_log && scan.valid_len() < step.durable {
            (gap, self.unwritten) = (true, false);
            self.damaged(Loss::CutShort);
        } else if is_log && (scan.torn() || is_short) {
            self.unwritten = is_short || scan.unwritten();
            self.recovery.note(Loss::TornTail);
        } else if is_log && step.limit == Predecessor::WHOLE {
            self.open_ended = Some(source.generation);
        } else if scan.torn() || (wrong_sum && self.recovery.discarded.is_empty()) {
            self.damaged(Loss::BadRecord);
        }
        Ok(Outcome { valid_len: scan.valid_len(), gap })
    }

    /// Takes over what the header of a file states, before its records are read.
    fn enter(&mut self, header: &FileHeader, is_log: bool, complete: bool) {
        self.recovery.high_water = self.recovery.high_water.max(header.high_water);
        self.sequence = self.sequence.max(header.base_sequence);
        self.unwritten |= is_log && self.open_ended.take() == Some(header.predecessor.generation);
        if complete || (is_log && self.removals.is_none()) {
            self.removals = Some(header.base_removals);
        }
    }

    /// Checks by the count in `head` that no invalidation is missing before this record. If one is missing, clears all
    /// entries so far, because it may have concerned any of them. But if a crash kept it from the disk, the entries
    /// stay: that invalidation was not yet promised to survive the crash, and the entries were.
    fn check_removals(&mut self, order: Order, head: &Head) {
        let expected = head.removals.wrapping_sub(u16::from(head.invalidates()));
        if self.removals != Some(expected) && head.op != Op::Clear {
            if self.unwritten {
                self.recovery.note(Loss::LostRemoval);
            } else {
                self.damaged(Loss::LostRemoval);
                self.emit_clear(order);
            }
        }
        self.unwritten = false;
        self.removals = Some(head.removals);
        self.sequence = self.sequence.max(head.sequence);
    }

    /// Passes on the record, or notes what is damaged.
    fn apply(&mut self, order: Order, event: &Event<'_>) {
        match *event {
            Event::Record(_, Record::Clear) => self.emit_clear(order),
            Event::Record(_, record) => self.emit(record),
            Event::BadValue(_, key) => {
                self.damaged(Loss::BadRecord);
                self.emit(Record::Remove { key });
            }
            Event::BadKey(head) => {
                self.damaged(Loss::BadRecord);
                self.damaged_keys.insert(head.key_crc, order);
            }
            Event::Gap { .. } => {}
        }
    }

    /// Notes damage at the current position.
    fn damaged(&mut self, loss: Loss) {
        let (name, offset) = self.position;
        self.recovery.damaged(name.at(&self.dir), offset, loss);
    }

    fn emit(&mut self, record: Record<'_>) {
        if let Record::Put { created, .. } = record {
            self.recovery.high_water = self.recovery.high_water.max(created);
        }
        self.recovery.records += 1;
        (self.replay)(record);
    }

    fn emit_clear(&mut self, order: Order) {
        self.cleared = order;
        self.emit(Record::Clear);
    }

    /// Handles the records with a damaged key. Each of them replaced or removed an entry of which only the checksum of
    /// the key is known. Reads all files again, removes every entry whose key has that checksum, and replays the
    /// records that are newer.
    fn repair(&mut self, steps: &[Step]) -> Result<(), Error> {
        if self.damaged_keys.is_empty() {
            return Ok(());
        }
        for (index, step) in steps.iter().enumerate() {
            let mut scan = step.scan();
            while let Some(event) = scan.next().map_err(|e| self.unreadable(&step.source, &e))? {
                let Event::Record(head, record) = event else { continue };
                let Some(damaged) = self.damaged_keys.get(&head.key_crc) else { continue };
                match record {
                    Record::Put { key, .. }
                        if step.order(index, &head) <= (*damaged).max(self.cleared) =>
                    {
                        (self.replay)(Record::Remove { key });
                    }
                    Record::Put { .. } | Record::Remove { .. } => (self.replay)(record),
                    Record::Clear => {}
                }
            }
        }
        Ok(())
    }

    fn unreadable(&self, source: &Source, error: &std::io::Error) -> Error {
        Error::io("read", source.name.at(&self.dir), error)
    }
}

impl Step {
    /// Returns the position of a record. All entries of a snapshot have the same one, because they existed at once.
    fn order(&self, index: usize, head: &Head) -> Order {
        (index, if matches!(self.source.name, Name::Log(_)) { head.sequence } else { 0 })
    }

    /// Begins to read the records of the file.
    fn scan(&self) -> Scan<'_> {
        let Source { file, header, start, size, .. } = &self.source;
        Scan::new(&**file, header.seed(), *start, self.limit.min(*size))
    }
}
