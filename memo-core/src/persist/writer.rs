//! A process that writes to a directory: it has a slot, and in it a log of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::durability::Durability;
use super::file_name::Name;
use super::header::{Kind, Stated};
use super::listing::list;
use super::locks::{Held, Locks};
use super::log_file::{NewFile, StoreDirectory};
use super::log_reader::LogReader;
use super::new_value::NewValues;
use super::queue::QueueTarget;
use super::state::{Contents, SLOTS, SlotLog, State};
use super::value_file::list_values;
use super::view::View;
use super::wal::{LogFile, Wal};
use crate::error::Error;
use crate::platform::sync::{self, usual::Mutex};

/// The slot and the log of this process.
pub(crate) struct Writer {
    pub(crate) locks: Locks,
    pub(crate) state: State,
    pub(crate) wal: Wal,
    pub(crate) slot: usize,
    /// The slot's byte and that of the computer. `None` after [`Self::release`].
    slot_lock: Mutex<Option<[Held; 2]>>,
    pub(crate) values: NewValues,
    /// Whether there may be files of values that nobody will mention, as a process leaves them that is killed.
    pub(crate) has_orphans: AtomicBool,
    /// What the page said of clears when the log was begun. If it says more, the log was removed.
    cleared: AtomicU64,
    /// Held while this process changes files. (Threads of one process share its locks.)
    files: sync::Mutex<()>,
    /// Held while this process merges, for the same reason.
    merging: sync::Mutex<()>,
}

/// What a process finds that begins to write.
pub(crate) enum Begun {
    /// No other process writes: this one has read all files.
    First(Box<View>),
    /// Others write. The state says what is new.
    Joined,
}

impl Writer {
    /// Begins to write to a directory. Creates it, for its owner alone, if it is missing. The first process to write
    /// reads all files, sets aside what cannot be used, and fills the shared page. `catch_up` brings the view up to
    /// date if there are others.
    ///
    /// # Errors
    /// [`Error::Locked`] if all slots are taken, [`Error::OtherHost`] if another computer writes, [`Error::Foreign`] if
    /// the directory belongs to something else, and the errors of the system. A log that cannot be created is no error:
    /// the store is then in the state after a failed write.
    pub(crate) fn begin(
        directory: StoreDirectory<'_>,
        durability: Durability,
        view: &Mutex<View>,
        catch_up: &mut dyn FnMut(&State, Begun) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let StoreDirectory { fs, dir, base, .. } = directory;
        let (locks, _files) = Locks::open(fs, dir, base)?;
        if locks.has_other_hosts()? {
            return Err(Error::OtherHost { path: dir.to_owned() });
        }
        let path = Name::State.at(dir);
        let state = State::new(fs.page(&path, true).map_err(|e| Error::io("map", &path, &e))?);
        let mut failures = Vec::new();
        let mut durable = Vec::new();
        if locks.has_writers()? {
            if state.is_new() {
                // The page of those that write was removed. Each of them notices that within a second.
                return Err(Error::Locked { path: dir.to_owned(), pid: None });
            }
            if !state.is_known() {
                let reason = "another version of the program shares it".to_owned();
                return Err(Error::Foreign { path, reason });
            }
            catch_up(&state, Begun::Joined)?;
        } else {
            let empty = view.lock().emptied();
            let view = begin_first(directory, &state, empty, &mut durable, &mut failures)?;
            catch_up(&state, Begun::First(Box::new(view)))?;
        }
        let (slot, held) = take_slot(&locks, dir)?;
        let mut view = view.lock();
        let high_water = view.recovery.high_water;
        let values = NewValues::default();
        let known = view.apart_puts + view.snapshot.as_ref().map_or(0, |s| s.apart.count);
        // Most directories have none, and then no locks need to be looked at.
        let may_have = list_values(fs, dir)?.len() as u64 > known;
        let has_orphans = may_have && values.settled(fs, dir, &locks)?.len() as u64 > known;
        let log = first_log(directory, &state, slot, &durable, &mut view);
        drop(view);
        let wal = Wal::new(durability, high_water, log, state.clone(), slot);
        for error in &failures {
            wal.backoff.count(error);
        }
        let slot_lock = Mutex::new(Some(held));
        let cleared = AtomicU64::new(state.cleared());
        let (files, merging) = (sync::Mutex::new(()), sync::Mutex::new(()));
        let has_orphans = AtomicBool::new(has_orphans);
        Ok(Self {
            locks,
            state,
            wal,
            slot,
            values,
            has_orphans,
            slot_lock,
            cleared,
            files,
            merging,
        })
    }

    /// Runs `change` while no other thread or process changes files.
    ///
    /// # Errors
    /// The errors of `change`, and [`Error::Locked`] if another process changes files for too long.
    pub(crate) fn with_files<R>(
        &self,
        change: impl FnOnce() -> Result<R, Error>,
    ) -> Result<R, Error> {
        let _own = self.files.lock();
        let _files = self.locks.files()?;
        change()
    }

