//! The store of an open directory.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::durability::Durability;
use super::fs::Fs;
#[cfg(test)]
use super::generations::Emptied;
use super::generations::{Generations, StoreDirectory, begin};
use super::header::{MAX_HEADER, header_len};
use super::identity::Identity;
use super::listing::holds_something;
use super::lock_file::LockFile;
use super::loss::Recovery;
use super::place::Place;
use super::queue::Ticket;
use super::record::Record;
use super::recovery::{Recovered, recover};
use super::snapshot::{Entries, Written};
use super::wal::Wal;
use crate::error::Error;
use crate::platform::clock;
use crate::platform::maintenance::{Maintain, Registration, STORES};
use crate::platform::sync::Mutex;

/// The state of a store.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Status {
    /// Bytes in the logs that the next recovery would read.
    pub log_bytes: u64,
    /// When the newest snapshot was written.
    pub last_snapshot: Option<SystemTime>,
    /// The number of operations that have failed since the directory was opened.
    pub errors: u64,
    /// The latest failure.
    pub last_error: Option<Error>,
    /// Whether records reach the disk. False from a failed write until a checkpoint succeeds.
    pub healthy: bool,
}

/// The logs may grow to this many bytes, even if the snapshot is smaller.
const COMPACT_FROM: u64 = 4 << 20;
/// If the logs exceed their limit by more than this many bytes, writers wait for the compaction.
const MAX_EXCESS: u64 = 2 << 20;
/// More logs than this are compacted, because recovery would have to open too many files.
const MAX_LOGS: usize = 4;

/// An open directory. This process holds its lock and appends to its log.
///
/// A failure never stops a store: after a failed write records are not stored and [`Store::commit`] returns an error,
/// until a later checkpoint succeeds.
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    fs: Arc<dyn Fs>,
    place: Place,
    identity: Identity,
    durability: Durability,
    wal: Wal,
    generations: Mutex<Generations>,
    /// Whether the background thread syncs the log. It does from the first commit on, if the durability requires it.
    maintenance: Registration,
    /// The number of logs that a recovery would read.
    logs: AtomicUsize,
    /// The length of the newest snapshot in bytes. 0: there is none.
    snapshot_bytes: AtomicU64,
    /// The number of records that recovery read, or that the newest snapshot has if this store wrote one. Later records
    /// are counted by their sequences.
    older_records: AtomicU64,
    /// The sequence of the last record that `older_records` covers.
    counted_to: AtomicU64,
    /// When the newest snapshot was written, in milliseconds since 1970. 0: there is none.
    snapshot_at: AtomicU64,
    lock_file: LockFile,
}

