//! The error type of the crate.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why results could not be stored on disk or read back.
///
/// A memoized call never returns it: such a call computes its value and uses the cache in memory. `Memo::health` and
/// `Memo::damage` show it, and `Memo::try_init`, `Memo::flush` and `Memo::snapshot` return it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation on a file or directory.
    Io {
        /// The operation, as a verb: `"create"`, `"write"`, `"sync"`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The kind of the underlying error.
        kind: io::ErrorKind,
        /// The text of the underlying error.
        reason: String,
    },
    /// The path that `persist` gives names no directory. Nothing was read or written.
    NoDirectory {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another cache, in this process or in another, uses the directory.
    Locked {
        /// The directory.
        path: PathBuf,
        /// The id of the process that uses it, if the lock file contains it.
        pid: Option<u32>,
    },
    /// A process on another computer writes to the directory, which is on a network file system. This one reads what was
    /// there when it opened the directory, and begins to write when no other computer does.
    OtherHost {
        /// The directory.
        path: PathBuf,
    },
    /// A file has magic bytes or a format that this version does not know. The file was not changed.
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A file is damaged. Its intact parts were read. `Memo::damage` shows the error.
    Corrupt {
        /// The file, which may have been moved to `quarantine/` since.
        path: PathBuf,
        /// Where the damage begins, in bytes from the start of the file.
        offset: u64,
        /// What was found.
        reason: String,
    },
    /// The codec cannot store the type of the value. The text names the reason and a solution.
    Unpersistable {
        /// The type.
        type_name: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// A key or a value is too large to be stored.
    TooLarge {
        /// What is too large, and the limit.
        reason: String,
    },
    /// The directory belongs to the process that this one was forked from. A child does not write to it.
    Forked {
        /// The id of the process that opened the directory.
        owner: u32,
    },
    /// The tier that machines share cannot be used. Calls go on without it.
    Remote {
        /// Why. It contains no secret.
        reason: String,
    },
    /// The function has no `persist` argument.
    NotPersistent,
}

impl Error {
    /// Wraps an I/O error with the operation and its path.
    #[must_use]
    pub fn io(doing: &'static str, path: impl Into<PathBuf>, error: &io::Error) -> Self {
        Self::Io { doing, path: path.into(), kind: error.kind(), reason: error.to_string() }
    }
}

impl fmt::Display for Error {
    // `#[inline]`, so that only crates that print an error compile this.
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, reason, kind: _ } => {
                write!(f, "cannot {doing} {}: {reason}", path.display())
            }
            Self::NoDirectory { path, reason } => {
                write!(f, "the path {path:?} of `persist` names no directory: {reason}")
            }
            Self::Locked { path, pid: Some(pid) } => {
                write!(f, "{} is in use by process {pid}", path.display())
            }
            Self::Locked { path, pid: None } => {
                write!(f, "{} is in use by another cache", path.display())
            }
            Self::OtherHost { path } => {
                write!(f, "{} is in use by a process on another computer", path.display())
            }
            Self::Foreign { path, reason } => {
                write!(f, "{} is not a file of this cache: {reason}", path.display())
            }
            Self::Corrupt { path, offset, reason } => {
                write!(f, "{} is damaged at byte {offset}: {reason}", path.display())
            }
            Self::Unpersistable { type_name, reason } => {
                write!(f, "values of {type_name} cannot be stored: {reason}")
            }
            Self::TooLarge { reason } => write!(f, "too large to be stored: {reason}"),
            Self::Forked { owner } => {
                write!(
                    f,
                    "the directory belongs to process {owner}, from which this one was forked"
                )
            }
            Self::Remote { reason } => write!(f, "the shared tier cannot be used: {reason}"),
            Self::NotPersistent => write!(f, "the function was not annotated with `persist`"),
        }
    }
}

impl std::error::Error for Error {}
