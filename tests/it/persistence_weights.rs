//! `max_bytes` and `idle` across processes: the bounds apply to stored entries, and removed entries stay removed.

use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use memokit::memoize;

use crate::support::{folder, restarts, shared, wait_until};

static LENGTH: AtomicUsize = AtomicUsize::new(100);

fn text() -> String {
    "x".repeat(LENGTH.load(Relaxed))
}

/// Reports whether this is a process after the first.
fn again() -> bool {
    shared().join("again").exists()
}

fn end_first_process() {
    File::create(shared().join("again")).unwrap();
}

fn weight(text: &str) -> usize {
    assert!(!(text.ends_with('!') && again()), "on purpose");
    text.len()
}

fn limit() -> u64 {
    if again() { 300 } else { 1000 }
}

#[memoize(persist = folder(), durability = "os", max_bytes = limit(), weigh = |text| weight(text))]
fn kept(n: u32) -> String {
    let _ = n;
    text()
}

fn keys() -> Vec<u32> {
    (0..20).filter(|n| kept_memo().get(&kept_key(*n)).is_some()).collect()
}

/// The disk may hold more than memory, so a lower bound costs no stored result.
#[test]
fn a_lower_bound_applies_to_what_is_read_into_memory() {
    restarts!(
        || {
            (0..10).for_each(|n| _ = kept(n));
            assert_eq!(kept_memo().stats().bytes, 1000);
            end_first_process();
        },
        || {
            assert_eq!((kept_memo().stats().recovered, kept_memo().stats().bytes), (10, 0));
            (0..10).for_each(|n| _ = kept(n));
            let stats = kept_memo().stats();
            assert_eq!((stats.disk_hits, stats.misses, stats.bytes), (10, 0, 300));
            let held = kept_memo().keys();
            assert_eq!((held.len(), held.contains(&kept_key(9))), (3, true));
            kept_memo().snapshot().unwrap();
        },
        || assert_eq!((keys(), kept_memo().stats().bytes), ((0..10).collect(), 0)),
    );
}

#[test]
fn an_entry_that_became_too_heavy_is_not_recovered_with_its_old_value() {
    #[memoize(persist = shared().join("renewed"), durability = "os", max_bytes = 1000, weigh = String::len,
        ttl = "1h", refresh_ahead = 0.0)]
    fn renewed(n: u32) -> String {
        let _ = n;
        text()
    }
    restarts!(
        || {
            (1..=2).for_each(|n| drop((kept(n), renewed(n))));
            assert!(!kept_memo().insert(&kept_key(1), "x".repeat(1001)));
            LENGTH.store(1001, Relaxed);
            assert_eq!(renewed(1).len(), 1001);
            let renewed = (1..=2).filter(|n| renewed_memo().get(&renewed_key(*n)).is_some());
            assert_eq!((keys(), renewed.collect::<Vec<u32>>()), (vec![2], vec![2]));
        },
        || {
            let renewed = (1..=2).filter(|n| renewed_memo().get(&renewed_key(*n)).is_some());
            assert_eq!((keys(), renewed.collect::<Vec<u32>>()), (vec![2], vec![2]));
        },
    );
}

#[test]
fn an_entry_that_cannot_be_weighed_when_it_is_read_is_computed_again() {
    restarts!(
        || {
            kept(1);
            assert!(kept_memo().insert(&kept_key(2), "panics!".to_owned()));
            assert!(kept_memo().insert(&kept_key(3), "light".to_owned()));
            end_first_process();
        },
        || {
            assert_eq!((1..4).map(|n| kept(n).len()).collect::<Vec<_>>(), [100, 100, 5]);
            let stats = kept_memo().stats();
            assert_eq!((stats.disk_hits, stats.misses, stats.bytes), (2, 1, 205));
        },
    );
}

#[test]
fn stored_entries_count_as_used_at_the_opening() {
    #[memoize(persist = shared().join("idle"), durability = "os", idle = "1s")]
    fn held(n: u32) -> u32 {
        n
    }
    restarts!(
        || {
            held(1);
            sleep(Duration::from_millis(700));
        },
        || {
            let found = std::time::Instant::now();
            let present = held_memo().get(&held_key(1)).is_some();
            assert!(present || found.elapsed() > Duration::from_secs(1));
            wait_until("the entry is idle", || held_memo().get(&held_key(1)).is_none());
            held_memo().snapshot().unwrap();
        },
        || assert_eq!(held_memo().stats().recovered, 0),
    );
}
