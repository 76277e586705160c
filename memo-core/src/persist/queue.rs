//! Records that wait to be written, in order.

use super::frame::{self, Place, Seed};
use super::pending_removals::PendingRemovals;
use super::record::{Record, WallMillis};

/// Where history stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base {
    pub(crate) sequence: u64,
    pub(crate) removals: u16,
}

/// The place of a queued record in the log; hand it to `Store::commit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    pub(super) sequence: u64,
    pub(super) fits: bool,
}

/// A longer buffer is not kept for the next batch.
const LARGE: usize = 1 << 20;

pub(crate) struct Queue {
    seed: Seed,
    bytes: Vec<u8>,
    spare: Vec<u8>,
    sequence: u64,
    removals: u16,
    high_water: WallMillis,
    /// False while the log is broken: records go nowhere and invalidations are owed.
    live: bool,
    pending_removals: PendingRemovals,
}

impl Queue {
    /// For a log of that seed, or for none.
    pub(crate) fn new(seed: Option<Seed>, base: Base, high_water: WallMillis) -> Self {
        Self {
            seed: seed.unwrap_or(Seed::of(0)),
            bytes: Vec::new(),
            spare: Vec::new(),
            sequence: base.sequence,
            removals: base.removals,
            high_water,
            live: seed.is_some(),
            pending_removals: PendingRemovals::default(),
        }
    }

    pub(crate) fn push(&mut self, record: &Record<'_>, replaces: bool) -> Ticket {
        self.sequence += 1;
        let ticket = Ticket { sequence: self.sequence, fits: frame::fits(record) };
        if let Record::Put { created, .. } = record {
            self.high_water = self.high_water.max(*created);
        }
        match *record {
            _ if ticket.fits => self.append(record, replaces),
            // What the disk holds under this key is older.
            Record::Put { key, .. } if key.len() <= frame::MAX_KEY => {
                self.append(&Record::Remove { key }, false);
            }
            _ => {}
        }
        ticket
    }

    /// `replaces`: a put whose loss must be noticed as that of an invalidation is.
    fn append(&mut self, record: &Record<'_>, replaces: bool) {
        if replaces || matches!(record, Record::Remove { .. } | Record::Clear) {
            self.removals = self.removals.wrapping_add(1);
        }
        if self.live {
            let place = Place {
                sequence: self.sequence,
                removals: self.removals,
                repeated: false,
                replaces,
            };
            frame::encode(&mut self.bytes, self.seed, place, record);
        } else {
            let removal = match record {
                Record::Put { key, .. } if replaces => Record::Remove { key },
                other => *other,
            };
            self.pending_removals.add(self.sequence, self.removals, &removal);
        }
    }

    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Where history stands.
    pub(crate) fn base(&self) -> Base {
        Base { sequence: self.sequence, removals: self.removals }
    }

    /// The latest time known.
    pub(crate) fn high_water(&self) -> WallMillis {
        self.high_water
    }

    /// All that waits, and the sequence of the last of it.
    pub(crate) fn take(&mut self) -> (Vec<u8>, u64) {
        let spare = std::mem::take(&mut self.spare);
        (std::mem::replace(&mut self.bytes, spare), self.sequence)
    }

    /// Takes back the buffer of a batch that was written.
    pub(crate) fn recycle(&mut self, mut batch: Vec<u8>) {
        if batch.capacity() <= LARGE {
            batch.clear();
            self.spare = batch;
        }
    }

    /// The log is broken: of `batch`, which it did not take, and of what waits the invalidations are owed.
    pub(crate) fn stop(&mut self, batch: &[u8]) {
        self.pending_removals.add_encoded(batch);
        self.pending_removals.add_encoded(&self.bytes);
        self.bytes.clear();
        self.live = false;
    }

    /// What comes from now on is for a log of that seed. Hands out what waits for the one before, or is owed.
    pub(crate) fn switch_log(&mut self, seed: Seed) -> (Vec<u8>, Base, PendingRemovals) {
        let (batch, _) = self.take();
        self.seed = seed;
        self.live = true;
        (batch, self.base(), std::mem::take(&mut self.pending_removals))
    }

    /// Undoes [`Self::switch_log`] when the next log failed too.
    pub(crate) fn undo_switch(&mut self, pending: PendingRemovals) {
        self.pending_removals = pending;
        self.stop(&[]);
    }
}
