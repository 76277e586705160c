//! Keeps a directory small: its limits, and when a merge is due.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::frame::HEAD;
use super::header::FileHeader;
use super::merge::{self, Bounds, Keep};
use super::quarantine::remove_quarantine;
use super::shared::Shared;
use super::snapshot::Snapshot;
use super::store::Store;
use super::stored::Stored;
use super::writer::Writer;
use crate::error::Error;
use crate::platform::clock::{self, Millis};

/// The logs may grow to half the size of the snapshot, or to this many bytes. (If they could be as large as the
/// snapshot, an opening would read half of all records instead of a third, and half would be in the memory of each
/// process. Each byte is written three times on average, not twice.)
const COMPACT_FROM: u64 = 4 << 20;
/// If the logs exceed their limit by more than this many bytes, writers wait for the merge.
const MAX_EXCESS: u64 = 2 << 20;
/// How many bytes this process writes before it looks again whether the logs have outgrown the snapshot.
const LOOK_EACH: u64 = 4 << 10;
/// More logs than this that nobody writes are merged, because an opening would have to open too many files.
const MAX_LOGS: usize = 4;
/// The most bytes of records that are queued and for which nobody waits.
const MAX_QUEUED: usize = 64 << 10;
/// How long who wants a snapshot waits for another process that writes one.
const MAX_WAIT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });

impl Store {
    /// Sets how many bytes the directory may take.
    pub fn set_max_bytes(&self, max: u64) {
        self.shared.limit.set(max);
        self.shared.not_outgrown_at.store(u64::MAX, Ordering::Relaxed);
    }

    /// Returns how many bytes a value may take now without exceeding the limit of bytes.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.shared.room()
    }

    /// Returns how many bytes a value may take at most, when there is room.
    #[must_use]
    pub fn max_value(&self) -> u64 {
        self.shared.limit.value(self.shared.writers())
    }

    /// Makes the next merge leave out so much that there is room for a value of `len` bytes.
    pub fn make_room(&self, len: u64) {
        self.shared.limit.want(len.saturating_mul(self.shared.writers()));
    }

    /// Returns whether the logs have outgrown the snapshot, so that [`Store::compact`] is due now and not only within a
    /// second. Looks again only when the log of this process has grown by some KiB since: all writers ask.
    #[must_use]
    pub fn is_outgrown(&self) -> bool {
        let Some(writer) = self.shared.writer.get() else { return false };
        let len = writer.wal.len();
        let found_at = &self.shared.not_outgrown_at;
        // A new log is shorter.
        if found_at.load(Ordering::Relaxed).abs_diff(len) < LOOK_EACH {
            return false;
        }
        let is_outgrown = self.shared.is_over_limit(0);
        if !is_outgrown {
            found_at.store(len, Ordering::Relaxed);
        }
        is_outgrown
    }

    /// Returns whether the logs have outgrown the snapshot by so much that writers should wait for the merge.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.shared.is_over_limit(MAX_EXCESS)
    }

    /// Writes a snapshot of all that counts, and removes the files that it replaces. Threads and other processes can
    /// queue and commit records meanwhile. Returns whether it did: false if another process writes one.
    ///
    /// # Errors
    /// The snapshot is not in place. The older files still are.
    pub fn merge(&self, keep: &Keep<'_>) -> Result<bool, Error> {
        self.shared.merge(keep)
    }

    /// Does the same as [`Store::merge`] after it has ended the log of this process, however short it is. So of what does
    /// not count any more nothing is left, but in the logs that other processes are writing. Waits for a process that
    /// writes a snapshot: what is removed meanwhile may be in it.
    ///
    /// # Errors
    /// Those of [`Store::merge`], those of beginning a new log, and [`Error::Locked`] if another process writes a
    /// snapshot for too long.
    pub fn condense(&self, keep: &Keep<'_>) -> Result<(), Error> {
        let shared = &self.shared;
        if shared.merge_after(MAX_WAIT, || shared.end_log(), keep)? {
            Ok(())
        } else {
            Err(shared.writing()?.locks.locked())
        }
    }

    /// Removes what recovery has put aside.
    ///
    /// # Errors
    /// The errors of the system, and [`Error::Locked`] if another process changes files for too long.
    pub fn remove_quarantine(&self) -> Result<(), Error> {
        let (fs, dir) = (&*self.shared.fs, self.shared.place.dir());
        self.shared.writing()?.with_files(|| remove_quarantine(fs, dir))
    }

    /// Does the same as [`Store::merge`] if one is due: if the logs have outgrown the snapshot or are too many, or if
    /// the files are much larger than what counts in them. Returns whether it was.
    ///
    /// # Errors
    /// Those of [`Store::merge`].
    pub fn compact(&self, keep: &Keep<'_>) -> Result<bool, Error> {
        if !self.shared.wants_merge(keep.stale) {
            return Ok(false);
        }
        self.shared.merge(keep).map(|_| true)
    }

    /// Frees what this process does not need any more since others have merged. May take long.
    pub fn free_retired(&self) {
        let retired = std::mem::take(&mut self.shared.view.lock().retired);
        drop(retired);
    }
}

