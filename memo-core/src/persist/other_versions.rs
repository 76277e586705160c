//! Empties the other versions of a function, whether or not processes use them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::durability::Durability;
use super::fs::Fs;
use super::listing::{identity_of, refuse_foreign};
use super::merge::Keep;
use super::place::{Place, is_version_name};
use super::store::Store;
use super::versions::remove_unused;
use crate::error::Error;

/// Removes all that versions of a function have stored in its folder, but not the one in `own`. One to which a process
/// writes stays, without its results: what that process stores later counts. Continues after a failure.
///
/// # Errors
/// The first error: a version may still have its results. [`Error::Locked`] if a process has begun one and has stored
/// nothing that says which it is.
pub fn clear_versions(fs: &Arc<dyn Fs>, folder: &Path, own: Option<&Path>) -> Result<(), Error> {
    let names = match fs.list_dirs(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        names => names.map_err(|e| Error::io("list", folder, &e))?,
    };
    let mut result = Ok(());
    for dir in names.iter().filter(|name| is_version_name(name)).map(|name| folder.join(name)) {
        if Some(&*dir) != own {
            result = result.and(clear_version(fs, &dir));
        }
    }
    result
}

fn clear_version(fs: &Arc<dyn Fs>, dir: &Path) -> Result<(), Error> {
    let cleared = match remove_unused(&**fs, dir) {
        Ok(false) => clear_used(fs, dir),
        removed => removed.map(drop),
    };
    let is_gone = || fs.list(dir).is_err_and(|e| e.kind() == io::ErrorKind::NotFound);
    // Another process may have removed it meanwhile.
    if cleared.is_err() && is_gone() { Ok(()) } else { cleared }
}

/// Removes the results of a version to which others write, as one of them.
fn clear_used(fs: &Arc<dyn Fs>, dir: &Path) -> Result<(), Error> {
    let Some(identity) = identity_of(&**fs, dir)? else {
        // A process has begun one and has stored nothing yet.
        return match refuse_foreign(&**fs, dir) {
            Err(Error::Foreign { .. }) => Ok(()),
            refused => refused.and(Err(Error::Locked { path: dir.to_owned(), pid: None })),
        };
    };
    let (fs, place) = (Arc::clone(fs), Place::existing(dir));
    let store = Store::open_without_index(fs, &place, &identity, Durability::Os)?;
    store.begin(&mut |_| ())?;
    store.clear()?;
    store.condense(&Keep::all(0))?;
    store.remove_quarantine()?;
    store.flush()
}
