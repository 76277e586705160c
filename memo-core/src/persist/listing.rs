//! Lists the files of a directory, and decides which of them recovery may use.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::file_name::{Name, by_age};
use super::fs::{File, Fs, read_start};
use super::header::{self, FileHeader, Kind, MAGIC, Start};
use super::identity::Identity;
use super::loss::Loss;
use super::quarantine::Cleanup;
use crate::error::Error;

/// The beginning of a lock file. The process id follows.
pub(crate) const LOCK_PREFIX: &str = "memokit ";

/// A file that recovery may read records from.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) name: Name,
    pub(crate) number: u64,
    pub(crate) file: Arc<dyn File>,
    pub(crate) header: FileHeader,
    /// Where its records begin, in bytes.
    pub(crate) start: u64,
    /// The length of the file in bytes.
    pub(crate) size: u64,
}

/// The files that recovery may use, sorted by number, and what to do with the other files.
#[derive(Default, Clone)]
pub(crate) struct Listing {
    pub(crate) logs: Vec<Source>,
    pub(crate) snapshots: Vec<Source>,
    /// The highest number among all files.
    pub(crate) newest: u64,
    pub(crate) losses: Vec<(Name, Loss)>,
    pub(crate) cleanup: Cleanup,
    /// Whether the files were being removed, or one is unusable that may have removed entries of others. These are not
    /// used then.
    is_stale: bool,
}

/// How often a directory is listed again while other processes change its files.
const MAX_ATTEMPTS: usize = 16;

/// Inspects every file in `dir` that has a name of ours. If other processes change the files meanwhile, begins anew, so
/// that the listing shows one moment.
///
/// # Errors
/// A file cannot be read, or a newer version wrote it in a format that this version cannot read.
pub(crate) fn list(fs: &dyn Fs, dir: &Path, identity: &Identity) -> Result<Listing, Error> {
    let mut listing = list_with_stale(fs, dir, identity)?;
    listing.drop_stale();
    Ok(listing)
}

/// Does the same, and keeps what may be older than a file that cannot be used. So removed values may come back.
///
/// # Errors
/// Those of [`list`].
pub(crate) fn list_with_stale(
    fs: &dyn Fs,
    dir: &Path,
    identity: &Identity,
) -> Result<Listing, Error> {
    let mut names = by_age(fs, dir)?;
    for _ in 0..MAX_ATTEMPTS {
        let listing = inspect_all(fs, dir, identity, &names);
        let after = by_age(fs, dir)?;
        if after == names {
            return listing;
        }
        names = after;
    }
    let reason = io::Error::new(io::ErrorKind::ResourceBusy, "its files change all the time");
    Err(Error::io("read", dir, &reason))
}

fn inspect_all(
    fs: &dyn Fs,
    dir: &Path,
    identity: &Identity,
    names: &[Name],
) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    for name in names.iter().copied() {
        match name {
            // Whoever writes `TYPE` next replaces what a crash has left of it.
            Name::Lock
            | Name::Used
            | Name::State
            | Name::Type
            | Name::TempType
            | Name::Value(_) => {}
            Name::Cleared => {
                listing.is_stale = true;
                listing.cleanup.is_cleared = true;
            }
            Name::TempLog(_) | Name::TempSnapshot(_) | Name::TempSort(_) => {
                listing.cleanup.remove.push(name);
            }
            Name::Log(number) => {
                listing.inspect(fs, dir, identity, name, Kind::Log, number)?;
            }
            Name::Snapshot(number) => {
                listing.inspect(fs, dir, identity, name, Kind::Snapshot, number)?;
            }
        }
    }
    Ok(listing)
}

impl Listing {
    /// Reads the header of a file and sorts the file into the listing.
    fn inspect(
        &mut self,
        fs: &dyn Fs,
        dir: &Path,
        identity: &Identity,
        name: Name,
        kind: Kind,
        number: u64,
    ) -> Result<(), Error> {
        let path = name.at(dir);
        let failed = |e: io::Error| Error::io("read", &path, &e);
        self.newest = self.newest.max(number);
        let file = match fs.open(&path) {
            Err(e) if is_unopenable(&e) => {
                self.set_aside(name, Loss::Unreadable);
                return Ok(());
            }
            opened => opened.map_err(failed)?,
        };
        let size = file.size().map_err(failed)?;
        match header::read(&*file).map_err(failed)? {
            Start::Newer { format, min_reader } => {
                let reason =
                    format!("it has format {format}, for readers of format {min_reader} or later");
                return Err(Error::Foreign { path, reason });
            }
            // The folder is that of the identity, so a file with another one is damage.
            Start::Ours { header, len }
                if header.kind == kind
                    && header.number == number
                    && header.identity == *identity =>
            {
                let source = Source { name, number, file, header: *header, start: len, size };
                match kind {
                    Kind::Log => self.logs.push(source),
                    Kind::Snapshot => self.snapshots.push(source),
                }
            }
            Start::Damaged | Start::Ours { .. } => {
                self.set_aside(name, Loss::BadFile);
            }
        }
        Ok(())
    }

