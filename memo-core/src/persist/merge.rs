//! Merges the logs of all processes and the snapshot into a new snapshot, while they read and write.

use std::collections::HashSet;
use std::path::Path;

use super::census::Census;
use super::contents::{Contents, Put};
use super::file_name::{Name, remove};
use super::header::{FileHeader, Kind, MAX_STATED, Stated};
use super::listing::list;
use super::log_file::{NewFile, StoreDirectory};
use super::quarantine::Cleanup;
use super::record::{Record, WallMillis};
use super::share::{SHARE_BYTES, Share};
use super::snapshot::{self, unindexed_bytes};
use super::state::SlotLog;
use super::view::View;
use super::writer::Writer;
use crate::error::Error;
use crate::platform::clock::{self, Millis};
use crate::platform::sort::sort_by_number;

/// Which entries stay when there are more than the bounds allow.
pub struct Keep<'a> {
    /// The most entries that stay.
    pub max: u64,
    /// The most bytes of records, and of values that are kept apart, that stay. What is in use stays also beyond.
    pub max_bytes: u64,
    /// The present time.
    pub now: WallMillis,
    /// For this long after its expiry time a value stays.
    pub stale: Millis,
    /// What was computed before this time and is not in use does not stay.
    pub idle_before: WallMillis,
    /// Returns whether the entry of a key is in use, so that others go before it.
    pub is_used: &'a dyn Fn(&[u8]) -> bool,
    /// The most bytes of logs that are indexed at a time. If there are more, all files are read again for each share of
    /// the keys. Which entries go first needs an index of all, so there is only one share with bounds.
    pub share_bytes: u64,
}

/// What a store knows of a merge by itself.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// The most bytes of the snapshot.
    pub(crate) most_bytes: u64,
    /// What was computed later than this after the present time was written while the clock was wrong, and gets the
    /// present time.
    pub(crate) tolerance: Millis,
}

/// Writes a new snapshot and removes what it replaces. The caller excludes other threads and processes that do so.
///
/// Before the files are read, the horizon is raised to the present sequence. A writer that commits a record looks at
/// the horizon afterwards. So a record that is older than the horizon either was committed before the files were read,
/// or its writer notices, and writes it again with a newer number.
///
/// # Errors
/// The new snapshot is not in place. What it would replace still is.
pub(crate) fn merge(
    directory: StoreDirectory<'_>,
    writer: &Writer,
    salt: u64,
    keep: &Keep<'_>,
    bounds: Bounds,
) -> Result<(), Error> {
    let StoreDirectory { fs, dir, identity, .. } = directory;
    let state = &writer.state;
    let horizon = state.raise_horizon();
    // What was queued before is older than the horizon.
    writer.wal.write_out()?;
    // While the files are locked no log begins: each log has a lower number than the snapshot and is read, or a higher
    // one.
    let (number, settled, listing, slots) = writer.with_files(|| {
        let number = state.next_number();
        // Before it is read what is committed: what mentions these later was committed before.
        let settled = writer.values.settled(fs, dir, &writer.locks)?;
        let slots = state.logs();
        Ok((number, settled, list(fs, dir, identity)?, slots))
    })?;
    let shares = keep.shares(unindexed_bytes(&listing), bounds);
    let read = |share| {
        let empty = View::new(share, salt, bounds.tolerance);
        empty.read(dir, listing.clone(), &slots)
    };
    let view = |share| read(share).map(|(view, _)| view);
    let (first, unread) = read(Share::divide(shares).next().unwrap_or(Share::ALL))?;
    announce(directory, writer, &first)?;
    if first.incomplete.is_none() {
        remove_unread(directory, writer, &unread, &slots);
    }
    let (logs, partly) = merged_logs(&first, horizon)?;
    let header = directory.header(NewFile {
        kind: Kind::Snapshot,
        number,
        base_sequence: horizon,
        high_water: first.recovery.high_water,
        logs,
    });
    let mut selection = Selection::new(&first, keep, bounds.most_bytes);
    let contents = Merged::of(dir, first, Share::divide(shares).skip(1), &view)?;
    let mut mentioned = HashSet::new();
    snapshot::write(fs, dir, &header, &mut |body| {
        contents.for_each(dir, &mut |put| {
            let stays = selection.stays(&put);
            // A record above the horizon is read again from its log.
            if stays || put.meta.since >= horizon {
                mentioned.extend(put.apart.map(|value| value.number));
            }
            if stays {
                let record = by_the_present_clock(put.record, keep.now, bounds.tolerance);
                let added = body.add(put.meta, &record);
                added.map_err(|e| Error::io("write a snapshot in", dir, &e))?;
            }
            Ok(())
        })
    })?;
    state.set_snapshot(number);
    writer.with_files(|| {
        // First, because the former snapshot is the sign that something is left.
        let mut unmentioned = settled.iter().filter(|number| !mentioned.contains(number));
        let removed = unmentioned.try_for_each(|number| remove(fs, dir, Name::Value(*number)));
        remove_replaced(directory, writer, &header, &slots, &partly).and(removed)
    })
}

