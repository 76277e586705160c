//! A temporary directory for files, which is removed at the end.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

static DIRECTORY: Mutex<Option<TempDir>> = Mutex::new(None);

/// Returns the path with this name in the temporary directory of this process.
pub(crate) fn directory(name: &str) -> PathBuf {
    let mut directory = DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner);
    let made = || tempfile::Builder::new().prefix("memo-bench-").tempdir();
    let made =
        directory.get_or_insert_with(|| made().expect("a temporary directory can be created"));
    made.path().join(name)
}

pub(crate) fn remove() {
    drop(DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner).take());
}
