//! Results that cannot be stored: the call returns its value, memory serves it, and the handle reports the reason.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::{Error, Memo, memoize};
use serde::{Deserialize, Serialize};

use crate::support::{
    folder, processes, remove_folder, restarts, run_test, version_folder, version_folders,
    wait_until,
};

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize(persist = folder())]
fn first(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    n.to_string()
}

#[memoize(persist = folder())]
fn second(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    format!("second {n}")
}

/// Asserts that `memo` reports that nothing reaches the disk, with a text that contains `reason`.
#[track_caller]
fn assert_reports(memo: Memo<String>, reason: &str) {
    let health = memo.health().expect_err("nothing is stored");
    assert!(health.to_string().contains(reason), "{health}");
    let stats = memo.stats();
    assert!(stats.persist_errors > 0, "{stats:?}");
    assert!(stats.last_error.as_ref().is_some_and(|error| error.contains(reason)), "{stats:?}");
    let error = memo.try_init().expect_err("the folder cannot be opened");
    assert!(error.to_string().contains(reason), "{error}");
    assert!(memo.flush().is_err());
    assert!(memo.snapshot().is_err());
}

/// Asserts that calls are computed once and then served from memory.
#[track_caller]
fn assert_serves_from_memory(call: fn(u32) -> String) {
    let before = RUNS.load(Relaxed);
    for _ in 0..2 {
        assert!((100..110).all(|n| call(n).ends_with(&n.to_string())));
    }
    assert_eq!(RUNS.load(Relaxed) - before, 10);
}

#[test]
fn two_functions_store_below_one_path() {
    restarts!(
        || {
            first(1);
            second(1);
            second_memo().health().unwrap();
            first(2);
            assert!(first_memo().health().is_ok());
            let names = folder().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
            names.sort();
            assert!(names[0].starts_with("it.persistence_faults.first-"), "{names:?}");
            assert!(names[1].starts_with("it.persistence_faults.second-"), "{names:?}");
        },
        || {
            assert_eq!(
                (first(1), first(2), second(1)),
                ("1".into(), "2".into(), "second 1".into())
            );
            assert_eq!(RUNS.load(Relaxed), 0);
        },
    );
}

#[test]
fn a_file_in_the_place_of_the_folder_is_left_alone() {
    restarts!(|| {
        fs::write(folder(), "mine").unwrap();
        assert_serves_from_memory(first);
        assert_reports(first_memo(), "results");
        assert_eq!(fs::read_to_string(folder()).unwrap(), "mine");
    });
}

#[test]
fn storing_resumes_when_the_cause_is_gone_and_includes_entries_from_memory() {
    restarts!(
        || {
            fs::write(folder(), "in the way").unwrap();
            assert_serves_from_memory(first);
            fs::remove_file(folder()).unwrap();
            wait_until("the folder is opened", || first_memo().try_init().is_ok());
            assert!(first_memo().health().is_ok());
            first(1);
        },
        || {
            assert_eq!(first_memo().stats().recovered, 11);
            assert_eq!((first(1), first(105), RUNS.load(Relaxed)), ("1".into(), "105".into(), 0));
        }
    );
}

