//! Turns the files of a directory back into records. Reads only.

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

/// What the next generation starts from.
pub(crate) struct Recovered {
    pub(crate) recovery: Recovery,
    /// The newest generation that any file names.
    pub(crate) newest: u64,
    pub(crate) sequence: u64,
    pub(crate) removals: u16,
    pub(crate) predecessor: Predecessor,
    /// Logs and snapshots that count until the next snapshot.
    pub(crate) kept: Vec<Name>,
    pub(crate) log_bytes: u64,
    pub(crate) snapshot: Option<KeptSnapshot>,
    pub(crate) cleanup: Cleanup,
}

pub(crate) struct KeptSnapshot {
    pub(crate) bytes: u64,
    pub(crate) written: WallMillis,
}

/// Hands every record that counts to `replay`, in order.
///
/// # Errors
/// When a file cannot be read or is of a newer format. What `replay` was given until then is to be forgotten.
pub(crate) fn recover(
    fs: &dyn Fs,
    dir: &Path,
    identity: &Identity,
    replay: &mut dyn FnMut(Record<'_>),
) -> Result<Recovered, Error> {
    let listing = list(fs, dir, identity)?;
    let Plan { steps, mut cleanup, losses, newest } = plan(dir, listing)?;
    let mut pass = Replay::new(dir, replay);
    for (name, loss) in losses {
        match loss {
            Loss::BadFile => pass.recovery.damaged(name.at(dir), 0, loss),
            _ => pass.recovery.note(loss),
        }
    }
    let mut kept = Vec::new();
    let (mut log_bytes, mut snapshot, mut predecessor) = (0, None, Predecessor::default());
    for (index, step) in steps.iter().enumerate() {
        let (source, name) = (&step.source, step.source.name);
        let outcome = pass.read(index, step)?;
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
    pass.repair(&steps)?;
    let Replay { recovery, sequence, removals, .. } = pass;
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

/// A file to read, and how far.
struct Step {
    source: Source,
    limit: u64,
    /// So many of its bytes were synced, by what a later log says.
    durable: u64,
    /// A log that its own complete snapshot precedes: the snapshot already shows the invalidations that were owed.
    over_own_snapshot: bool,
    /// The end that makes a snapshot complete.
    end: Option<Head>,
}

struct Plan {
    steps: Vec<Step>,
    cleanup: Cleanup,
    losses: Vec<(Name, Loss)>,
    newest: u64,
}

/// The newest complete snapshot and the logs from its generation on. Without one, every log, and what can be read of
/// the newest snapshot in its place among them.
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
            base = Some(Step { source, limit, durable: 0, over_own_snapshot: false, end });
            continue;
        }
        losses.push((source.name, Loss::BadFile));
        if incomplete.is_none() {
            let limit = source.size;
            incomplete = Some(Step { source, limit, durable: 0, over_own_snapshot: false, end });
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
    let lengths: Vec<_> = logs.iter().map(|log| stated(log, &logs)).collect();
    for (source, (durable, limit)) in logs.into_iter().zip(lengths) {
        if source.generation < from {
            cleanup.remove.push(source.name);
            continue;
        }
        if incomplete.as_ref().is_some_and(|s| s.source.generation <= source.generation) {
            steps.extend(incomplete.take());
        }
        let over_own_snapshot = steps
            .last()
            .is_some_and(|s: &Step| s.end.is_some() && s.source.generation == source.generation);
        steps.push(Step { source, limit, durable, over_own_snapshot, end: None });
    }
    steps.extend(incomplete);
    Ok(Plan { steps, cleanup, losses, newest })
}

/// How much of `log` was durable, and how much of it counts, by what later logs say of it.
fn stated(log: &Source, logs: &[Source]) -> (u64, u64) {
    let stated = logs.iter().map(|later| later.header.predecessor);
    stated
        .filter(|predecessor| predecessor.generation == log.generation)
        .fold((0, Predecessor::WHOLE), |(_, valid), predecessor| {
            (predecessor.durable_len, valid.min(predecessor.valid_len))
        })
}

fn read_end(source: &Source) -> std::io::Result<Option<Head>> {
    let Some(at) = source.size.checked_sub(HEAD as u64).filter(|at| *at >= source.start) else {
        return Ok(None);
    };
    let mut bytes = [0; HEAD];
    read_full(&*source.file, &mut bytes, at)?;
    let end = Head::parse(&bytes, source.header.seed());
    Ok(end.filter(|end| end.op == Op::End && end.expires == at))
}

/// Where a record stands among all that are read.
type Order = (usize, u64);

struct Outcome {
    valid_len: u64,
    gap: bool,
}

struct Replay<'r> {
    dir: PathBuf,
    replay: &'r mut dyn FnMut(Record<'_>),
    recovery: Recovery,
    /// Which file is read, and where.
    spot: (Name, u64),
    sequence: u64,
    /// Invalidations up to here; `None` before the first file.
    removals: Option<u16>,
    /// The records missing before the next look as if they never reached the disk.
    unwritten: bool,
    /// The log just read, if nothing says where it should have ended: more may have been written to it.
    open_ended: Option<u64>,
    /// By checksum, keys of which a record is lost, and where the last such record stood.
    doomed: HashMap<u32, Order>,
    cleared: Order,
}

