//! Removes all logs and snapshots of a directory. A log that is left alone could hold what another had removed,
//! whatever the order of the removals. So one file is renamed first, as a sign that none of the others counts.

use std::path::Path;

use super::file_name::{Name, by_age, remove};
use super::fs::Fs;
use crate::error::Error;

/// Removes all logs and snapshots, durably. The caller holds the lock of the files.
///
/// # Errors
/// The errors of the system. What is left does not count if the renaming has succeeded.
pub(crate) fn remove_contents(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let names = by_age(fs, dir)?;
    let mut contents = names.iter().filter(|n| matches!(n, Name::Log(_) | Name::Snapshot(_)));
    let sync = || fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, &e));
    if !names.contains(&Name::Cleared) {
        let Some(first) = contents.next() else { return sync() };
        let path = first.at(dir);
        let renamed = fs.rename(&path, &Name::Cleared.at(dir));
        renamed.map_err(|e| Error::io("rename", path, &e))?;
    }
    sync()?;
    contents.try_for_each(|name| remove(fs, dir, *name))?;
    remove_sign(fs, dir)
}

/// Removes the sign once nothing is left that it concerns.
///
/// # Errors
/// The errors of the system.
pub(crate) fn remove_sign(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let sync = || fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, &e));
    sync()?;
    remove(fs, dir, Name::Cleared)?;
    sync()
}
