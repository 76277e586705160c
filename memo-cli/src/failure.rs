//! How a command ends.

use std::fmt;
use std::io;
use std::path::Path;

use memo_core::error::Error;

/// What standard output is called in errors.
const STDOUT: &str = "standard output";

/// The end of a command that has done its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Exit code 0.
    Fine,
    /// Exit code 1: damage, a difference, nothing found, or a version with which it could not be done.
    Found,
    /// Exit code 2: a part could not be done, of which a person was told.
    Trouble,
}

impl Exit {
    pub(crate) fn found_if(found: bool) -> Self {
        if found { Self::Found } else { Self::Fine }
    }

    pub(crate) fn or(self, other: Self) -> Self {
        self.max(other)
    }
}

/// Why a command cannot do its work: exit code 2.
#[derive(Debug)]
pub(crate) enum Failure {
    Store(Error),
    /// What is wrong, and what to do.
    Text(String),
}

pub(crate) type Done = Result<Exit, Failure>;

impl Failure {
    /// Returns whether nobody reads the output any more, which is no error.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.of_output() == Some(io::ErrorKind::BrokenPipe)
    }

    /// Returns why the output cannot be written, if that is what failed: then nothing else can be told either.
    pub(crate) fn of_output(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Store(Error::Io { kind, path, .. }) if path == Path::new(STDOUT) => Some(*kind),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Store(error) => {
                write!(f, "{error}")?;
                advice(error).map_or(Ok(()), |advice| write!(f, "\n  {advice}"))
            }
        }
    }
}

/// Returns what a person can do about an error.
fn advice(error: &Error) -> Option<&'static str> {
    match error {
        Error::Corrupt { .. } => Some("`memo repair` writes what can be read to another folder"),
        Error::Io { kind, .. } => Some(advice_on(*kind)),
        Error::Locked { .. } => Some("try again, or stop the processes that `memo ls` names"),
        Error::OtherHost { .. } => Some("run memo on that computer"),
        Error::Foreign { .. } => Some("use the memo of the version of memokit that wrote it"),
        _ => None,
    }
}

fn advice_on(kind: io::ErrorKind) -> &'static str {
    use io::ErrorKind;
    match kind {
        ErrorKind::PermissionDenied => {
            "the folder belongs to its owner alone: run memo as that user"
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            "give the path of `persist`, or a folder below it"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room on the disk, and run memo again"
        }
        ErrorKind::ReadOnlyFilesystem => "only the commands that look work there",
        ErrorKind::ResourceBusy => "processes write very much at this moment: run memo again",
        _ => {
            "run memo again; if that does not help, the log of the system may tell what the disk has"
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Returns the error of a write to standard output.
pub(crate) fn unwritten(error: &io::Error) -> Error {
    Error::io("write to", STDOUT, error)
}
