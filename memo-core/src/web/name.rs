//! The names of items: `memokit/NAME/FUNCTION/VERSION/KEY`.

use sha2::{Digest, Sha256};

use super::base64;

/// What all names begin with.
pub(super) const ROOT: &str = "memokit/";
/// The last part of the name of what tabs tell each other. No key has it.
pub(super) const NOTICE: &str = "!";
/// A longer key stands in its item, and the name has its hash.
const MAX_KEY: usize = 96;
/// What the hash of a long key begins with. No shorter key has it.
const HASHED: char = '#';

/// The beginning of the names of a function's items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemName {
    /// Up to the function, with a slash at the end.
    pub(super) function: String,
    /// Up to the version, with a slash at the end.
    pub(super) version: String,
}

impl ItemName {
    /// Makes it from the path of a version's folder, as `persist` gives it: `NAME/FUNCTION/VERSION`.
    pub(crate) fn of(folder: &str) -> Self {
        let version = format!("{ROOT}{}/", folder.trim_matches('/'));
        let end = version.trim_end_matches('/').rfind('/').unwrap_or(ROOT.len() - 1);
        Self { function: version[..=end].to_owned(), version }
    }

    /// Returns what the names of this version begin with.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn notice(&self) -> String {
        format!("{}{NOTICE}", self.version)
    }

    pub(super) fn item(&self, part: &str) -> String {
        format!("{}{part}", self.version)
    }
}

/// Returns the last part of the name of a key's item, and whether the item has to say the key.
pub(super) fn part(key: &[u8]) -> (String, bool) {
    if key.len() <= MAX_KEY {
        return (base64::encode(key), false);
    }
    let hash = base64::encode(Sha256::digest(key).as_slice());
    (format!("{HASHED}{hash}"), true)
}

/// Returns the key, if the part says it.
pub(super) fn key_of(part: &str) -> Option<Vec<u8>> {
    if part.starts_with(HASHED) { None } else { base64::decode(part) }
}
