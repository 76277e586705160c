//! What a handle changes: the times of values that are cached, and what is cleared or swept.

use std::time::Duration;

use memokit::{Cache, memoize};

use crate::support::{folder, restarts, wait_until};

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
const MOMENT: Option<Duration> = Some(Duration::from_millis(1));

#[test]
fn the_idle_time_can_change() {
    #[memoize(idle = "1h")]
    fn lasting(n: u32) -> u32 {
        n
    }
    #[memoize(idle = "1ms")]
    fn brief(n: u32) -> u32 {
        n
    }
    #[memoize]
    fn plain(n: u32) -> u32 {
        n
    }
    assert_eq!(lasting(1) + plain(1), 2);
    assert!(lasting_memo().set_idle(MOMENT));
    wait_until("the value is idle", || lasting_memo().is_empty());
    wait_until("it is removed", || lasting_memo().stats().entries == 0);
    assert!(brief_memo().set_idle(None));
    brief(1);
    assert_eq!(brief_memo().entry(&brief_key(1)).unwrap().time_left(), None);
    assert!(brief_memo().set_idle(HOUR));
    assert!(brief_memo().entry(&brief_key(1)).unwrap().time_left() > Some(Duration::from_secs(60)));
    assert!(brief_memo().set_idle(Some(Duration::MAX)));
    assert_eq!(brief_memo().entry(&brief_key(1)).unwrap().time_left(), None);
    assert!(brief_memo().set_idle(MOMENT));
    wait_until("the value is idle", || brief_memo().is_empty());
    assert!(!plain_memo().set_idle(MOMENT), "its uses have no times");
    assert_eq!(plain_memo().len(), 1);
}

#[test]
fn the_stale_time_can_change() {
    #[memoize(ttl = "1ms")]
    fn price(n: u32) -> u32 {
        n
    }
    price_memo().set_stale(Duration::from_secs(3600));
    price(1);
    let is_stale = || price_memo().entry(&price_key(1)).is_some_and(|entry| entry.is_stale());
    wait_until("the value is stale", is_stale);
    assert_eq!(price_memo().sweep(), 0, "it may still be served");
    price_memo().set_stale(Duration::ZERO);
    assert_eq!(price_memo().entry(&price_key(1)), None);
    wait_until("it is removed", || price_memo().stats().entries == 0);
}

#[test]
fn every_handle_tells_the_times() {
    #[derive(Default)]
    struct Shop {
        cache: Cache,
    }
    impl Shop {
        #[memoize(scope = "instance", ttl = "1h", idle = "10m", stale = "1m")]
        fn price(&self, n: u32) -> u32 {
            n
        }
    }
    #[memoize(ttl = Duration::from_secs(3600), idle = "10m", stale = "1m")]
    fn shared(n: u32) -> u32 {
        n
    }
    #[memoize(scope = "thread", ttl = "1h", idle = "10m", stale = "1m", jitter = 0.5)]
    fn local(n: u32) -> u32 {
        n
    }
    #[memoize(ttl = "1h", idle = "10m", stale = "1m")]
    fn generic<T: serde::Serialize + Clone + Send + Sync + 'static>(value: T) -> T {
        value
    }
    macro_rules! check {
        ($memo:expr) => {
            let times = || ($memo.ttl(), $memo.idle(), $memo.stale());
            let second = Duration::from_secs(1);
            assert_eq!(times(), (HOUR, Some(second * 600), second * 60), "the arguments");
            $memo.set_ttl(Some(second / 3));
            assert!($memo.set_idle(Some(second * 2)));
            $memo.set_stale(Duration::from_nanos(1));
            let rounded = Some(Duration::from_millis(334));
            assert_eq!(times(), (rounded, Some(second * 2), second / 1000), "rounded up");
            $memo.set_ttl(None);
            assert!($memo.set_idle(None));
            $memo.set_stale(Duration::ZERO);
            assert_eq!(times(), (None, None, Duration::ZERO));
            $memo.set_ttl(Some(Duration::MAX));
            assert!($memo.set_idle(Some(Duration::MAX)));
            assert_eq!(times(), (None, None, Duration::ZERO), "longer than can be counted");
        };
    }
    check!(shared_memo());
    check!(local_memo());
    check!(generic_memo::<u32>());
    let (shop, other) = (Shop::default(), Shop::default());
    check!(shop.price_memo());
    assert_eq!(other.price_memo().ttl(), HOUR, "an object has times of its own");
    #[memoize]
    fn plain(n: u32) -> u32 {
        n
    }
    let plain = plain_memo();
    assert_eq!((plain.ttl(), plain.idle(), plain.stale()), (None, None, Duration::ZERO));
}

#[test]
fn a_sweep_removes_what_is_over_and_counts_it() {
    // No other thread maintains the cache of a thread.
    #[memoize(scope = "thread", idle = "1h")]
    fn some(n: u32) -> u32 {
        n
    }
    (0..10).for_each(|n| _ = some(n));
    assert_eq!(some_memo().sweep(), 0);
    some_memo().set_idle(MOMENT);
    wait_until("all are over", || some_memo().is_empty());
    assert_eq!((some_memo().sweep(), some_memo().sweep()), (10, 0));
    assert_eq!((some_memo().stats().entries, some_memo().stats().expired), (0, 10));
}

#[test]
fn all_caches_are_cleared() {
    #[memoize]
    fn plain(n: u32) -> u32 {
        n
    }
    #[memoize(persist = folder())]
    fn stored(n: u32) -> u32 {
        n
    }
    fn clear() {
        assert_eq!(plain(1) + stored(1), 2);
        memokit::clear_all();
        assert!(plain_memo().is_empty() && stored_memo().is_empty());
        assert_eq!((plain_memo().stats().invalidated, stored_memo().stats().stored), (1, 0));
        assert_eq!(stored(2), 2);
    }
    fn check() {
        assert_eq!(stored_memo().get(&stored_key(1)), None);
        assert_eq!(stored_memo().get(&stored_key(2)), Some(2), "it came after");
    }
    restarts!(clear, check);
}
