//! Which files are there, and which of them count.

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

/// How a lock file of ours begins; the process id follows.
pub(crate) const HOLDER: &str = "memokit ";

/// A file whose records count.
pub(crate) struct Source {
    pub(crate) name: Name,
    pub(crate) generation: u64,
    pub(crate) file: Arc<dyn File>,
    pub(crate) header: FileHeader,
    /// Where its records begin.
    pub(crate) start: u64,
    pub(crate) size: u64,
}

/// Sources by generation, and what is to be done about the other files.
#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) logs: Vec<Source>,
    pub(crate) snapshots: Vec<Source>,
    pub(crate) newest: u64,
    pub(crate) losses: Vec<(Name, Loss)>,
    pub(crate) cleanup: Cleanup,
    /// Files up to this generation precede one that could not be used.
    cut: u64,
}

/// Looks at every file of ours in `dir`.
///
/// # Errors
/// When a file cannot be read, or was written by a version that this one cannot follow.
pub(crate) fn list(fs: &dyn Fs, dir: &Path, identity: &Identity) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    for name in by_age(fs, dir)? {
        match name {
            Name::Lock => {}
            Name::TempLog(_) | Name::TempSnapshot(_) => listing.cleanup.remove.push(name),
            Name::Log(generation) => {
                listing.look(fs, dir, identity, name, Kind::Log, generation)?;
            }
            Name::Snapshot(generation) => {
                listing.look(fs, dir, identity, name, Kind::Snapshot, generation)?;
            }
        }
    }
    listing.drop_superseded();
    Ok(listing)
}

impl Listing {
    fn look(
        &mut self,
        fs: &dyn Fs,
        dir: &Path,
        identity: &Identity,
        name: Name,
        kind: Kind,
        generation: u64,
    ) -> Result<(), Error> {
        let path = name.at(dir);
        let failed = |e: io::Error| Error::io("read", &path, &e);
        self.newest = self.newest.max(generation);
        let file = fs.open(&path).map_err(failed)?;
        let size = file.size().map_err(failed)?;
        match header::read(&*file, identity).map_err(failed)? {
            Start::Newer { format, least } => {
                let reason = format!("format {format}, for readers of format {least} or later");
                return Err(Error::Foreign { path, reason });
            }
            Start::Blank => {
                if size > 0 {
                    self.losses.push((name, Loss::TornTail));
                }
                self.cleanup.remove.push(name);
            }
            Start::Ours { header, len }
                if header.kind == kind && header.generation == generation =>
            {
                match header.misfit(identity) {
                    Some(loss) => self.reject(name, generation, loss),
                    None => {
                        let source =
                            Source { name, generation, file, header: *header, start: len, size };
                        match kind {
                            Kind::Log => self.logs.push(source),
                            Kind::Snapshot => self.snapshots.push(source),
                        }
                    }
                }
            }
            Start::Alien | Start::Damaged | Start::Ours { .. } => match kind {
                Kind::Log => self.reject(name, generation, Loss::BadFile),
                // A snapshot says nothing that the logs before it contradict, so these still count.
                Kind::Snapshot => {
                    self.losses.push((name, Loss::BadFile));
                    self.cleanup.quarantine.push(name);
                }
            },
        }
        Ok(())
    }

    /// Sets a file aside, and with it what came before: the file may hold invalidations of that.
    fn reject(&mut self, name: Name, generation: u64, loss: Loss) {
        self.cut = self.cut.max(generation);
        self.losses.push((name, loss));
        match loss {
            Loss::BadFile | Loss::OtherFunction => self.cleanup.quarantine.push(name),
            _ => self.cleanup.remove.push(name),
        }
    }

    fn drop_superseded(&mut self) {
        let Self { logs, snapshots, losses, cleanup, cut, newest: _ } = self;
        for sources in [logs, snapshots] {
            sources.retain(|source| {
                let counts = source.generation > *cut;
                if !counts {
                    losses.push((source.name, Loss::Superseded));
                    cleanup.remove.push(source.name);
                }
                counts
            });
        }
    }
}

/// Is there a log or a snapshot by name?
pub(crate) fn holds_something(fs: &dyn Fs, dir: &Path) -> bool {
    fs.list(dir).is_ok_and(|names| {
        names.iter().any(|n| matches!(Name::parse(n), Some(Name::Log(_) | Name::Snapshot(_))))
    })
}

/// Fails when `dir` holds files and none shows that the folder is ours, so that a wrong path does no harm.
///
/// # Errors
/// [`Error::Foreign`] naming a file, and those of reading.
pub(crate) fn refuse_strangers(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let names = match fs.list(dir) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("list", dir, &e)),
    };
    let mut stranger = None;
    for name in &names {
        let shows = match Name::parse(name) {
            None => Some(false),
            Some(parsed) => claim(fs, &parsed.at(dir), parsed)?,
        };
        match shows {
            Some(true) => return Ok(()),
            Some(false) => stranger = stranger.or(Some(name)),
            None => {}
        }
    }
    stranger.map_or(Ok(()), |name| {
        let reason = "the folder holds files of something else and none of this cache".to_owned();
        Err(Error::Foreign { path: dir.join(name), reason })
    })
}

/// Does the file show that the folder is ours, or that it is not?
fn claim(fs: &dyn Fs, path: &Path, name: Name) -> Result<Option<bool>, Error> {
    let mark = match name {
        Name::Lock => HOLDER.as_bytes(),
        Name::Log(_) | Name::Snapshot(_) => &MAGIC,
        Name::TempLog(_) | Name::TempSnapshot(_) => return Ok(None),
    };
    let start = match fs.open(path).and_then(|file| read_start(&*file, mark.len())) {
        Ok(start) => start,
        // Gone meanwhile, or locked against readers by a holder, which shows as such when we lock.
        Err(e) if name == Name::Lock || e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("read", path, &e)),
    };
    Ok(match start {
        _ if start == mark => Some(true),
        _ if start.iter().all(|b| *b == 0) || mark.starts_with(&start) => None,
        _ => Some(false),
    })
}
