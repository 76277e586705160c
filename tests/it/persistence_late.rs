//! A folder that can be opened only after calls were answered: its entries are added, and removed entries stay removed.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::{Error, Memo, memoize};

use crate::support::{folder, restarts, shared, version_folder, wait_until};

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Returns a value that tells which of two processes computed it.
fn answer(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    let again = shared().join("again").exists();
    format!("{n} of the {} process", if again { "second" } else { "first" })
}

#[memoize(persist = folder(), durability = "os")]
fn kept(n: u32) -> String {
    answer(n)
}

fn first_process() {
    (0..5).for_each(|n| _ = kept(n));
    File::create(shared().join("again")).unwrap();
}

/// Locks the folder. The returned file holds the lock until it is dropped.
fn lock_folder(folder: &Path) -> File {
    let lock = File::options().read(true).write(true).open(folder.join("LOCK")).unwrap();
    lock.lock().unwrap();
    lock
}

/// Releases the folder, and waits until `memo` has opened it.
fn release(lock: File, memo: Memo<String>) {
    assert!(matches!(memo.health(), Err(Error::Locked { .. })), "{:?}", memo.health());
    drop(lock);
    wait_until("the folder is opened", || memo.try_init().is_ok());
}

fn get(n: u32) -> Option<String> {
    kept_memo().get(&kept_key(n))
}

fn assert_computed_again(n: u32) {
    assert_eq!((get(n), kept(n)), (None, format!("{n} of the second process")));
}

#[test]
fn entries_of_a_late_folder_are_added() {
    restarts!(
        first_process,
        || {
            let lock = lock_folder(&version_folder());
            kept(0);
            release(lock, kept_memo());
            assert_eq!(
                (kept(0), kept(4)),
                ("0 of the second process".into(), "4 of the first process".into())
            );
            assert_eq!((RUNS.load(Relaxed), kept_memo().stats().recovered), (1, 4));
        },
        || assert_eq!((kept(0), RUNS.load(Relaxed)), ("0 of the second process".into(), 0)),
    );
}

#[test]
fn keys_invalidated_before_the_folder_opens_stay_removed() {
    restarts!(
        first_process,
        || {
            let lock = lock_folder(&version_folder());
            kept(1);
            assert!(kept_memo().invalidate(&kept_key(1)));
            assert!(!kept_memo().invalidate(&kept_key(2)));
            release(lock, kept_memo());
            assert_eq!((get(1), get(2)), (None, None));
        },
        || {
            assert_computed_again(1);
            assert_computed_again(2);
        },
    );
}

#[test]
fn keys_cleared_before_the_folder_opens_stay_removed() {
    restarts!(
        first_process,
        || {
            let lock = lock_folder(&version_folder());
            kept(1);
            kept_memo().clear();
            kept(3);
            release(lock, kept_memo());
            assert_eq!((get(0), get(1)), (None, None));
        },
        || {
            assert_computed_again(0);
            assert_computed_again(1);
            assert_eq!(get(3).as_deref(), Some("3 of the second process"));
        },
    );
}

#[test]
fn keys_rejected_by_retain_before_the_folder_opens_stay_removed() {
    restarts!(
        first_process,
        || {
            let lock = lock_folder(&version_folder());
            kept(1);
            kept_memo().retain(|_, _| false);
            release(lock, kept_memo());
            assert_eq!(get(1), None);
        },
        || assert_computed_again(1),
    );
}

#[memoize(persist = folder(), durability = "os", max = 5)]
fn bounded(n: u32) -> String {
    answer(n)
}

fn cached_among(keys: std::ops::Range<u32>) -> Vec<u32> {
    keys.filter(|&n| bounded_memo().get(&bounded_key(n)).is_some()).collect()
}

#[test]
fn entries_of_this_process_are_not_evicted_by_older_ones() {
    restarts!(|| (10..20).for_each(|n| _ = bounded(n)), || {
        let lock = lock_folder(&version_folder());
        (0..2).for_each(|n| _ = bounded(n));
        release(lock, bounded_memo());
        assert_eq!(cached_among(0..20), [0, 1, 17, 18, 19]);
    });
}
