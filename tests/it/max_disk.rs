//! `max_disk`: the disk holds more than memory, within a number of bytes.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

use crate::support::{folder, processes, restarts, run_test, version_folders, wait, wait_until};

static RUNS: AtomicU32 = AtomicU32::new(0);

const LIMIT: u64 = 1 << 20;

fn text(n: u32) -> String {
    RUNS.fetch_add(1, Relaxed);
    format!("{n:04}").repeat(250)
}

#[memoize(persist = folder(), max = 10, max_disk = "1MiB")]
fn limited(n: u32) -> String {
    text(n)
}

#[memoize(persist = folder(), max = 10, max_disk = 2 * LIMIT, name = "other")]
fn by_expression(n: u32) -> String {
    text(n)
}

#[memoize(persist = folder(), max = 10)]
fn unlimited(n: u32) -> String {
    text(n)
}

/// Returns the bytes of all files below `path`.
fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    // Files come and go meanwhile.
    let found = entries.flatten().filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)));
    found.map(|(path, file)| if file.is_dir() { size(&path) } else { file.len() }).sum()
}

#[test]
fn the_disk_holds_what_memory_cannot() {
    fn fill() {
        (0..200).for_each(|n| drop(limited(n)));
        assert_eq!((RUNS.load(Relaxed), limited_memo().len()), (200, 10));
        (0..200).for_each(|n| assert_eq!(limited(n), limited_uncached(n)));
        let stats = limited_memo().stats();
        assert_eq!((stats.misses, stats.hits, stats.disk_hits), (200, 200, 200));
        limited_memo().snapshot().unwrap();
    }
    fn read() {
        (0..200).for_each(|n| assert_eq!(limited(n), limited_uncached(n)));
        assert_eq!((limited_memo().stats().misses, limited_memo().len()), (0, 10));
    }
    restarts!(fill, read);
}

#[test]
fn the_disk_is_bounded_and_the_bound_can_change() {
    fn step() {
        for n in 0..5000 {
            by_expression(n);
            assert!(size(&folder()) <= 2 * LIMIT, "{n}: {}", size(&folder()));
        }
        assert_eq!(by_expression_memo().max_disk(), Some(2 * LIMIT));
        assert!(by_expression_memo().stats().stored > 500);
        assert!(by_expression_memo().set_max_disk(LIMIT));
        wait_until("the folder is smaller", || size(&folder()) <= LIMIT);
        by_expression_memo().health().unwrap();
        assert_eq!(by_expression(4999), by_expression_uncached(4999));
        assert_eq!(unlimited_memo().max_disk(), None);
        assert!(!unlimited_memo().set_max_disk(1));
    }
    restarts!(step);
}

#[test]
fn a_result_for_which_there_is_never_room_is_reported() {
    #[memoize(persist = folder(), max_disk = "1MiB")]
    fn large() -> String {
        "x".repeat(1 << 18)
    }
    fn step() {
        assert_eq!(large().len(), 1 << 18);
        assert_eq!(large_memo().len(), 1);
        let refused = large_memo().health().unwrap_err().to_string();
        assert!(refused.contains("`max_disk`"), "{refused}");
        assert_eq!(large_memo().stats().stored, 0);
    }
    restarts!(step);
}

#[test]
fn processes_share_the_bound() {
    fn work() {
        let own = std::process::id();
        for n in 0..3000 {
            limited(own.wrapping_mul(10_000).wrapping_add(n));
        }
        limited_memo().health().unwrap();
    }
    fn check() {
        for dir in version_folders(&folder()) {
            assert!(size(&dir) <= LIMIT, "{}", size(&dir));
        }
        // Four that write faster than a merge store little. One alone fills the disk again.
        (0..1000).for_each(|n| drop(limited(n)));
        let stored = limited_memo().stats().stored;
        assert!(stored > 250, "{stored}: a quarter of the limit is used at least");
    }
    let processes = processes!(work, check);
    let children: Vec<Child> = (0..4).map(|_| processes.command(0).spawn().unwrap()).collect();
    let mut largest = 0;
    for child in children {
        assert!(wait(child).success());
        largest = size(&processes.shared.path().join("results")).max(largest);
    }
    assert!(largest <= LIMIT, "{largest}");
    run_test(&mut processes.command(1));
}