impl Shared {
    fn wants_merge(&self, stale: Millis) -> bool {
        let Some(writer) = self.writer.get() else { return false };
        writer.wal.backoff.due().unwrap_or(true)
            && (self.is_over_limit(0)
                || self.has_too_many_logs(writer)
                || writer.has_orphans.load(Ordering::Relaxed)
                || self.limit.has_wanted()
                || self.wants_to_merge_future()
                || self.view.lock().is_mostly_dead(self.limit.logs(COMPACT_FROM))
                || self.has_much_expired(stale))
    }

    /// Returns whether a merge is due that gives times from the future the present one. True once.
    fn wants_to_merge_future(&self) -> bool {
        self.view.lock().has_future_times && !self.has_merged_future.swap(true, Ordering::Relaxed)
    }

    /// Returns whether many of the values that the snapshot keeps apart have expired for `stale` milliseconds.
    fn has_much_expired(&self, stale: Millis) -> bool {
        let view = self.view.lock();
        let apart = view.snapshot.as_ref().map(|snapshot| snapshot.apart);
        apart.is_some_and(|all| {
            all.bytes >= COMPACT_FROM && all.half_expired.saturating_add(stale) <= clock::wall()
        })
    }

    fn has_too_many_logs(&self, writer: &Writer) -> bool {
        let logs = self.view.lock().logs.len();
        logs > MAX_LOGS && logs > MAX_LOGS + writer.count_live()
    }

    /// Returns whether the logs exceed their limit by more than `excess` bytes. False while a retry is planned after a
    /// failure: no merge is made until then.
    fn is_over_limit(&self, excess: u64) -> bool {
        let Some(writer) = self.writer.get() else { return false };
        let view = self.view.lock();
        let (len, apart) = view.snapshot.as_ref().map_or((0, 0), |s| (s.len, s.apart.bytes));
        let max =
            self.limit.logs(((len + apart) / 2).max(COMPACT_FROM)) + self.limit.excess(excess);
        let unmerged = view.unmerged_bytes(self.own_log()) + view.unmerged_apart;
        // The snapshot is larger than its limit if that was lowered.
        (unmerged > max || len + apart / 2 > self.limit.snapshot())
            && writer.wal.backoff.due().is_none()
    }

    /// See [`Store::room`].
    fn room(&self) -> u64 {
        let Some(max) = self.limit.get() else { return u64::MAX };
        let leftover = self.leftover_bytes();
        let view = self.view.lock();
        // The next snapshot comes beside what is there.
        let next = view.snapshot_bytes().min(self.limit.snapshot());
        let taken = view.file_bytes(self.own_log()) + leftover + next + HEAD as u64;
        let writers = self.writers();
        (max.saturating_sub(taken) / writers).min(self.limit.value(writers))
    }

    /// Returns among how many values the room is shared out that may be written at this moment: nobody sees what others
    /// are writing. Two for each process that writes.
    fn writers(&self) -> u64 {
        2 * self.writer.get().map_or(1, |writer| writer.state.slots_used().max(1)) as u64
    }

    /// Notes that a record in the older half of the snapshot was used, so that it is among the last to go: writes it
    /// again, with the horizon of the snapshot as its `since`. So it counts exactly as long as that in the snapshot
    /// does. Nobody waits for it.
    pub(crate) fn touch(&self, snapshot: &Snapshot, hash: u64, stored: &Stored) {
        let Some(writer) = self.writer.get().filter(|_| self.limit.get().is_some()) else { return };
        let FileHeader { number, base_sequence: horizon, .. } = snapshot.header;
        if !snapshot.is_in_older_half(stored.at) {
            return;
        }
        let mut touched = self.touched.lock();
        if !touched.has(number, hash) && stored.len() as u64 <= self.room() {
            touched.add(number, hash);
            drop(touched);
            let ticket = writer.wal.push(&stored.record(), horizon, false);
            if writer.wal.queued() > MAX_QUEUED {
                let _ = self.count_error(writer.wal.commit(ticket));
            }
        }
    }

    fn merge(&self, keep: &Keep<'_>) -> Result<bool, Error> {
        self.merge_after(Duration::ZERO, || Ok(()), keep)
    }

    /// Merges after `prepare`, which runs only if no other process merges. Waits for one so long.
    fn merge_after(
        &self,
        wait: Duration,
        prepare: impl FnOnce() -> Result<(), Error>,
        keep: &Keep<'_>,
    ) -> Result<bool, Error> {
        let writer = self.writing()?;
        // Before the files are listed: what is left later is for the next merge.
        let had_orphans = writer.has_orphans.swap(false, Ordering::Relaxed);
        let merged = writer
            .wal
            .check_process()
            .and_then(|()| writer.locks.check())
            .and_then(|()| self.end_long_log(writer))
            .and_then(|()| if self.deferred.is_some() { self.flush() } else { Ok(()) })
            // The snapshot is durable, so what it mentions should be.
            .and_then(|()| writer.values.sync(&*self.fs, self.place.dir()))
            .and_then(|()| {
                let bounds =
                    Bounds { most_bytes: self.limit.next_snapshot(), tolerance: self.tolerance };
                writer.with_merge(wait, || {
                    prepare()?;
                    merge::merge(self.directory(), writer, self.salt, keep, bounds)
                })
            });
        self.count_error(merged).inspect_err(|_| {
            writer.has_orphans.fetch_or(had_orphans, Ordering::Relaxed);
            writer.wal.backoff.back_off();
        })
    }
}
