//! Directories of tests.

use std::path::PathBuf;

/// The path of a directory that is removed at the end of the test.
pub(crate) struct TestDirectory(pub(crate) PathBuf);

impl TestDirectory {
    /// Chooses a path and removes what an earlier run left there. Does not create the directory.
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("memokit-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for TestDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
