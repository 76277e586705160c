//! The files of a directory at one moment. They are open, so what others do meanwhile changes nothing of what is read.

use std::path::{Path, PathBuf};

use super::contents::Put;
use super::file_name::Name;
use super::fs::Fs;
use super::header::random_salt;
use super::identity::Identity;
use super::key_hash::key_hash;
use super::listing::{Listing, list, list_with_stale};
use super::locks::Locks;
use super::share::{SHARE_BYTES, Share};
use super::snapshot::unindexed_bytes;
use super::state::{SlotLog, State};
use super::stored::{Found, Stored};
use super::view::{Location, View};
use crate::error::Error;
use crate::platform::clock::Millis;

/// How often the files are listed again while others change them.
const MAX_ATTEMPTS: usize = 16;

/// The files of a directory, and how far they counted.
pub(crate) struct Moment {
    pub(crate) dir: PathBuf,
    pub(crate) listing: Listing,
    /// How far the logs count that processes are writing.
    pub(crate) committed: Vec<SlotLog>,
    /// The slots that processes have.
    pub(crate) writers: Vec<usize>,
    salt: u64,
}

impl Moment {
    /// Opens the files of a directory. Changes nothing. `with_stale`: also those that recovery would not use because
    /// another is damaged that may have removed what they hold.
    ///
    /// # Errors
    /// [`Error::Foreign`] if a newer version wrote it. [`Error::Io`] if it cannot be read.
    pub(crate) fn of(
        fs: &dyn Fs,
        dir: &Path,
        identity: &Identity,
        with_stale: bool,
    ) -> Result<Self, Error> {
        let list = if with_stale { list_with_stale } else { list };
        let mut attempt = 1;
        loop {
            let locks = Locks::observe(fs, dir);
            let writers = || locks.as_ref().map(Locks::taken_slots).unwrap_or_default();
            let before = writers();
            let state = if before.is_empty() { None } else { observe(fs, dir, locks.as_ref()) };
            let seen = state.as_ref().map(|state| (state.epoch(), state.merges()));
            let listing = list(fs, dir, identity)?;
            let committed = state.as_ref().map(State::logs).unwrap_or_default();
            let is_settled = seen == state.as_ref().map(|state| (state.epoch(), state.merges()))
                && before.is_empty() == writers().is_empty();
            if is_settled || attempt == MAX_ATTEMPTS {
                let (dir, salt) = (dir.to_owned(), random_salt());
                return Ok(Self { dir, listing, committed, writers: before, salt });
            }
            attempt += 1;
        }
    }

    /// Reads what is known of the keys of a share.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn view(&self, share: Share) -> Result<View, Error> {
        // The time to live is not known, and so not which times lie too far ahead.
        let view = View::new(share, self.salt, Millis::MAX);
        view.read(&self.dir, self.listing.clone(), &self.committed).map(|(view, _)| view)
    }

    /// Returns shares of the keys, of which each needs bounded memory.
    pub(crate) fn shares(&self) -> impl Iterator<Item = Share> + use<> {
        Share::divide(unindexed_bytes(&self.listing).div_ceil(SHARE_BYTES))
    }

    /// Reads the record of a key. `None` also if it is damaged.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<(Name, Stored)>, Error> {
        let hash = key_hash(self.salt, key);
        let share = self.shares().find(|share| share.has(hash)).unwrap_or(Share::ALL);
        let view = self.view(share)?;
        let (found, name, least) = match view.locate(hash) {
            Location::Nowhere => return Ok(None),
            Location::At(file, seed, at) => {
                let is_log = at.log != view.snapshot_number;
                let name = if is_log { Name::Log(at.log) } else { Name::Snapshot(at.log) };
                (Stored::read(&*file, seed, at.at, at.len, Some(key)), name, 0)
            }
            Location::Snapshot(snapshot, least) => {
                let name = Name::Snapshot(snapshot.header.number);
                (snapshot.find(key).map(|search| search.found), name, least)
            }
        };
        match found.map_err(|e| Error::io("read", name.at(&self.dir), &e))? {
            Found::Stored(stored) if stored.head.since >= least => Ok(Some((name, stored))),
            _ => Ok(None),
        }
    }

    /// Passes on each put that counts, in no order. Stops at the first error of `each`.
    ///
    /// # Errors
    /// A file cannot be read, or an error of `each`.
    pub(crate) fn for_each(
        &self,
        each: &mut dyn FnMut(Put<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for share in self.shares() {
            let contents = self.view(share)?.into_contents();
            contents.for_each(&self.dir, &mut |put| if put.counts { each(put) } else { Ok(()) })?;
        }
        Ok(())
    }
}

/// Maps the page to read it, if one can rely on what it says.
pub(crate) fn observe(fs: &dyn Fs, dir: &Path, locks: Option<&Locks>) -> Option<State> {
    // What another computer writes to the page may never be seen here.
    if locks.is_some_and(|locks| locks.has_other_hosts().unwrap_or(true)) {
        return None;
    }
    let page = fs.page(&Name::State.at(dir), false).ok()?;
    Some(State::new(page)).filter(State::is_known)
}