impl Store {
    /// Locks the directory at `place`, recovers what is in it, and begins a new generation. Creates it, for its owner
    /// alone, if it is missing.
    ///
    /// Calls `replay` with each recovered record in order: first the entries of the snapshot, least recently used
    /// first, then the records of the logs. A `Put` may have expired in the meantime. If no new log can be created, the
    /// store opens all the same, in the state after a failed write.
    ///
    /// # Errors
    /// [`Error::Locked`] if another store has the directory. [`Error::Foreign`] if it belongs to something else or to a
    /// newer version; nothing is changed then. [`Error::Io`] if it cannot be read. After any error the caller must
    /// discard the records that `replay` received.
    pub fn open(
        fs: Arc<dyn Fs>,
        place: &Place,
        identity: &Identity,
        durability: Durability,
        replay: &mut dyn FnMut(Record<'_>),
    ) -> Result<(Self, Recovery), Error> {
        if header_len(identity) > MAX_HEADER {
            let reason = "the function's name is too long for a file header".to_owned();
            return Err(Error::TooLarge { reason });
        }
        let dir = place.dir();
        let lock_file = LockFile::take(&*fs, dir)?;
        let recovered = recover(&*fs, dir, identity, replay)?;
        let directory = StoreDirectory { fs: &*fs, dir, identity };
        let (wal, generations) = begin(&directory, durability, &recovered);
        let Recovered { recovery, kept: _, log_bytes, snapshot, sequence, .. } = recovered;
        wal.older_bytes.store(log_bytes, Ordering::Relaxed);
        let (snapshot_bytes, snapshot_at) = snapshot.map_or((0, 0), |s| (s.bytes, s.written));
        let shared = Shared {
            durability,
            wal,
            maintenance: Registration::new(),
            logs: AtomicUsize::new(generations.logs()),
            generations: Mutex::new(generations),
            snapshot_bytes: AtomicU64::new(snapshot_bytes),
            older_records: AtomicU64::new(recovery.records),
            counted_to: AtomicU64::new(sequence),
            snapshot_at: AtomicU64::new(snapshot_at),
            lock_file,
            identity: identity.clone(),
            place: place.clone(),
            fs,
        };
        Ok((Self { shared: Arc::new(shared) }, recovery))
    }

    /// Returns whether `dir` holds something to recover.
    #[must_use]
    pub fn exists(fs: &dyn Fs, dir: &Path) -> bool {
        holds_something(fs, dir)
    }

    /// Queues a record. Does no I/O. Call it under the lock that orders changes in memory, and make the change itself
    /// before that lock is released: a checkpoint relies on finding every queued `Put` among its entries.
    #[must_use]
    pub fn queue(&self, record: Record<'_>) -> Ticket {
        self.shared.wal.push(&record, false)
    }

    /// Does the same as [`Store::queue`], for a `Put` that replaces another value. The old value must not come back if
    /// this record is damaged.
    #[must_use]
    pub fn queue_replacing(&self, record: Record<'_>) -> Ticket {
        self.shared.wal.push(&record, matches!(record, Record::Put { .. }))
    }

    /// Waits until the ticket's record is as durable as the store's [`Durability`] requires: not at all, written, or
    /// written and synced. One caller writes for all that wait (group commit).
    ///
    /// # Errors
    /// The record is not in the log, because it is too large or the log is broken.
    pub fn commit(&self, ticket: Ticket) -> Result<(), Error> {
        let Shared { durability, maintenance, .. } = &*self.shared;
        if durability.syncs_in_background() {
            maintenance.begin(&STORES, || {
                let shared: Arc<dyn Maintain> = self.shared.clone();
                Arc::downgrade(&shared)
            });
        }
        let committed = self.shared.wal.commit(ticket).and_then(|()| match ticket.fits {
            true => Ok(()),
            false => {
                Err(Error::TooLarge { reason: "key over 1 MiB or value over 16 MiB".to_owned() })
            }
        });
        self.shared.count_error(committed)
    }

    /// Does the same as [`Store::commit`], for a removal or for a put that replaces a value which must not come back.
    /// If the log is broken, the removal is written to a new log. If that fails too, all files are removed: a result
    /// that is not on disk is computed again, but a removed one must not come back.
    ///
    /// # Errors
    /// Those of [`Store::commit`], if the files could not be removed either.
    pub fn commit_removal(&self, ticket: Ticket) -> Result<(), Error> {
        self.commit(ticket).or_else(|error| self.shared.secure_removal(ticket).map_err(|_| error))
    }

    /// Writes and syncs all records that were queued before the call.
    ///
    /// # Errors
    /// A record that was queued before is not on disk.
    pub fn flush(&self) -> Result<(), Error> {
        self.check()?;
        self.shared.count_error(self.shared.wal.flush())
    }

    /// Checks that the directory is still the one that this store opened. A user may have removed it, and another
    /// process may have created it again.
    ///
    /// # Errors
    /// [`Error::Io`] if it is not. No record reaches the disk then.
    pub fn check(&self) -> Result<(), Error> {
        self.shared.check_place()
    }

    /// Returns whether the logs have outgrown the snapshot, so that [`Store::compact`] is due now and not only within a
    /// second.
    #[must_use]
    pub fn is_outgrown(&self) -> bool {
        self.shared.is_over_limit(0)
    }

    /// Returns whether the logs have outgrown the snapshot by so much that writers should wait for the compaction.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.shared.is_over_limit(MAX_EXCESS)
    }

    /// Begins a new log, writes `entries` to a snapshot, and removes the older files. Other threads can queue and
    /// commit records meanwhile.
    ///
    /// `entries` is called once, after the new log is in place.
    ///
    /// # Errors
    /// The snapshot is not in place. The older files still are.
    pub fn checkpoint(&self, entries: &mut Entries<'_>) -> Result<(), Error> {
        self.shared.checkpoint(&mut self.shared.generations.lock(), entries)
    }

