//! The folders in which the results of a function are: one for the function, and in it one for each version.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use super::header::FORMAT;
use super::identity::Identity;
use crate::platform::fnv::Fnv;

/// The part of a function's path that is in the name of its folder, in bytes. The whole name is well below what every
/// file system allows.
const MAX_LABEL: usize = 80;
/// The hexadecimal digits of a version's name.
const VERSION_DIGITS: usize = 16;

/// The place of one version of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    root: PathBuf,
    dir: PathBuf,
    /// Missing folders are created below this one alone. Empty: everywhere.
    base: PathBuf,
}

impl Place {
    /// Returns the place of the results with this identity in the folder of the function with this `path`, below
    /// `root`. `instance` tells apart instances with the same path.
    #[must_use]
    pub fn of(root: &Path, path: &str, instance: u64, identity: &Identity) -> Self {
        let dir = function_folder(root, path).join(version_name(path, instance, identity));
        Self { root: root.to_owned(), dir, base: PathBuf::new() }
    }

    /// Returns the place of results that have the directory `dir` to themselves.
    #[must_use]
    pub fn alone(dir: &Path) -> Self {
        Self { root: dir.to_owned(), dir: dir.to_owned(), base: PathBuf::new() }
    }

    /// Returns the place of results in the folder `dir`, which is not created if it is missing.
    pub(crate) fn existing(dir: &Path) -> Self {
        Self { base: dir.to_owned(), ..Self::alone(dir) }
    }

    /// Returns the place if the parent of the root is there, or was before: what is missing is created, except that
    /// parent. Who removes that too wants nothing back.
    #[must_use]
    pub fn again(&self) -> Self {
        let base = self.root.parent().unwrap_or(&self.root).to_owned();
        Self { base, ..self.clone() }
    }

    /// Returns the directory of the files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the folder below which missing folders are created.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// Returns the folder of the function. `None` if there is only one version of it, see [`Self::alone`].
    pub(crate) fn function_folder(&self) -> Option<&Path> {
        self.dir.parent().filter(|_| self.dir != self.root)
    }
}

/// Returns the folder, below `root`, of the function with this path. The path may be any text: the folder's name is
/// made of letters, digits and `.`, `_`, `-`, and different paths have different names.
#[must_use]
pub fn function_folder(root: &Path, path: &str) -> PathBuf {
    let mut hash = Fnv::new();
    hash.write(path.as_bytes());
    let hash = hash.finish();
    root.join(format!("{}-{:08x}", label(path), (hash ^ (hash >> 32)) & 0xffff_ffff))
}

/// Returns what a person recognizes the function by: its path with dots. It is made of letters, digits and `.`, `_`, `-`.
pub(crate) fn label(path: &str) -> String {
    let mut label = String::new();
    for char in path.replace("::", ".").chars() {
        let is_plain = char.is_ascii_alphanumeric() || ".-".contains(char);
        let char = if is_plain { char } else { '_' };
        // A file whose name begins with a dot is hidden, and one that begins with a hyphen looks like an option.
        let is_needless = "._-".contains(char) && (label.is_empty() || label.ends_with(char));
        if !is_needless {
            label.push(char);
        }
    }
    label.truncate(MAX_LABEL);
    if is_device(&label) {
        label.insert(0, '_');
    }
    label
}

/// Returns whether Windows takes a file of that name for a device: `con.rs` is the console.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit())
    };
    ["con", "prn", "aux", "nul"].contains(&&*stem) || is_numbered("com") || is_numbered("lpt")
}

/// Returns the name of a version's folder.
fn version_name(path: &str, instance: u64, identity: &Identity) -> String {
    let Identity { function, key_format, schema, code } = identity;
    let mut hash = Fnv::new();
    (path, instance, FORMAT).hash(&mut hash);
    (function, key_format, schema, code).hash(&mut hash);
    format!("{:0width$x}", hash.finish(), width = VERSION_DIGITS)
}

/// Returns whether a version's folder may have this name.
pub(crate) fn is_version_name(name: &std::ffi::OsStr) -> bool {
    let is_digit = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
    name.len() == VERSION_DIGITS && name.as_encoded_bytes().iter().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str) -> String {
        let folder = function_folder(Path::new("/root"), path);
        folder.strip_prefix("/root").unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_function_is_recognized_by_the_name_of_its_folder() {
        assert!(folder("my_crate::api::quote").starts_with("my_crate.api.quote-"));
        assert!(
            folder("<a::S<u16> as a::T<u8>>::d<&str>").starts_with("a.S_u16_as_a.T_u8_.d_str_-")
        );
    }

    #[test]
    fn every_file_system_takes_the_name() {
        let long = "m".repeat(5000);
        for path in ["", "..", "a/b\\c:d", "ä::é\n", "con::f", "COM1", "lpt9", "-rf", &long] {
            let name = folder(path);
            let stem = name.split('.').next().unwrap();
            assert!(name.len() <= 90, "{name}");
            assert!(
                name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)),
                "{name}"
            );
            assert!(!name.starts_with('.') && !name.ends_with('.'), "{name}");
            assert!(!["con", "COM1", "lpt9"].contains(&stem), "{name}");
        }
    }

    #[test]
    fn two_functions_never_have_one_folder() {
        let long = "m".repeat(100);
        let (longer, other) = (format!("{long}n"), format!("{long}o"));
        let paths = ["a::b", "a.b", "a::B", "a::b ", "a::b<u8>", "a_b", &longer, &other];
        let mut names: Vec<_> = paths.map(|path| folder(path).to_lowercase()).into();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), paths.len());
    }

    #[test]
    fn whatever_changes_gives_another_version() {
        let mine = Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 };
        let place =
            |instance, identity: &Identity| Place::of("/r".as_ref(), "f", instance, identity);
        let others = [
            Identity { key_format: 9, ..mine.clone() },
            Identity { schema: 9, ..mine.clone() },
            Identity { code: 9, ..mine.clone() },
        ];
        for other in &others {
            assert_ne!(place(0, other), place(0, &mine));
        }
        assert_ne!(place(1, &mine), place(0, &mine));
        assert_eq!(place(0, &mine), place(0, &mine));
        assert_eq!(place(0, &mine).function_folder(), Some(&*function_folder("/r".as_ref(), "f")));
        assert!(is_version_name(place(0, &mine).dir().file_name().unwrap()));
    }
}
