//! Checks every checksum of a directory: of headers, records, indexes, filters and values.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::file_name::Name;
use super::fs::Fs;
use super::identity::Identity;
use super::listing::Source;
use super::loss::Loss;
use super::moment::Moment;
use super::reference::Reference;
use super::scan::{Event, Scan};
use super::share::Share;
use super::snapshot::Snapshot;
use super::value_file::Checked;
use crate::error::Error;

/// Reads all files in `dir` and passes each damaged place to `damaged`, once. `progress` is told how many bytes were
/// read, of how many in all. Returns the number of records that count.
///
/// What a crash explains is no damage: a torn end of a log.
///
/// # Errors
/// A file cannot be read.
pub fn verify(
    fs: &dyn Fs,
    dir: &Path,
    identity: &Identity,
    progress: &mut dyn FnMut(u64, u64),
    damaged: &mut dyn FnMut(Error),
) -> Result<u64, Error> {
    let moment = Moment::of(fs, dir, identity, true)?;
    let sources = || moment.listing.logs.iter().chain(&moment.listing.snapshots);
    let total = sources().map(|source| source.size).sum();
    let mut run = Run { dir, total, done: 0, progress, damaged, seen: BTreeSet::new() };
    for (name, loss) in &moment.listing.losses {
        run.report(name.at(dir), 0, &loss.to_string());
    }
    for source in &moment.listing.snapshots {
        run.check_snapshot(source)?;
    }
    for source in &moment.listing.logs {
        let live = moment.committed.iter().find(|slot| slot.log == source.number);
        let limit = live.map_or(source.size, |slot| slot.len);
        let scan = Scan::new(&*source.file, source.header.seed(), source.start, limit, 0);
        run.check_records(source, scan, &mut |_, _| ())?;
    }
    // What single records do not show: a removal that is missing, or the end of a log.
    for error in moment.view(Share::NONE)?.recovery.damage {
        if let Error::Corrupt { path, offset, reason } = error {
            run.report(path, offset, &reason);
        }
    }
    let mut records = 0;
    moment.for_each(&mut |put| {
        // No process uses any of them if one file is unusable, or if all were being removed.
        records += u64::from(!moment.listing.is_stale());
        match put.apart {
            Some(value) => {
                run.check_value(fs, identity, put.key, &value, !moment.writers.is_empty())
            }
            None => Ok(()),
        }
    })?;
    Ok(records)
}

struct Run<'a> {
    dir: &'a Path,
    total: u64,
    /// The bytes of the files that were read.
    done: u64,
    progress: &'a mut dyn FnMut(u64, u64),
    damaged: &'a mut dyn FnMut(Error),
    /// What was reported.
    seen: BTreeSet<(PathBuf, u64)>,
}

impl Run<'_> {
    fn report(&mut self, path: PathBuf, offset: u64, reason: &str) {
        if self.seen.insert((path.clone(), offset)) {
            (self.damaged)(Error::Corrupt { path, offset, reason: reason.to_owned() });
        }
    }

    /// Checks the records that `scan` reads of a file. Passes the place of each to `each`.
    fn check_records(
        &mut self,
        source: &Source,
        mut scan: Scan<'_>,
        each: &mut dyn FnMut(u64, u32),
    ) -> Result<(), Error> {
        let path = source.name.at(self.dir);
        loop {
            let at = scan.at();
            (self.progress)(self.done + at, self.total);
            let event = scan.next().map_err(|e| Error::io("read", &path, &e))?;
            match event {
                None => break,
                Some(Event::Record(head, _)) => {
                    each(at, u32::try_from(head.total()).unwrap_or(u32::MAX));
                }
                Some(Event::Gap { .. }) => {
                    self.report(path.clone(), at, &Loss::BadStretch.to_string());
                }
                Some(Event::BadKey(_) | Event::BadValue(..)) => {
                    self.report(path.clone(), at, &Loss::BadRecord.to_string());
                }
            }
        }
        self.done += source.size;
        (self.progress)(self.done, self.total);
        Ok(())
    }

    /// Checks records, index and filter of a snapshot, and that the index names exactly the records.
    fn check_snapshot(&mut self, source: &Source) -> Result<(), Error> {
        let path = source.name.at(self.dir);
        let failed = |e| Error::io("read", &path, &e);
        let Some(snapshot) = Snapshot::open(source).map_err(failed)? else {
            self.report(path.clone(), 0, "its footer is damaged, so it has no index");
            let Source { file, header, start, size, .. } = source;
            let scan = Scan::unordered(&**file, header.seed(), *start, *size);
            return self.check_records(source, scan, &mut |_, _| ());
        };
        let mut records = Places::default();
        self.check_records(source, snapshot.scan(), &mut |at, len| records.add(at, len))?;
        let (mut indexed, mut bad) = (Places::default(), Vec::new());
        let checked =
            snapshot.check_tables(&mut |at, len| indexed.add(at, len), &mut |at| bad.push(at));
        checked.map_err(failed)?;
        for at in &bad {
            self.report(path.clone(), *at, "damaged block of index or filter");
        }
        if bad.is_empty() && indexed != records {
            self.report(path.clone(), 0, "its index does not name exactly its records");
        }
        Ok(())
    }

    /// Checks a value that is kept apart. In a directory in use the file may be gone because another value has taken
    /// its place.
    fn check_value(
        &mut self,
        fs: &dyn Fs,
        identity: &Identity,
        key: &[u8],
        value: &Reference,
        is_used: bool,
    ) -> Result<(), Error> {
        let path = Name::Value(value.number).at(self.dir);
        let reason = match value.check(fs, self.dir).map_err(|e| Error::io("read", &path, &e))? {
            Checked::Whole => return Ok(()),
            Checked::Missing => "the file of a value is missing",
            Checked::Damaged => "damaged value",
        };
        if is_used {
            let now = Moment::of(fs, self.dir, identity, false)?.find(key)?;
            let counts = now.and_then(|(_, stored)| stored.record().reference());
            if counts != Some(*value) {
                return Ok(());
            }
        }
        self.report(path, 0, reason);
        Ok(())
    }
}

/// Places of records, to compare two lists of them in any order.
#[derive(Default, PartialEq, Eq)]
struct Places {
    count: u64,
    sum: u64,
}

impl Places {
    fn add(&mut self, at: u64, len: u32) {
        let place = (at ^ u64::from(len).rotate_left(40)).wrapping_add(1);
        self.count += 1;
        self.sum = self.sum.wrapping_add(place.wrapping_mul(place | 1));
    }
}
