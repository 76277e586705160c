//! The folder is removed or replaced while a process uses it: the process recreates it, or leaves it to its new owner.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::{Memo, memoize};

use crate::support::{folder, restarts, shared, version_folder, version_folders, wait_until};

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize(persist = folder(), durability = "os")]
fn mine(n: u32) -> u32 {
    n
}

#[memoize(persist = folder(), durability = "os")]
fn other(n: u32) -> u32 {
    RUNS.fetch_add(1, Relaxed);
    n + 1
}

/// Asserts that `flush`, `health` and `stats` report that nothing is stored any more.
#[track_caller]
fn assert_reports_folder_gone(memo: Memo<u32>) {
    let flushed = memo.flush().expect_err("the folder is gone");
    assert!(flushed.to_string().contains("removed or replaced"), "{flushed}");
    let health = memo.health().expect_err("the folder is gone");
    assert!(health.to_string().contains("removed or replaced"), "{health}");
    assert!(memo.stats().persist_errors > 0);
}

fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let folders = version_folders(&folder()).into_iter();
    let paths =
        folders.flat_map(|folder| folder.read_dir().unwrap()).map(|file| file.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn a_removed_folder_is_recreated() {
    restarts!(
        || {
            mine(1);
            mine_memo().flush().unwrap();
            fs::remove_dir_all(folder()).unwrap();
            assert_eq!((mine(2), mine(1)), (2, 1));
            assert_reports_folder_gone(mine_memo());
            assert!(memokit::flush_all().is_err());
            wait_until("the folder is recreated", || mine_memo().health().is_ok());
            mine(3);
            assert!(mine_memo().flush().is_ok() && version_folder().join("LOCK").exists());
        },
        || assert_eq!((mine_memo().stats().recovered, mine_memo().len()), (3, 3)),
        || {
            mine(4);
            fs::rename(folder(), shared().join("moved away")).unwrap();
            mine_memo().snapshot().unwrap();
            assert!(mine_memo().health().is_ok());
        },
        || assert_eq!(mine_memo().len(), 4),
    );
}

#[test]
fn keys_invalidated_while_the_folder_is_gone_stay_removed() {
    restarts!(
        || {
            (0..3).for_each(|n| _ = mine(n));
            fs::remove_dir_all(folder()).unwrap();
            assert!(mine_memo().invalidate(&mine_key(1)));
            mine_memo().snapshot().unwrap();
        },
        || assert_eq!((mine_memo().len(), mine_memo().get(&mine_key(1))), (2, None)),
    );
}

/// A program that removes its scratch folder at its end does not get it back.
#[test]
fn a_folder_removed_with_its_parent_is_not_recreated() {
    fn deep() -> PathBuf {
        folder().join("parent/results")
    }
    #[memoize(persist = deep(), durability = "os")]
    fn within(n: u32) -> u32 {
        n
    }
    restarts!(|| {
        within(1);
        fs::remove_dir_all(folder()).unwrap();
        assert!(within_memo().flush().is_err() && within_memo().snapshot().is_err());
        assert_eq!((within(2), folder().exists()), (2, false));
    });
}

/// Another process has created the folder again: here a copy of what this process wrote, under another lock.
#[test]
fn a_folder_recreated_by_another_process_is_left_to_it() {
    restarts!(
        || {
            (0..3).for_each(|n| _ = mine(n));
            let (held, copied) = (version_folder(), shared().join("copied"));
            fs::create_dir(&copied).unwrap();
            for (path, bytes) in files() {
                fs::write(copied.join(path.file_name().unwrap()), bytes).unwrap();
            }
            fs::remove_dir_all(&held).unwrap();
            fs::rename(copied, held).unwrap();
            let before = files();
            assert_reports_folder_gone(mine_memo());
            for n in 3..6 {
                assert_eq!(mine(n), n);
                assert!(mine_memo().snapshot().is_err());
            }
            mine_memo().clear();
            assert_eq!(files(), before);
        },
        || assert_eq!((mine_memo().stats().recovered, mine_memo().len()), (3, 3)),
    );
}

/// Two functions share one path, so the folder of one is created again beside that of the other.
#[test]
fn functions_recreate_their_own_folders() {
    restarts!(
        || {
            (0..3).for_each(|n| _ = mine(n));
            fs::remove_dir_all(folder()).unwrap();
            (10..30).for_each(|n| _ = other(n));
            other_memo().flush().unwrap();
            assert_reports_folder_gone(mine_memo());
            mine_memo().snapshot().unwrap();
            mine_memo().health().unwrap();
            other_memo().health().unwrap();
        },
        || {
            assert_eq!((mine_memo().stats().recovered, other_memo().stats().recovered), (3, 20));
            assert!((10..30).all(|n| other(n) == n + 1));
            assert_eq!(RUNS.load(Relaxed), 0);
        }
    );
}
