//! The files to look at.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Returns the Rust sources below a directory, sorted. Leaves out hidden folders and `target`.
///
/// # Errors
///
/// If a directory cannot be read.
pub(crate) fn below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut left) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let kind = entry.file_type()?;
            if kind.is_dir() && !name.starts_with('.') && name != "target" {
                left.push(entry.path());
            } else if kind.is_file() && name.ends_with(".rs") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
