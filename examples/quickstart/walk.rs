//! Finds files and reads those that are text.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The size of the largest file that is read, in bytes.
const LARGEST: u64 = 4 << 20;
const IGNORED: [&str; 5] = [".git", ".hg", ".svn", "node_modules", "target"];

/// The number of files and directories that were not read, by reason.
pub(crate) type Skipped = BTreeMap<&'static str, usize>;

/// Returns the files below `directory`, sorted, as paths relative to it. Links are not followed, and
/// `cache` is not entered. A subdirectory that cannot be read is counted in `skipped`.
pub(crate) fn walk(
    directory: &Path,
    cache: &Path,
    skipped: &mut Skipped,
) -> io::Result<Vec<PathBuf>> {
    let cache = fs::canonicalize(cache).ok();
    let mut files = Vec::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(inner) = pending.pop() {
        let here = directory.join(&inner);
        if cache.is_some() && fs::canonicalize(&here).ok() == cache {
            continue;
        }
        match read_directory(&here, &inner, &mut files, &mut pending) {
            Err(error) if inner.as_os_str().is_empty() => {
                let text = format!("cannot read {}: {error}", directory.display());
                return Err(io::Error::new(error.kind(), text));
            }
            Err(_) => *skipped.entry("unreadable").or_default() += 1,
            Ok(()) => {}
        }
    }
    files.sort();
    Ok(files)
}

fn read_directory(
    here: &Path,
    inner: &Path,
    files: &mut Vec<PathBuf>,
    directories: &mut Vec<PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(here)? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        if kind.is_file() {
            files.push(inner.join(name));
        } else if kind.is_dir() && !IGNORED.iter().any(|other| name == *other) {
            directories.push(inner.join(name));
        }
    }
    Ok(())
}

/// Returns the content of a file, or the reason why it is not analysed.
pub(crate) fn read_text(path: &Path) -> Result<String, &'static str> {
    if fs::metadata(path).map_err(|_| "unreadable")?.len() > LARGEST {
        return Err("above 4 MiB");
    }
    let bytes = fs::read(path).map_err(|_| "unreadable")?;
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or("binary")
}
