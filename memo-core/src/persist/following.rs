//! Follows other processes: reads the directory and what they write to it, and passes on what they removed.

use std::sync::atomic::{AtomicU64, Ordering};

use super::deferred::Ended;
use super::file_name::Name;
use super::key_hash::key_hash;
use super::listing::{holds_something, list};
use super::locks::Locks;
use super::shared::{Following, MAX_ATTEMPTS, Shared};
use super::state::State;
use super::store::Store;
use super::tail::Tail;
use super::view::{Removal, View};
use super::writer::{Begun, Writer};
use crate::error::Error;

impl Store {
    /// Begins to write, if this process does not yet. Creates the directory, for its owner alone, if it is missing.
    /// Passes what other processes removed to `removed`.
    ///
    /// # Errors
    /// [`Error::Locked`] if the directory cannot be shared and another process has it. [`Error::Foreign`] if it belongs
    /// to something else or to a newer version; nothing is changed then. [`Error::Io`] if it cannot be read.
    pub fn begin(&self, removed: &mut dyn FnMut(Removal)) -> Result<(), Error> {
        self.shared.writer.get_or_try_init(|| self.shared.begin(removed)).map(drop)
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

    /// Returns whether this process has read more of a log than its writer has committed.
    #[cfg(all(test, memokit_model))]
    pub(crate) fn has_read_beyond(&self) -> bool {
        let view = self.shared.view.lock();
        let committed = self.shared.state().map(State::logs).unwrap_or_default();
        let read = |log| view.logs.get(&log).map_or(0, |reader| reader.read_to);
        committed.iter().any(|slot| read(slot.log) > slot.len)
    }
}

impl Shared {
    /// Reads the directory, if it exists.
    pub(crate) fn read(&self) -> Result<(), Error> {
        let dir = self.place.dir();
        if !holds_something(&*self.fs, dir) {
            return Ok(());
        }
        for attempt in 1.. {
            let locks = Locks::observe(&*self.fs, dir);
            let had_writers = has_writers(locks.as_ref());
            if let (true, Some(state)) = (had_writers, self.observe()) {
                return self.read_with_writers(state);
            }
            let view = self.read_files()?;
            let locks = locks.or_else(|| Locks::observe(&*self.fs, dir));
            // What a process writes that has begun meanwhile would pass for the torn end of a log.
            if had_writers || !has_writers(locks.as_ref()) || attempt == MAX_ATTEMPTS {
                *self.view.lock() = view;
                break;
            }
        }
        Ok(())
    }

    fn read_with_writers(&self, state: &State) -> Result<(), Error> {
        let tail = &mut self.following.lock().tail;
        self.begin_to_follow(state, tail);
        tail.reload(self.directory(), state, &mut self.view.lock(), &mut Vec::new())
    }

    /// Reads the files while nobody writes.
    fn read_files(&self) -> Result<View, Error> {
        let dir = self.place.dir();
        let state = self.observe();
        if let Some(state) = state {
            self.begin_to_follow(state, &mut self.following.lock().tail);
        }
        let listing = list(&*self.fs, dir, &self.identity)?;
        let empty = self.view.lock().emptied();
        let (mut view, _) = empty.read(dir, listing, &[])?;
        if let Some(state) = state {
            // A process may have begun to write and to merge meanwhile.
            view.index.set_noted_horizon(state.horizon());
            if state.is_removed() {
                // Who removes the files has told readers before, and does not tell them again.
                view.index.clear(u64::MAX);
            }
        }
        Ok(view)
    }

    fn begin_to_follow(&self, state: &State, tail: &mut Tail) {
        self.removals_seen.store(state.removals(), Ordering::Release);
        *tail = Tail::of(state);
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
        let begun = Writer::begin(directory, self.durability, &self.view, &mut catch_up);
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
    pub(crate) fn read_on(&self, state: &State, following: &mut Following) -> Result<(), Error> {
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
        let ended: Vec<_> = match &self.deferred {
            Some(_) => found.iter().map(|removal| self.ended_by(removal)).collect(),
            None => Vec::new(),
        };
        for removal in found {
            removed(removal);
        }
        // Afterwards, so that a computation that began before the removal has ended, or finds that it must not be
        // queued any more.
        self.forget_deferred(ended);
    }

    /// Returns which puts that wait a removal ends.
    pub(crate) fn ended_by(&self, removal: &Removal) -> Ended {
        match removal {
            Removal::Key(key) => Ended::Key(key_hash(self.salt, key)),
            Removal::Tag(tag) => Ended::Tag(*tag),
            Removal::All => Ended::All,
        }
    }

    pub(crate) fn forget_deferred(&self, ended: impl IntoIterator<Item = Ended>) {
        let Some(deferred) = &self.deferred else { return };
        let mut deferred = deferred.lock();
        ended.into_iter().for_each(|ended| deferred.remove(ended));
    }
}

fn has_writers(locks: Option<&Locks>) -> bool {
    locks.is_some_and(|locks| locks.has_writers().unwrap_or(false))
}
