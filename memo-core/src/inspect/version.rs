//! One version of a function: its folder, and what is in it.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use crate::codec::Description;
use crate::error::Error;
use crate::persist::{
    Fs, Identity, Moment, Name, QUARANTINE, RealFs, Share, TypeFile, WallMillis, identity_of,
    last_use, remove_unused, verify,
};

/// The folder of a version.
#[derive(Debug, Clone)]
pub struct Version {
    /// The folder.
    pub dir: PathBuf,
    /// Whose results it holds. `None` if no file says so: nothing was stored, or all headers are damaged.
    pub identity: Option<Identity>,
    /// What the values are, if that was recorded and is of these results.
    pub type_file: Option<TypeFile>,
    /// When it was last used, exact to a day.
    pub used: Option<WallMillis>,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// The newest records, which a process appends to.
    Log,
    /// The records of all keys when it was written.
    Snapshot,
    /// One long value.
    Value,
    /// What was damaged and put aside.
    Quarantine,
    /// Locks, the shared page, notes.
    Other,
    /// A file that memokit does not write.
    Foreign,
}

/// A file of a version.
#[derive(Debug, Clone)]
pub struct FileInfo {
    /// Its path below the folder.
    pub name: String,
    pub kind: FileKind,
    /// Its length.
    pub bytes: u64,
}

impl Version {
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let identity = identity_of(&RealFs, dir)?;
        let is_right = |read: &TypeFile| {
            identity.as_ref().is_none_or(|identity| describes(read, identity.schema))
        };
        let type_file = TypeFile::read(&RealFs, dir).filter(is_right);
        Ok(Self { dir: dir.to_owned(), identity, type_file, used: last_use(&RealFs, dir) })
    }

    /// Returns the function's full name, or that of the folder if no file tells it. It is for people: it has no control
    /// characters.
    #[must_use]
    pub fn function(&self) -> String {
        let recorded = self.type_file.as_ref().map(|read| read.function.clone());
        let stated = self.identity.as_ref().map(|identity| identity.function.clone());
        shown(&stated.or(recorded).unwrap_or_else(|| self.folder()))
    }

    /// Returns the name of the folder of the function.
    #[must_use]
    pub fn folder(&self) -> String {
        name_of(self.real_dir().parent().and_then(Path::file_name))
    }

    /// Returns the name of the version.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(self.real_dir().file_name())
    }

    /// Returns the folder without `..` and links, by which a person may have named it.
    fn real_dir(&self) -> PathBuf {
        self.dir.canonicalize().or_else(|_| std::path::absolute(&self.dir)).unwrap_or_default()
    }

    /// Opens the files as they are at this moment; none, if the folder was removed meanwhile. `with_stale`: also those
    /// that processes would not use because another is damaged that may have removed what they hold.
    ///
    /// # Errors
    /// [`Error::Foreign`] if a newer version of memokit wrote them. [`Error::Io`] if they cannot be read.
    pub fn contents(&self, with_stale: bool) -> Result<Contents, Error> {
        let Some(identity) = &self.identity else {
            return Ok(Contents { moment: None, headless: self.headless()? });
        };
        match Moment::of(&RealFs, &self.dir, identity, with_stale) {
            Err(_) if !self.dir.exists() => Ok(Contents { moment: None, headless: Vec::new() }),
            moment => moment.map(|moment| Contents { moment: Some(moment), headless: Vec::new() }),
        }
    }

    /// Checks every checksum, see [`verify`]. Returns how many records count.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn verify(
        &self,
        progress: &mut dyn FnMut(u64, u64),
        damaged: &mut dyn FnMut(Error),
    ) -> Result<u64, Error> {
        if let Some(identity) = &self.identity {
            return verify(&RealFs, &self.dir, identity, progress, damaged);
        }
        self.headless()?.into_iter().for_each(damaged);
        Ok(0)
    }

    /// Returns the damage of a version none of whose headers can be read.
    fn headless(&self) -> Result<Vec<Error>, Error> {
        let holds_records =
            |file: &FileInfo| matches!(file.kind, FileKind::Log | FileKind::Snapshot);
        let damage = |file: FileInfo| {
            let reason = "its header is damaged".to_owned();
            Error::Corrupt { path: self.dir.join(file.name), offset: 0, reason }
        };
        Ok(self.files()?.into_iter().filter(holds_records).map(damage).collect())
    }

    /// Returns how many bytes all files take.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn bytes(&self) -> Result<u64, Error> {
        Ok(self.files()?.iter().map(|file| file.bytes).sum())
    }

    /// Returns the files of the version; none, if its folder was removed meanwhile.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn files(&self) -> Result<Vec<FileInfo>, Error> {
        let failed = |e: &std::io::Error| Error::io("list", &self.dir, e);
        let mut files = Vec::new();
        let names = match RealFs.list(&self.dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(files),
            names => names.map_err(|e| failed(&e))?,
        };
        for name in names {
            let kind = match Name::parse(&name) {
                Some(Name::Log(_)) => FileKind::Log,
                Some(Name::Snapshot(_)) => FileKind::Snapshot,
                Some(Name::Value(_)) => FileKind::Value,
                Some(_) => FileKind::Other,
                None => FileKind::Foreign,
            };
            files.push(self.file(name_of(Some(&name)), kind));
        }
        // Most versions have no such folder.
        for name in RealFs.list(&self.dir.join(QUARANTINE)).unwrap_or_default() {
            let name = format!("{QUARANTINE}/{}", name_of(Some(&name)));
            files.push(self.file(name, FileKind::Quarantine));
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    fn file(&self, name: String, kind: FileKind) -> FileInfo {
        let bytes = std::fs::symlink_metadata(self.dir.join(&name)).map_or(0, |data| data.len());
        FileInfo { name, kind, bytes }
    }
}

