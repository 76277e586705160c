//! What is left on disk of results that were cleared.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

use crate::support::{folder, restarts, version_folders};

const PATH: &str = "/home/somebody/diary.txt";

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize(persist = folder(), durability = "os")]
fn lines(path: &str) -> usize {
    RUNS.fetch_add(1, Relaxed);
    path.len()
}

/// Returns whether a file in the folder of a version holds [`PATH`].
fn has_path(version: &Path) -> bool {
    let files = version.read_dir().unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.is_file()).any(|file| {
        fs::read(file).unwrap().windows(PATH.len()).any(|window| window == PATH.as_bytes())
    })
}

fn any_has_path() -> bool {
    version_folders(&folder()).iter().any(|version| has_path(version))
}

#[test]
fn a_snapshot_after_clear_leaves_nothing_of_what_an_earlier_process_has_stored() {
    restarts!(
        || {
            lines(PATH);
            assert!(any_has_path());
        },
        || {
            lines_memo().clear();
            lines_memo().snapshot().unwrap();
            assert!(!any_has_path());
            // Nor of what this process has stored.
            lines(PATH);
            assert!(any_has_path());
            lines_memo().clear();
            lines_memo().snapshot().unwrap();
            assert!(!any_has_path());
            lines("another");
        },
        || {
            lines("another");
            lines(PATH);
            assert_eq!(RUNS.load(Relaxed), 1);
        },
    );
}
