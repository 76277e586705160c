//! The records that count in a directory, as a view knows them at one moment.

use std::path::Path;
use std::sync::Arc;

use super::file_name::Name;
use super::frame::{ChecksumSeed, RecordMeta};
use super::fs::File;
use super::index::{Index, Lookup, Position};
use super::key_hash::key_hash;
use super::record::Record;
use super::scan::Event;
use super::snapshot::Snapshot;
use super::stored::{Found, Stored};
use crate::error::Error;

pub(crate) struct Contents {
    pub(super) salt: u64,
    pub(super) index: Index,
    pub(super) snapshot: Option<Arc<Snapshot>>,
    /// The puts in logs that count, in the order of the logs and of the records in each.
    pub(super) puts: Vec<(Position, Arc<dyn File>, ChecksumSeed)>,
}

/// A put of a directory.
pub(crate) struct Put<'a> {
    pub(crate) meta: RecordMeta,
    pub(crate) record: Record<'a>,
    pub(crate) key: &'a [u8],
    /// The length of the record in bytes.
    pub(crate) bytes: u64,
    /// False if a log has a newer record of the key, or a removal.
    pub(crate) counts: bool,
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
            let path = Name::Snapshot(snapshot.header.number).at(dir);
            let mut scan = snapshot.scan();
            while let Some(event) = scan.next().map_err(|e| Error::io("read", &path, &e))? {
                let Event::Record(head, record @ Record::Put { key, .. }) = event else { continue };
                let counts = match self.index.get(key_hash(self.salt, key)) {
                    Lookup::At(_) => false,
                    Lookup::Elsewhere(least) => head.since >= least,
                };
                let bytes = head.total() as u64;
                each(Put { meta: head.meta(), record, key, bytes, counts })?;
            }
        }
        for (Position { log, at, len }, file, seed) in &self.puts {
            let found = Stored::read(&**file, *seed, *at, *len, None);
            let found = found.map_err(|e| Error::io("read", Name::Log(*log).at(dir), &e))?;
            let Found::Stored(stored) = found else { continue };
            let record = stored.record();
            let Record::Put { key, .. } = record else { continue };
            let meta = stored.head.meta();
            each(Put { meta, record, key, bytes: u64::from(*len), counts: true })?;
        }
        Ok(())
    }
}
