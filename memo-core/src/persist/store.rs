//! The store of a directory that this process and others read and write. The files that add methods to it have one task
//! each: lookup, following, commit, removals, renewal, upkeep.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::backoff::Backoff;
use super::durability::Durability;
use super::fs::Fs;
use super::header::{MAX_HEADER, MAX_STATED, STATED, header_len};
use super::identity::Identity;
use super::key_locks::KeyClaim;
use super::listing::holds_something;
use super::loss::Recovery;
use super::place::Place;
use super::record::WallMillis;
use super::share::Share;
use super::shared::Shared;
use crate::error::Error;
use crate::platform::fork;

/// The state of a store.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Status {
    /// Bytes in the logs that the next opening would read.
    pub log_bytes: u64,
    /// The number of results on disk, or somewhat more.
    pub entries: u64,
    /// When the newest snapshot was written.
    pub last_snapshot: Option<SystemTime>,
    /// The number of operations that have failed since the directory was opened.
    pub errors: u64,
    /// The latest failure.
    pub last_error: Option<Error>,
    /// Whether records reach the disk. False from a failed write until [`Store::heal`] succeeds.
    pub healthy: bool,
}

/// A directory. Until the first record is queued, this process only reads.
///
/// A failure never stops a store: after a failed write records are not stored and [`Store::commit`] returns an error,
/// until [`Store::heal`] succeeds.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
}

impl Store {
    /// Opens the directory at `place` to read it. Changes nothing, and succeeds also if it does not exist.
    ///
    /// # Errors
    /// [`Error::Foreign`] if it belongs to something else or to a newer version. [`Error::Io`] if it cannot be read.
    pub fn open(
        fs: Arc<dyn Fs>,
        place: &Place,
        identity: &Identity,
        durability: Durability,
    ) -> Result<Self, Error> {
        Self::open_with_ttl(fs, place, identity, durability, Duration::ZERO)
    }

    /// Does the same as [`Store::open`] for results that live for `ttl`. Times in the files that lie further ahead of
    /// the clock than that, or than a day, were written while the clock was wrong: they are noted as damage.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub fn open_with_ttl(
        fs: Arc<dyn Fs>,
        place: &Place,
        identity: &Identity,
        durability: Durability,
        ttl: Duration,
    ) -> Result<Self, Error> {
        Self::open_share(fs, place, identity, durability, ttl, Share::ALL)
    }

    /// Does the same as [`Store::open`] for a process that only writes: it needs no memory for the records in logs, and
    /// does not find them.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub(crate) fn open_without_index(
        fs: Arc<dyn Fs>,
        place: &Place,
        identity: &Identity,
        durability: Durability,
    ) -> Result<Self, Error> {
        Self::open_share(fs, place, identity, durability, Duration::ZERO, Share::NONE)
    }

    /// Does the same as [`Store::open`] for a process that knows itself what it has written: the store finds only what
    /// others wrote, and what was there before.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    #[cfg(any(feature = "inspect", test))]
    pub(crate) fn open_without_own(
        fs: Arc<dyn Fs>,
        place: &Place,
        identity: &Identity,
        durability: Durability,
    ) -> Result<Self, Error> {
        let store = Self::open(fs, place, identity, durability)?;
        store.shared.view.lock().has_own = false;
        Ok(store)
    }

    /// Returns how many records are in the index.
    #[cfg(any(feature = "inspect", test))]
    pub(crate) fn indexed(&self) -> usize {
        self.shared.view.lock().index.len()
    }

    fn open_share(
        fs: Arc<dyn Fs>,
        place: &Place,
        identity: &Identity,
        durability: Durability,
        ttl: Duration,
        share: Share,
    ) -> Result<Self, Error> {
        if header_len(identity) + MAX_STATED * STATED > MAX_HEADER {
            let reason = "the function's name is too long for a file header".to_owned();
            return Err(Error::TooLarge { reason });
        }
        let shared = Shared::new(fs, place, identity, durability, ttl, share);
        shared.read()?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns whether `dir` holds something to recover.
    #[must_use]
    pub fn exists(fs: &dyn Fs, dir: &Path) -> bool {
        holds_something(fs, dir)
    }

    /// Returns what was read and lost since the directory was opened.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.shared.view.lock().recovery.clone()
    }

    /// Returns the latest wall time that was read and is no [`Loss::FutureTime`](super::Loss::FutureTime), in
    /// milliseconds since 1970.
    #[must_use]
    pub fn high_water(&self) -> WallMillis {
        self.shared.view.lock().recovery.high_water
    }

    /// Returns the mean cost of the results on disk, or zero if none is known.
    #[must_use]
    pub fn mean_cost(&self) -> Duration {
        self.shared.view.lock().costs.mean()
    }

    /// Returns the highest sequence so far. A computation notes it when it begins.
    #[must_use]
    pub fn since(&self) -> u64 {
        match self.shared.writer.get() {
            Some(writer) => writer.state.sequence(),
            // Before a process writes, what the page says may be of an earlier boot, and of records that were lost.
            None => self.shared.view.lock().sequence,
        }
    }

    /// Returns the sequence up to which a record that reaches no snapshot does not count. The store must have begun to
    /// write.
    #[must_use]
    pub fn horizon(&self) -> u64 {
        self.shared.writer.get().map_or(0, |writer| writer.state.horizon())
    }

    /// Returns whether this process has opened the store. A child of fork has not: it shares the locks and the log of
    /// its parent, and must not use them.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.shared.process == fork::generation()
    }

    /// Returns whether [`Store::begin`] has succeeded.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.shared.writer.get().is_some()
    }

    /// Tries to lock a key among processes, to compute its value.
    #[must_use]
    pub fn try_lock_key(&self, key: &[u8]) -> KeyClaim {
        self.shared.key_locks.try_lock(&*self.shared.fs, &self.shared.place, key)
    }

    /// Returns the state of the store.
    #[must_use]
    pub fn status(&self) -> Status {
        let (log_bytes, entries, at) = {
            let view = self.shared.view.lock();
            let at = view.snapshot.as_ref().map_or(0, |snapshot| snapshot.header.written);
            (view.unmerged_bytes(self.shared.own_log()), view.entries(), at)
        };
        let last_snapshot = UNIX_EPOCH.checked_add(Duration::from_millis(at)).filter(|_| at > 0);
        let backoff = self.shared.writer.get().map(|writer| &writer.wal.backoff);
        Status {
            log_bytes,
            entries,
            last_snapshot,
            errors: backoff.map_or(0, Backoff::errors),
            last_error: backoff.and_then(Backoff::last),
            healthy: backoff.is_none_or(|backoff| backoff.due().is_none()),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(writer) = self.shared.writer.get() {
            if !writer.wal.is_broken() && self.shared.durability.flushes_on_drop() {
                let _ = self.flush();
            }
            // The background thread may hold `shared` for a moment longer, but the slot is free now.
            writer.release();
        }
    }
}
