//! `idle`: entries that are not used expire.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use memokit::memoize;

use crate::support::wait_until;

#[test]
fn an_unused_entry_expires() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(idle = "50ms")]
    fn held(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        n
    }
    let memo = held_memo();
    held(1);
    let begin = Instant::now();
    assert!(memo.get(&held_key(1)).is_some() || begin.elapsed() >= Duration::from_millis(50));
    // `get` does not count as a use.
    wait_until("the entry is idle", || memo.get(&held_key(1)).is_none());
    assert!(begin.elapsed() >= Duration::from_millis(50));
    assert_eq!((memo.len(), memo.keys().len(), memo.stats().entries), (0, 0, 0));
    assert!(!memo.invalidate(&held_key(1)));
    held(1);
    assert_eq!(RUNS.load(Relaxed), 2);
}

#[test]
fn a_used_entry_stays() {
    #[memoize(idle = "2s")]
    fn held(n: u32) -> u32 {
        n
    }
    held(1);
    let begin = Instant::now();
    let mut last = begin;
    while begin.elapsed() < Duration::from_millis(2500) {
        sleep(Duration::from_millis(50));
        let hits = held_memo().stats().hits;
        held(1);
        let late = last.elapsed() >= Duration::from_secs(2);
        assert!(late || held_memo().stats().hits == hits + 1);
        last = Instant::now();
    }
}

#[test]
fn the_time_to_live_still_applies() {
    #[memoize(idle = "1h", ttl = "30ms")]
    fn held(n: u32) -> u32 {
        n
    }
    held(1);
    wait_until("the entry expires", || {
        held(1);
        held_memo().stats().misses > 1
    });
}

#[test]
fn an_idle_entry_is_not_served_stale() {
    #[memoize(ttl = "10ms", stale = "1h", idle = "60ms", refresh_ahead = 0.5)]
    fn held(n: u32) -> u32 {
        n
    }
    held(1);
    sleep(Duration::from_millis(200));
    assert_eq!((held(1), held_memo().stats().misses, held_memo().stats().stale), (1, 2, 0));
}

#[test]
fn the_idle_time_may_be_an_expression_and_may_exceed_the_clock() {
    #[memoize(idle = Duration::from_millis(40), max = 2)]
    fn short(n: u32) -> u32 {
        n
    }
    #[memoize(idle = Duration::MAX, scope = "thread")]
    fn long(n: u32) -> u32 {
        n
    }
    assert_eq!((short(1), long(1)), (1, 1));
    wait_until("the entry is idle", || short_memo().is_empty());
    assert_eq!((long_memo().len(), long(1), long_memo().stats().hits), (1, 1, 1));
}