impl<'r> Replay<'r> {
    fn new(dir: &Path, replay: &'r mut dyn FnMut(Record<'_>)) -> Self {
        Self {
            dir: dir.to_owned(),
            replay,
            recovery: Recovery::default(),
            spot: (Name::Lock, 0),
            sequence: 0,
            removals: None,
            unwritten: false,
            open_ended: None,
            doomed: HashMap::new(),
            cleared: (0, 0),
        }
    }

    fn read(&mut self, index: usize, step: &Step) -> Result<Outcome, Error> {
        let Step { source, over_own_snapshot, end, .. } = step;
        let is_log = matches!(source.name, Name::Log(_));
        self.enter(&source.header, is_log, end.is_some());
        let mut scan = step.scan();
        let (mut gap, mut entries) = (false, 0);
        loop {
            self.spot = (source.name, scan.at());
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
                if head.repeated && *over_own_snapshot {
                    continue;
                }
                self.follow(order, &head);
            }
            self.apply(order, &event);
        }
        let cut_short = step.limit != Predecessor::WHOLE && source.size < step.limit;
        let wrong_sum = end.is_some_and(|end| end.created != entries || end.key_crc != scan.hash());
        if is_log && scan.valid_len() < step.durable {
            (gap, self.unwritten) = (true, false);
            self.damaged(Loss::CutShort);
        } else if is_log && (scan.torn() || cut_short) {
            self.unwritten = cut_short || scan.unwritten();
            self.recovery.note(Loss::TornTail);
        } else if is_log && step.limit == Predecessor::WHOLE {
            self.open_ended = Some(source.generation);
        } else if scan.torn() || (wrong_sum && self.recovery.discarded.is_empty()) {
            self.damaged(Loss::BadRecord);
        }
        Ok(Outcome { valid_len: scan.valid_len(), gap })
    }

    fn enter(&mut self, header: &FileHeader, is_log: bool, complete: bool) {
        self.recovery.high_water = self.recovery.high_water.max(header.high_water);
        self.sequence = self.sequence.max(header.base_sequence);
        self.unwritten |= is_log && self.open_ended.take() == Some(header.predecessor.generation);
        if complete || (is_log && self.removals.is_none()) {
            self.removals = Some(header.base_removals);
        }
    }

    /// Checks that no invalidation is missing before this record, and clears what it may have concerned. One that a
    /// crash kept from the disk was never promised to outlive that crash, and what it concerned was.
    fn follow(&mut self, order: Order, head: &Head) {
        let before = head.removals.wrapping_sub(u16::from(head.invalidates()));
        if self.removals != Some(before) && head.op != Op::Clear {
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
                self.doomed.insert(head.key_crc, order);
            }
            Event::Gap { .. } => {}
        }
    }

    fn damaged(&mut self, loss: Loss) {
        let (name, offset) = self.spot;
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

    /// A record with a damaged key replaced or removed an entry that is not known by name. Takes back every entry
    /// whose key has that checksum, and gives again those that are newer.
    fn repair(&mut self, steps: &[Step]) -> Result<(), Error> {
        if self.doomed.is_empty() {
            return Ok(());
        }
        for (index, step) in steps.iter().enumerate() {
            let mut scan = step.scan();
            while let Some(event) = scan.next().map_err(|e| self.unreadable(&step.source, &e))? {
                let Event::Record(head, record) = event else { continue };
                let Some(doom) = self.doomed.get(&head.key_crc) else { continue };
                match record {
                    Record::Put { key, .. }
                        if step.order(index, &head) <= (*doom).max(self.cleared) =>
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
    /// Entries of a snapshot were all there at once.
    fn order(&self, index: usize, head: &Head) -> Order {
        (index, if matches!(self.source.name, Name::Log(_)) { head.sequence } else { 0 })
    }

    fn scan(&self) -> Scan<'_> {
        let Source { file, header, start, size, .. } = &self.source;
        Scan::new(&**file, header.seed(), *start, self.limit.min(*size))
    }
}
