//! Which puts of a directory count, found out share by share of the keys, for who reads all in the order of their ages
//! and has no memory for an index of all that is in logs.

use std::path::Path;
use std::sync::Arc;

use super::contents::{Contents, Put, Scanned, pass_on};
use super::file_name::Name;
use super::frame::ChecksumSeed;
use super::fs::File;
use super::log_reader::LogReader;
use super::position_set::PositionSet;
use super::scan::Scan;
use super::snapshot::Snapshot;
use super::view::View;
use crate::error::Error;

pub(crate) struct Census {
    snapshot: Option<Arc<Snapshot>>,
    /// By their numbers.
    files: Vec<Records>,
    /// The puts in `files` that count.
    counting: PositionSet,
    /// Those of the snapshot that do not, and those in `files` that a tag has ended.
    ended: PositionSet,
}

/// What was read of a log, or of a snapshot that is not complete.
struct Records {
    name: Name,
    file: Arc<dyn File>,
    seed: ChecksumSeed,
    start: u64,
    end: u64,
}

impl Census {
    /// Makes a census of the files that a view has read. Nothing counts yet.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn new(dir: &Path, view: &View) -> Result<Self, Error> {
        let log = |log: &LogReader| Records {
            name: Name::Log(log.number),
            file: Arc::clone(&log.file),
            seed: log.seed,
            start: log.start,
            end: log.read_to,
        };
        let mut files: Vec<_> = view.logs.values().map(log).collect();
        if let Some((file, seed)) = &view.incomplete {
            let name = Name::Snapshot(view.snapshot_number);
            let end = file.size().map_err(|e| Error::io("read", name.at(dir), &e))?;
            // What stands before its records is not valid as one.
            let file = Arc::clone(file);
            files.push(Records { name, file, seed: *seed, start: 0, end });
        }
        files.sort_unstable_by_key(|records| records.name.number());
        let (counting, ended) = (PositionSet::default(), PositionSet::default());
        Ok(Self { snapshot: view.snapshot.clone(), files, counting, ended })
    }

    /// Adds what a share of the keys has in the same files.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn add(&mut self, dir: &Path, share: &Contents) -> Result<(), Error> {
        let snapshot = self.snapshot.as_ref().map(|snapshot| snapshot.header.number);
        share.for_each(dir, &mut |put| {
            let (file, at) = put.position;
            if !put.counts {
                self.ended.insert(file.number(), at);
            } else if Some(file.number()) != snapshot {
                self.counting.insert(file.number(), at);
            }
            Ok(())
        })
    }

    /// Passes on each put, as [`Contents::for_each`] does for all keys.
    ///
    /// # Errors
    /// A file cannot be read, or an error of `each`.
    pub(crate) fn for_each(
        &self,
        dir: &Path,
        each: &mut dyn FnMut(Put<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if let Some(snapshot) = &self.snapshot {
            let name = Name::Snapshot(snapshot.header.number);
            let counts = |put: Scanned<'_>| Some(!self.ended.has(name.number(), put.at));
            pass_on(&mut snapshot.scan(), (dir, name), each, &counts)?;
        }
        for Records { name, file, seed, start, end } in &self.files {
            let counts = |put: Scanned<'_>| match self.counting.has(name.number(), put.at) {
                true => Some(true),
                false => self.ended.has(name.number(), put.at).then_some(false),
            };
            let mut scan = match name {
                Name::Log(_) => Scan::new(&**file, *seed, *start, *end, 0),
                _ => Scan::unordered(&**file, *seed, *start, *end),
            };
            pass_on(&mut scan, (dir, *name), each, &counts)?;
        }
        Ok(())
    }
}
