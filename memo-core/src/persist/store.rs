//! The store of a directory that this process and others read and write.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use once_cell::sync::OnceCell;

use super::backoff::Backoff;
use super::clearance::remove_contents;
use super::deferred::Deferred;
use super::disk_limit::DiskLimit;
use super::durability::Durability;
use super::file_name::Name;
use super::frame::HEAD;
use super::fs::Fs;
use super::header::{FileHeader, MAX_HEADER, MAX_STATED, STATED, header_len, random_salt};
use super::identity::Identity;
use super::key_hash::key_hash;
use super::key_locks::{KeyClaim, KeyLocks};
use super::listing::{holds_something, list};
use super::locks::Locks;
use super::log_file::StoreDirectory;
use super::loss::Recovery;
use super::merge::{self, Bounds, Keep};
use super::place::Place;
use super::queue::Ticket;
use super::record::{Record, WallMillis};
use super::snapshot::Snapshot;
use super::state::State;
use super::stored::{Found, Stored};
use super::tail::Tail;
use super::view::{Location, Removal, View};
use super::wal::Wal;
use super::writer::{Begun, Writer};
use crate::error::Error;
use crate::platform::clock::{self, Millis};
use crate::platform::fork;
use crate::platform::maintenance::{Maintain, Registration, STORES};
use crate::platform::sync::{self, usual::Mutex};

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

/// The logs may grow to this many bytes, even if the snapshot is smaller.
const COMPACT_FROM: u64 = 4 << 20;
/// If the logs exceed their limit by more than this many bytes, writers wait for the merge.
const MAX_EXCESS: u64 = 2 << 20;
/// How many bytes this process writes before it looks again whether the logs have outgrown the snapshot.
const LOOK_EACH: u64 = 4 << 10;
/// More logs than this that nobody writes are merged, because an opening would have to open too many files.
const MAX_LOGS: usize = 4;
/// A record is written again at most this often because a snapshot was begun meanwhile.
const MAX_ATTEMPTS: u32 = 8;
/// A log of which a snapshot has this many bytes is ended.
const ROTATE_FROM: u64 = 1 << 20;
/// The most bytes of records that are queued and for which nobody waits.
const MAX_QUEUED: usize = 64 << 10;

/// Times in files may lie so far ahead of the clock, even if the time to live is less: clocks are set back.
const LEAST_TOLERANCE: Duration = Duration::from_secs(24 * 3600);

/// Whether all files were removed, because no log could take an invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Emptied {
    /// No, or a log was begun since.
    #[default]
    No,
    /// The removal has begun. Some files may be left.
    Partly,
    /// All files are removed, durably.
    Wholly,
}

/// A directory. Until the first record is queued, this process only reads.
///
/// A failure never stops a store: after a failed write records are not stored and [`Store::commit`] returns an error,
/// until [`Store::heal`] succeeds.
pub struct Store {
    shared: Arc<Shared>,
}

/// The records in the older half of a snapshot that this process has written again because they were used.
#[derive(Default)]
struct Touched {
    snapshot: u64,
    /// The hashes of their keys.
    hashes: HashSet<u64>,
}

struct Shared {
    fs: Arc<dyn Fs>,
    place: Place,
    identity: Identity,
    durability: Durability,
    /// The process that opened the store, by its generation.
    process: u64,
    /// The number by which this process hashes keys.
    salt: u64,
    /// How far a time in a file may lie ahead of the clock.
    tolerance: Millis,
    view: Mutex<View>,
    /// Whether a merge was begun because of times that lie further ahead. That is done once, because another process
    /// with another clock may write such times again and again.
    has_merged_future: AtomicBool,
    /// How far this process has followed others. Held while it does, and until what they removed is removed here too.
    following: Mutex<Following>,
    /// What may not be in a log yet. `None`: each record is written before its commit returns.
    deferred: Option<Mutex<Deferred>>,
    /// The page, for a process that only reads.
    observed: OnceCell<State>,
    writer: OnceCell<Writer>,
    emptied: sync::Mutex<Emptied>,
    limit: DiskLimit,
    touched: Mutex<Touched>,
    /// Whether a log of this process was removed by somebody, and what it held was not written again.
    has_lost_log: AtomicBool,
    /// How long the log of this process was when the logs were last found not to have outgrown the snapshot.
    not_outgrown_at: AtomicU64,
    key_locks: KeyLocks,
    /// The word that counts removals, once it was asked for: of the page that was observed, and of the page to which
    /// this process writes. Between these the directory may have been created again.
    observed_removals: OnceCell<&'static AtomicU64>,
    removals: OnceCell<&'static AtomicU64>,
    /// The count of removals up to which this process has followed.
    removals_seen: AtomicU64,
    /// Whether the background thread syncs the log. It does from the first commit on, if the durability requires it.
    maintenance: Registration,
}

