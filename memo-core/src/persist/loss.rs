//! What recovery found, what it could not use, and why.

use std::fmt;
use std::path::PathBuf;

use super::record::WallMillis;
use crate::error::Error;

/// A kind of loss that recovery found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// A log ends in bytes that are not a complete record: a crash interrupted a write.
    TornTail,
    /// A log is shorter than the part of it that was synced. A copy is in `quarantine`.
    CutShort,
    /// A record's key or value is damaged. Its entry was dropped.
    BadRecord,
    /// Some bytes of a file are not a record, although records follow. A copy of the file is in `quarantine`.
    BadStretch,
    /// A part of the filter of a snapshot is damaged. No entry is lost: keys in that part are looked for in the index.
    BadFilter,
    /// An invalidation is missing. If damage is the cause, all earlier records were dropped, because any of them may be
    /// stale. If a crash kept the invalidation from the disk, the earlier records count, as after a torn tail.
    LostRemoval,
    /// A file's header is damaged or names another function or version, or the file is not one of memokit. It is in
    /// `quarantine`.
    BadFile,
    /// A file cannot be opened: it belongs to another user, is a link to nothing, or is no regular file. It is in
    /// `quarantine`.
    Unreadable,
    /// A file is older than one that could not be used, so its contents may be stale. It was removed.
    Superseded,
    /// A time in a file lies so far ahead that the clock was wrong when it was written, or is wrong now.
    FutureTime,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TornTail => "torn tail of a log",
            Self::CutShort => "log shorter than its synced part",
            Self::BadRecord => "damaged record",
            Self::BadStretch => "damaged stretch of a file",
            Self::BadFilter => "damaged filter of a snapshot",
            Self::LostRemoval => "lost invalidation",
            Self::BadFile => "damaged or foreign file",
            Self::Unreadable => "file that cannot be opened",
            Self::Superseded => "file older than one that could not be used",
            Self::FutureTime => "time far ahead of the clock",
        })
    }
}

/// What recovery found.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// The number of records that were passed to the callback.
    pub records: u64,
    /// How many entries, parts of files and whole files were not used, for each kind of loss.
    pub discarded: Vec<(u64, Loss)>,
    /// The first losses that are damage, each as an [`Error::Corrupt`]. A loss that a crash explains is not damage.
    pub damage: Vec<Error>,
    /// The latest wall time that the files mention, apart from [`Loss::FutureTime`]. The clock had reached it when they
    /// were written.
    pub high_water: WallMillis,
}

/// At most this many losses are listed in [`Recovery::damage`]. Further ones are only counted.
const MAX_LISTED: usize = 16;

impl Recovery {
    /// Counts a loss.
    pub(super) fn note(&mut self, loss: Loss) {
        match self.discarded.iter_mut().find(|(_, known)| *known == loss) {
            Some((count, _)) => *count += 1,
            None => self.discarded.push((1, loss)),
        }
    }

    /// Counts a loss that no crash explains, and lists it as damage.
    pub(super) fn damaged(&mut self, path: PathBuf, offset: u64, loss: Loss) {
        self.note(loss);
        if self.damage.len() < MAX_LISTED {
            self.damage.push(Error::Corrupt { path, offset, reason: loss.to_string() });
        }
    }
}
