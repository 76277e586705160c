//! The folder is removed or replaced while a process uses it: the process recreates it, or joins its new owner.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::{Memo, memoize};

use crate::support::{
    folder, remove_folder, restarts, shared, version_folder, version_folders, wait_until,
};

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

/// Removes the folder and calls `call`, and asserts that `flush`, `flush_all` and `stats` report that nothing is stored
/// any more. Begins anew if the background thread has noticed the removal before, and created the folder again.
#[track_caller]
fn remove_folder_and(memo: Memo<u32>, call: impl Fn()) {
    for _ in 0..100 {
        remove_folder(&folder());
        call();
        let (flushed, all_flushed) = (memo.flush(), memokit::flush_all());
        if let (Err(gone), Err(_)) = (flushed, all_flushed) {
            assert!(gone.to_string().contains("removed or replaced"), "{gone}");
            assert!(memo.stats().persist_errors > 0);
            return;
        }
    }
    panic!("nobody reports that the folder is gone");
}

/// Returns the arguments below 10 whose result is in memory or on disk.
fn found_by_mine() -> Vec<u32> {
    (0..10).filter(|n| mine_memo().get(&mine_key(*n)).is_some()).collect()
}

/// Tries again while the folder cannot be opened, because the background thread has found it half removed.
fn snapshot_mine() {
    wait_until("a snapshot is written", || mine_memo().snapshot().is_ok());
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
            remove_folder_and(mine_memo(), || assert_eq!((mine(2), mine(1)), (2, 1)));
            wait_until("the folder is recreated", || mine_memo().health().is_ok());
            mine(3);
            assert!(mine_memo().flush().is_ok() && version_folder().join("LOCK").exists());
        },
        || assert_eq!(found_by_mine(), [1, 2, 3]),
        || {
            (1..5).for_each(|n| _ = mine(n));
            fs::rename(folder(), shared().join("moved away")).unwrap();
            snapshot_mine();
            assert!(mine_memo().health().is_ok());
        },
        || assert_eq!(found_by_mine(), [1, 2, 3, 4]),
    );
}

#[test]
fn keys_invalidated_while_the_folder_is_gone_stay_removed() {
    restarts!(
        || {
            (0..3).for_each(|n| _ = mine(n));
            remove_folder(&folder());
            assert!(mine_memo().invalidate(&mine_key(1)));
            snapshot_mine();
        },
        || assert_eq!(found_by_mine(), [0, 2]),
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
        remove_folder(&folder());
        assert!(within_memo().flush().is_err() && within_memo().snapshot().is_err());
        assert_eq!((within(2), folder().exists()), (2, false));
    });
}

/// Replaces the folder of `mine` by a copy of it, under another lock, as if another process had created it again.
fn replace_folder() {
    let (held, copied) = (version_folder(), shared().join("copied"));
    fs::create_dir(&copied).unwrap();
    for (path, bytes) in files() {
        fs::write(copied.join(path.file_name().unwrap()), bytes).unwrap();
    }
    remove_folder(&held);
    // The background thread may have created the folder again.
    while fs::rename(&copied, &held).is_err() {
        remove_folder(&held);
    }
}

#[test]
fn a_folder_recreated_by_another_process_is_joined() {
    restarts!(
        || {
            (0..3).for_each(|n| _ = mine(n));
            replace_folder();
            snapshot_mine();
            // What the other process removed is not known, so only its results count.
            wait_until("memory is empty", || mine_memo().is_empty());
            assert_eq!(found_by_mine(), [0, 1, 2]);
            (3..6).for_each(|n| _ = mine(n));
            mine_memo().flush().unwrap();
        },
        || assert_eq!(found_by_mine().len(), 6),
    );
}

#[test]
fn what_is_removed_while_another_process_recreates_the_folder_stays_removed() {
    /// Runs `remove` in a folder that was replaced. Begins anew if it finds nothing, because the background thread has
    /// noticed the replacement before.
    fn replaced(remove: fn() -> bool) {
        let has_removed = (0..100).any(|_| {
            (0..3).for_each(|n| _ = mine(n));
            replace_folder();
            remove()
        });
        assert!(has_removed);
        snapshot_mine();
    }
    restarts!(
        || {
            replaced(|| {
                mine_memo().clear();
                true
            });
            assert!(found_by_mine().is_empty());
        },
        || assert!(found_by_mine().is_empty()),
        || {
            replaced(|| mine_memo().invalidate(&mine_key(1)));
            assert_eq!(mine_memo().get(&mine_key(1)), None);
        },
        || assert_eq!(mine_memo().get(&mine_key(1)), None),
        || {
            replaced(|| {
                mine_memo().retain(|_, n| *n != 2);
                true
            });
            assert_eq!(mine_memo().get(&mine_key(2)), None);
        },
        || assert_eq!(mine_memo().get(&mine_key(2)), None),
    );
}

/// Two functions share one path, so the folder of one is created again beside that of the other.
#[test]
fn functions_recreate_their_own_folders() {
    restarts!(
        || {
            (0..3).for_each(|n| _ = mine(n));
            remove_folder(&folder());
            (10..30).for_each(|n| _ = other(n));
            other_memo().flush().unwrap();
            wait_until("the folder is recreated", || mine_memo().flush().is_ok());
            mine_memo().health().unwrap();
            other_memo().health().unwrap();
        },
        || {
            assert_eq!(found_by_mine(), [0, 1, 2]);
            assert!((10..30).all(|n| other(n) == n + 1));
            assert_eq!(RUNS.load(Relaxed), 0);
        }
    );
}
