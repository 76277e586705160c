//! Which processes have files of a folder open, as far as the system tells.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The open and mapped files of all processes that this user may look at.
pub(crate) struct Processes(Vec<(u32, BTreeSet<PathBuf>)>);

impl Processes {
    /// Looks at all processes. Finds none where there is no `/proc` of Linux.
    pub(crate) fn look() -> Self {
        let own = std::process::id();
        let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        Self(ids.filter(|id| *id != own).map(|id| (id, files_of(id))).collect())
    }

    /// Returns the ids of the processes that have a file directly in `dir` open or mapped.
    pub(crate) fn with_open(&self, dir: &Path) -> Vec<u32> {
        let Ok(dir) = dir.canonicalize() else { return Vec::new() };
        let has = |files: &BTreeSet<PathBuf>| files.iter().any(|file| file.parent() == Some(&dir));
        self.0.iter().filter(|(_, files)| has(files)).map(|(id, _)| *id).collect()
    }
}

fn files_of(id: u32) -> BTreeSet<PathBuf> {
    let open = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
    let mut files: BTreeSet<_> =
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
    // The page of a process that only reads is mapped and its file closed.
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap_or_default();
    let mapped = maps.lines().filter_map(|line| Some(&line[line.find('/')?..]));
    files.extend(mapped.filter(|path| path.ends_with("/STATE")).map(PathBuf::from));
    files
}
