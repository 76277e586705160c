//! An open directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::durability::Durability;
use super::flusher::maintain;
use super::fs::Fs;
#[cfg(test)]
use super::generations::Emptied;
use super::generations::{Generations, Place, begin};
use super::header::{MAX_HEADER, header_len};
use super::identity::Identity;
use super::listing::holds_something;
use super::lock_file::LockFile;
use super::loss::Recovery;
use super::queue::Ticket;
use super::record::Record;
use super::recovery::{Recovered, recover};
use super::snapshot::{Entries, Written};
use super::wal::Wal;
use crate::error::Error;
use crate::platform::clock;
use crate::platform::maintenance::Maintain;
use crate::platform::sync::Mutex;

/// What a store says of itself.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Status {
    /// Bytes in the logs that the next recovery would read.
    pub log_bytes: u64,
    /// When the newest snapshot was written.
    pub last_snapshot: Option<SystemTime>,
    /// Operations that failed since the directory was opened.
    pub errors: u64,
    /// The latest of these failures.
    pub last_error: Option<Error>,
    /// Records reach the disk; false from a failed write until a checkpoint heals it.
    pub healthy: bool,
}

/// Below this a log is left to grow.
const COMPACT_FROM: u64 = 4 << 20;
/// So much more, and writers wait for the compaction.
const OVERHANG: u64 = 2 << 20;
/// With more logs than this recovery opens too many files.
const MANY_LOGS: usize = 4;

/// An open directory: this process holds its lock, and appends to its log.
///
/// A failure never stops a store: records then go nowhere, [`Store::commit`] says so, and a later checkpoint heals it.
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    identity: Identity,
    durability: Durability,
    wal: Wal,
    generations: Mutex<Generations>,
    looked_after: AtomicBool,
    /// The number of logs that a recovery would read.
    logs: AtomicUsize,
    snapshot_bytes: AtomicU64,
    /// Records in all files but the current log, and the sequence from which on it holds more.
    older_records: AtomicU64,
    counted_to: AtomicU64,
    /// Wall milliseconds of the newest snapshot; 0: none.
    snapshot_at: AtomicU64,
    lock_file: LockFile,
}

impl Store {
    /// Locks `dir` (creating it for its owner alone), recovers, and starts a new generation.
    ///
    /// Each recovered record goes to `replay` in order: entries of the snapshot from the least recently used on, then
    /// the log. A `Put` may have expired meanwhile. When the disk takes no new log the store opens nonetheless, broken
    /// as after a failed write.
    ///
    /// # Errors
    /// [`Error::Locked`] while another store has the directory, [`Error::Foreign`] when it belongs to something else
    /// or to a newer version (nothing was changed), [`Error::Io`] when it cannot be read. On any error `replay`'s
    /// records are to be forgotten.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        identity: &Identity,
        durability: Durability,
        replay: &mut dyn FnMut(Record<'_>),
    ) -> Result<(Self, Recovery), Error> {
        if header_len(identity) > MAX_HEADER {
            let reason = "the function's name is too long for a file header".to_owned();
            return Err(Error::TooLarge { reason });
        }
        let lock_file = LockFile::take(&*fs, dir)?;
        let recovered = recover(&*fs, dir, identity, replay)?;
        let place = Place { fs: &*fs, dir, identity };
        let (wal, generations) = begin(&place, durability, &recovered);
        let Recovered { recovery, kept: _, log_bytes, snapshot, sequence, .. } = recovered;
        wal.older_bytes.store(log_bytes, Ordering::Relaxed);
        let (snapshot_bytes, snapshot_at) = snapshot.map_or((0, 0), |s| (s.bytes, s.written));
        let shared = Shared {
            durability,
            wal,
            looked_after: AtomicBool::new(false),
            logs: AtomicUsize::new(generations.logs()),
            generations: Mutex::new(generations),
            snapshot_bytes: AtomicU64::new(snapshot_bytes),
            older_records: AtomicU64::new(recovery.records),
            counted_to: AtomicU64::new(sequence),
            snapshot_at: AtomicU64::new(snapshot_at),
            lock_file,
            identity: identity.clone(),
            dir: dir.to_owned(),
            fs,
        };
        Ok((Self { shared: Arc::new(shared) }, recovery))
    }

    /// Is there anything in `dir` to recover?
    #[must_use]
    pub fn exists(fs: &dyn Fs, dir: &Path) -> bool {
        holds_something(fs, dir)
    }

    /// Queues a record. Does no I/O; call it under the lock that orders changes in memory, with the change already
    /// made or made before that lock is released: a checkpoint relies on finding every queued `Put` among its entries.
    #[must_use]
    pub fn queue(&self, record: Record<'_>) -> Ticket {
        self.shared.wal.push(&record, false)
    }

    /// As [`Store::queue`], for a `Put` in the place of a value that must not come back should this record be damaged.
    #[must_use]
    pub fn queue_replacing(&self, record: Record<'_>) -> Ticket {
        self.shared.wal.push(&record, matches!(record, Record::Put { .. }))
    }

    /// Waits until the ticket's record is as durable as the store's [`Durability`] requires: not at all, written, or
    /// written and synced. One caller writes for all that wait (group commit).
    ///
    /// # Errors
    /// The record is not in the log: it was too large, or the log is broken.
    pub fn commit(&self, ticket: Ticket) -> Result<(), Error> {
        let Shared { durability, looked_after, .. } = &*self.shared;
        if durability.syncs_in_background() && !looked_after.swap(true, Ordering::Relaxed) {
            let shared: Arc<dyn Maintain> = self.shared.clone();
            maintain(Arc::downgrade(&shared));
        }
        let committed = self.shared.wal.commit(ticket).and_then(|()| match ticket.fits {
            true => Ok(()),
            false => {
                Err(Error::TooLarge { reason: "key over 1 MiB or value over 16 MiB".to_owned() })
            }
        });
        self.shared.counted(committed)
    }