impl Keep<'_> {
    /// Keeps all that has not expired for `stale` milliseconds.
    #[must_use]
    pub(crate) fn all(stale: Millis) -> Self {
        let (max, max_bytes, share_bytes) = (u64::MAX, u64::MAX, SHARE_BYTES);
        let now = clock::wall();
        Keep { max, max_bytes, now, stale, idle_before: 0, is_used: &|_| true, share_bytes }
    }

    /// Returns the number of shares of the keys that are read one after another.
    fn shares(&self, unindexed_bytes: u64, bounds: Bounds) -> u64 {
        let has_bounds =
            [self.max, self.max_bytes, bounds.most_bytes].iter().any(|most| *most < u64::MAX);
        if has_bounds { 1 } else { unindexed_bytes.div_ceil(self.share_bytes) }
    }
}

/// What is merged.
enum Merged {
    /// All is indexed.
    Whole(Contents),
    Shares(Census),
}

impl Merged {
    /// `first`: the view of the first share. `others`: the other shares, of which `view` returns the views.
    fn of(
        dir: &Path,
        first: View,
        others: impl Iterator<Item = Share>,
        view: &dyn Fn(Share) -> Result<View, Error>,
    ) -> Result<Self, Error> {
        if first.share == Share::ALL {
            return Ok(Self::Whole(first.into_contents()));
        }
        let mut census = Census::new(dir, &first)?;
        census.add(dir, &first.into_contents())?;
        for share in others {
            census.add(dir, &view(share)?.into_contents())?;
        }
        Ok(Self::Shares(census))
    }

    /// Passes on each put, the oldest first.
    fn for_each(
        &self,
        dir: &Path,
        each: &mut dyn FnMut(Put<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Whole(contents) => contents.for_each(dir, each),
            Self::Shares(census) => census.for_each(dir, each),
        }
    }
}

/// Returns a put with the same time to live from now on, if its times were written while the clock was wrong.
fn by_the_present_clock(record: Record<'_>, now: WallMillis, tolerance: Millis) -> Record<'_> {
    match record {
        Record::Put { created, expires, key, value, apart, cost, tags }
            if created > now.saturating_add(tolerance) =>
        {
            let expires = expires.map(|at| now.saturating_add(at.saturating_sub(created)));
            Record::Put { created: now, expires, key, value, apart, cost, tags }
        }
        record => record,
    }
}

/// Returns how much of each log the new snapshot has: of those that are there, and of the latest that are gone. By this
/// a process that comes late sees whether something was removed meanwhile. Also returns the logs of which it does not
/// have all.
///
/// Records above the horizon are read again, although the snapshot has their puts: removals among them still end puts
/// that are stored later.
fn merged_logs(view: &View, horizon: u64) -> Result<(Vec<Stated>, Vec<u64>), Error> {
    let (mut logs, mut partly) = (Vec::new(), Vec::new());
    for reader in view.logs.values() {
        let stated = reader.stated_to(horizon)?;
        if stated.len < reader.read_to {
            partly.push(reader.number);
        }
        logs.push(stated);
    }
    if let Some(snapshot) = &view.snapshot {
        let before = snapshot.header.logs.iter().copied();
        logs.extend(before.filter(|stated| !view.logs.contains_key(&stated.log)));
    }
    sort_by_number(&mut logs, |stated| stated.log);
    logs.drain(..logs.len().saturating_sub(MAX_STATED));
    Ok((logs, partly))
}

/// Tells others of the newest snapshot, if the process that has written it was killed before it did. `view`: what was
/// read of it.
fn announce(directory: StoreDirectory<'_>, writer: &Writer, view: &View) -> Result<(), Error> {
    let StoreDirectory { fs, dir, .. } = directory;
    if view.snapshot.is_none() || view.snapshot_number == writer.state.snapshot() {
        return Ok(());
    }
    // It may not be durable yet that the file has its name.
    fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, &e))?;
    writer.state.set_snapshot(view.snapshot_number);
    Ok(())
}

