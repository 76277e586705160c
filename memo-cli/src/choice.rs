//! Which versions and which keys a person means.

use std::path::{Path, PathBuf};

use clap::Args;
use memo_core::inspect::{Version, canonical, find, key_id, key_text};

use crate::failure::{Exit, Failure};
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
    /// [`Exit::Found`] if there is none.
    pub(crate) exit: Exit,
}

impl Choice {
    /// Finds the versions.
    ///
    /// # Errors
    /// The directory, or one below it, cannot be read.
    pub(crate) fn versions(&self) -> Result<Chosen, Failure> {
        let mut found = find(&self.dir)?;
        if !found.problems.is_empty() {
            let first = found.problems.remove(0);
            for problem in found.problems {
                note(&format!("memo: {}", Failure::from(problem)));
            }
            return Err(first.into());
        }
        found.versions.retain(|version| self.has(version));
        if found.versions.is_empty() {
            note(&format!("memo: no stored results of that choice below {}", self.dir.display()));
        }
        let exit = Exit::found_if(found.versions.is_empty());
        Ok(Chosen { versions: found.versions, exit })
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

/// Returns the one version in `dir`.
///
/// # Errors
/// There is another number of them.
pub(crate) fn only_version(dir: &Path) -> Result<Option<Version>, Failure> {
    let mut found = find(dir)?;
    Ok(if found.versions.len() == 1 { found.versions.pop() } else { None })
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
