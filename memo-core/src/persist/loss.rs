//! What recovery could not use, and why.

use std::fmt;
use std::path::PathBuf;

use super::record::WallMillis;
use crate::error::Error;

/// A kind of loss that recovery met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// A log ends in bytes that are no record: a write that a crash cut short.
    TornTail,
    /// A log ends before what was synced of it; a copy is in `quarantine`.
    CutShort,
    /// A record's key or value is damaged; its entry was dropped.
    BadRecord,
    /// A stretch of a file is no record though records follow; a copy of the file is in `quarantine`.
    BadStretch,
    /// An invalidation is missing. If to damage, what preceded it was dropped, as any of it may be stale; if a crash kept
    /// it from the disk, what preceded it counts, as after a torn tail.
    LostRemoval,
    /// A file's header is damaged or not ours; the file is in `quarantine`.
    BadFile,
    /// A file belongs to another function; it is in `quarantine`.
    OtherFunction,
    /// A file's keys are encoded by another version of the key format; it was removed.
    OtherKeyFormat,
    /// A file's values are of another type; it was removed.
    OtherSchema,
    /// A file's values were computed by other code; it was removed.
    OtherCode,
    /// A file precedes one that could not be used, so what it says may be stale; it was removed.
    Superseded,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TornTail => "torn tail of a log",
            Self::CutShort => "log that lost its end",
            Self::BadRecord => "damaged record",
            Self::BadStretch => "damaged stretch of a file",
            Self::LostRemoval => "lost invalidation",
            Self::BadFile => "damaged or foreign file",
            Self::OtherFunction => "file of another function",
            Self::OtherKeyFormat => "file with another key format",
            Self::OtherSchema => "file with values of another type",
            Self::OtherCode => "file computed by other code",
            Self::Superseded => "file older than one that could not be used",
        })
    }
}

/// What recovery found.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Records handed to the callback.
    pub records: u64,
    /// Entries, stretches and files that were not used, counted by kind.
    pub discarded: Vec<(u64, Loss)>,
    /// The first pieces of damage, each an [`Error::Corrupt`]; what a crash explains is none.
    pub damage: Vec<Error>,
    /// The latest wall time that the files know of: time was at least this when they were written.
    pub high_water: WallMillis,
}

/// More pieces of damage are counted and not told one by one.
const MOST_TOLD: usize = 16;

impl Recovery {
    pub(super) fn note(&mut self, loss: Loss) {
        match self.discarded.iter_mut().find(|(_, known)| *known == loss) {
            Some((count, _)) => *count += 1,
            None => self.discarded.push((1, loss)),
        }
    }

    /// Notes a loss that no crash explains.
    pub(super) fn damaged(&mut self, path: PathBuf, offset: u64, loss: Loss) {
        self.note(loss);
        if self.damage.len() < MOST_TOLD {
            self.damage.push(Error::Corrupt { path, offset, reason: loss.to_string() });
        }
    }
}
