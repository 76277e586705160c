//! A directory of one function's results: a write-ahead log, snapshots, recovery.
//!
//! The bytes are specified in `docs/format.md`. Arrows, one way: [`Store`] → generations, recover → wal, snapshot,
//! survey → queue, scan → frame, header, names → [`Fs`].

mod flusher;
mod frame;
mod fs;
#[cfg(any(test, fuzzing))]
mod fs_mem;
#[cfg(any(test, fuzzing))]
mod fs_mem_unsynced;
mod fs_real;
#[cfg(fuzzing)]
pub mod fuzzing;
mod generations;
mod header;
mod lease;
mod lost;
mod names;
mod owed;
mod quarantine;
mod queue;
mod recover;
mod scan;
mod snapshot;
mod store;
mod survey;
#[cfg(test)]
mod tests;
mod trouble;
mod wal;

use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::error::Error;

pub(crate) use flusher::{hurry, maintain};
pub use frame::{MAX_KEY, MAX_VALUE};
pub use fs::{File, Fs, Lock};
#[cfg(test)]
pub(crate) use fs_mem::{Crash, ENOSPC, Failure, MemFs, SHORT};
pub use fs_real::RealFs;
pub use snapshot::Entries;
pub use store::Store;

/// What a crash may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Everything since the last `flush()` or `snapshot()`.
    None,
    /// Nothing when the process dies; on power loss what the system had not written.
    Os,
    /// Nothing when the process dies; on power loss the last second.
    #[default]
    Interval,
    /// Nothing.
    Always,
}

/// Whose results a directory holds; anything that differs makes what is on disk another cache's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The function's full name, with its instance when generic.
    pub function: String,
    /// The version of the key encoding.
    pub key_format: u32,
    /// The fingerprint of the value's type.
    pub schema: u128,
    /// The fingerprint of the function's code, or of its `version`.
    pub code: u128,
}

/// Milliseconds since 1970 by the wall clock (before 1970: 0).
pub type WallMillis = u64;

/// One change of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// An entry was computed or inserted.
    Put {
        /// The canonical key.
        key: &'a [u8],
        /// The value by its codec.
        value: &'a [u8],
        /// When it was computed.
        created: WallMillis,
        /// When it ceases to be valid.
        expires: Option<WallMillis>,
    },
    /// An entry was invalidated.
    Remove {
        /// The canonical key.
        key: &'a [u8],
    },
    /// All entries were.
    Clear,
}

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
    fn note(&mut self, loss: Loss) {
        match self.discarded.iter_mut().find(|(_, known)| *known == loss) {
            Some((count, _)) => *count += 1,
            None => self.discarded.push((1, loss)),
        }
    }

    /// Notes a loss that no crash explains.
    fn damaged(&mut self, path: PathBuf, offset: u64, loss: Loss) {
        self.note(loss);
        if self.damage.len() < MOST_TOLD {
            self.damage.push(Error::Corrupt { path, offset, reason: loss.to_string() });
        }
    }
}

/// What a store says of itself.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Status {
    /// Bytes in the logs that the next recovery would read.
    pub log_bytes: u64,
    /// When the newest snapshot was written.
    pub last_snapshot: Option<SystemTime>,
    /// Operations that failed since the directory was opened.
    pub errors: u64,
    /// The latest of these failures.
    pub last_error: Option<Error>,
    /// Records reach the disk; false from a failed write until a checkpoint heals it.
    pub healthy: bool,
}

/// The place of a queued record in the log; hand it to [`Store::commit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    sequence: u64,
    fits: bool,
}