    /// Makes a checkpoint if one is due and none is in progress. Returns whether it made one. A checkpoint is due if
    /// the logs have outgrown the snapshot or are too many, or if the files are much larger than the `live` entries
    /// need. After a failure it is due when the backoff has passed.
    ///
    /// # Errors
    /// Those of [`Store::checkpoint`].
    pub fn compact(&self, live: usize, entries: &mut Entries<'_>) -> Result<bool, Error> {
        match self.shared.generations.try_lock() {
            Some(mut generations) if self.shared.wants_checkpoint(live) => {
                self.shared.checkpoint(&mut generations, entries).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// Returns the state of the store.
    #[must_use]
    pub fn status(&self) -> Status {
        let Shared { wal, snapshot_at, .. } = &*self.shared;
        let at = snapshot_at.load(Ordering::Relaxed);
        Status {
            log_bytes: wal.len(),
            last_snapshot: UNIX_EPOCH.checked_add(Duration::from_millis(at)).filter(|_| at > 0),
            errors: wal.backoff.errors(),
            last_error: wal.backoff.last(),
            healthy: wal.backoff.due().is_none(),
        }
    }

    #[cfg(test)]
    pub(crate) fn tick(&self) {
        self.shared.tick();
    }

    #[cfg(test)]
    pub(crate) fn emptied(&self) -> Emptied {
        self.shared.generations.lock().emptied
    }

    #[cfg(test)]
    pub(crate) fn backoff(&self) -> Duration {
        self.shared.wal.backoff.delay()
    }
}

impl Shared {
    /// Counts the error if `result` is one.
    fn count_error<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.inspect_err(|error| self.wal.backoff.count(error))
    }

    fn directory(&self) -> StoreDirectory<'_> {
        StoreDirectory { fs: &*self.fs, dir: self.place.dir(), identity: &self.identity }
    }

    /// Does what [`Store::check`] describes. If the directory is gone, so are the records in its log: abandons the log.
    fn check_place(&self) -> Result<(), Error> {
        self.lock_file.check(&*self.fs, self.place.dir()).inspect_err(|error| {
            if !self.wal.is_broken() {
                self.wal.abandon_log(error);
                self.wal.backoff.count(error);
            }
        })
    }

    /// Makes a removal durable that the broken log could not take: in a new log, or by removing all files.
    fn secure_removal(&self, ticket: Ticket) -> Result<(), Error> {
        let mut generations = self.generations.lock();
        if !self.wal.is_removal_unlogged(ticket) {
            return Ok(());
        }
        self.wal.check_process()?;
        // If the directory was removed, another process may have created it again. Its files are not ours.
        self.check_place()?;
        let result = generations.secure_removal(&self.directory(), &self.wal);
        self.logs.store(generations.logs(), Ordering::Relaxed);
        self.count_error(result)
    }

    fn wants_checkpoint(&self, live: usize) -> bool {
        self.wal.backoff.due().unwrap_or_else(|| {
            self.is_over_limit(0)
                || self.logs.load(Ordering::Relaxed) > MAX_LOGS
                || self.is_mostly_dead(live)
        })
    }

    /// Returns whether the logs exceed their limit by more than `excess` bytes. False while a retry is planned after a
    /// failure: no compaction is made until then.
    fn is_over_limit(&self, excess: u64) -> bool {
        let limit = self.snapshot_bytes.load(Ordering::Relaxed).max(COMPACT_FROM);
        self.wal.len() > limit + excess && self.wal.backoff.due().is_none()
    }

    /// Returns whether the files, less [`COMPACT_FROM`], are more than twice as long as a snapshot of `live` entries
    /// would be. Assumes that each entry is as long as a record is on average.
    fn is_mostly_dead(&self, live: usize) -> bool {
        let bytes = self.wal.len() + self.snapshot_bytes.load(Ordering::Relaxed);
        let queued = self.wal.base().0.sequence - self.counted_to.load(Ordering::Relaxed);
        let records = self.older_records.load(Ordering::Relaxed) + queued;
        let live = u128::from(bytes) * live as u128 / u128::from(records.max(1));
        u128::from(bytes) > 2 * live + u128::from(COMPACT_FROM)
    }

    fn checkpoint(
        &self,
        generations: &mut Generations,
        entries: &mut Entries<'_>,
    ) -> Result<(), Error> {
        let made = self
            .wal
            .check_process()
            .and_then(|()| {
                self.check_place().or_else(|_| self.lock_file.renew(&*self.fs, &self.place))
            })
            .and_then(|()| generations.checkpoint(&self.directory(), &self.wal, entries));
        let made = self.count_error(made);
        self.logs.store(generations.logs(), Ordering::Relaxed);
        match made {
            Ok(Written { bytes, entries }) => {
                self.snapshot_bytes.store(bytes, Ordering::Relaxed);
                self.older_records.store(entries, Ordering::Relaxed);
                self.counted_to.store(generations.base.sequence, Ordering::Relaxed);
                self.snapshot_at.store(clock::wall(), Ordering::Relaxed);
                self.wal.older_bytes.store(0, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                self.wal.backoff.back_off();
                Err(error)
            }
        }
    }
}

impl Maintain for Shared {
    fn tick(&self) -> bool {
        if self.durability.syncs_in_background() {
            let _ = self.count_error(self.wal.sync());
        }
        true
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if !self.shared.wal.is_broken() && self.shared.durability.flushes_on_drop() {
            let _ = self.flush();
        }
        // The background thread may hold `shared` for a moment longer, but the directory can be opened again now.
        self.shared.lock_file.release();
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemFs;
    use super::*;

    #[test]
    fn a_dropped_store_releases_the_directory_while_a_tick_is_in_progress() {
        let fs = Arc::new(MemFs::new());
        let identity = Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 };
        let open = || {
            let fs = Arc::clone(&fs) as Arc<dyn Fs>;
            Store::open(fs, &Place::alone(Path::new("/c")), &identity, Durability::Os, &mut |_| {})
                .map(|(s, _)| s)
        };
        let store = open().unwrap();
        let ticking = Arc::clone(&store.shared);
        assert!(open().is_err());
        drop(store);
        open().unwrap();
        ticking.tick();
    }
}
