//! Reads the records of one log, as far as its writer has got, and later what the writer has added.

use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{ChecksumSeed, HEAD, Head, Op};
use super::fs::File;
use super::header::Stated;
use super::index::Position;
use super::listing::Source;
use super::loss::{Loss, Recovery};
use super::queue::QueueTarget;
use super::record::Record;
use super::scan::{Event, Scan};
use super::wal::LogFile;
use crate::error::Error;

/// So many removals that their count, which is modulo 2^16, is the same again need at least this many bytes.
pub(crate) const MANY_REMOVALS: u64 = (HEAD as u64) << 16;

/// A log, and how much of it was read.
pub(crate) struct LogReader {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    pub(crate) seed: ChecksumSeed,
    /// The offset at which reading began.
    pub(crate) start: u64,
    /// The offset behind the last record that was read.
    pub(crate) read_to: u64,
    /// The sequence of that record, or 0.
    last: u64,
    /// The number of removals before `start`, and up to the last record that was read, modulo 2^16.
    removals_before: u16,
    pub(crate) removals: u16,
    /// Whether `removals` is not known, because this process has written what is before `read_to`, and not read it.
    is_skipped: bool,
    /// Whether a crash can explain a gap before the next record: the missing records may never have reached the disk.
    unwritten: bool,
    /// Whether damaged bytes were passed over.
    pub(crate) has_gap: bool,
    /// Whether bytes follow that are no record.
    pub(crate) is_torn: bool,
}

