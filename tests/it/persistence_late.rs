//! A folder that can be opened only after calls were answered: its entries are found, and removed entries stay removed.

use std::fs::{self, File};
use std::path::PathBuf;
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

/// A folder that cannot be opened: a file stands in its place.
struct Obstructed {
    folder: PathBuf,
    aside: PathBuf,
}

fn obstruct(folder: PathBuf) -> Obstructed {
    let aside = shared().join("aside");
    fs::rename(&folder, &aside).unwrap();
    File::create(&folder).unwrap();
    Obstructed { folder, aside }
}

impl Obstructed {
    /// Makes the folder usable, and waits until `memo` has opened it.
    fn release(self, memo: Memo<String>) {
        assert!(matches!(memo.health(), Err(Error::Io { .. })), "{:?}", memo.health());
        fs::remove_file(&self.folder).unwrap();
        fs::rename(&self.aside, &self.folder).unwrap();
        wait_until("the folder is opened", || memo.try_init().is_ok());
    }
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
            let obstructed = obstruct(version_folder());
            kept(0);
            obstructed.release(kept_memo());
            assert_eq!(
                (kept(0), kept(4)),
                ("0 of the second process".into(), "4 of the first process".into())
            );
            let stats = kept_memo().stats();
            assert_eq!((RUNS.load(Relaxed), stats.recovered, stats.disk_hits), (1, 5, 1));
        },
        || {
            let values = [kept(0), kept(4)];
            // Either value of 0 is right. The one that was stored first stays.
            assert_eq!(values, [0, 4].map(|n| format!("{n} of the first process")));
            assert_eq!(RUNS.load(Relaxed), 0);
        },
    );
}

#[test]
fn values_inserted_before_the_folder_opens_replace_stored_ones() {
    restarts!(
        first_process,
        || {
            let obstructed = obstruct(version_folder());
            assert!(kept_memo().insert(&kept_key(1), "inserted".to_owned()));
            obstructed.release(kept_memo());
            assert_eq!(get(1).as_deref(), Some("inserted"));
        },
        || assert_eq!(get(1).as_deref(), Some("inserted")),
    );
}

/// Nothing tells whether a stored value would have been rejected, because none can be read.
#[test]
fn a_retain_before_the_folder_opens_removes_what_it_could_not_judge() {
    restarts!(
        first_process,
        || {
            let obstructed = obstruct(version_folder());
            kept(5);
            kept_memo().retain(|_, value| value.starts_with('5'));
            obstructed.release(kept_memo());
            assert_eq!((get(1), get(5).is_some()), (None, true));
        },
        || assert_eq!((get(1), get(5).is_some()), (None, true)),
    );
}

#[test]
fn keys_invalidated_before_the_folder_opens_stay_removed() {
    restarts!(
        first_process,
        || {
            let obstructed = obstruct(version_folder());
            kept(1);
            assert!(kept_memo().invalidate(&kept_key(1)));
            assert!(!kept_memo().invalidate(&kept_key(2)));
            obstructed.release(kept_memo());
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
            let obstructed = obstruct(version_folder());
            kept(1);
            kept_memo().clear();
            kept(3);
            obstructed.release(kept_memo());
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
            let obstructed = obstruct(version_folder());
            kept(1);
            kept_memo().retain(|_, _| false);
            obstructed.release(kept_memo());
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
        let obstructed = obstruct(version_folder());
        (0..2).for_each(|n| _ = bounded(n));
        obstructed.release(bounded_memo());
        assert_eq!((bounded_memo().len(), cached_among(0..20).len()), (2, 12));
        bounded_memo().snapshot().unwrap();
        assert_eq!(cached_among(0..20), [0, 1, 17, 18, 19]);
    });
}