    /// Runs `merge` while no other thread or process merges. Waits for other threads. If another process merges for
    /// longer than `wait`, returns false without.
    ///
    /// # Errors
    /// The errors of `merge`, and those of the system.
    pub(crate) fn with_merge(
        &self,
        wait: Duration,
        merge: impl FnOnce() -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let _own = self.merging.lock();
        let Some(_merge) = self.locks.merge(wait)? else { return Ok(false) };
        merge().map(|()| true)
    }

    /// Returns whether a thread or a process merges.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn is_merging(&self) -> Result<bool, Error> {
        Ok(self.merging.try_lock().is_none() || self.locks.is_merge_taken()?)
    }

    /// Returns whether another process has removed the log, with all files.
    pub(crate) fn is_log_removed(&self) -> bool {
        self.state.cleared() != self.cleared.load(Ordering::SeqCst)
    }

    /// Releases the slot. Nothing is written afterwards.
    pub(crate) fn release(&self) {
        self.slot_lock.lock().take();
    }

    /// Empties the slots of processes that have ended, if `is_merged` returns true for what they left. The caller holds
    /// the files.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn free_slots(&self, is_merged: impl Fn(SlotLog) -> bool) -> Result<(), Error> {
        for slot in (0..self.state.slots_used()).filter(|slot| *slot != self.slot) {
            let left = self.state.slot(slot);
            // A slot that can be taken is nobody's.
            if left.log != 0 && is_merged(left) && self.locks.slot(slot)?.is_some() {
                self.state.set_slot(slot, SlotLog::default());
            }
        }
        Ok(())
    }

    /// Returns how many processes write, as far as that can be found out.
    pub(crate) fn count_live(&self) -> usize {
        let is_live = |slot: &usize| *slot == self.slot || self.locks.is_taken(*slot);
        (0..self.state.slots_used()).filter(is_live).count()
    }

    /// Ends the log of this process and begins a new one. Returns the number of the former and a reader of the new one.
    ///
    /// # Errors
    /// The errors of the system. The former log is then as it was.
    pub(crate) fn rotate(&self, directory: StoreDirectory<'_>) -> Result<(u64, LogReader), Error> {
        self.with_files(|| {
            let ended = self.wal.log();
            let logs = self.wal.stated().into_iter().collect();
            let (log, target) = directory.create_log(NewFile {
                kind: Kind::Log,
                number: self.state.next_number(),
                base_sequence: self.state.sequence(),
                high_water: self.wal.high_water(),
                logs,
            })?;
            let reader = LogReader::own(&log, target);
            self.wal.switch(log, target)?;
            self.cleared.store(self.state.cleared(), Ordering::SeqCst);
            Ok((ended, reader))
        })
    }
}

/// Reads all files, syncs the logs, sets aside what cannot be used, and fills the shared page. Adds to `durable` how
/// much of each log is synced.
///
/// An earlier process may have ended before it synced its last records. Without the sync here, they would stay at risk
/// for longer than the interval.
fn begin_first(
    directory: StoreDirectory<'_>,
    state: &State,
    empty: View,
    durable: &mut Vec<Stated>,
    failures: &mut Vec<Error>,
) -> Result<View, Error> {
    let StoreDirectory { fs, dir, identity, .. } = directory;
    let listing = list(fs, dir, identity)?;
    let values = list_values(fs, dir)?;
    let last_number = values.into_iter().fold(listing.newest, u64::max);
    let (view, cleanup) = empty.read(dir, listing, &[])?;
    failures.extend(cleanup.run(fs, dir).err());
    let mut logs = Vec::new();
    for reader in view.logs.values() {
        match fs.open(&reader.path).and_then(|file| file.sync()) {
            Ok(()) => durable.push(reader.stated()),
            Err(e) => failures.push(Error::io("sync", &reader.path, &e)),
        }
        if !reader.is_torn && !reader.has_gap && logs.len() < SLOTS {
            logs.push(SlotLog { log: reader.number, len: reader.read_to });
        }
    }
    state.fill(&Contents {
        sequence: view.sequence,
        horizon: view.index.horizon(),
        snapshot: view.snapshot_number,
        last_number,
        logs,
    });
    Ok(view)
}

/// Takes the first free slot.
fn take_slot(locks: &Locks, dir: &std::path::Path) -> Result<(usize, [Held; 2]), Error> {
    for slot in 0..SLOTS {
        let Some(held) = locks.slot(slot)? else { continue };
        if let Some(host) = locks.host(slot)? {
            return Ok((slot, [held, host]));
        }
    }
    Err(Error::Locked { path: dir.to_owned(), pid: None })
}

/// Returns the log in a slot whose process has ended, if it can be continued, or else a new one.
fn first_log(
    directory: StoreDirectory<'_>,
    state: &State,
    slot: usize,
    durable: &[Stated],
    view: &mut View,
) -> Result<(LogFile, QueueTarget), Error> {
    let left = state.slot(slot);
    if let Some(adopted) = directory.adopt_log(left, view.logs.get(&left.log)) {
        return Ok(adopted);
    }
    let (log, target) = directory.create_log(NewFile {
        kind: Kind::Log,
        number: state.next_number(),
        base_sequence: state.sequence(),
        high_water: view.recovery.high_water,
        logs: durable.to_vec(),
    })?;
    view.logs.insert(log.number, LogReader::own(&log, target));
    Ok((log, target))
}
