//! moka 0.12, called by hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use memokit::memoize;
use moka::Expiry;
use moka::sync::Cache;

use crate::calls::{Calls, at_once, slowly, until_expired};

#[test]
fn bound() {
    #[memoize(max = 100)]
    fn here(n: u64) -> u64 {
        n
    }
    let cache = Cache::new(100);
    for n in 0..1000 {
        assert_eq!(cache.get_with(n, || n), here(n));
    }
    cache.run_pending_tasks();
    assert_eq!((cache.entry_count(), here_memo().len()), (100, 100));
}

#[test]
fn weigher() {
    fn weight(text: &str) -> usize {
        text.len()
    }
    #[memoize(max_bytes = 1000, weigh = |text: &String| weight(text))]
    fn here(n: usize) -> String {
        "x".repeat(n)
    }
    let weigher = |_: &usize, text: &String| weight(text).try_into().unwrap_or(u32::MAX);
    let cache = Cache::builder().weigher(weigher).max_capacity(1000).build();
    for n in 1..100 {
        assert_eq!(cache.get_with(n, || "x".repeat(n)), here(n));
    }
    cache.run_pending_tasks();
    assert!(cache.weighted_size() <= 1000 && here_memo().stats().bytes <= 1000);
}

#[test]
fn time_to_live() {
    static CALLS: Calls = Calls::new();
    #[memoize(ttl = "20ms")]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    let cache = Cache::builder().time_to_live(Duration::from_millis(20)).build();
    let there = || cache.get_with(1, || CALLS.count());
    assert_eq!(CALLS.during(|| (there(), until_expired(), there())), 2);
    assert_eq!(CALLS.during(|| (here(1), until_expired(), here(1))), 2);
}

#[test]
fn time_to_idle() {
    static CALLS: Calls = Calls::new();
    #[memoize(idle = "20ms")]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    let cache = Cache::builder().time_to_idle(Duration::from_millis(20)).build();
    let there = || cache.get_with(1, || CALLS.count());
    assert_eq!(CALLS.during(|| (there(), until_expired(), there())), 2);
    assert_eq!(CALLS.during(|| (here(1), until_expired(), here(1))), 2);
}

#[test]
fn per_value() {
    static CALLS: Calls = Calls::new();
    struct ByValue;
    impl Expiry<u64, u64> for ByValue {
        fn expire_after_create(&self, _: &u64, millis: &u64, _: Instant) -> Option<Duration> {
            Some(Duration::from_millis(*millis))
        }
    }
    #[memoize(ttl_with = |millis: &u64| Some(Duration::from_millis(*millis)))]
    fn here(millis: u64) -> u64 {
        CALLS.count();
        millis
    }
    let cache = Cache::builder().expire_after(ByValue).build();
    let there = |millis| {
        cache.get_with(millis, || {
            CALLS.count();
            millis
        })
    };
    let hour = 3_600_000;
    assert_eq!(
        CALLS.during(|| (there(20), there(hour), until_expired(), there(20), there(hour))),
        3
    );
    assert_eq!(CALLS.during(|| (here(20), here(hour), until_expired(), here(20), here(hour))), 3);
}

#[test]
fn get_with() {
    static CALLS: Calls = Calls::new();
    #[memoize]
    fn here(_: u64) {
        CALLS.count();
        slowly();
    }
    let cache = Cache::new(100);
    let there = || {
        cache.get_with(1, || {
            CALLS.count();
            slowly();
        });
    };
    assert_eq!(CALLS.during(|| at_once(there)), 1);
    assert_eq!(CALLS.during(|| at_once(|| here(1))), 1);
}

#[test]
fn try_get_with() {
    static CALLS: Calls = Calls::new();
    #[derive(Debug, PartialEq)]
    struct Failed;
    #[memoize]
    fn here(_: u64) -> Result<u64, Failed> {
        CALLS.count();
        slowly();
        Err(Failed)
    }
    let cache: Cache<u64, u64> = Cache::new(100);
    let there = || {
        cache.try_get_with(1, || {
            CALLS.count();
            slowly();
            Err(Failed)
        })
    };
    assert_eq!(CALLS.during(|| assert_eq!(there(), Err(Arc::new(Failed)))), 1);
    assert!(CALLS.during(|| at_once(there)) < 4); // who waits gets the error of another
    assert_eq!(CALLS.during(|| at_once(|| assert_eq!(here(1), Err(Failed)))), 4);
}