/// Removes what a merge has left that was killed, so that there is room for a new snapshot. `then`: the logs that
/// processes were writing when the files were read. What cannot be removed takes that room.
fn remove_unread(
    directory: StoreDirectory<'_>,
    writer: &Writer,
    unread: &Cleanup,
    then: &[SlotLog],
) {
    // Older files must not look as if they counted, once the one is gone that cannot be used.
    if !unread.quarantine.is_empty() || unread.is_cleared {
        return;
    }
    let is_live = |name: &Name| then.iter().any(|slot| *name == Name::Log(slot.log));
    let mut unread = unread.remove.iter().filter(|name| !is_live(name)).peekable();
    if unread.peek().is_some() {
        let _ = writer.with_files(|| {
            unread.for_each(|name| drop(remove(directory.fs, directory.dir, *name)));
            Ok(())
        });
    }
}

/// Removes the older snapshots, and the logs that nobody writes and of which the snapshot has all. `then`: the logs
/// that processes were writing when they were read. `partly`: those of which the snapshot does not have all.
fn remove_replaced(
    directory: StoreDirectory<'_>,
    writer: &Writer,
    header: &FileHeader,
    then: &[SlotLog],
    partly: &[u64],
) -> Result<(), Error> {
    let StoreDirectory { fs, dir, identity, .. } = directory;
    let merged = |log: u64| header.logs.iter().find(|stated| stated.log == log);
    writer.free_slots(|left| merged(left.log).is_some_and(|stated| stated.len >= left.len))?;
    let live = writer.state.logs();
    let listing = list(fs, dir, identity)?;
    let older = listing.snapshots.iter().filter(|old| old.number < header.number);
    // What processes left that were killed. Nobody else writes such a file now.
    let left = listing.cleanup.remove.iter().copied();
    for name in older.map(|snapshot| snapshot.name).chain(left) {
        remove(fs, dir, name)?;
    }
    for log in listing.logs.iter().filter(|log| live.iter().all(|slot| slot.log != log.number)) {
        // One that was written by nobody was read to its end.
        let was_live = then.iter().any(|slot| slot.log == log.number);
        let is_merged = merged(log.number)
            .map_or(log.number < header.number, |stated| !was_live || stated.len >= log.size);
        if is_merged && !partly.contains(&log.number) {
            remove(fs, dir, log.name)?;
        }
    }
    Ok(())
}

/// Chooses the records of a new snapshot.
struct Selection<'a> {
    keep: &'a Keep<'a>,
    /// How many entries that are not in use are still to be left out.
    excess: u64,
    /// How many bytes of such entries are.
    excess_bytes: u64,
    /// How many bytes of entries in use may still stay.
    room: u64,
    /// How many bytes a record takes besides itself.
    share: u64,
    /// How many bytes of a value that is kept apart count as one.
    apart_per_byte: u64,
}

impl<'a> Selection<'a> {
    fn new(view: &View, keep: &'a Keep<'a>, most_bytes: u64) -> Self {
        let max_bytes = keep.max_bytes.min(most_bytes);
        // A merge copies all but these, see `DiskLimit`.
        let apart_per_byte = if most_bytes < u64::MAX { 2 } else { 1 };
        Self {
            keep,
            excess: view.puts().saturating_sub(keep.max),
            excess_bytes: (view.snapshot_bytes() + view.apart() / apart_per_byte)
                .saturating_sub(max_bytes),
            room: most_bytes.saturating_sub(view.snapshot_overhead()),
            share: view.snapshot_share(),
            apart_per_byte,
        }
    }

    /// Returns whether a put stays. The oldest are asked first, so they go first.
    fn stays(&mut self, put: &Put<'_>) -> bool {
        let Record::Put { created, expires, .. } = put.record else { return false };
        let has_expired =
            expires.is_some_and(|at| at.saturating_add(self.keep.stale) <= self.keep.now);
        let is_over = self.excess > 0 || self.excess_bytes > 0;
        let is_spared = !is_over && created >= self.keep.idle_before;
        let bytes = put.bytes + self.share + put.bytes_apart() / self.apart_per_byte;
        let stays = put.counts && !has_expired && (is_spared || self.has_room(bytes, put.key));
        if !stays {
            self.excess = self.excess.saturating_sub(1);
            self.excess_bytes = self.excess_bytes.saturating_sub(bytes);
        }
        stays
    }

    /// Returns whether an entry is in use and there is room for it. Those in use take at most what is there for all, so
    /// the others are enough to be left out.
    fn has_room(&mut self, bytes: u64, key: &[u8]) -> bool {
        let has_room = bytes <= self.room && (self.keep.is_used)(key);
        self.room -= if has_room { bytes } else { 0 };
        has_room
    }
}