impl Touched {
    /// Returns whether the record with that hash was not written again since the snapshot.
    fn add(&mut self, snapshot: u64, hash: u64) -> bool {
        if self.snapshot != snapshot {
            *self = Self { snapshot, ..Self::default() };
        }
        self.hashes.insert(hash)
    }
}

#[derive(Default)]
struct Following {
    tail: Tail,
    /// What others removed and was not passed on yet.
    found: Vec<Removal>,
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
        if header_len(identity) + MAX_STATED * STATED > MAX_HEADER {
            let reason = "the function's name is too long for a file header".to_owned();
            return Err(Error::TooLarge { reason });
        }
        let shared = Shared {
            fs,
            place: place.clone(),
            identity: identity.clone(),
            durability,
            process: fork::generation(),
            salt: random_salt(),
            tolerance: clock::millis(ttl.max(LEAST_TOLERANCE)),
            view: Mutex::new(View::new(0, 0)),
            has_merged_future: AtomicBool::new(false),
            following: Mutex::default(),
            deferred: durability.buffer_limit().map(|_| Mutex::default()),
            observed: OnceCell::new(),
            writer: OnceCell::new(),
            emptied: sync::Mutex::default(),
            limit: DiskLimit::none(),
            touched: Mutex::default(),
            has_lost_log: AtomicBool::new(false),
            not_outgrown_at: AtomicU64::new(u64::MAX),
            key_locks: KeyLocks::default(),
            observed_removals: OnceCell::new(),
            removals: OnceCell::new(),
            removals_seen: AtomicU64::new(0),
            maintenance: Registration::new(),
        };
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

    /// Begins to write, if this process does not yet. Creates the directory, for its owner alone, if it is missing.
    /// Passes what other processes removed to `removed`.
    ///
    /// # Errors
    /// [`Error::Locked`] if the directory cannot be shared and another process has it. [`Error::Foreign`] if it belongs
    /// to something else or to a newer version; nothing is changed then. [`Error::Io`] if it cannot be read.
    pub fn begin(&self, removed: &mut dyn FnMut(Removal)) -> Result<(), Error> {
        self.shared.writer.get_or_try_init(|| self.shared.begin(removed)).map(drop)
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

    /// Reads what other processes have written since the last call. Passes what they removed to `removed`.
    ///
    /// # Errors
    /// A file cannot be read. What was read before is served.
    pub fn follow(&self, removed: &mut dyn FnMut(Removal)) -> Result<(), Error> {
        self.shared.follow(removed)
    }

    /// Returns how many removals the last call of [`Store::follow`] has passed on, counted with those before.
    #[must_use]
    pub fn removals_seen(&self) -> u64 {
        self.shared.removals_seen.load(Ordering::Acquire)
    }

    /// Returns the word in which all processes count removals, if it exists yet.
    #[must_use]
    pub fn removals(&self) -> Option<&'static AtomicU64> {
        let Shared { writer, observed, removals, observed_removals, .. } = &*self.shared;
        let (state, word) = match writer.get() {
            Some(writer) => (&writer.state, removals),
            None => (observed.get()?, observed_removals),
        };
        Some(word.get_or_init(|| state.leak_removals()))
    }

    /// Tries to lock a key among processes, to compute its value.
    #[must_use]
    pub fn try_lock_key(&self, key: &[u8]) -> KeyClaim {
        self.shared.key_locks.try_lock(&*self.shared.fs, self.shared.place.dir(), key)
    }

