//! `ttl_with` and `jitter`: when each entry expires.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use memokit::memoize;

use crate::counted::Counted;
use crate::support::wait_until;

/// Longer than any test waits.
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn ttl_with_gives_each_value_its_time_to_live() {
    #[memoize(ttl_with = |n| (*n < 10).then_some(Duration::from_millis(1)), ttl = "1h")]
    fn some(n: u32) -> u32 {
        n
    }
    some(1);
    some(10);
    wait_until("the short entry expires", || some_memo().get(&some_key(1)).is_none());
    assert_eq!(some_memo().get(&some_key(10)), Some(10));
}

#[test]
fn ttl_applies_where_ttl_with_returns_none() {
    #[expect(clippy::ptr_arg, reason = "the value is a String")]
    fn long(text: &String) -> Option<Duration> {
        text.starts_with("long").then_some(HOUR)
    }
    #[memoize(ttl = "1ms", ttl_with = long)]
    fn text(text: &str) -> Result<String, std::fmt::Error> {
        Ok(text.to_owned())
    }
    text("long one").unwrap();
    text("short").unwrap();
    wait_until("the short entry expires", || text_memo().get(&text_key("short")).is_none());
    assert!(text_memo().get(&text_key("long one")).is_some());
}

#[test]
fn ttl_with_works_in_generic_functions_and_without_ttl() {
    #[memoize(ttl_with = |list| list.is_empty().then_some(Duration::from_millis(1)))]
    fn listed<T: Clone + serde::Serialize + Send + Sync + 'static>(items: &[T]) -> Vec<T> {
        items.to_vec()
    }
    listed::<u8>(&[]);
    listed(&[1u8]);
    let memo = listed_memo::<u8>();
    wait_until("the empty list expires", || memo.get(&listed_key::<u8>(&[])).is_none());
    assert_eq!(memo.get(&listed_key(&[1u8])), Some(vec![1]));
}

#[test]
fn the_shorter_of_ttl_with_and_cache_err_applies() {
    #[memoize(ttl_with = |_| Some(HOUR), cache_err = "1ms")]
    fn even(n: u32) -> Result<u32, u32> {
        if n.is_multiple_of(2) { Ok(n) } else { Err(n) }
    }
    assert_eq!((even(1), even(2)), (Err(1), Ok(2)));
    wait_until("the error expires", || even_memo().get(&even_key(1)).is_none());
    assert!(even_memo().get(&even_key(2)).is_some());
}

#[test]
fn jitter_spreads_the_expiry() {
    #[memoize(ttl = "2s", jitter = 1.0)]
    fn spread(n: u32) -> u32 {
        n
    }
    let begin = Instant::now();
    for n in 0..200 {
        spread(n);
    }
    // The entries expire evenly between now and 2 s from now.
    let mut lengths = Vec::new();
    while begin.elapsed() < Duration::from_secs(4) && !spread_memo().is_empty() {
        lengths.push(spread_memo().len());
        sleep(Duration::from_millis(20));
    }
    assert!(spread_memo().is_empty(), "no entry lives longer than the ttl");
    lengths.dedup();
    assert!(lengths.len() > 5, "the entries expire together: {lengths:?}");
}

#[test]
fn jitter_without_ttl_or_of_nan_expires_nothing() {
    #[memoize(jitter = 0.5)]
    fn forever(n: u32) -> u32 {
        n
    }
    #[memoize(jitter = f64::NAN, ttl = "1h")]
    fn odd(n: u32) -> u32 {
        n
    }
    for n in 0..100 {
        forever(n);
        odd(n);
    }
    assert_eq!((forever_memo().len(), odd_memo().len()), (100, 100));
}

/// Two sweeps that overlap, and a `Drop` that panics, leave no expired value behind.
#[test]
fn expired_values_are_freed_despite_overlapping_sweeps_and_panics() {
    static EXISTING: AtomicU32 = AtomicU32::new(0);
    static PANICS: AtomicU32 = AtomicU32::new(1);
    struct Slow(#[expect(dead_code, reason = "counts")] Counted);
    impl Drop for Slow {
        fn drop(&mut self) {
            if std::thread::current().name().is_some_and(|name| name.starts_with("memokit")) {
                sleep(Duration::from_micros(300));
                let panics = PANICS.fetch_update(Relaxed, Relaxed, |panics| panics.checked_sub(1));
                assert!(panics.is_err(), "on purpose");
            }
        }
    }
    #[memoize(shards = 1, ttl_with = |_| Some(Duration::from_millis(next_ttl())))]
    fn living(n: u32) -> std::sync::Arc<Slow> {
        let _ = n;
        std::sync::Arc::new(Slow(Counted::new(&EXISTING)))
    }
    fn next_ttl() -> u64 {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if COUNT.fetch_add(1, Relaxed) % 2 == 0 { 300 } else { 1500 }
    }
    (0..3000).for_each(|n| drop(living(n)));
    let began = Instant::now();
    while EXISTING.load(Relaxed) > 0 {
        let _ = living_memo().stats();
        assert!(began.elapsed() < Duration::from_secs(15), "{} exist", EXISTING.load(Relaxed));
        sleep(Duration::from_millis(5));
    }
}

/// Expired values are freed although no call comes any more, and idle ones too.
#[test]
fn expired_values_are_freed_after_the_last_call() {
    static EXISTING: AtomicU32 = AtomicU32::new(0);
    #[memoize(ttl = "500ms", stale = "200ms")]
    fn living(n: u32) -> Counted {
        let _ = n;
        Counted::new(&EXISTING)
    }
    #[memoize(idle = "500ms")]
    fn used(n: u32) -> Counted {
        let _ = n;
        Counted::new(&EXISTING)
    }
    #[memoize(ttl = "1h")]
    fn later(n: u32) -> Counted {
        let _ = n;
        Counted::new(&EXISTING)
    }
    for _ in 0..2 {
        (0..5000).for_each(|n| drop((living(n), used(n))));
        (0..10).for_each(|n| drop(later(n)));
        assert_eq!(EXISTING.load(Relaxed), 10_010);
        let began = Instant::now();
        while EXISTING.load(Relaxed) > 10 {
            assert!(began.elapsed() < Duration::from_secs(10), "{} exist", EXISTING.load(Relaxed));
            sleep(Duration::from_millis(20));
        }
        assert_eq!((living_memo().stats().entries, used_memo().stats().entries), (0, 0));
    }
    assert_eq!((living_memo().stats().expired, later_memo().stats().entries), (10_000, 10));
}
