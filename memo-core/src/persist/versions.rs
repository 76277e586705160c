//! The versions of a function, each in a folder of its own: when each was last used, and the removal of old ones.

use std::io;
use std::path::{Path, PathBuf};

use super::clearance::remove_contents;
use super::file_name::{Name, by_age, remove};
use super::fs::{Fs, read_start, write_all};
use super::listing::holds_something;
use super::locks::{Held, Locks};
use super::place::{Place, is_version_name};
use super::quarantine::{remove_dir, remove_quarantine};
use super::record::WallMillis;
use super::state::State;
use super::value_file::list_values;
use crate::error::Error;
use crate::platform::sort::sort_by_number;

/// At most this many versions stay: those that were used last.
const MAX_VERSIONS: usize = 4;
const DAY: WallMillis = 24 * 3600 * 1000;
/// A version that was not used for so long is removed, in milliseconds.
const MAX_AGE: WallMillis = 30 * DAY;

/// The standard file by which backups recognize a folder that they can leave out.
const CACHE_TAG: &str = "CACHEDIR.TAG";
const CACHE_TAG_TEXT: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55
# This folder holds results that memokit can compute again.
# See https://bford.info/cachedir/
";

/// Notes that the version at `place` is used, at most once a day, and tags the folder of the function as a cache. The
/// caller holds the lock of the version.
///
/// # Errors
/// The errors of the system. Without the note the version counts as used when that is noticed.
pub fn mark_used(fs: &dyn Fs, place: &Place, now: WallMillis) -> Result<(), Error> {
    let Some(function) = place.function_folder() else { return Ok(()) };
    let tag = function.join(CACHE_TAG);
    let tagged = match fs.create(&tag) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.and_then(|file| write_all(&*file, CACHE_TAG_TEXT, 0)),
    };
    let marked = match last_use(fs, place.dir()) {
        // A time in the future is replaced, because the version would not grow old until then.
        Some(at) if at <= now && now - at < DAY => Ok(()),
        _ => write_last_use(fs, place.dir(), now),
    };
    marked.and(tagged.map_err(|e| Error::io("create", tag, &e)))
}

/// Removes the versions of the function at `place` that were not used for 30 days, those beyond the 4 that were used
/// last, and those with which all take more than `max_bytes`. The one at `place` is the last that was used. A version
/// that is in use stays. Continues after a failure.
///
/// # Errors
/// The first error. The next call tries again.
pub fn remove_old(
    fs: &dyn Fs,
    place: &Place,
    now: WallMillis,
    max_bytes: Option<u64>,
) -> Result<(), Error> {
    let Some(function) = place.function_folder() else { return Ok(()) };
    let names = fs.list_dirs(function).map_err(|e| Error::io("list", function, &e))?;
    let mut result = Ok(());
    let mut others: Vec<(WallMillis, PathBuf)> = Vec::new();
    for dir in names.iter().filter(|name| is_version_name(name)).map(|name| function.join(name)) {
        if dir == place.dir() {
            continue;
        }
        match last_use(fs, &dir) {
            Some(at) => others.push((at.min(now), dir)),
            // The process that made the folder ended before it noted the use, or the note was damaged.
            None if holds_something(fs, &dir) => {
                result = result.and(mark_unmarked(fs, &dir, now));
                others.push((now, dir));
            }
            None => result = result.and(remove_version(fs, &dir, None)),
        }
    }
    // The one that was used last comes first.
    sort_by_number(&mut others, |(at, _)| u64::MAX - at);
    let mut room = max_bytes.map(|max| max.saturating_sub(bytes_in(fs, place.dir())));
    for (rank, (at, dir)) in others.iter().enumerate() {
        let bytes = room.map_or(0, |_| bytes_in(fs, dir));
        let fits = room.is_none_or(|room| bytes <= room);
        if !fits || rank + 1 >= MAX_VERSIONS || now - at >= MAX_AGE {
            result = result.and(remove_version(fs, dir, Some((*at, now))));
        } else if let Some(room) = &mut room {
            *room -= bytes;
        }
    }
    result
}

/// Returns the length in bytes of all files of a version, as far as they can be read.
fn bytes_in(fs: &dyn Fs, dir: &Path) -> u64 {
    let names = by_age(fs, dir).unwrap_or_default();
    let size = |name: &Name| fs.open(&name.at(dir)).and_then(|file| file.size()).unwrap_or(0);
    names.iter().map(size).sum()
}

