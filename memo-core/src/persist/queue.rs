//! The queue of encoded records that are not written yet.

use super::frame::{self, ChecksumSeed, RecordMeta};
use super::index::Position;
use super::pending_removals::PendingRemovals;
use super::record::{Record, WallMillis};

/// Identifies a queued record. Pass it to `Store::commit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub(super) sequence: u64,
    /// The record counts unless a snapshot that does not have it has a higher horizon. Of a put: the sequence when the
    /// computation of the value began. Of a removal: one less than its sequence.
    pub(super) since: u64,
    /// Where the record is once it is written.
    pub(super) position: Position,
    /// Whether key and value are short enough to be stored.
    pub(super) fits: bool,
    /// Whether it is a put whose value is kept apart.
    pub(super) apart: bool,
    /// The hash of the key of a put that fits.
    pub(super) put: Option<u64>,
}

impl Ticket {
    /// Returns whether the record was queued for a log. If the log is broken, it was not.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.position != Position::NONE
    }
}

/// The numbers of a record that is queued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    /// Higher than that of any record queued before.
    pub(crate) sequence: u64,
    /// Of a put: the sequence when its computation began. A higher one than `sequence` counts as that.
    pub(crate) since: u64,
    /// Whether it is a put that replaces a value which must not come back.
    pub(crate) replaces: bool,
}

/// The largest buffer, in bytes, that is kept for the next batch.
const MAX_SPARE: usize = 1 << 20;

/// Where the queued records go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueTarget {
    /// The number of the log.
    pub(crate) log: u64,
    pub(crate) seed: ChecksumSeed,
    /// Where the next record begins.
    pub(crate) at: u64,
    /// The number of removals in the log, modulo 2^16. By it a reader notices that a removal is missing.
    pub(crate) removals: u16,
}

pub(crate) struct Queue {
    /// `None` while the log is broken: removals become pending removals, other records are dropped.
    target: Option<QueueTarget>,
    /// The encoded records.
    bytes: Vec<u8>,
    /// An empty buffer that takes the place of `bytes` when these are written.
    spare: Vec<u8>,
    /// The sequence of the last record.
    sequence: u64,
    /// The latest wall time that the store knows.
    high_water: WallMillis,
    pending_removals: PendingRemovals,
}

impl Queue {
    /// Makes a queue for a log, if there is one. `sequence`: later records have higher ones.
    pub(crate) fn new(target: Option<QueueTarget>, sequence: u64, high_water: WallMillis) -> Self {
        Self {
            target,
            bytes: Vec::new(),
            spare: Vec::new(),
            sequence,
            high_water,
            pending_removals: PendingRemovals::default(),
        }
    }

    /// Queues a record. A put that is too large to be stored is queued as a removal of its key.
    pub(crate) fn push(&mut self, record: &Record<'_>, numbers: Numbers) -> Ticket {
        let Numbers { sequence, since, .. } = numbers;
        self.sequence = sequence;
        let since = since.min(sequence);
        let fits = frame::fits(record);
        if let Record::Put { created, .. } = record {
            self.high_water = self.high_water.max(*created);
        }
        let position = match *record {
            _ if fits => self.append(record, Numbers { since, ..numbers }),
            // The disk may have an older value of this key, which must not come back.
            Record::Put { key, .. } if key.len() <= frame::MAX_KEY => {
                self.append(&Record::Remove { key }, Numbers { replaces: false, ..numbers })
            }
            _ => Position::NONE,
        };
        let is_put = fits && matches!(record, Record::Put { .. });
        let since = if is_put { since } else { sequence - 1 };
        let apart = matches!(record, Record::Put { apart: true, .. });
        Ticket { sequence, since, position, fits, apart, put: None }
    }

    /// Encodes a record, and returns where it will be.
    fn append(&mut self, record: &Record<'_>, numbers: Numbers) -> Position {
        let Numbers { sequence, since, replaces } = numbers;
        let is_removal = matches!(record, Record::Remove { .. } | Record::Clear);
        let Some(target) = &mut self.target else {
            match record {
                Record::Put { key, .. } if replaces => {
                    self.pending_removals.add(&Record::Remove { key });
                }
                other => self.pending_removals.add(other),
            }
            return Position::NONE;
        };
        target.removals = target.removals.wrapping_add(u16::from(replaces || is_removal));
        let since = if is_removal { sequence } else { since };
        let meta = RecordMeta { sequence, since, removals: target.removals, replaces };
        let before = self.bytes.len();
        frame::encode(&mut self.bytes, target.seed, meta, record);
        let len = self.bytes.len() - before;
        let at = target.at;
        target.at += len as u64;
        Position::of(target.log, at, len, record)
    }

    /// Returns how many bytes are queued.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the sequence of the last record.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
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
        self.target = None;
    }

    /// Encodes later records for the log `target`. Returns the bytes that are queued for the log before.
    pub(crate) fn switch_log(&mut self, target: QueueTarget) -> Vec<u8> {
        let (batch, _) = self.take();
        self.target = Some(target);
        batch
    }

    /// Takes the pending removals, as records for the log `target` before all others. `next_sequence` numbers them.
    pub(crate) fn take_pending(
        &mut self,
        target: &mut QueueTarget,
        next_sequence: &dyn Fn() -> u64,
    ) -> (PendingRemovals, Vec<u8>) {
        let pending = std::mem::take(&mut self.pending_removals);
        let mut bytes = Vec::new();
        pending.for_each(&mut |record| {
            target.removals = target.removals.wrapping_add(1);
            self.sequence = next_sequence();
            let meta = RecordMeta {
                sequence: self.sequence,
                since: self.sequence,
                removals: target.removals,
                replaces: false,
            };
            frame::encode(&mut bytes, target.seed, meta, record);
        });
        target.at += bytes.len() as u64;
        (pending, bytes)
    }

    /// Undoes [`Self::switch_log`] because the next log failed too. The records that were queued since are dropped, and
    /// their removals become pending.
    pub(crate) fn undo_switch(&mut self, pending: PendingRemovals) {
        self.pending_removals = pending;
        self.stop_logging(&[]);
    }
}
