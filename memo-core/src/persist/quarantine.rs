//! Removes or quarantines the files that recovery could not use.

use std::io;
use std::path::Path;

use super::clearance::remove_sign;
use super::file_name::{Name, QUARANTINE, Quarantined, remove};
use super::fs::{Fs, read_full, write_all};
use crate::error::Error;

/// The number of files that stay in quarantine: the newest ones.
const MAX_QUARANTINED: usize = 3;
/// The buffer for copying, in bytes.
const CHUNK: usize = 256 << 10;

/// The files to remove, to move to quarantine, and to copy there.
#[derive(Default, Clone)]
pub(crate) struct Cleanup {
    pub(crate) remove: Vec<Name>,
    pub(crate) quarantine: Vec<Name>,
    pub(crate) copy: Vec<Name>,
    /// Whether the removal of all files was begun.
    pub(crate) is_cleared: bool,
}

impl Cleanup {
    /// Continues after a failure as far as it can, and returns the first error. The next opening finds the files that
    /// are left, and tries again.
    pub(crate) fn run(&self, fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
        let mut result = Ok(());
        if !self.remove.is_empty() {
            // The file that counts in place of these may have got its name just before its writer was killed.
            fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, &e))?;
        }
        for name in &self.remove {
            result = result.and(remove(fs, dir, *name));
        }
        if !self.remove.is_empty() && !self.quarantine.is_empty() {
            // If a crash left the stale files and took the unusable one, they would no longer look stale.
            result = result.and(fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, &e)));
        }
        // After a failure the unusable file stays, as the sign that others are stale.
        result.and_then(|()| self.fill_quarantine(fs, dir))?;
        if self.is_cleared { remove_sign(fs, dir) } else { Ok(()) }
    }

    fn fill_quarantine(&self, fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
        let Self { quarantine, copy, .. } = self;
        if quarantine.is_empty() && copy.is_empty() {
            return Ok(());
        }
        let quarantine_dir = dir.join(QUARANTINE);
        let failed = |e: io::Error| Error::io("quarantine into", &quarantine_dir, &e);
        fs.create_dir(&quarantine_dir, dir).map_err(failed)?;
        let mut quarantined = list_quarantined(fs, &quarantine_dir).map_err(failed)?;
        let mut serial = quarantined.iter().map(|file| file.serial).max().unwrap_or_default();
        for name in quarantine {
            serial = serial.wrapping_add(1);
            let file = Quarantined { serial, original: *name };
            fs.rename(&name.at(dir), &quarantine_dir.join(file.to_string())).map_err(failed)?;
            quarantined.push(file);
        }
        for name in copy {
            if has_copy(fs, &quarantine_dir, &quarantined, *name, dir).map_err(failed)? {
                continue;
            }
            serial = serial.wrapping_add(1);
            let file = Quarantined { serial, original: *name };
            copy_file(fs, &name.at(dir), &quarantine_dir.join(file.to_string())).map_err(failed)?;
            quarantined.push(file);
        }
        while quarantined.len() > MAX_QUARANTINED {
            let Some(oldest) = (0..quarantined.len()).min_by_key(|&at| quarantined[at].serial)
            else {
                break;
            };
            fs.remove(&quarantine_dir.join(quarantined.swap_remove(oldest).to_string()))
                .map_err(failed)?;
        }
        Ok(())
    }
}

fn list_quarantined(fs: &dyn Fs, quarantine_dir: &Path) -> io::Result<Vec<Quarantined>> {
    Ok(fs.list(quarantine_dir)?.iter().filter_map(|name| Quarantined::parse(name)).collect())
}

/// Returns whether a file of that name and of the same length is in quarantine. Each opening finds a damaged log again
/// until a checkpoint replaces it, and one copy is enough.
fn has_copy(
    fs: &dyn Fs,
    quarantine_dir: &Path,
    quarantined: &[Quarantined],
    name: Name,
    dir: &Path,
) -> io::Result<bool> {
    let size = fs.open(&name.at(dir))?.size()?;
    for file in quarantined.iter().filter(|file| file.original == name) {
        let copy = fs.open(&quarantine_dir.join(file.to_string())).and_then(|copy| copy.size());
        if copy.is_ok_and(|copy| copy == size) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn copy_file(fs: &dyn Fs, from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (fs.open(from)?, fs.create(to)?);
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    loop {
        let n = read_full(&*from, &mut buffer, at)?;
        if n == 0 {
            return Ok(());
        }
        write_all(&*to, &buffer[..n], at)?;
        at += n as u64;
    }
}

/// Removes all that is in quarantine in `dir`.
///
/// # Errors
/// The errors of the system.
pub(crate) fn remove_quarantine(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let dir = dir.join(QUARANTINE);
    for name in fs.list(&dir).unwrap_or_default() {
        if Quarantined::parse(&name).is_some() {
            let path = dir.join(name);
            fs.remove(&path).map_err(|e| Error::io("remove", path, &e))?;
        }
    }
    remove_dir(fs, &dir)
}

/// Removes an empty directory. One that holds something of others stays.
///
/// # Errors
/// The errors of the system.
pub(crate) fn remove_dir(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    match fs.remove_dir(dir) {
        Err(e)
            if !matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) =>
        {
            Err(Error::io("remove", dir, &e))
        }
        _ => Ok(()),
    }
}