/// Returns when the version in `dir` was last used. `None` if that is not known.
#[must_use]
pub fn last_use(fs: &dyn Fs, dir: &Path) -> Option<WallMillis> {
    let bytes = read_start(&*fs.open(&Name::Used.at(dir)).ok()?, 32).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_suffix('\n')?.parse().ok()
}

fn write_last_use(fs: &dyn Fs, dir: &Path, now: WallMillis) -> Result<(), Error> {
    remove(fs, dir, Name::Used)?;
    let path = Name::Used.at(dir);
    let written =
        fs.create(&path).and_then(|file| write_all(&*file, format!("{now}\n").as_bytes(), 0));
    written.map_err(|e| Error::io("write", path, &e))
}

fn mark_unmarked(fs: &dyn Fs, dir: &Path, now: WallMillis) -> Result<(), Error> {
    let Some(_lock) = lock_unused(fs, dir)? else { return Ok(()) };
    write_last_use(fs, dir, now)
}

/// Returns the lock of the version's files, or `None` if a process writes to it or computes for it, or its folder belongs
/// to another program. While it is held, no process begins to write.
fn lock_unused(fs: &dyn Fs, dir: &Path) -> Result<Option<(Locks, Held)>, Error> {
    // A folder that is gone stays so.
    match Locks::open(fs, dir, dir) {
        Err(Error::Locked { .. } | Error::Foreign { .. }) => Ok(None),
        Err(error) => Err(error),
        Ok((locks, held)) => {
            let is_used = locks.has_writers()? || locks.has_computations()?;
            Ok((!is_used).then_some((locks, held)))
        }
    }
}

/// Removes the version in `dir` with all its files. Returns false if it is in use or not ours: it stays then.
///
/// # Errors
/// The errors of the system. A part may be removed.
pub fn remove_unused(fs: &dyn Fs, dir: &Path) -> Result<bool, Error> {
    let Some(lock) = lock_unused(fs, dir)? else { return Ok(false) };
    remove_files(fs, dir, lock)?;
    Ok(true)
}

/// Removes a version, unless it is in use or was used since. `seen` is its last use as the caller knows it, and the
/// present time. `None`: the version has no files with results.
fn remove_version(
    fs: &dyn Fs,
    dir: &Path,
    seen: Option<(WallMillis, WallMillis)>,
) -> Result<(), Error> {
    let Some(lock) = lock_unused(fs, dir)? else { return Ok(()) };
    let is_unused = match seen {
        Some((at, now)) => last_use(fs, dir).is_none_or(|used| used.min(now) == at),
        None => last_use(fs, dir).is_none() && !holds_something(fs, dir),
    };
    if is_unused { remove_files(fs, dir, lock) } else { Ok(()) }
}

/// Removes the files of a version, and its folder if nothing else is in it.
fn remove_files(fs: &dyn Fs, dir: &Path, lock: (Locks, Held)) -> Result<(), Error> {
    // Before anything is gone: this process may be killed at any moment.
    tell_readers(fs, dir);
    remove_contents(fs, dir)?;
    for name in by_age(fs, dir)? {
        if !matches!(name, Name::Lock | Name::Used) {
            remove(fs, dir, name)?;
        }
    }
    for number in list_values(fs, dir)? {
        remove(fs, dir, Name::Value(number))?;
    }
    remove_quarantine(fs, dir)?;
    remove(fs, dir, Name::Used)?;
    // The lock file is the last one, so that no other process opens the folder meanwhile.
    remove(fs, dir, Name::Lock)?;
    // Windows removes the file only now.
    drop(lock);
    remove_dir(fs, dir)
}

/// Tells the processes that read the version, and do not write to it, that nothing of it counts any more. They keep the
/// page mapped, and could not read from the folder what was removed.
fn tell_readers(fs: &dyn Fs, dir: &Path) {
    let path = Name::State.at(dir);
    // Without a page, or with one that they cannot use either, there is nothing by which to tell them.
    let is_there = fs.page(&path, false).is_ok_and(|page| State::new(page).is_known());
    let Some(page) = is_there.then(|| fs.page(&path, true).ok()).flatten() else { return };
    let state = State::new(page);
    state.set_removed();
    state.count_removal();
}