fn nowhere() -> PathBuf {
    PathBuf::from("/proc/memokit/results")
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_created_is_reported() {
    #[memoize(persist = nowhere())]
    fn lost(n: u32) -> String {
        RUNS.fetch_add(1, Relaxed);
        n.to_string()
    }
    restarts!(|| {
        assert_serves_from_memory(lost);
        assert_reports(lost_memo(), "/proc/memokit");
        assert!(memokit::flush_all().is_err());
    });
}

#[test]
fn a_folder_without_write_permission_is_reported() {
    restarts!(|| {
        fs::create_dir(folder()).unwrap();
        fs::set_permissions(folder(), fs::Permissions::from_mode(0o500)).unwrap();
        // Root can write without permission.
        if fs::write(folder().join("probe"), "").is_ok() {
            fs::remove_file(folder().join("probe")).unwrap();
            return;
        }
        assert_serves_from_memory(first);
        assert_reports(first_memo(), "results");
    });
}

#[test]
fn a_folder_with_foreign_files_is_left_alone() {
    restarts!(|| _ = first(1), || {
        let folder = version_folder();
        remove_folder(&folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        assert_serves_from_memory(first);
        assert_reports(first_memo(), "notes.txt");
        assert!(matches!(first_memo().health(), Err(Error::Foreign { .. })));
        assert_eq!(folder.read_dir().unwrap().count(), 1);
        assert_eq!(fs::read_to_string(folder.join("notes.txt")).unwrap(), "mine");
    },);
}

/// Functions store in folders of their own, so files of others beside these are no obstacle.
#[test]
fn a_path_with_foreign_files_is_shared() {
    restarts!(
        || {
            fs::create_dir(folder()).unwrap();
            fs::write(folder().join("notes.txt"), "mine").unwrap();
            first(1);
            first_memo().health().unwrap();
            assert_eq!(fs::read_to_string(folder().join("notes.txt")).unwrap(), "mine");
        },
        || assert_eq!((first(1), RUNS.load(Relaxed)), ("1".into(), 0)),
    );
}

#[test]
fn foreign_files_among_ours_are_left_alone() {
    fn check(folder: &Path) {
        assert_eq!(fs::read_to_string(folder.join("notes.txt")).unwrap(), "mine");
        assert_eq!(fs::read_to_string(folder.join("wal-notes")).unwrap(), "mine too");
        assert_eq!(fs::read_to_string(folder.join("more/snap-1")).unwrap(), "and mine");
    }
    restarts!(
        || {
            first(1);
            for folder in [folder(), version_folder()] {
                fs::create_dir(folder.join("more")).unwrap();
                fs::write(folder.join("notes.txt"), "mine").unwrap();
                fs::write(folder.join("wal-notes"), "mine too").unwrap();
                fs::write(folder.join("more/snap-1"), "and mine").unwrap();
            }
            first_memo().snapshot().unwrap();
        },
        || {
            assert_eq!((first(1), RUNS.load(Relaxed)), ("1".into(), 0));
            first_memo().health().unwrap();
            first_memo().clear();
            first_memo().snapshot().unwrap();
            let more = folder().join("more");
            let versions = version_folders(&folder()).into_iter().filter(|path| *path != more);
            versions.chain([folder()]).for_each(|folder| check(&folder));
        }
    );
}

fn large(n: u32) -> String {
    format!("{n:>10000}")
}

#[memoize(persist = folder(), durability = "os")]
fn stored(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    large(n)
}

/// Shell commands that limit the size of files and ignore the signal at the limit: a write then fails, as on a full
/// disk.
const FULL: &str = "trap '' XFSZ; ulimit -f";

#[test]
fn a_full_disk_makes_no_call_fail() {
    let processes = processes!(
        || {
            for _ in 0..2 {
                assert!((0..60).all(|n| stored(n) == large(n)));
            }
            assert_eq!(RUNS.load(Relaxed), 60);
            let stats = stored_memo().stats();
            assert_eq!((stats.hits, stats.misses, stats.entries), (60, 60, 60));
            assert!(stats.persist_errors > 0, "{stats:?}");
            let error = stats.last_error.expect("the statistics have the error");
            assert!(error.contains("cannot write"), "{error}");
            assert!(stored_memo().health().is_err());
            assert!(stored_memo().flush().is_err());
        },
        || {
            let recovered = stored_memo().stats().recovered;
            assert!(recovered > 0 && recovered < 60, "{recovered}");
            assert!((0..60).all(|n| stored(n) == large(n)));
            assert_eq!(u64::from(RUNS.load(Relaxed)) + recovered, 60);
            assert!(stored_memo().health().is_ok());
        },
        || assert_eq!(stored_memo().stats().recovered, 60),
    );
    // 200 blocks are 100 KiB in some shells and 200 KiB in others: room for some values, but not for all.
    run_test(&mut processes.command_after(&format!("{FULL} 200"), 0));
    processes.run(1);
    processes.run(2);
}

#[test]
fn a_disk_without_space_is_reported() {
    let processes = processes!(
        || {
            assert_serves_from_memory(first);
            assert_reports(first_memo(), "cannot");
        },
        || assert_eq!(first_memo().stats().recovered, 0),
    );
    run_test(&mut processes.command_after(&format!("{FULL} 0"), 0));
    processes.run(1);
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    a: Option<u32>,
    b: Option<u32>,
}

#[test]
fn a_type_that_postcard_cannot_encode_stays_in_memory() {
    #[memoize(persist = folder())]
    fn sparse(n: u32) -> Sparse {
        RUNS.fetch_add(1, Relaxed);
        Sparse { a: (n > 5).then_some(n), b: Some(n) }
    }
    restarts!(
        || {
            for n in [9, 1, 9, 1] {
                assert_eq!(sparse(n).a, (n > 5).then_some(n));
            }
            assert_eq!(RUNS.load(Relaxed), 2);
            let health = sparse_memo().health().expect_err("the type cannot be stored");
            assert!(matches!(health, Error::Unpersistable { .. }), "{health:?}");
            assert!(health.to_string().contains("Sparse"), "{health}");
        },
        || assert_eq!((sparse(1), sparse(9).a), (Sparse { a: None, b: Some(1) }, Some(9))),
    );
}

#[test]
fn a_torn_log_loses_only_its_last_record() {
    restarts!(
        || (0..10).for_each(|n| _ = stored(n)),
        || {
            let logs = version_folder().read_dir().unwrap().map(|file| file.unwrap().path());
            let is_log =
                |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("wal-");
            let log =
                logs.filter(is_log).max_by_key(|path| path.metadata().unwrap().len()).unwrap();
            let file = fs::OpenOptions::new().write(true).open(log).unwrap();
            file.set_len(file.metadata().unwrap().len() - 3).unwrap();
        },
        || {
            assert_eq!(stored_memo().stats().recovered, 9);
            assert!((0..10).all(|n| stored(n) == large(n)));
            assert_eq!(RUNS.load(Relaxed), 1);
        }
    );
}