    /// As [`Store::commit`], for an invalidation, or a put in the place of a value that must not come back. Where the
    /// log takes nothing it is written to a new one, and where that fails all files are removed: what is not on disk is
    /// computed again, while what was removed must not come back.
    ///
    /// # Errors
    /// As [`Store::commit`], and not even a file could be removed.
    pub fn commit_removal(&self, ticket: Ticket) -> Result<(), Error> {
        self.commit(ticket).or_else(|error| self.shared.secure(ticket).map_err(|_| error))
    }

    /// Writes and syncs everything queued before the call.
    ///
    /// # Errors
    /// Something queued before is not on disk.
    pub fn flush(&self) -> Result<(), Error> {
        self.check()?;
        self.shared.counted(self.shared.wal.flush())
    }

    /// Is the directory still this store's? Someone may have removed it, and another process made it anew.
    ///
    /// # Errors
    /// [`Error::Io`] when it is not; no record reaches the disk then.
    pub fn check(&self) -> Result<(), Error> {
        self.shared.check_place()
    }

    /// Is it time for [`Store::compact`], now rather than within a second: did the logs outgrow the snapshot?
    #[must_use]
    pub fn is_outgrown(&self) -> bool {
        self.shared.is_above(0)
    }

    /// Did they by so much that writers had better wait?
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.shared.is_above(OVERHANG)
    }

    /// Goes on in a new log, writes `entries` to a snapshot, and removes what came before. Writers go on meanwhile.
    ///
    /// `entries` is called once, after the new log is in place.
    ///
    /// # Errors
    /// The snapshot is not in place; what was on disk before still is.
    pub fn checkpoint(&self, entries: &mut Entries<'_>) -> Result<(), Error> {
        self.shared.checkpoint(&mut self.shared.generations.lock(), entries)
    }

    /// A checkpoint if one is wanted and none is under way; says whether one was made. Wanted it is when the logs
    /// outgrew the snapshot or are many, when the files hold much more than the `live` entries, or when a broken log is
    /// due to heal.
    ///
    /// # Errors
    /// As [`Store::checkpoint`].
    pub fn compact(&self, live: usize, entries: &mut Entries<'_>) -> Result<bool, Error> {
        match self.shared.generations.try_lock() {
            Some(mut generations) if self.shared.wants_checkpoint(live) => {
                self.shared.checkpoint(&mut generations, entries).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// How the store fares.
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
    fn counted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.inspect_err(|error| self.wal.backoff.count(error))
    }

    fn place(&self) -> Place<'_> {
        Place { fs: &*self.fs, dir: &self.dir, identity: &self.identity }
    }

    /// What was written to a folder that is gone is lost.
    fn check_place(&self) -> Result<(), Error> {
        self.lock_file.check(&*self.fs, &self.dir).inspect_err(|gone| {
            if !self.wal.is_broken() {
                self.wal.give_up(gone);
                self.wal.backoff.count(gone);
            }
        })
    }

    fn secure(&self, ticket: Ticket) -> Result<(), Error> {
        let mut generations = self.generations.lock();
        if !self.wal.owes(ticket) {
            return Ok(());
        }
        self.wal.check_process()?;
        // In the place of a folder that is gone may be another's.
        self.check_place()?;
        let secured = generations.secure(&self.place(), &self.wal);
        self.logs.store(generations.logs(), Ordering::Relaxed);
        self.counted(secured)
    }

    fn wants_checkpoint(&self, live: usize) -> bool {
        self.wal.backoff.due().unwrap_or_else(|| {
            self.is_above(0)
                || self.logs.load(Ordering::Relaxed) > MANY_LOGS
                || self.is_mostly_dead(live)
        })
    }

    /// Are the logs longer than they may be, by more than `overhang`? Never while they cannot be compacted.
    fn is_above(&self, overhang: u64) -> bool {
        let allowed = self.snapshot_bytes.load(Ordering::Relaxed).max(COMPACT_FROM);
        self.wal.len() > allowed + overhang && self.wal.backoff.due().is_none()
    }

    /// Would a snapshot of `live` entries, each as long as records are on average, be less than half of the files?
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
                self.check_place().or_else(|_| self.lock_file.renew(&*self.fs, &self.dir))
            })
            .and_then(|()| generations.checkpoint(&self.place(), &self.wal, entries));
        let made = self.counted(made);
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
    fn tick(&self) {
        if self.durability.syncs_in_background() {
            let _ = self.counted(self.wal.sync());
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if !self.shared.wal.is_broken() && self.shared.durability.flushes_on_drop() {
            let _ = self.flush();
        }
        // The background thread may hold the rest for a moment longer.
        self.shared.lock_file.release();
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemFs;
    use super::*;

    #[test]
    fn a_dropped_store_gives_the_folder_back_though_a_tick_is_under_way() {
        let fs = Arc::new(MemFs::new());
        let identity = Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 };
        let open = || {
            let fs = Arc::clone(&fs) as Arc<dyn Fs>;
            Store::open(fs, Path::new("/c"), &identity, Durability::Os, &mut |_| {}).map(|(s, _)| s)
        };
        let store = open().unwrap();
        let ticking = Arc::clone(&store.shared);
        assert!(open().is_err());
        drop(store);
        open().unwrap();
        ticking.tick();
    }
}
