//! Which versions and which keys a person means.

use std::path::{Path, PathBuf};

use clap::Args;
use memo_core::inspect::{Found, Version, canonical, find, key_id, key_text};

use crate::failure::{Done, Exit, Failure};
use crate::output::note;

/// The fewest digits by which a key is named.
const LEAST_DIGITS: usize = 4;

/// Which versions.
#[derive(Args, Debug, Clone)]
pub(crate) struct Choice {
    /// The path of `persist`, or any folder above or below it
    pub(crate) dir: PathBuf,
    /// Only this function: its full name, or the end of it
    #[arg(long, short, value_name = "NAME")]
    pub(crate) function: Option<String>,
    /// Only the version whose name begins so
    #[arg(long, short = 'V', value_name = "HEX")]
    pub(crate) version: Option<String>,
}

/// The versions that were chosen.
pub(crate) struct Chosen {
    pub(crate) versions: Vec<Version>,
    /// [`Exit::Found`] if there is none, [`Exit::Trouble`] if a folder could not be read.
    pub(crate) exit: Exit,
}

impl Chosen {
    /// Finds the versions below `dir` that are meant, and tells a person what could not be read, or that there is none.
    ///
    /// # Errors
    /// The directory itself cannot be read.
    pub(crate) fn below(dir: &Path, is_meant: impl Fn(&Version) -> bool) -> Result<Self, Failure> {
        let Found { mut versions, problems } = find(dir)?;
        versions.retain(is_meant);
        let mut exit = Exit::Fine;
        for problem in problems {
            note(&format!("memo: {}", Failure::from(problem)));
            exit = Exit::Trouble;
        }
        if versions.is_empty() {
            note(&format!("memo: no stored results of that choice below {}", dir.display()));
            exit = exit.or(Exit::Found);
        }
        Ok(Self { versions, exit })
    }

    /// Does something with each version. Where that fails, tells a person why and goes on, so that one version does not
    /// keep the others from being done.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(crate) fn for_each(self, mut each: impl FnMut(&Version) -> Done) -> Done {
        let mut exit = self.exit;
        for version in &self.versions {
            let done = told_of(each(version), &version.function(), &version.name(), Exit::Found);
            exit = exit.or(done?);
        }
        Ok(exit)
    }

    /// Does the same for a command that changes something: it goes on also if the output cannot be written, because a
    /// reader that has seen enough does not mean that the rest is to stay as it is.
    ///
    /// # Errors
    /// The output cannot be written. All is done.
    pub(crate) fn change_each(self, mut change: impl FnMut(&Version) -> Done) -> Done {
        let mut unwritten = None;
        let exit = self.for_each(|version| match change(version) {
            Err(failure) if failure.of_output().is_some() => {
                unwritten = Some(failure);
                Ok(Exit::Fine)
            }
            done => done,
        })?;
        unwritten.map_or(Ok(exit), Err)
    }
}

/// Tells a person why something could not be done with a version. It has then ended as `failed` says.
///
/// # Errors
/// The output cannot be written.
pub(crate) fn told_of(done: Done, function: &str, version: &str, failed: Exit) -> Done {
    match done {
        Err(failure) if failure.of_output().is_none() => {
            note(&format!("memo: {function} {version}: {failure}"));
            Ok(failed)
        }
        done => done,
    }
}

impl Choice {
    /// Finds the versions, see [`Chosen::below`].
    ///
    /// # Errors
    /// The directory itself cannot be read.
    pub(crate) fn versions(&self) -> Result<Chosen, Failure> {
        Chosen::below(&self.dir, |version| self.has(version))
    }

    /// Finds the versions and says nothing. What cannot be read, or is gone, is left out.
    pub(crate) fn versions_now(&self) -> Vec<Version> {
        let mut versions = find(&self.dir).unwrap_or_default().versions;
        versions.retain(|version| self.has(version));
        versions
    }

    fn has(&self, version: &Version) -> bool {
        let is_function = self.function.as_ref().is_none_or(|name| {
            let full = version.function();
            full == *name || full.ends_with(&format!("::{name}"))
        });
        let is_version =
            self.version.as_ref().is_none_or(|begin| version.name().starts_with(&**begin));
        is_function && is_version
    }
}

/// A key as a person names it: its text, or the first digits of its id.
#[derive(Debug, Clone)]
pub(crate) struct KeyName(String);

impl KeyName {
    pub(crate) fn new(name: &str) -> Self {
        Self(name.trim().to_owned())
    }

    fn is_id(&self) -> bool {
        let is_hex = self.0.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex && (LEAST_DIGITS..=16).contains(&self.0.len())
    }

    /// Returns whether this names the key with these bytes.
    pub(crate) fn is(&self, key: &[u8]) -> bool {
        match self.is_id() {
            true => key_id(key).starts_with(&self.0.to_ascii_lowercase()),
            false => key_text(key) == self.0,
        }
    }
}

/// The keys that one name has named, to find out that it is not clear.
#[derive(Default)]
pub(crate) struct Named(Option<Vec<u8>>);

impl Named {
    /// Adds a key. Returns false if it is another one than before.
    pub(crate) fn add(&mut self, key: &[u8]) -> bool {
        let key = canonical(key).unwrap_or_else(|| key.to_vec());
        *self.0.get_or_insert_with(|| key.clone()) == key
    }
}
