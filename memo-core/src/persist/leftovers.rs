//! The files that this process does not read any more and that are still there: a merge removes them after others may
//! have changed to its snapshot. It may wait for a processor before it does, or be killed.

use std::sync::atomic::Ordering;

use super::file_name::{Name, by_age};
use super::shared::Shared;
use crate::error::Error;

impl Shared {
    /// Returns the length of those files in bytes. If nobody is about to remove them, a merge becomes due that does.
    pub(crate) fn leftover_bytes(&self) -> u64 {
        let Some(writer) = self.writer.get() else { return 0 };
        if !self.view.lock().may_have_leftovers {
            return 0;
        }
        let is_merging = || writer.is_merging().unwrap_or(true);
        let was_merging = is_merging();
        let found = self.find_leftovers(was_merging);
        let mut view = self.view.lock();
        if let (Ok(bytes), false, false) = (&found, was_merging, is_merging()) {
            let is_left = *bytes > 0;
            if !is_left {
                // Values go before the files that mention them.
                view.apart_leaving = 0;
            }
            view.may_have_leftovers = is_left;
            writer.has_orphans.fetch_or(is_left, Ordering::Relaxed);
        }
        found.unwrap_or_default() + view.apart_leaving
    }

    /// `is_merging`: the files of a merge that is not complete are in use.
    fn find_leftovers(&self, is_merging: bool) -> Result<u64, Error> {
        let dir = self.place.dir();
        let names = by_age(&*self.fs, dir)?;
        let view = self.view.lock();
        let is_left = |name: &Name| match *name {
            Name::Log(log) => log < view.snapshot_number && !view.logs.contains_key(&log),
            Name::Snapshot(number) => number < view.snapshot_number,
            Name::TempSnapshot(_) | Name::TempSort(_) => !is_merging,
            _ => false,
        };
        let left: Vec<Name> = names.into_iter().filter(is_left).collect();
        drop(view);
        // What is gone by now takes no bytes.
        let size = |name: &Name| self.fs.open(&name.at(dir)).and_then(|file| file.size()).ok();
        Ok(left.iter().filter_map(size).sum())
    }
}
