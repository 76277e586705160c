//! Follows what other processes write: reads what they have added to their logs, and changes to a new snapshot.

use std::io;
use std::sync::Arc;

use super::file_name::{Name, by_age};
use super::header::{self, Start};
use super::listing::{Source, list};
use super::log_file::StoreDirectory;
use super::snapshot::Snapshot;
use super::state::{SlotLog, State};
use super::view::{Removal, View};
use crate::error::Error;

/// How often a directory is read again while its files change meanwhile.
const MAX_ATTEMPTS: usize = 8;

/// How far this process has followed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    epoch: u64,
    merges: u64,
    cleared: u64,
    slots: Vec<SlotLog>,
}

impl Tail {
    /// Returns what the page says now. The slots are read first: when a merge empties a slot, it has counted itself
    /// before, so whoever sees the empty slot sees the merge too.
    pub(crate) fn of(state: &State) -> Self {
        let slots = (0..state.slots_used()).map(|slot| state.slot(slot)).collect();
        let (cleared, merges, epoch) = (state.cleared(), state.merges(), state.epoch());
        Self { epoch, merges, cleared, slots }
    }

    /// Returns whether the page says nothing new. `own`: the slot that this process writes.
    pub(crate) fn is_current(&self, state: &State, own: Option<usize>) -> bool {
        let is_known =
            |(slot, log): (usize, &SlotLog)| Some(slot) == own || state.slot(slot) == *log;
        // In the same order as above.
        self.slots.len() == state.slots_used()
            && self.slots.iter().enumerate().all(is_known)
            && self.cleared == state.cleared()
            && self.merges == state.merges()
            && self.epoch == state.epoch()
    }

    /// Brings `view` up to date with the page, and adds what was removed to `removed`. `own`: the slot that this
    /// process writes.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn follow(
        &mut self,
        directory: StoreDirectory<'_>,
        state: &State,
        own: Option<usize>,
        view: &mut View,
        removed: &mut Vec<Removal>,
    ) -> Result<(), Error> {
        let now = Self::of(state);
        if let Some(own) = own.and_then(|own| now.slots.get(own)) {
            // Its records were added when they were committed.
            view.mark_own(own.log, own.len);
        }
        if now.epoch != self.epoch {
            return self.reload(directory, state, view, removed);
        }
        let mut has_new_logs = false;
        for (slot, at) in now.slots.iter().enumerate() {
            let before = self.slots.get(slot).copied().unwrap_or_default();
            if Some(slot) == own || *at == before {
                continue;
            }
            if before.log != at.log {
                read_rest(view, state, before.log, removed)?;
            }
            has_new_logs |= at.log != before.log;
            read(view, state, *at, removed)?;
        }
        // A process may also have begun and ended a log that no slot shows any more.
        if has_new_logs && !read_new_logs(directory, state, &now.slots, view, removed)? {
            return self.reload(directory, state, view, removed);
        }
        if now.cleared > self.cleared {
            view.index.clear(now.cleared);
            removed.push(Removal::All);
        }
        if now.merges != self.merges && !follow_merge(directory, state, self, &now, view, removed)?
        {
            return self.reload(directory, state, view, removed);
        }
        *self = now;
        Ok(())
    }

    /// Reads the directory anew, until no snapshot was written meanwhile.
    pub(crate) fn reload(
        &mut self,
        directory: StoreDirectory<'_>,
        state: &State,
        view: &mut View,
        removed: &mut Vec<Removal>,
    ) -> Result<(), Error> {
        let StoreDirectory { fs, dir, identity, .. } = directory;
        let mut result = Ok(());
        for _ in 0..MAX_ATTEMPTS {
            let now = Self::of(state);
            let read = list(fs, dir, identity)
                .and_then(|listing| view.emptied().read(dir, listing, &state.logs()));
            let is_settled = now.epoch == state.epoch() && now.merges == state.merges();
            result = match read {
                Ok((mut fresh, _)) if is_settled => {
                    fresh.index.set_noted_horizon(state.horizon());
                    removed.extend(match now.cleared > self.cleared {
                        true => vec![Removal::All],
                        false => view.removed_until(&fresh)?,
                    });
                    view.replace(fresh);
                    *self = now;
                    return Ok(());
                }
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            };
        }
        result
    }
}