    /// Reads the newest value of a key. `None` also if it is damaged; that is noted.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<Stored>, Error> {
        self.shared.find(key)
    }

    /// Passes each put that counts to `each`. Those that others write meanwhile may be missing.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn for_each(&self, each: &mut dyn FnMut(Record<'_>)) -> Result<(), Error> {
        // A copy, because `each` may run code of users.
        let contents = self.shared.view.lock().contents();
        contents.for_each(self.shared.place.dir(), &mut |put| {
            if put.counts {
                each(put.record);
            }
            Ok(())
        })
    }

    /// Queues a record. Does no I/O. Call it under the lock that orders changes in memory. `since`: what
    /// [`Store::since`] returned when the computation of a put began. The store must have begun to write.
    #[must_use]
    pub fn queue(&self, record: Record<'_>, since: u64) -> Ticket {
        self.shared.queue(&record, since, false)
    }

    /// Does the same as [`Store::queue`], for a `Put` that replaces another value. The old value must not come back if
    /// this record is damaged. Values whose computation began before `since` do not count any more. `u64::MAX`: the
    /// value was not computed, and is as new as the record.
    #[must_use]
    pub fn queue_replacing(&self, record: Record<'_>, since: u64) -> Ticket {
        self.shared.queue(&record, since, matches!(record, Record::Put { .. }))
    }

    /// Waits until the ticket's record is as durable as the store's [`Durability`] requires: not at all, written, or
    /// written and synced. One caller writes for all that wait (group commit).
    ///
    /// # Errors
    /// The record is not in the log, because it is too large or the log is broken.
    pub fn commit(&self, ticket: Ticket) -> Result<(), Error> {
        self.begin_syncing();
        self.shared.commit(ticket, Wal::commit)
    }

    /// Makes the background thread sync the log, if the durability requires that.
    fn begin_syncing(&self) {
        let Shared { durability, maintenance, .. } = &*self.shared;
        if durability.syncs_in_background() {
            maintenance.begin(&STORES, || {
                let shared: Arc<dyn Maintain> = self.shared.clone();
                Arc::downgrade(&shared)
            });
        }
    }

    /// Returns whether a snapshot was begun that does not have the record of a committed ticket, although it is older.
    /// The record does not count then, and must be queued and committed again.
    #[must_use]
    pub fn is_overtaken(&self, ticket: Ticket) -> bool {
        self.shared.writing().is_ok_and(|writer| writer.state.horizon() > ticket.since)
    }

    /// Raises the horizon to the present sequence, and returns it: what to pass as `since` for values that were
    /// computed at any time. What is being committed is numbered anew.
    #[must_use]
    pub fn raise_horizon(&self) -> u64 {
        self.shared.writing().map_or(0, |writer| writer.state.raise_horizon())
    }

    /// Does the same as [`Store::commit`], for a removal or for a put that replaces a value which must not come back,
    /// and tells other processes. The record is written with every [`Durability`], so that they find it. If the log is broken, the removal is written to a new log. If that fails too, all
    /// files are removed: a result that is not on disk is computed again, but a removed one must not come back.
    ///
    /// # Errors
    /// Those of [`Store::commit`], if the files could not be removed either.
    pub fn commit_removal(&self, ticket: Ticket) -> Result<(), Error> {
        self.begin_syncing();
        let committed = self.shared.commit(ticket, Wal::commit_now);
        let committed = committed
            .or_else(|error| self.shared.secure_removal(ticket).map_err(|_| error))
            .and_then(|()| self.shared.renew_log());
        if let Ok(writer) = self.shared.writing() {
            writer.state.count_removal();
        }
        committed
    }

    /// Removes all, as [`Store::commit_removal`] does.
    ///
    /// # Errors
    /// Those of [`Store::commit_removal`].
    pub fn clear(&self) -> Result<(), Error> {
        for _ in 0..MAX_ATTEMPTS {
            let ticket = self.queue(Record::Clear, 0);
            self.commit_removal(ticket)?;
            if !self.is_overtaken(ticket) {
                break;
            }
        }
        Ok(())
    }

    /// Writes and syncs all records that were queued before the call.
    ///
    /// # Errors
    /// A record that was queued before is not on disk.
    pub fn flush(&self) -> Result<(), Error> {
        if self.shared.writer.get().is_none() {
            return Ok(());
        }
        self.check()?;
        self.shared.flush()
    }

    /// Checks that the directory is still the one that this store reads or writes. A user may have removed it or its
    /// page, and another process may have created it again.
    ///
    /// # Errors
    /// [`Error::Io`] if it is not. No record reaches the disk then: the store must be opened again.
    pub fn check(&self) -> Result<(), Error> {
        let Some(writer) = self.shared.writer.get() else { return self.shared.check_page() };
        writer.locks.check().and_then(|()| self.shared.check_page()).inspect_err(|error| {
            if !writer.wal.is_broken() {
                writer.wal.abandon_log(error);
                writer.wal.backoff.count(error);
            }
        })
    }

    /// Sets how many bytes the directory may take.
    pub fn set_max_bytes(&self, max: u64) {
        self.shared.limit.set(max);
        self.shared.not_outgrown_at.store(u64::MAX, Ordering::Relaxed);
    }

    /// Returns whether a value of `len` bytes can be stored now without exceeding the limit of bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it can never be.
    pub fn has_room(&self, len: usize) -> Result<bool, Error> {
        self.shared.has_room(len)
    }

    /// Begins a new log if somebody has removed that of this process, and removes all that others have: what was lost
    /// with it may have removed anything. Returns whether what is in memory must be written again for that reason.
    ///
    /// # Errors
    /// No new log could be begun.
    pub fn renew_lost_log(&self) -> Result<bool, Error> {
        self.shared.renew_log()?;
        Ok(self.shared.has_lost_log.swap(false, Ordering::SeqCst))
    }

    /// Returns whether the logs have outgrown the snapshot, so that [`Store::compact`] is due now and not only within a
    /// second. Looks again only when the log of this process has grown by [`LOOK_EACH`] since, because all writers ask.
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
    /// queue and commit records meanwhile. If another process writes one, returns without.
    ///
    /// # Errors
    /// The snapshot is not in place. The older files still are.
    pub fn merge(&self, keep: &Keep<'_>) -> Result<(), Error> {
        self.shared.merge(keep)
    }

    /// Does the same as [`Store::merge`] if one is due: if the logs have outgrown the snapshot or are too many, or if
    /// the files are much larger than what counts in them. Returns whether it was.
    ///
    /// # Errors
    /// Those of [`Store::merge`].
    pub fn compact(&self, keep: &Keep<'_>) -> Result<bool, Error> {
        if !self.shared.wants_merge() {
            return Ok(false);
        }
        self.shared.merge(keep).map(|()| true)
    }

    /// Ends the log of this process if a snapshot has much of it, so that the next can remove the file. Call it after
    /// [`Store::follow`].
    ///
    /// # Errors
    /// No new log could be begun.
    pub fn rotate_merged(&self) -> Result<(), Error> {
        let Some(writer) = self.shared.writer.get() else { return Ok(()) };
        self.shared.renew_log()?;
        let merged = self.shared.view.lock().merged_len(writer.wal.log());
        let from = self.shared.limit.excess(ROTATE_FROM);
        if (from..u64::MAX).contains(&merged) { self.shared.rotate(writer) } else { Ok(()) }
    }

    /// After a failure, once the backoff has passed, begins a new log. Returns whether it did: the caller then queues
    /// again what is in memory and not on disk, and calls [`Store::healed`].
    ///
    /// # Errors
    /// No new log could be begun.
    pub fn heal(&self) -> Result<bool, Error> {
        match self.shared.writer.get() {
            Some(writer) if writer.wal.backoff.due() == Some(true) => {
                self.shared.heal(writer).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// Does what [`Store::heal`] does, whether or not it is due.
    #[cfg(test)]
    pub(crate) fn heal_now(&self) -> Result<(), Error> {
        self.shared.heal(self.shared.writing()?)
    }

    /// Returns whether this process has read more of a log than its writer has committed.
    #[cfg(all(test, memokit_model))]
    pub(crate) fn has_read_beyond(&self) -> bool {
        let view = self.shared.view.lock();
        let committed = self.shared.state().map(State::logs).unwrap_or_default();
        let read = |log| view.logs.get(&log).map_or(0, |reader| reader.read_to);
        committed.iter().any(|slot| read(slot.log) > slot.len)
    }

    #[cfg(test)]
    pub(crate) fn emptied(&self) -> Emptied {
        *self.shared.emptied.lock()
    }

    /// Called when all that is in memory was queued again.
    ///
    /// # Errors
    /// The log is broken again.
    pub fn healed(&self) -> Result<(), Error> {
        let Some(writer) = self.shared.writer.get() else { return Ok(()) };
        writer.wal.write_out()?;
        self.shared.settle();
        writer.wal.rewritten();
        Ok(())
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

    #[cfg(test)]
    pub(crate) fn tick(&self) {
        self.shared.tick();
    }

    #[cfg(test)]
    pub(crate) fn backoff(&self) -> Duration {
        self.shared.writer.get().map_or(Duration::ZERO, |writer| writer.wal.backoff.delay())
    }
}

impl Shared {
    fn directory(&self) -> StoreDirectory<'_> {
        StoreDirectory { fs: &*self.fs, dir: self.place.dir(), identity: &self.identity }
    }

    /// Counts the error if `result` is one.
    fn count_error<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.inspect_err(|error| {
            if let Some(writer) = self.writer.get() {
                writer.wal.backoff.count(error);
            }
        })
    }

    /// Returns the page, if there is one.
    fn state(&self) -> Option<&State> {
        self.writer.get().map(|writer| &writer.state).or_else(|| self.observed.get())
    }

    fn writing(&self) -> Result<&Writer, Error> {
        self.writer.get().ok_or(Error::NotPersistent)
    }

    /// Looks for the page of other processes, unless it was found.
    fn observe(&self) -> Option<&State> {
        let found = self.observed.get_or_try_init(|| {
            // What another computer writes to the page may never be seen here.
            let locks = Locks::observe(&*self.fs, self.place.dir());
            if locks.is_some_and(|locks| locks.has_other_hosts().unwrap_or(false)) {
                return Err(());
            }
            let page = self.fs.page(&Name::State.at(self.place.dir()), false).map_err(drop)?;
            Some(State::new(page)).filter(State::is_known).ok_or(())
        });
        found.ok()
    }

    /// Reads the directory, if it exists.
    fn read(&self) -> Result<(), Error> {
        let dir = self.place.dir();
        *self.view.lock() = View::new(self.salt, self.tolerance);
        if !holds_something(&*self.fs, dir) {
            return Ok(());
        }
        let locks = Locks::observe(&*self.fs, dir);
        let has_writers = locks.is_some_and(|locks| locks.has_writers().unwrap_or(false));
        let state = self.observe();
        let tail = &mut self.following.lock().tail;
        if let Some(state) = state {
            self.removals_seen.store(state.removals(), Ordering::Release);
            *tail = Tail::of(state);
            if has_writers {
                let mut view = self.view.lock();
                return tail.reload(self.directory(), state, &mut view, &mut Vec::new());
            }
        }
        let listing = list(&*self.fs, dir, &self.identity)?;
        let (view, _) = View::read(dir, listing, &[], self.salt, self.tolerance)?;
        *self.view.lock() = view;
        Ok(())
    }

    fn begin(&self, removed: &mut dyn FnMut(Removal)) -> Result<Writer, Error> {
        let mut following = self.following.lock();
        let Following { tail, found } = &mut *following;
        let directory = self.directory();
        let mut removals = 0;
        let mut catch_up = |state: &State, begun: Begun| {
            // Before the others' records are read. What is removed later was not followed.
            removals = state.removals();
            let mut view = self.view.lock();
            match begun {
                Begun::First(fresh) => {
                    // Others may have written and ended since this process read the files.
                    found.extend(view.removed_until(&fresh)?);
                    *view = *fresh;
                    *tail = Tail::of(state);
                    Ok(())
                }
                Begun::Joined => tail.follow(directory, state, None, &mut view, found),
            }
        };
        let (durability, salt) = (self.durability, self.salt);
        let begun = Writer::begin(directory, durability, salt, &self.view, &mut catch_up);
        self.pass_on(&mut following, removed);
        let writer = begun?;
        self.removals_seen.store(removals, Ordering::Release);
        Ok(writer)
    }

    fn follow(&self, removed: &mut dyn FnMut(Removal)) -> Result<(), Error> {
        let Some(state) = self.state().or_else(|| self.observe()) else { return Ok(()) };
        let mut following = self.following.lock();
        let removals = state.removals();
        let followed = self.read_on(state, &mut following);
        self.pass_on(&mut following, removed);
        followed?;
        self.removals_seen.store(removals, Ordering::Release);
        Ok(())
    }

    /// Reads what other processes have written, and adds what they removed to `following`.
    fn read_on(&self, state: &State, following: &mut Following) -> Result<(), Error> {
        let Following { tail, found } = following;
        let own = self.writer.get().map(|writer| writer.slot);
        if tail.is_current(state, own) {
            return Ok(());
        }
        self.count_error(tail.follow(self.directory(), state, own, &mut self.view.lock(), found))
    }

    /// Passes on what others removed.
    fn pass_on(&self, following: &mut Following, removed: &mut dyn FnMut(Removal)) {
        let found = std::mem::take(&mut following.found);
        let hashes: Vec<_> = match &self.deferred {
            Some(_) => found.iter().map(|removal| self.hash_of(removal)).collect(),
            None => Vec::new(),
        };
        for removal in found {
            removed(removal);
        }
        // Afterwards, so that a computation that began before the removal has ended, or finds that it must not be
        // queued any more.
        self.forget_deferred(hashes);
    }

    /// Returns the hash of the key that was removed. `None`: all were.
    fn hash_of(&self, removal: &Removal) -> Option<u64> {
        match removal {
            Removal::Key(key) => Some(key_hash(self.salt, key)),
            Removal::All => None,
        }
    }

    fn forget_deferred(&self, hashes: impl IntoIterator<Item = Option<u64>>) {
        let Some(deferred) = &self.deferred else { return };
        let mut deferred = deferred.lock();
        hashes.into_iter().for_each(|hash| deferred.remove(hash));
    }

    /// Looks at what waited in memory and was written since. What counts is in the index from now on. What another
    /// process's snapshot has overtaken is queued again, unless a removal has ended it. Returns whether there was any.
    fn settle(&self) -> bool {
        let Some((deferred, writer)) = self.deferred.as_ref().zip(self.writer.get()) else {
            return false;
        };
        let written = writer.wal.written();
        if !deferred.lock().is_unsettled(written) {
            return false;
        }
        // Each removal up to the horizon is in a log by now, or its process notices and numbers it anew.
        let horizon = writer.state.horizon();
        let mut following = self.following.lock();
        let followed = self.read_on(&writer.state, &mut following);
        self.forget_deferred(following.found.iter().map(|removal| self.hash_of(removal)));
        drop(following);
        if followed.is_err() {
            return false;
        }
        let mut view = self.view.lock();
        let mut deferred = deferred.lock();
        let mut has_overtaken = false;
        for put in deferred.take_written(written) {
            let ticket = put.ticket;
            let Some(hash) = ticket.put.filter(|_| !writer.wal.is_unlogged(ticket.sequence)) else {
                continue;
            };
            if ticket.since >= horizon {
                view.index.put(hash, ticket.sequence, ticket.since, ticket.position);
            } else {
                has_overtaken = true;
                let again = writer.wal.push(&put.record(), horizon, put.replaces);
                let again = Ticket { put: Some(hash), ..again };
                deferred.add(&put.record(), Some(hash), put.replaces, again);
            }
        }
        has_overtaken
    }

    /// Writes and syncs what is queued, also what is queued again because it was overtaken.
    fn flush(&self) -> Result<(), Error> {
        let writer = self.writing()?;
        for _ in 0..MAX_ATTEMPTS {
            self.count_error(writer.wal.flush())?;
            if !self.settle() {
                break;
            }
        }
        Ok(())
    }

    fn find(&self, key: &[u8]) -> Result<Option<Stored>, Error> {
        let hash = key_hash(self.salt, key);
        let location = self.view.lock().locate(hash);
        let dir = self.place.dir();
        let (found, path) = match location {
            Location::Nowhere => return Ok(None),
            Location::At(file, seed, position) => {
                let found = Stored::read(&*file, seed, position.at, position.len, Some(key));
                (found, Name::Log(position.log).at(dir))
            }
            Location::Snapshot(snapshot, least) => {
                let name = Name::Snapshot(snapshot.header.number);
                let found = snapshot.find(key);
                if let Ok(Found::Stored(stored)) = &found {
                    self.touch(&snapshot, hash, stored);
                }
                let found = found.map(|found| match found {
                    Found::Stored(stored) if stored.head.since < least => Found::Other,
                    found => found,
                });
                (found, name.at(dir))
            }
        };
        match self.count_error(found.map_err(|e| Error::io("read", &path, &e)))? {
            Found::Stored(stored) => Ok(Some(stored)),
            Found::Other => Ok(None),
            Found::Damaged => {
                self.view.lock().note_damage(hash, path);
                Ok(None)
            }
        }
    }

    fn queue(&self, record: &Record<'_>, since: u64, replaces: bool) -> Ticket {
        let writer = self.writer.get().expect("a store that has begun to write");
        let hash = match record {
            Record::Put { key, .. } | Record::Remove { key } => Some(key_hash(self.salt, key)),
            Record::Clear => None,
        };
        let ticket = self.push(writer, record, hash, since, replaces);
        // At once, so that no other thread finds on disk what this one removes.
        let Some(hash) = hash else {
            self.view.lock().index.clear(ticket.sequence);
            return ticket;
        };
        if ticket.put.is_none() {
            self.view.lock().remove(hash, ticket.sequence);
        } else if replaces {
            self.view.lock().remove(hash, ticket.since);
        }
        ticket
    }

    /// Queues a record. `hash`: that of its key.
    fn push(
        &self,
        writer: &Writer,
        record: &Record<'_>,
        hash: Option<u64>,
        since: u64,
        replaces: bool,
    ) -> Ticket {
        // Held while the record gets its number, so that records of one key that are queued again keep their order.
        let deferred = self.deferred.as_ref().map(Mutex::lock);
        let ticket = writer.wal.push(record, since, replaces);
        let is_put = ticket.fits && matches!(record, Record::Put { .. });
        let ticket = Ticket { put: hash.filter(|_| is_put), ..ticket };
        if let Some(mut deferred) = deferred {
            deferred.add(record, hash, replaces, ticket);
        }
        ticket
    }

    /// Commits a record by one of the ways of a log.
    fn commit(
        &self,
        ticket: Ticket,
        commit: impl Fn(&Wal, Ticket) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let writer = self.writing()?;
        let committed = commit(&writer.wal, ticket).and_then(|()| match ticket.fits {
            true => Ok(()),
            false => {
                Err(Error::TooLarge { reason: "key over 1 MiB or value over 16 MiB".to_owned() })
            }
        });
        if self.deferred.is_some() {
            self.settle();
        } else if let (Ok(()), Some(hash)) = (&committed, ticket.put) {
            let mut view = self.view.lock();
            view.index.put(hash, ticket.sequence, ticket.since, ticket.position);
        }
        self.count_error(committed)
    }

    /// Makes a removal durable that the broken log could not take: in a new log, or by removing all files.
    fn secure_removal(&self, ticket: Ticket) -> Result<(), Error> {
        let writer = self.writing()?;
        if !writer.wal.is_removal_unlogged(ticket) {
            return Ok(());
        }
        writer.wal.check_process()?;
        // If the directory was removed, another process may have created it again. Its files are not ours.
        writer.locks.check()?;
        let mut emptied = self.emptied.lock();
        if *emptied == Emptied::Wholly {
            return Ok(());
        }
        let secured = self.rotate(writer).or_else(|_| {
            *emptied = Emptied::Partly;
            self.remove_all(writer, ticket)?;
            *emptied = Emptied::Wholly;
            Ok(())
        });
        self.count_error(secured)
    }

    /// Checks that the page is still that of the directory.
    fn check_page(&self) -> Result<(), Error> {
        let dir = self.place.dir();
        match self.state() {
            Some(state) if !state.is_at(&Name::State.at(dir)) => Err(Locks::replaced(dir)),
            _ => Ok(()),
        }
    }

    /// Begins a new log if another process has removed that of this one with all files, or if somebody has removed it
    /// alone. What was removed lately is lost with it, and that may have been anything.
    fn renew_log(&self) -> Result<(), Error> {
        let writer = self.writing()?;
        if writer.wal.is_broken() {
            return Ok(());
        }
        // A directory that was removed or replaced is opened again, and nothing is written to it before.
        let is_here = || writer.locks.check().and_then(|()| self.check_page()).is_ok();
        let is_lost = !writer.is_log_removed() && self.is_log_lost(writer) && is_here();
        if !is_lost && !writer.is_log_removed() {
            return Ok(());
        }
        self.rotate(writer)?;
        self.has_lost_log.fetch_or(is_lost, Ordering::SeqCst);
        self.clear(writer)
    }

    /// Returns whether the log of this process is not where it was begun.
    fn is_log_lost(&self, writer: &Writer) -> bool {
        let number = writer.wal.log();
        let view = self.view.lock();
        let log = view.logs.get(&number).map(|log| (Arc::clone(&log.file), log.path.clone()));
        drop(view);
        // Another thread may have begun another one meanwhile.
        log.is_some_and(|(file, path)| !file.is_at(&path)) && writer.wal.log() == number
    }

    /// Writes a removal of all.
    fn clear(&self, writer: &Writer) -> Result<(), Error> {
        for _ in 0..MAX_ATTEMPTS {
            let ticket = self.queue(&Record::Clear, 0, false);
            self.commit(ticket, Wal::commit_now)?;
            if writer.state.horizon() <= ticket.since {
                break;
            }
        }
        Ok(())
    }

    /// Ends the log of this process and begins a new one.
    fn rotate(&self, writer: &Writer) -> Result<(), Error> {
        let rotated = writer.wal.check_process().and_then(|()| writer.rotate(self.directory()));
        let rotated = self.count_error(rotated).inspect_err(|_| writer.wal.backoff.back_off());
        let (ended, reader) = rotated?;
        let mut view = self.view.lock();
        view.mark_whole(ended);
        view.logs.insert(reader.number, reader);
        Ok(())
    }

    /// Begins a new log after a failure.
    fn heal(&self, writer: &Writer) -> Result<(), Error> {
        self.rotate(writer)?;
        *self.emptied.lock() = Emptied::No;
        Ok(())
    }

    /// Ends the log of this process before a merge if it is long, so that the merge can remove it.
    fn end_long_log(&self, writer: &Writer) -> Result<(), Error> {
        let is_long =
            writer.wal.len() >= self.limit.excess(ROTATE_FROM) || self.view.lock().has_future_times;
        if is_long && !writer.wal.is_broken() { self.rotate(writer) } else { Ok(()) }
    }

    /// Removes all logs and snapshots, and tells other processes.
    fn remove_all(&self, writer: &Writer, ticket: Ticket) -> Result<(), Error> {
        let (fs, dir) = (&*self.fs, self.place.dir());
        let cleared = writer.state.next_sequence().max(ticket.sequence);
        self.view.lock().index.clear(cleared);
        writer.with_files(|| {
            // No process begins a log between this and the removal.
            writer.state.set_cleared(cleared);
            remove_contents(fs, dir)
        })
    }

    fn wants_merge(&self) -> bool {
        let Some(writer) = self.writer.get() else { return false };
        writer.wal.backoff.due().unwrap_or(true)
            && (self.is_over_limit(0)
                || self.has_too_many_logs(writer)
                || self.wants_to_merge_future()
                || self.view.lock().is_mostly_dead(self.limit.logs(COMPACT_FROM)))
    }

    /// Returns whether a merge is due that gives times from the future the present one. True once.
    fn wants_to_merge_future(&self) -> bool {
        self.view.lock().has_future_times && !self.has_merged_future.swap(true, Ordering::Relaxed)
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
        let snapshot = view.snapshot.as_ref().map_or(0, |snapshot| snapshot.len);
        let max = self.limit.logs(snapshot.max(COMPACT_FROM)) + self.limit.excess(excess);
        // The snapshot is larger than its limit if that was lowered.
        (view.unmerged_bytes(self.own_log()) > max || snapshot > self.limit.snapshot())
            && writer.wal.backoff.due().is_none()
    }

    /// Returns the log that this process writes, and its length.
    fn own_log(&self) -> Option<(u64, u64)> {
        self.writer.get().map(|writer| (writer.wal.log(), writer.wal.len()))
    }

    /// See [`Store::has_room`].
    fn has_room(&self, len: usize) -> Result<bool, Error> {
        let Some(max) = self.limit.get() else { return Ok(true) };
        if !self.limit.admits(len) {
            let reason = format!("{len} bytes are more than an eighth of `max_disk`, {max} bytes");
            return Err(Error::TooLarge { reason });
        }
        let view = self.view.lock();
        // The next snapshot comes beside what is there.
        let next = view.snapshot_bytes().min(self.limit.snapshot());
        let taken = view.file_bytes(self.own_log()) + next;
        Ok(taken + (len + HEAD) as u64 <= max)
    }

    /// Notes that a record in the older half of the snapshot was used, so that it is among the last to go: writes it
    /// again, with the horizon of the snapshot as its `since`. So it counts exactly as long as that in the snapshot
    /// does. Nobody waits for it.
    fn touch(&self, snapshot: &Snapshot, hash: u64, stored: &Stored) {
        let Some(writer) = self.writer.get().filter(|_| self.limit.get().is_some()) else { return };
        let FileHeader { number, base_sequence: horizon, .. } = snapshot.header;
        let has_room = || self.has_room(stored.len()).unwrap_or(false);
        if snapshot.is_in_older_half(stored.at)
            && has_room()
            && self.touched.lock().add(number, hash)
        {
            let ticket = writer.wal.push(&stored.record(), horizon, false);
            if writer.wal.queued() > MAX_QUEUED {
                let _ = self.count_error(writer.wal.commit(ticket));
            }
        }
    }

    fn merge(&self, keep: &Keep<'_>) -> Result<(), Error> {
        let writer = self.writing()?;
        let merged = writer
            .wal
            .check_process()
            .and_then(|()| writer.locks.check())
            .and_then(|()| self.end_long_log(writer))
            .and_then(|()| if self.deferred.is_some() { self.flush() } else { Ok(()) })
            .and_then(|()| {
                let bounds =
                    Bounds { most_bytes: self.limit.snapshot(), tolerance: self.tolerance };
                writer
                    .with_merge(|| merge::merge(self.directory(), writer, self.salt, keep, bounds))
            });
        self.count_error(merged).inspect_err(|_| writer.wal.backoff.back_off())
    }
}

impl Maintain for Shared {
    fn tick(&self) -> bool {
        if let Some(writer) = self.writer.get() {
            if self.durability.syncs_in_background() {
                let _ = self.count_error(writer.wal.sync());
            }
        }
        true
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