/// A record, or what is left of a damaged one.
pub(crate) enum Change<'a> {
    Put(Head, Position, Record<'a>),
    /// Removes the puts of the key that began before the sequence.
    Remove(&'a [u8], u64),
    /// Removes all puts that began before the sequence.
    Clear(u64),
}

impl LogReader {
    /// Makes a reader of a log. `from`: what a snapshot has of it, if it has some.
    pub(crate) fn new(source: &Source, path: PathBuf, from: Option<Stated>) -> Self {
        let Source { number, file, header, start, .. } = source;
        let removals = from.map_or(0, |from| from.removals);
        let target = QueueTarget {
            log: *number,
            seed: header.seed(),
            at: from.map_or(*start, |from| from.len.max(*start)),
            removals,
        };
        Self::at(target, path, Arc::clone(file))
    }

    /// Makes a reader of the same log that has read nothing.
    pub(crate) fn restarted(&self) -> Self {
        let Self { number: log, seed, start: at, removals_before: removals, .. } = *self;
        let target = QueueTarget { log, seed, at, removals };
        Self::at(target, self.path.clone(), Arc::clone(&self.file))
    }

    /// Makes a reader of the log that this process writes. It has read all that the log holds.
    pub(crate) fn own(log: &LogFile, target: QueueTarget) -> Self {
        Self::at(target, log.path.clone(), Arc::clone(&log.file))
    }

    /// Makes a reader that begins where `target` says.
    fn at(target: QueueTarget, path: PathBuf, file: Arc<dyn File>) -> Self {
        let QueueTarget { log, seed, at, removals } = target;
        Self {
            number: log,
            path,
            file,
            seed,
            start: at,
            read_to: at,
            last: 0,
            removals_before: removals,
            removals,
            is_skipped: false,
            unwritten: false,
            has_gap: false,
            is_torn: false,
        }
    }

    /// Passes on the records up to the offset `limit`, and notes what is damaged in `recovery`.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn read(
        &mut self,
        limit: u64,
        recovery: &mut Recovery,
        apply: &mut dyn FnMut(Change<'_>),
    ) -> Result<(), Error> {
        if limit <= self.read_to {
            return Ok(());
        }
        let file = Arc::clone(&self.file);
        let mut scan = Scan::new(&*file, self.seed, self.read_to, limit, self.last);
        loop {
            let at = scan.at();
            let event = scan.next().map_err(|e| Error::io("read", &self.path, &e))?;
            let Some(event) = event else { break };
            self.pass_on(at, &event, recovery, apply);
        }
        self.read_to = scan.valid_len();
        self.is_torn = scan.torn();
        self.unwritten |= scan.torn() && scan.unwritten();
        Ok(())
    }

    fn pass_on(
        &mut self,
        at: u64,
        event: &Event<'_>,
        recovery: &mut Recovery,
        apply: &mut dyn FnMut(Change<'_>),
    ) {
        let mut damaged = |loss| recovery.damaged(self.path.clone(), at, loss);
        let head = match &event {
            Event::Gap { unwritten } => {
                self.has_gap = true;
                self.unwritten = *unwritten;
                damaged(Loss::BadStretch);
                return;
            }
            Event::Record(head, _) | Event::BadValue(head, _) | Event::BadKey(head) => *head,
        };
        if self.misses_removal(&head) {
            if self.unwritten {
                recovery.note(Loss::LostRemoval);
            } else {
                // It may have concerned any entry.
                damaged(Loss::LostRemoval);
                apply(Change::Clear(head.sequence - 1));
            }
        }
        self.unwritten = false;
        self.is_skipped = false;
        self.removals = head.removals;
        self.last = head.sequence;
        let mut damaged = |loss| recovery.damaged(self.path.clone(), at, loss);
        match event {
            Event::Gap { .. } => {}
            Event::BadValue(_, key) => {
                damaged(Loss::BadRecord);
                apply(Change::Remove(key, head.sequence));
            }
            Event::BadKey(_) => {
                damaged(Loss::BadRecord);
                if head.invalidates() {
                    apply(Change::Clear(head.sequence));
                }
            }
            Event::Record(_, record) => self.pass_on_record(at, head, *record, apply),
        }
    }

    fn pass_on_record(
        &self,
        at: u64,
        head: Head,
        record: Record<'_>,
        apply: &mut dyn FnMut(Change<'_>),
    ) {
        match record {
            Record::Remove { key } => apply(Change::Remove(key, head.sequence)),
            Record::Clear => apply(Change::Clear(head.sequence)),
            Record::Put { key, .. } => {
                if head.replaces {
                    apply(Change::Remove(key, head.since));
                }
                let position = Position::of(self.number, at, head.total(), &record);
                apply(Change::Put(head, position, record));
            }
        }
    }

    /// Returns whether an invalidation is missing before this record, by the count in its head, or may be if the count
    /// before is not known because of damage. (A clear makes up for any.)
    fn misses_removal(&self, head: &Head) -> bool {
        let expected = head.removals.wrapping_sub(u16::from(head.invalidates()));
        head.op != Op::Clear && self.removals != expected && !self.is_skipped
    }

    /// Notes that this process has written the log up to `len`, so that nothing in it is new.
    pub(crate) fn skip_to(&mut self, len: u64) {
        if len > self.read_to {
            self.read_to = len;
            self.is_skipped = true;
        }
    }

    /// Returns how much was read, for the header of another file.
    pub(crate) fn stated(&self) -> Stated {
        Stated { log: self.number, len: self.read_to, removals: self.removals }
    }

    /// Does the same for the records up to a sequence.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn stated_to(&self, horizon: u64) -> Result<Stated, Error> {
        if self.last <= horizon {
            return Ok(self.stated());
        }
        let mut stated =
            Stated { log: self.number, len: self.start, removals: self.removals_before };
        let mut scan = Scan::new(&*self.file, self.seed, self.start, self.read_to, 0);
        loop {
            match scan.next().map_err(|e| Error::io("read", &self.path, &e))? {
                Some(Event::Gap { .. }) => {}
                Some(Event::Record(head, _) | Event::BadValue(head, _) | Event::BadKey(head))
                    if head.sequence <= horizon =>
                {
                    stated.removals = head.removals;
                }
                _ => return Ok(stated),
            }
            stated.len = scan.at();
        }
    }

    /// Returns whether something may have been removed between what was read and `end`.
    pub(crate) fn may_miss_removal(&self, end: &Stated) -> bool {
        let unread = end.len.saturating_sub(self.read_to);
        unread > 0 && (self.removals != end.removals || unread >= MANY_REMOVALS)
    }

    /// Returns the offset before which no record can begin that is not in the log.
    pub(crate) fn is_complete(&self, size: u64) -> bool {
        self.read_to == size && !self.has_gap
    }
}
