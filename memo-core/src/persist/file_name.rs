//! The names of the files in a directory. All of them are built and parsed here.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::fs::Fs;
use crate::error::Error;

/// The directory, inside the store's directory, for files that could not be used.
pub(crate) const QUARANTINE: &str = "quarantine";

/// The name of a file that a store writes. Logs and snapshots are numbered together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Lock,
    /// Holds when the version was last used.
    Used,
    /// The page that processes share.
    State,
    /// What the values are, for programs that do not know their type.
    Type,
    TempType,
    /// A log or a snapshot, renamed as a sign that the other files do not count.
    Cleared,
    Log(u64),
    Snapshot(u64),
    TempLog(u64),
    TempSnapshot(u64),
    /// What a snapshot of this number is sorted in.
    TempSort(u64),
    /// A value that is kept apart. Numbered with logs and snapshots.
    Value(u64),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lock => f.write_str("LOCK"),
            Self::Used => f.write_str("USED"),
            Self::State => f.write_str("STATE"),
            Self::Type => f.write_str("TYPE"),
            Self::TempType => f.write_str("TYPE.tmp"),
            Self::Cleared => f.write_str("CLEARED"),
            Self::Log(number) => write!(f, "wal-{number:016x}"),
            Self::Snapshot(number) => write!(f, "snap-{number:016x}"),
            Self::TempLog(number) => write!(f, "wal-{number:016x}.tmp"),
            Self::TempSnapshot(number) => write!(f, "snap-{number:016x}.tmp"),
            Self::TempSort(number) => write!(f, "sort-{number:016x}.tmp"),
            Self::Value(number) => write!(f, "value-{number:016x}"),
        }
    }
}

impl Name {
    /// Returns `None` for a name that no store writes.
    pub(crate) fn parse(name: &OsStr) -> Option<Self> {
        let text = name.to_str()?;
        match text {
            "LOCK" => return Some(Self::Lock),
            "USED" => return Some(Self::Used),
            "STATE" => return Some(Self::State),
            "TYPE" => return Some(Self::Type),
            "TYPE.tmp" => return Some(Self::TempType),
            "CLEARED" => return Some(Self::Cleared),
            _ => {}
        }
        let (stem, temporary) = match text.strip_suffix(".tmp") {
            Some(stem) => (stem, true),
            None => (text, false),
        };
        let (kind, digits) = stem.split_once('-')?;
        let number = parse_number(digits)?;
        match (kind, temporary) {
            ("wal", false) => Some(Self::Log(number)),
            ("wal", true) => Some(Self::TempLog(number)),
            ("snap", false) => Some(Self::Snapshot(number)),
            ("snap", true) => Some(Self::TempSnapshot(number)),
            ("sort", true) => Some(Self::TempSort(number)),
            ("value", false) => Some(Self::Value(number)),
            _ => None,
        }
    }

    /// Returns the path of the file in `dir`.
    pub(crate) fn at(self, dir: &Path) -> PathBuf {
        dir.join(self.to_string())
    }

    /// Returns the number of a file that has one.
    pub(crate) fn number(self) -> u64 {
        self.age().0
    }

    /// Returns the key by which files are sorted from the oldest to the newest.
    fn age(self) -> (u64, bool) {
        match self {
            Self::Lock | Self::Used | Self::State | Self::Type | Self::TempType | Self::Cleared => {
                (0, false)
            }
            Self::Snapshot(number) | Self::TempSnapshot(number) | Self::TempSort(number) => {
                (number, false)
            }
            Self::Log(number) | Self::TempLog(number) | Self::Value(number) => (number, true),
        }
    }
}

/// Returns the names of the store's files in `dir`, the oldest first. Leaves out all other names, and the files of
/// values, which may be many and come and go at any time.
pub(crate) fn by_age(fs: &dyn Fs, dir: &Path) -> Result<Vec<Name>, Error> {
    let listed = fs.list(dir).map_err(|e| Error::io("list", dir, &e))?;
    let mut names: Vec<Name> = Vec::new();
    let names_of_ours = listed.iter().filter_map(|name| Name::parse(name));
    for name in names_of_ours.filter(|name| !matches!(name, Name::Value(_))) {
        // Insertion sort is enough for a few names. `sort` would be instantiated for one more type.
        names.insert(names.partition_point(|other| other.age() <= name.age()), name);
    }
    Ok(names)
}

/// Gives a new file its name, unless there is such a file. That can be so if another folder was put in the place of this
/// one since its numbers were read; the file then is that of another process.
pub(crate) fn publish(fs: &dyn Fs, dir: &Path, temporary: Name, name: Name) -> io::Result<()> {
    match fs.open(&name.at(dir)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            fs.rename(&temporary.at(dir), &name.at(dir))
        }
        Err(e) => Err(e),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

/// Removes a file. Succeeds if there is none.
pub(crate) fn remove(fs: &dyn Fs, dir: &Path, name: Name) -> Result<(), Error> {
    let path = name.at(dir);
    match fs.remove(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, &e)),
        _ => Ok(()),
    }
}

/// Parses exactly 16 lower-case hexadecimal digits, so that a file has only one name.
fn parse_number(digits: &str) -> Option<u64> {
    let is_valid = digits.len() == 16
        && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_valid.then(|| u64::from_str_radix(digits, 16).ok())?
}

/// The name of a file in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quarantined {
    /// Counts the files that were moved or copied to quarantine. The newest file has the highest number.
    pub(crate) serial: u32,
    /// The name of the file before it was moved or copied.
    pub(crate) original: Name,
}

impl fmt::Display for Quarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.serial, self.original)
    }
}

impl Quarantined {
    pub(crate) fn parse(name: &OsStr) -> Option<Self> {
        let (serial, original) = name.to_str()?.split_once('-')?;
        let parsed = Self {
            serial: u32::from_str_radix(serial, 16).ok()?,
            original: Name::parse(OsStr::new(original))?,
        };
        (Some(name) == Some(OsStr::new(&parsed.to_string()))).then_some(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_back() {
        let names = [
            Name::Lock,
            Name::Used,
            Name::State,
            Name::Cleared,
            Name::Log(7),
            Name::Snapshot(u64::MAX),
            Name::TempLog(0),
            Name::TempSnapshot(1),
            Name::TempSort(2),
            Name::Value(2),
        ];
        for name in names {
            assert_eq!(Name::parse(OsStr::new(&name.to_string())), Some(name));
            let quarantined = Quarantined { serial: 3, original: name };
            assert_eq!(Quarantined::parse(OsStr::new(&quarantined.to_string())), Some(quarantined));
        }
    }

    #[test]
    fn other_names_are_not_parsed() {
        for name in [
            "lock",
            "wal-7",
            "sort-0000000000000001",
            "wal-000000000000000G",
            "wal-00000000000000AB",
            "snap-",
            "wal",
        ] {
            assert_eq!(Name::parse(OsStr::new(name)), None, "{name}");
        }
        assert_eq!(Name::parse(OsStr::new("wal-+000000000000007")), None);
        assert_eq!(Quarantined::parse(OsStr::new("3-LOCK")), None);
    }
}