/// Removes the folder of a version with all that memokit has written there. Returns false if a process writes to it, or
/// if it belongs to another program: it stays then.
///
/// # Errors
/// The errors of the system. A part may be removed.
pub fn remove_version(version: &Version) -> Result<bool, Error> {
    remove_unused(&RealFs, &version.dir)
}

/// Returns whether a recorded type may be that of values with this schema.
#[must_use]
pub fn describes(recorded: &TypeFile, schema: u128) -> bool {
    let TypeFile { codec, type_name, shape, .. } = recorded.clone();
    Description { type_name, codec, shape }.is_of(schema) != Some(false)
}

/// Returns a text that a file holds as a terminal may show it: with control characters escaped.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() { shown.extend(char.escape_unicode()) } else { shown.push(char) }
    }
    shown
}

fn name_of(name: Option<&OsStr>) -> String {
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The files of a version at one moment.
pub struct Contents {
    /// `None`: there are no records.
    moment: Option<Moment>,
    /// The damage if no header can be read.
    headless: Vec<Error>,
}

impl Contents {
    /// Passes on each entry that counts, also those that have expired, in no order. Its memory does not depend on
    /// their number.
    ///
    /// # Errors
    /// A file cannot be read, or an error of `each`.
    pub fn for_each(
        &self,
        each: &mut dyn FnMut(&Entry<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(moment) = &self.moment else { return Ok(()) };
        moment.for_each(&mut |put| match Entry::of(&moment.dir, &put) {
            Some(entry) => each(&entry),
            None => Ok(()),
        })
    }

    /// Returns how many entries count, or somewhat more, and the damage that reading the headers and the logs finds.
    /// Reads no snapshot.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn summary(&self) -> Result<(u64, Vec<Error>), Error> {
        let Some(moment) = &self.moment else { return Ok((0, self.headless.clone())) };
        let (mut entries, mut damage) = (0, Vec::new());
        for (n, share) in moment.shares().enumerate() {
            let view = moment.view(share)?;
            entries += view.index.len() as u64;
            if n == 0 {
                entries += view.entries() - view.index.len() as u64;
                damage = view.recovery.damage;
            }
        }
        Ok((entries, damage))
    }

    /// Returns the damage that reading the headers and the logs finds.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn damage(&self) -> Result<Vec<Error>, Error> {
        let Some(moment) = &self.moment else { return Ok(self.headless.clone()) };
        Ok(moment.view(Share::NONE)?.recovery.damage)
    }
}
