//! Finds the versions below a directory.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use super::version::Version;
use crate::error::Error;
use crate::persist::{self, Fs, Name, QUARANTINE, RealFs};

/// Directories nested deeper are not looked into.
const MAX_DEPTH: usize = 64;

/// What was found below a directory.
#[derive(Default)]
pub struct Found {
    /// The versions, by their paths.
    pub versions: Vec<Version>,
    /// The folders that could not be read.
    pub problems: Vec<Error>,
}

/// Looks for versions in `root` and below it. Does not follow symbolic links below it.
///
/// # Errors
/// `root` cannot be read.
pub fn find(root: &Path) -> Result<Found, Error> {
    let mut found = Found::default();
    look_into(root, 0, &mut found).map_err(|e| Error::io("list", root, &e))?;
    found.versions.sort_by(|a, b| a.dir.cmp(&b.dir));
    Ok(found)
}

fn look_into(dir: &Path, depth: usize, found: &mut Found) -> io::Result<()> {
    let names = RealFs.list(dir)?;
    if is_version(dir, &names, depth) {
        match Version::open(dir) {
            Ok(version) => found.versions.push(version),
            Err(error) => found.problems.push(error),
        }
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Ok(());
    }
    for name in RealFs.list_dirs(dir)?.iter().filter(|name| *name != QUARANTINE) {
        let path = dir.join(name);
        if let Err(e) = look_into(&path, depth + 1, found) {
            found.problems.push(Error::io("list", &path, &e));
        }
    }
    Ok(())
}

/// Returns whether programs may look for a version in a folder of this name.
#[must_use]
pub fn is_version_name(name: &OsStr) -> bool {
    persist::is_version_name(name)
}

/// Returns whether a directory is the folder of a version. One that a person names may have any name.
fn is_version(dir: &Path, names: &[std::ffi::OsString], depth: usize) -> bool {
    let has_its_name = dir.file_name().is_some_and(is_version_name);
    let is_of_one = |name: &OsStr| match Name::parse(name) {
        Some(Name::Log(_) | Name::Snapshot(_)) => true,
        Some(Name::Lock) => has_its_name,
        _ => false,
    };
    (depth == 0 || has_its_name) && names.iter().any(|name| is_of_one(name))
}
