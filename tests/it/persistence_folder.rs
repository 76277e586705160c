//! The folder goes away under the process that has it, or becomes another's.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::{Memo, memoize};

use crate::support::{folder, restarts};

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize(persist = folder(), durability = "os")]
fn mine(n: u32) -> u32 {
    n
}

#[memoize(persist = folder(), durability = "os")]
fn of_another(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n + 1
}

/// Each way to ask says that nothing is stored any more.
#[track_caller]
fn says_so(memo: Memo<u32>) {
    let flushed = memo.flush().expect_err("the folder is gone");
    assert!(flushed.to_string().contains("removed or replaced"), "{flushed}");
    let health = memo.health().expect_err("the folder is gone");
    assert!(health.to_string().contains("removed or replaced"), "{health}");
    assert!(memo.stats().persist_errors > 0);
}

fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let paths = folder().read_dir().unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn a_removed_folder_shows_in_flush_and_health() {
    restarts!(|| {
        mine(1);
        mine_memo().flush().unwrap();
        fs::remove_dir_all(folder()).unwrap();
        assert_eq!((mine(2), mine(1)), (2, 1));
        says_so(mine_memo());
        assert!(mine_memo().snapshot().is_err());
        assert!(memokit::flush_all().is_err());
        assert!(!folder().exists());
    });
}

#[test]
fn a_folder_made_anew_by_another_is_left_to_it() {
    restarts!(
        || {
            (0..3).for_each(|n| _ = mine(n));
            fs::remove_dir_all(folder()).unwrap();
            (10..30).for_each(|n| _ = of_another(n));
            of_another_memo().flush().unwrap();
            let before = files();
            says_so(mine_memo());
            for n in 3..6 {
                assert_eq!(mine(n), n);
                assert!(mine_memo().snapshot().is_err());
            }
            mine_memo().clear();
            assert_eq!(files(), before);
            of_another(30);
            of_another_memo().health().unwrap();
        },
        || {
            assert_eq!(of_another_memo().stats().recovered, 21);
            assert!((10..31).all(|n| of_another(n) == n + 1));
            assert_eq!(RUNS.load(Relaxed), 0);
        }
    );
}
