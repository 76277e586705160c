//! A folder for what is written to disk, removed at the end.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

static FOLDER: Mutex<Option<TempDir>> = Mutex::new(None);

/// A place of that name, in a folder of this process.
pub(crate) fn folder(name: &str) -> PathBuf {
    let mut folder = FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    let made = || tempfile::Builder::new().prefix("memo-bench-").tempdir();
    let made = folder.get_or_insert_with(|| made().expect("a temporary folder can be made"));
    made.path().join(name)
}

pub(crate) fn remove() {
    drop(FOLDER.lock().unwrap_or_else(PoisonError::into_inner).take());
}
