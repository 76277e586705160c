//! `ttl`: an entry lives for its time to live and no longer.
//!
//! Waits are short and bounds are generous. On a slow machine an entry may expire early from the view of a test, so no
//! test expects an entry with a short time to live to survive a sleep.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use memokit::memoize;

/// Longer than the tick of the clock and the short times to live in these tests.
const BEYOND: Duration = Duration::from_millis(80);

#[test]
fn a_ttl_as_text_expires_the_entry() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "50ms")]
    fn tick(_n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed)
    }
    assert_eq!(tick(1), 0);
    sleep(BEYOND);
    assert_eq!(tick_memo().get(&tick_key(1)), None);
    assert_eq!((tick_memo().len(), tick_memo().keys().len()), (0, 0));
    assert_eq!(tick(1), 1);
    let stats = tick_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.expired), (0, 2, 1));
}

fn configured() -> Duration {
    Duration::from_millis(50)
}

#[test]
fn a_ttl_as_an_expression_expires_the_entry() {
    #[memoize(ttl = configured() / 2)]
    fn tick(n: String) -> String {
        n
    }
    tick("a".into());
    sleep(BEYOND);
    tick("a".into());
    assert_eq!(tick_memo().stats().misses, 2);
}

#[test]
fn an_entry_lives_until_its_ttl_ends() {
    #[memoize(ttl = "1h 30m")]
    fn long(n: u32) -> u32 {
        n
    }
    let begin = Instant::now();
    for _ in 0..20 {
        long(1);
        sleep(Duration::from_millis(5));
    }
    assert!(begin.elapsed() > Duration::from_hours(1) || long_memo().stats().misses == 1);
    assert_eq!(long_memo().get(&long_key(1)), Some(1));
}

#[test]
fn a_hit_does_not_extend_the_ttl() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "100ms")]
    fn tick(_n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed)
    }
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(250) {
        tick(1);
        sleep(Duration::from_millis(5));
    }
    assert!(RUNS.load(Relaxed) >= 2, "the entry outlived its time");
}

#[test]
fn a_value_is_never_served_after_its_ttl() {
    #[memoize(ttl = "30ms")]
    fn made(_n: u32) -> Instant {
        Instant::now()
    }
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(700) {
        let called = Instant::now();
        // The time to live, and the delay of a slow machine between the computation and the insertion.
        assert!(called.saturating_duration_since(made(1)) < Duration::from_millis(400));
        std::thread::yield_now();
    }
    assert!(made_memo().stats().hits > 0);
}

#[test]
fn expired_entries_give_up_their_place() {
    #[memoize(ttl = "20ms", max = 1000)]
    fn held(n: u32) -> u32 {
        n
    }
    (0..1000).for_each(|n| _ = held(n));
    sleep(BEYOND);
    assert_eq!(held_memo().stats().entries, 0);
    (1000..4000).for_each(|n| _ = held(n));
    let stats = held_memo().stats();
    assert!(stats.expired > 0, "{stats:?}");
}

#[test]
fn the_ttl_can_be_changed() {
    #[memoize]
    fn held(n: u32) -> u32 {
        n
    }
    held(1);
    held_memo().set_ttl(Some(Duration::from_millis(20)));
    held(2);
    sleep(BEYOND);
    assert_eq!((held_memo().get(&held_key(1)), held_memo().get(&held_key(2))), (Some(1), None));
    held_memo().set_ttl(None);
    held(2);
    sleep(BEYOND);
    assert_eq!(held_memo().get(&held_key(2)), Some(2));
}

#[test]
fn inserted_values_expire_too() {
    #[memoize(ttl = "20ms")]
    fn held(n: u32) -> u32 {
        n
    }
    assert!(held_memo().insert(&held_key(1), 5));
    sleep(BEYOND);
    assert_eq!(held(1), 1);
}
