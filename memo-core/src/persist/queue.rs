//! The queue of encoded records that are not written yet.

use super::frame::{self, ChecksumSeed, RecordMeta};
use super::pending_removals::PendingRemovals;
use super::record::{Record, WallMillis};

/// A position in the history of changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base {
    /// The sequence of the last record before this position.
    pub(crate) sequence: u64,
    /// The number of removals up to that record, modulo 2^16. By it recovery notices that a removal is missing.
    pub(crate) removals: u16,
}

/// Identifies a queued record. Pass it to `Store::commit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    pub(super) sequence: u64,
    /// Whether key and value are short enough to be stored.
    pub(super) fits: bool,
}

/// The largest buffer, in bytes, that is kept for the next batch.
const MAX_SPARE: usize = 1 << 20;

pub(crate) struct Queue {
    /// The seed of the current log. Checksums depend on it.
    seed: ChecksumSeed,
    /// The encoded records.
    bytes: Vec<u8>,
    /// An empty buffer that takes the place of `bytes` when these are written.
    spare: Vec<u8>,
    /// The sequence of the last record.
    sequence: u64,
    /// The number of removals so far, modulo 2^16.
    removals: u16,
    /// The latest wall time that the store knows.
    high_water: WallMillis,
    /// False while the log is broken: removals become pending removals, other records are dropped.
    has_log: bool,
    pending_removals: PendingRemovals,
}

impl Queue {
    /// Makes a queue for a log with that seed. `None`: there is no log.
    pub(crate) fn new(seed: Option<ChecksumSeed>, base: Base, high_water: WallMillis) -> Self {
        Self {
            seed: seed.unwrap_or(ChecksumSeed::of(0)),
            bytes: Vec::new(),
            spare: Vec::new(),
            sequence: base.sequence,
            removals: base.removals,
            high_water,
            has_log: seed.is_some(),
            pending_removals: PendingRemovals::default(),
        }
    }

    /// Queues a record. A put that is too large to be stored is queued as a removal of its key.
    pub(crate) fn push(&mut self, record: &Record<'_>, replaces: bool) -> Ticket {
        self.sequence += 1;
        let ticket = Ticket { sequence: self.sequence, fits: frame::fits(record) };
        if let Record::Put { created, .. } = record {
            self.high_water = self.high_water.max(*created);
        }
        match *record {
            _ if ticket.fits => self.append(record, replaces),
            // The disk may have an older value of this key, which must not come back.
            Record::Put { key, .. } if key.len() <= frame::MAX_KEY => {
                self.append(&Record::Remove { key }, false);
            }
            _ => {}
        }
        ticket
    }

    /// Encodes a record. `replaces`: it is a put whose loss must be noticed like the loss of a removal.
    fn append(&mut self, record: &Record<'_>, replaces: bool) {
        if replaces || matches!(record, Record::Remove { .. } | Record::Clear) {
            self.removals = self.removals.wrapping_add(1);
        }
        if self.has_log {
            let meta = RecordMeta {
                sequence: self.sequence,
                removals: self.removals,
                repeated: false,
                replaces,
            };
            frame::encode(&mut self.bytes, self.seed, meta, record);
        } else {
            let removal = match record {
                Record::Put { key, .. } if replaces => Record::Remove { key },
                other => *other,
            };
            self.pending_removals.add(self.sequence, self.removals, &removal);
        }
    }

    /// Returns how many bytes are queued.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the position after the last record.
    pub(crate) fn base(&self) -> Base {
        Base { sequence: self.sequence, removals: self.removals }
    }

    /// Returns the latest wall time that the store knows.
    pub(crate) fn high_water(&self) -> WallMillis {
        self.high_water
    }

    /// Takes all queued bytes. Returns them and the sequence of the last record.
    pub(crate) fn take(&mut self) -> (Vec<u8>, u64) {
        let spare = std::mem::take(&mut self.spare);
        (std::mem::replace(&mut self.bytes, spare), self.sequence)
    }

    /// Keeps the buffer of a written batch for the next one, unless it is too large.
    pub(crate) fn recycle(&mut self, mut batch: Vec<u8>) {
        if batch.capacity() <= MAX_SPARE {
            batch.clear();
            self.spare = batch;
        }
    }

    /// Called when the log is broken. `batch` holds records that the log did not take. The removals among these and
    /// among the queued records become pending removals. The other records are dropped.
    pub(crate) fn stop_logging(&mut self, batch: &[u8]) {
        self.pending_removals.add_encoded(batch);
        self.pending_removals.add_encoded(&self.bytes);
        self.bytes.clear();
        self.has_log = false;
    }

    /// Encodes later records for a log with that seed. Returns the bytes that are queued for the log before, the
    /// position between the two logs, and the pending removals.
    pub(crate) fn switch_log(&mut self, seed: ChecksumSeed) -> (Vec<u8>, Base, PendingRemovals) {
        let (batch, _) = self.take();
        self.seed = seed;
        self.has_log = true;
        (batch, self.base(), std::mem::take(&mut self.pending_removals))
    }

    /// Undoes [`Self::switch_log`] because the next log failed too. The records that were queued since are dropped, and
    /// their removals become pending.
    pub(crate) fn undo_switch(&mut self, pending: PendingRemovals) {
        self.pending_removals = pending;
        self.stop_logging(&[]);
    }
}
