//! Finding files and reading those that are text.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const LARGEST: u64 = 4 << 20;
const PASSED_OVER: [&str; 5] = [".git", ".hg", ".svn", "node_modules", "target"];

/// How many files and folders were not read, by reason.
pub(crate) type Skipped = BTreeMap<&'static str, usize>;

/// The files below `folder`, sorted, relative to it; links are not followed and `cache` is not
/// entered. That a folder further down cannot be read is counted in `skipped`.
pub(crate) fn walk(folder: &Path, cache: &Path, skipped: &mut Skipped) -> io::Result<Vec<PathBuf>> {
    let cache = fs::canonicalize(cache).ok();
    let mut files = Vec::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(inner) = pending.pop() {
        let here = folder.join(&inner);
        if cache.is_some() && fs::canonicalize(&here).ok() == cache {
            continue;
        }
        match read_folder(&here, &inner, &mut files, &mut pending) {
            Err(error) if inner.as_os_str().is_empty() => {
                let text = format!("cannot read {}: {error}", folder.display());
                return Err(io::Error::new(error.kind(), text));
            }
            Err(_) => *skipped.entry("unreadable").or_default() += 1,
            Ok(()) => {}
        }
    }
    files.sort();
    Ok(files)
}

fn read_folder(
    here: &Path,
    inner: &Path,
    files: &mut Vec<PathBuf>,
    folders: &mut Vec<PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(here)? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        if kind.is_file() {
            files.push(inner.join(name));
        } else if kind.is_dir() && !PASSED_OVER.iter().any(|other| name == *other) {
            folders.push(inner.join(name));
        }
    }
    Ok(())
}

/// The content of a file, or why it is not text to analyse.
pub(crate) fn read_text(path: &Path) -> Result<String, &'static str> {
    if fs::metadata(path).map_err(|_| "unreadable")?.len() > LARGEST {
        return Err("above 4 MiB");
    }
    let bytes = fs::read(path).map_err(|_| "unreadable")?;
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or("binary")
}
