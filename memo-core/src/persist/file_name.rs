//! Every name in a directory is made and read here.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::fs::Fs;
use crate::error::Error;

/// The folder, below the store's, for files that could not be used.
pub(crate) const QUARANTINE: &str = "quarantine";

/// A file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Lock,
    Log(u64),
    Snapshot(u64),
    TempLog(u64),
    TempSnapshot(u64),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lock => f.write_str("LOCK"),
            Self::Log(generation) => write!(f, "wal-{generation:016x}"),
            Self::Snapshot(generation) => write!(f, "snap-{generation:016x}"),
            Self::TempLog(generation) => write!(f, "wal-{generation:016x}.tmp"),
            Self::TempSnapshot(generation) => write!(f, "snap-{generation:016x}.tmp"),
        }
    }
}

impl Name {
    pub(crate) fn parse(name: &OsStr) -> Option<Self> {
        let text = name.to_str()?;
        if text == "LOCK" {
            return Some(Self::Lock);
        }
        let (stem, temporary) = match text.strip_suffix(".tmp") {
            Some(stem) => (stem, true),
            None => (text, false),
        };
        let (kind, digits) = stem.split_once('-')?;
        let generation = generation(digits)?;
        match (kind, temporary) {
            ("wal", false) => Some(Self::Log(generation)),
            ("wal", true) => Some(Self::TempLog(generation)),
            ("snap", false) => Some(Self::Snapshot(generation)),
            ("snap", true) => Some(Self::TempSnapshot(generation)),
            _ => None,
        }
    }

    pub(crate) fn at(self, dir: &Path) -> PathBuf {
        dir.join(self.to_string())
    }

    /// The order in which files came to count: a snapshot stands for what came before the log of its generation.
    fn age(self) -> (u64, bool) {
        match self {
            Self::Lock => (0, false),
            Self::Snapshot(generation) | Self::TempSnapshot(generation) => (generation, false),
            Self::Log(generation) | Self::TempLog(generation) => (generation, true),
        }
    }
}

/// Our files in `dir`, the oldest first.
pub(crate) fn by_age(fs: &dyn Fs, dir: &Path) -> Result<Vec<Name>, Error> {
    let listed = fs.list(dir).map_err(|e| Error::io("list", dir, &e))?;
    let mut names: Vec<Name> = Vec::new();
    for name in listed.iter().filter_map(|name| Name::parse(name)) {
        // They are few, and a sort of one more type is much to build.
        names.insert(names.partition_point(|other| other.age() <= name.age()), name);
    }
    Ok(names)
}

/// Exactly 16 lower-case digits, so that no two names mean one file.
fn generation(digits: &str) -> Option<u64> {
    let proper = digits.len() == 16
        && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    proper.then(|| u64::from_str_radix(digits, 16).ok())?
}

/// A file in quarantine: in which order it came, and what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quarantined {
    pub(crate) serial: u32,
    pub(crate) was: Name,
}

impl fmt::Display for Quarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.serial, self.was)
    }
}

impl Quarantined {
    pub(crate) fn parse(name: &OsStr) -> Option<Self> {
        let (serial, was) = name.to_str()?.split_once('-')?;
        let parsed = Self {
            serial: u32::from_str_radix(serial, 16).ok()?,
            was: Name::parse(OsStr::new(was))?,
        };
        (Some(name) == Some(OsStr::new(&parsed.to_string()))).then_some(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_round_trip() {
        let names = [
            Name::Lock,
            Name::Log(7),
            Name::Snapshot(u64::MAX),
            Name::TempLog(0),
            Name::TempSnapshot(1),
        ];
        for name in names {
            assert_eq!(Name::parse(OsStr::new(&name.to_string())), Some(name));
            let kept = Quarantined { serial: 3, was: name };
            assert_eq!(Quarantined::parse(OsStr::new(&kept.to_string())), Some(kept));
        }
    }

    #[test]
    fn other_names_are_strangers() {
        for name in
            ["lock", "wal-7", "wal-000000000000000G", "wal-00000000000000AB", "snap-", "wal"]
        {
            assert_eq!(Name::parse(OsStr::new(name)), None, "{name}");
        }
        assert_eq!(Name::parse(OsStr::new("wal-+000000000000007")), None);
        assert_eq!(Quarantined::parse(OsStr::new("3-LOCK")), None);
    }
}