/// Reads a log as far as it was committed.
fn read(
    view: &mut View,
    state: &State,
    committed: SlotLog,
    removed: &mut Vec<Removal>,
) -> Result<(), Error> {
    view.index.note_horizon(state.horizon());
    view.read_log(committed.log, committed.len, &mut |removal| removed.push(removal))
}

/// Reads the rest of a log that nobody writes any more.
fn read_rest(
    view: &mut View,
    state: &State,
    log: u64,
    removed: &mut Vec<Removal>,
) -> Result<(), Error> {
    let Some(reader) = view.logs.get(&log) else { return Ok(()) };
    let size = reader.file.size().map_err(|e| Error::io("read", &reader.path, &e))?;
    read(view, state, SlotLog { log, len: size }, removed)
}

/// Reads the logs that were begun since the last time. Returns false if one is gone.
fn read_new_logs(
    directory: StoreDirectory<'_>,
    state: &State,
    slots: &[SlotLog],
    view: &mut View,
    removed: &mut Vec<Removal>,
) -> Result<bool, Error> {
    let live = |log: u64| slots.iter().find(|slot| slot.log == log);
    for name in by_age(directory.fs, directory.dir)? {
        let Name::Log(log) = name else { continue };
        if view.logs.contains_key(&log) || view.merged_len(log) > 0 {
            continue;
        }
        let Some(source) = source(directory, name, log)? else { return Ok(false) };
        view.open_log(directory.dir, &source, None);
        let len = live(log).map_or(source.size, |slot| slot.len);
        read(view, state, SlotLog { log, len }, removed)?;
    }
    Ok(slots.iter().all(|slot| slot.log == 0 || view.logs.contains_key(&slot.log)))
}

/// Opens a file of another process. Returns `None` if it is gone, or not what it should be.
fn source(directory: StoreDirectory<'_>, name: Name, number: u64) -> Result<Option<Source>, Error> {
    let path = name.at(directory.dir);
    let failed = |e| Error::io("read", &path, &e);
    let file = match directory.fs.open(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let size = file.size().map_err(failed)?;
    match header::read(&*file).map_err(failed)? {
        Start::Ours { header, len } if header.number == number => {
            Ok(Some(Source { name, number, file, header: *header, start: len, size }))
        }
        _ => Ok(None),
    }
}

/// Changes to the newest snapshot. Returns false if something that it contains was not read, so that it is not known
/// what was removed.
fn follow_merge(
    directory: StoreDirectory<'_>,
    state: &State,
    before: &Tail,
    now: &Tail,
    view: &mut View,
    removed: &mut Vec<Removal>,
) -> Result<bool, Error> {
    if now.merges != before.merges + 1 {
        return Ok(false);
    }
    let number = state.snapshot();
    let Some(source) = source(directory, Name::Snapshot(number), number)? else { return Ok(false) };
    let path = || source.name.at(directory.dir);
    let opened = Snapshot::open(&source).map_err(|e| Error::io("read", path(), &e))?;
    let Some(snapshot) = opened else { return Ok(false) };
    for stated in &snapshot.header.logs {
        if now.slots.iter().all(|slot| slot.log != stated.log) {
            read_rest(view, state, stated.log, removed)?;
        }
    }
    if view.may_miss_removal(&snapshot) {
        return Ok(false);
    }
    // This process may have begun a log since.
    let live = [&now.slots[..], &state.logs()].concat();
    view.change_snapshot(&Arc::new(snapshot), &live);
    Ok(true)
}