#[test]
fn optionally() {
    static CALLS: Calls = Calls::new();
    #[memoize(cache_if = Option::is_some)]
    fn here(n: u64) -> Option<u64> {
        CALLS.count();
        (n > 0).then_some(n)
    }
    let cache = Cache::new(100);
    let there = |n| {
        cache.optionally_get_with(n, || {
            CALLS.count();
            (n > 0).then_some(n)
        })
    };
    assert_eq!(CALLS.during(|| [0, 0, 1, 1].map(there)), 3);
    assert_eq!(CALLS.during(|| [0, 0, 1, 1].map(here)), 3);
}

#[memoize(max = 100)]
fn here(n: u64) -> u64 {
    n
}

#[test]
fn get() {
    let cache = Cache::new(100);
    assert_eq!((cache.get(&10), here_memo().get(&here_key(10))), (None, None));
    assert_eq!(cache.get_with(10, || 10), here(10));
    assert_eq!((cache.get(&10), here_memo().get(&here_key(10))), (Some(10), Some(10)));
}

#[test]
fn inserted() {
    let cache = Cache::new(100);
    cache.insert(20, 21);
    here_memo().insert(&here_key(20), 21);
    assert_eq!((cache.get_with(20, || 20), here(20)), (21, 21));
}

#[test]
fn invalidated() {
    let cache = Cache::new(100);
    cache.insert(30, 31);
    here_memo().insert(&here_key(30), 31);
    cache.invalidate(&30);
    here_memo().invalidate(&here_key(30));
    assert_eq!((cache.get_with(30, || 30), here(30)), (30, 30));
}

#[test]
fn invalidated_if() {
    #[memoize(tags = [("user", user)])]
    fn here(user: u64, n: u64) -> u64 {
        user + n
    }
    let cache = Cache::builder().support_invalidation_closures().build();
    let fill = || {
        for n in 0..3 {
            cache.insert((1_u64, n), 1);
            cache.insert((2, n), 2);
            (here(1, n), here(2, n));
        }
    };
    fill();
    cache.invalidate_entries_if(|(user, _), _| *user == 1).unwrap();
    assert_eq!((cache.get(&(1, 0)), cache.get(&(2, 0))), (None, Some(2)));
    assert_eq!(here_memo().invalidate_where(|key| key.get("user") == Ok(1)), 3);
    fill();
    here_memo().retain(|key, _| key.get("user") != Ok(1));
    assert_eq!(here_memo().len(), 3);
    fill();
    memokit::invalidate_tag(("user", 1));
    assert_eq!(here_memo().len(), 3);
}

#[test]
fn cleared() {
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    let cache = Cache::new(100);
    cache.insert(1, here(1));
    cache.invalidate_all();
    here_memo().clear();
    assert_eq!((cache.get(&1), here_memo().len()), (None, 0));
}

#[test]
fn listener() {
    static HEARD: Calls = Calls::new();
    #[memoize(max = 1, on_evict = |_, _: &u64, _| HEARD.count())]
    fn here(n: u64) -> u64 {
        n
    }
    let hear = |_, _, _| HEARD.count();
    let cache = Cache::builder().max_capacity(1).eviction_listener(hear).build();
    for n in 0..2 {
        cache.insert(n, n);
    }
    cache.run_pending_tasks();
    assert_eq!(HEARD.total(), 1);
    (here(0), here(1));
    assert_eq!(HEARD.total(), 2);
}

#[test]
fn counted() {
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    let cache = Cache::new(100);
    for n in 0..3 {
        cache.insert(n, here(n));
    }
    cache.run_pending_tasks();
    assert_eq!((cache.entry_count(), here_memo().len()), (3, 3));
}

#[tokio::test]
async fn tasks() {
    static CALLS: Calls = Calls::new();
    async fn ask(n: u64) -> u64 {
        CALLS.count();
        tokio::time::sleep(Duration::from_millis(50)).await;
        n
    }
    #[memoize]
    async fn here(n: u64) -> u64 {
        ask(n).await
    }
    let cache = moka::future::Cache::new(100);
    assert_eq!(tokio::join!(cache.get_with(1, ask(1)), cache.get_with(1, ask(1))), (1, 1));
    assert_eq!(CALLS.total(), 1);
    assert_eq!(tokio::join!(here(1), here(1)), (1, 1));
    assert_eq!(CALLS.total(), 2);
}