    /// Sets a file aside. All others become stale: it may have removed entries of theirs.
    fn set_aside(&mut self, name: Name, loss: Loss) {
        self.is_stale = true;
        self.losses.push((name, loss));
        self.cleanup.quarantine.push(name);
    }

    /// Returns whether recovery would use none of the files, see [`list_with_stale`].
    #[cfg(any(feature = "inspect", test))]
    pub(crate) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Drops the other files if one is unusable.
    fn drop_stale(&mut self) {
        if !self.is_stale {
            return;
        }
        for source in self.logs.drain(..).chain(self.snapshots.drain(..)) {
            if !self.cleanup.is_cleared {
                self.losses.push((source.name, Loss::Superseded));
            }
            self.cleanup.remove.push(source.name);
        }
    }
}

/// Returns whether the error says that the file cannot be opened, now or later: it belongs to another user, is a link
/// to nothing, or is no regular file. The disk itself works.
fn is_unopenable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
    )
}

/// Returns whether `dir` holds a file with the name of a log or a snapshot.
pub(crate) fn holds_something(fs: &dyn Fs, dir: &Path) -> bool {
    fs.list(dir).is_ok_and(|names| {
        names.iter().any(|n| matches!(Name::parse(n), Some(Name::Log(_) | Name::Snapshot(_))))
    })
}

/// Returns the identity that most of the logs and snapshots state in `dir`, of the newest of these. `None` if there is
/// no file with a valid header.
///
/// # Errors
/// The directory cannot be listed.
pub(crate) fn identity_of(fs: &dyn Fs, dir: &Path) -> Result<Option<Identity>, Error> {
    let mut found: Vec<(usize, Identity)> = Vec::new();
    for name in by_age(fs, dir)? {
        if !matches!(name, Name::Log(_) | Name::Snapshot(_)) {
            continue;
        }
        let Ok(file) = fs.open(&name.at(dir)) else { continue };
        let Ok(Start::Ours { header, .. }) = header::read(&*file) else { continue };
        let count = match found.iter().position(|(_, identity)| *identity == header.identity) {
            Some(at) => found.remove(at).0 + 1,
            None => 1,
        };
        found.push((count, header.identity));
    }
    Ok(found.into_iter().max_by_key(|(count, _)| *count).map(|(_, identity)| identity))
}

/// Fails if `dir` holds files and none of them shows that the directory is ours. So a wrong path does no harm. Files
/// that tools put into any directory do not count, see [`is_placeholder`].
///
/// # Errors
/// [`Error::Foreign`] with the path of a file that is not ours, and the errors of reading.
pub(crate) fn refuse_foreign(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let names = match fs.list(dir) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("list", dir, &e)),
    };
    let mut foreign = None;
    for name in &names {
        let is_ours = match Name::parse(name) {
            None if is_placeholder(fs, dir, name) => None,
            None => Some(false),
            Some(parsed) => shows_ownership(fs, &parsed.at(dir), parsed)?,
        };
        match is_ours {
            Some(true) => return Ok(()),
            Some(false) => foreign = foreign.or(Some(name)),
            None => {}
        }
    }
    foreign.map_or(Ok(()), |name| {
        let reason =
            "the directory holds files of other programs and none of this cache".to_owned();
        Err(Error::Foreign { path: dir.join(name), reason })
    })
}

/// Returns whether the file shows nothing about whose the directory is: it is empty or hidden, or tools and people put
/// such files into directories of others.
fn is_placeholder(fs: &dyn Fs, dir: &Path, name: &OsStr) -> bool {
    let lower = name.to_string_lossy().to_lowercase();
    let is_known = lower.starts_with('.')
        || lower.starts_with("readme")
        || ["cachedir.tag", "thumbs.db", "desktop.ini"].contains(&&*lower);
    // What cannot be opened is not known to be empty.
    is_known || fs.open(&dir.join(name)).and_then(|file| file.size()).is_ok_and(|n| n == 0)
}

/// Returns whether the file shows that the directory is ours, or that it is not. `None`: it shows neither.
fn shows_ownership(fs: &dyn Fs, path: &Path, name: Name) -> Result<Option<bool>, Error> {
    let prefix = match name {
        Name::Lock => LOCK_PREFIX.as_bytes(),
        Name::Log(_) | Name::Snapshot(_) | Name::Value(_) | Name::Cleared => &MAGIC,
        Name::Used
        | Name::State
        | Name::Type
        | Name::TempType
        | Name::TempLog(_)
        | Name::TempSnapshot(_)
        | Name::TempSort(_) => return Ok(None),
    };
    let start = match fs.open(path).and_then(|file| read_start(&*file, prefix.len())) {
        Ok(start) => start,
        // A lock file that its holder has locked against readers: then our own attempt to lock it fails.
        Err(_) if name == Name::Lock => return Ok(None),
        // The file is set aside when the directory is opened, or was removed in the meantime.
        Err(e) if is_unopenable(&e) => return Ok(None),
        Err(e) => return Err(Error::io("read", path, &e)),
    };
    Ok(match start {
        _ if start == prefix => Some(true),
        _ if start.iter().all(|b| *b == 0) || prefix.starts_with(&start) => None,
        _ => Some(false),
    })
}
