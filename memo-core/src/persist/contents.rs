//! The records that count in a directory, as a view knows them at one moment.

use std::path::Path;
use std::sync::Arc;

use super::file_name::Name;
use super::frame::{ChecksumSeed, RecordMeta};
use super::fs::File;
use super::index::{Index, Lookup, Position};
use super::key_hash::key_hash;
use super::record::Record;
use super::reference::Reference;
use super::scan::{Event, Scan};
use super::share::Share;
use super::snapshot::Snapshot;
use super::stored::{Found, Stored};
use crate::error::Error;

pub(crate) struct Contents {
    pub(super) salt: u64,
    pub(super) share: Share,
    pub(super) index: Index,
    pub(super) snapshot: Option<Arc<Snapshot>>,
    /// The number of the snapshot, also if it is not complete.
    pub(super) snapshot_number: u64,
    /// The puts in logs that count, in the order of the logs and of the records in each.
    pub(super) puts: Vec<(Position, Arc<dyn File>, ChecksumSeed)>,
}

/// A put of a directory.
pub(crate) struct Put<'a> {
    pub(crate) meta: RecordMeta,
    pub(crate) record: Record<'a>,
    /// The file that it is in, and the offset there.
    pub(crate) position: (Name, u64),
    pub(crate) key: &'a [u8],
    /// The length of the record in bytes.
    pub(crate) bytes: u64,
    /// Where its value is, if that is kept apart.
    pub(crate) apart: Option<Reference>,
    /// False if a log has a newer record of the key, or a removal of the key or of a tag.
    pub(crate) counts: bool,
}

impl Put<'_> {
    /// Returns the length of the value in bytes, if it is kept apart.
    pub(crate) fn bytes_apart(&self) -> u64 {
        self.apart.map_or(0, |value| value.len)
    }
}

/// A put as a scan finds it.
pub(super) struct Scanned<'a> {
    pub(super) at: u64,
    key: &'a [u8],
    tags: &'a [u8],
    since: u64,
}

/// Passes on the puts of a file. `counts`: whether one counts, or `None` if it is not passed on.
pub(super) fn pass_on(
    scan: &mut Scan<'_>,
    (dir, name): (&Path, Name),
    each: &mut dyn FnMut(Put<'_>) -> Result<(), Error>,
    counts: &dyn Fn(Scanned<'_>) -> Option<bool>,
) -> Result<(), Error> {
    loop {
        let at = scan.at();
        let event = scan.next().map_err(|e| Error::io("read", name.at(dir), &e))?;
        let Some(event) = event else { return Ok(()) };
        let Event::Record(head, record @ Record::Put { key, tags, .. }) = event else { continue };
        let scanned = Scanned { at, key, tags, since: head.since };
        let Some(counts) = counts(scanned) else { continue };
        let (position, bytes, apart) = ((name, at), head.total() as u64, record.reference());
        each(Put { meta: head.meta(), record, position, key, bytes, apart, counts })?;
    }
}

impl Contents {
    /// Passes on each put: those of the snapshot first, and so the oldest first.
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
            let counts = |put: Scanned<'_>| {
                let hash = key_hash(self.salt, put.key);
                let counts =
                    || put.since >= self.least(hash) && !self.has_ended(put.tags, put.since);
                self.share.has(hash).then(counts)
            };
            pass_on(&mut snapshot.scan(), (dir, name), each, &counts)?;
        }
        for (Position { log, at, len, .. }, file, seed) in &self.puts {
            let name =
                if *log == self.snapshot_number { Name::Snapshot(*log) } else { Name::Log(*log) };
            let found = Stored::read(&**file, *seed, *at, *len, None);
            let found = found.map_err(|e| Error::io("read", name.at(dir), &e))?;
            let Found::Stored(stored) = found else { continue };
            let record = stored.record();
            let Record::Put { key, tags, .. } = record else { continue };
            let meta = stored.head.meta();
            let counts = !self.has_ended(tags, meta.since);
            let (bytes, apart) = (u64::from(*len), record.reference());
            each(Put { meta, record, position: (name, *at), key, bytes, apart, counts })?;
        }
        Ok(())
    }

    fn has_ended(&self, tags: &[u8], since: u64) -> bool {
        self.index.has_ended(self.salt, tags, since)
    }

    /// Returns the `since` from which on a record of the snapshot counts. `u64::MAX`: a log has a newer one.
    fn least(&self, hash: u64) -> u64 {
        match self.index.get(hash) {
            Lookup::Elsewhere(least) => least,
            Lookup::At(position) => {
                let order = |(put, ..): &(Position, _, _)| (put.log, put.at);
                match self.puts.binary_search_by_key(&(position.log, position.at), order) {
                    Ok(_) => u64::MAX,
                    // The log is gone because the snapshot has its records.
                    Err(_) => self.index.removed(hash),
                }
            }
        }
    }
}
