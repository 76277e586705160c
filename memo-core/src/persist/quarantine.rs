//! What an opening does with files that do not count, once its own log is in place.

use std::io;
use std::path::Path;

use super::file_name::{Name, QUARANTINE, Quarantined};
use super::fs::{Fs, read_full, write_all};
use crate::error::Error;

/// So many files stay in quarantine.
const KEPT: usize = 3;
const CHUNK: usize = 256 << 10;

/// Files to remove, to move to quarantine, or to copy there.
#[derive(Default)]
pub(crate) struct Tidy {
    pub(crate) remove: Vec<Name>,
    pub(crate) quarantine: Vec<Name>,
    pub(crate) copy: Vec<Name>,
}

impl Tidy {
    /// Does all that can be done. What fails is met again by the next opening.
    pub(crate) fn run(&self, fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
        let mut result = self.isolate(fs, dir);
        for name in &self.remove {
            result = result.and(remove(fs, dir, *name));
        }
        result
    }

    fn isolate(&self, fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
        let Self { remove: _, quarantine, copy } = self;
        if quarantine.is_empty() && copy.is_empty() {
            return Ok(());
        }
        let shelf = dir.join(QUARANTINE);
        let failed = |e: io::Error| Error::io("quarantine into", &shelf, &e);
        fs.create_dir(&shelf).map_err(failed)?;
        let mut held = shelved(fs, &shelf).map_err(failed)?;
        let mut serial = held.iter().map(|place| place.serial).max().unwrap_or_default();
        for name in quarantine {
            serial = serial.wrapping_add(1);
            let place = Quarantined { serial, was: *name };
            fs.rename(&name.at(dir), &shelf.join(place.to_string())).map_err(failed)?;
            held.push(place);
        }
        for name in copy {
            if holds_copy(fs, &shelf, &held, *name, dir).map_err(failed)? {
                continue;
            }
            serial = serial.wrapping_add(1);
            let place = Quarantined { serial, was: *name };
            copy_file(fs, &name.at(dir), &shelf.join(place.to_string())).map_err(failed)?;
            held.push(place);
        }
        while held.len() > KEPT {
            let Some(oldest) = (0..held.len()).min_by_key(|&at| held[at].serial) else { break };
            fs.remove(&shelf.join(held.swap_remove(oldest).to_string())).map_err(failed)?;
        }
        Ok(())
    }
}

/// Removes a file that may be gone already.
pub(crate) fn remove(fs: &dyn Fs, dir: &Path, name: Name) -> Result<(), Error> {
    let path = name.at(dir);
    match fs.remove(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, &e)),
        _ => Ok(()),
    }
}

fn shelved(fs: &dyn Fs, shelf: &Path) -> io::Result<Vec<Quarantined>> {
    Ok(fs.list(shelf)?.iter().filter_map(|name| Quarantined::parse(name)).collect())
}

/// A damaged log is met by each opening until a checkpoint replaces it; one copy is enough.
fn holds_copy(
    fs: &dyn Fs,
    shelf: &Path,
    held: &[Quarantined],
    name: Name,
    dir: &Path,
) -> io::Result<bool> {
    let size = fs.open(&name.at(dir))?.size()?;
    for place in held.iter().filter(|place| place.was == name) {
        if fs.open(&shelf.join(place.to_string()))?.size()? == size {
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
