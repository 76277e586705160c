//! The one error type.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why results could not be stored on disk or read back.
///
/// Never returned from a memoized call: such a call computes its value and serves from memory. It is shown by
/// `Memo::health` and `Memo::damage`, and returned by `Memo::try_init`, `Memo::flush` and `Memo::snapshot`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation on a file or folder.
    Io {
        /// What was being done, as a verb: `"create"`, `"write"`, `"sync"`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The kind of the underlying error.
        kind: io::ErrorKind,
        /// The underlying error's text.
        reason: String,
    },
    /// Another cache holds the folder, in this process or another.
    Locked {
        /// The folder.
        path: PathBuf,
        /// The process that holds it, where its lock file says so.
        pid: Option<u32>,
    },
    /// A file carries a magic or a format that this version does not know; it was left untouched.
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A file is damaged; what is whole was read. `Memo::damage` shows it.
    Corrupt {
        /// The file, which may since have moved to `quarantine/`.
        path: PathBuf,
        /// Where in it the damage begins.
        offset: u64,
        /// What was found.
        reason: String,
    },
    /// The value's type cannot be stored by its codec; the text names the reason and the way out.
    Unpersistable {
        /// The type.
        type_name: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// A key or a value is too large to be stored.
    TooLarge {
        /// What is, and the bound.
        reason: String,
    },
    /// The folder belongs to the process that this one was forked from; a child does not write to it.
    Forked {
        /// The process that opened the folder.
        owner: u32,
    },
    /// The function has no `persist` argument.
    NotPersistent,
}

impl Error {
    /// Wraps an I/O error with what was being done to which path.
    #[must_use]
    pub fn io(doing: &'static str, path: impl Into<PathBuf>, error: &io::Error) -> Self {
        Self::Io { doing, path: path.into(), kind: error.kind(), reason: error.to_string() }
    }
}

impl fmt::Display for Error {
    // Inline, so that it is built where somebody prints one.
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, reason, kind: _ } => {
                write!(f, "cannot {doing} {}: {reason}", path.display())
            }
            Self::Locked { path, pid: Some(pid) } => {
                write!(f, "{} is in use by process {pid}", path.display())
            }
            Self::Locked { path, pid: None } => {
                write!(f, "{} is in use by another cache", path.display())
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
                write!(f, "the folder belongs to process {owner}, from which this one was forked")
            }
            Self::NotPersistent => write!(f, "the function was not annotated with `persist`"),
        }
    }
}

impl std::error::Error for Error {}
