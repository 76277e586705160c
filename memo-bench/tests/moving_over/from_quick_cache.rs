//! quick_cache 0.7, called by hand.

use std::convert::Infallible;
use std::time::Duration;

use memokit::memoize;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Equivalent, Lifecycle, UnitWeighter, Weighter};

use crate::calls::{Calls, at_once, slowly};

#[memoize(max = 100)]
fn here(n: u64) -> u64 {
    n
}

#[test]
fn bound() {
    #[memoize(max = 100)]
    fn here(n: u64) -> u64 {
        n
    }
    let cache = Cache::new(100);
    for n in 0..1000 {
        assert_eq!(cache.get_or_insert_with(&n, || Ok::<_, Infallible>(n)), Ok(here(n)));
    }
    assert!(cache.len() <= 100 && here_memo().len() == 100);
}

#[test]
fn weighter() {
    fn weight(text: &str) -> usize {
        text.len()
    }
    #[derive(Clone)]
    struct ByLength;
    impl Weighter<usize, String> for ByLength {
        fn weight(&self, _: &usize, text: &String) -> u64 {
            weight(text) as u64
        }
    }
    #[memoize(max_bytes = 1000, weigh = |text: &String| weight(text))]
    fn here(n: usize) -> String {
        "x".repeat(n)
    }
    let cache = Cache::with_weighter(100, 1000, ByLength);
    for n in 1..100 {
        cache.insert(n, here(n));
    }
    assert!(cache.weight() <= 1000 && here_memo().stats().bytes <= 1000);
}

#[test]
fn get_or_insert() {
    static CALLS: Calls = Calls::new();
    #[memoize]
    fn here(n: u64) -> u64 {
        CALLS.count();
        slowly();
        n
    }
    let cache = Cache::new(100);
    let there = || {
        cache.get_or_insert_with(&1_u64, || {
            CALLS.count();
            slowly();
            Ok::<_, Infallible>(1)
        })
    };
    assert_eq!(CALLS.during(|| at_once(there)), 1);
    assert_eq!(CALLS.during(|| at_once(|| here(1))), 1);
}

#[test]
fn borrowed() {
    #[derive(Hash)]
    struct Pair<'a>(&'a str, u32);
    impl Equivalent<(String, u32)> for Pair<'_> {
        fn equivalent(&self, key: &(String, u32)) -> bool {
            self.0 == key.0 && self.1 == key.1
        }
    }
    #[memoize]
    fn here(name: &str, n: u32) -> usize {
        name.len() + n as usize
    }
    let cache = Cache::new(100);
    cache.insert(("ann".to_owned(), 1), here("ann", 1));
    assert_eq!(cache.get(&Pair("ann", 1)), Some(4));
    assert_eq!((here("ann", 1), here_memo().stats().hits), (4, 1));
}

#[test]
fn inserted() {
    let cache = Cache::new(100);
    cache.insert(20, 21);
    here_memo().insert(&here_key(20), 21);
    assert_eq!((cache.get(&20), here(20)), (Some(21), 21));
}

#[test]
fn removed() {
    let cache = Cache::new(100);
    cache.insert(30, here(30));
    assert_eq!(cache.remove(&30), Some((30, 30)));
    assert!(here_memo().invalidate(&here_key(30)));
    assert_eq!((cache.get(&30), here_memo().get(&here_key(30))), (None, None));
}

#[test]
fn retained() {
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    let cache = Cache::new(100);
    for n in 0..4 {
        cache.insert(n, here(n));
    }
    cache.retain(|_, value| value % 2 == 0);
    here_memo().retain(|_, value| value % 2 == 0);
    assert_eq!((cache.len(), here_memo().len()), (2, 2));
}

#[test]
fn lifecycle() {
    static HEARD: Calls = Calls::new();
    #[derive(Clone)]
    struct Listener;
    impl Lifecycle<u64, u64> for Listener {
        type RequestState = ();
        fn on_evict(&self, (): &mut (), _: u64, _: u64) {
            HEARD.count();
        }
    }
    #[memoize(max = 1, on_evict = |_, _: &u64, _| HEARD.count())]
    fn here(n: u64) -> u64 {
        n
    }
    let cache = Cache::with(1, 1, UnitWeighter, DefaultHashBuilder::default(), Listener);
    for n in 0..2 {
        cache.insert(n, n);
    }
    assert_eq!(HEARD.total(), 1);
    (here(0), here(1));
    assert_eq!(HEARD.total(), 2);
}

#[tokio::test]
async fn tasks() {
    static CALLS: Calls = Calls::new();
    async fn ask(n: u64) -> Result<u64, Infallible> {
        CALLS.count();
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(n)
    }
    #[memoize]
    async fn here(n: u64) -> Result<u64, Infallible> {
        ask(n).await
    }
    let cache = Cache::new(100);
    let there = || cache.get_or_insert_async(&1, ask(1));
    assert_eq!(tokio::join!(there(), there()), (Ok(1), Ok(1)));
    assert_eq!(CALLS.total(), 1);
    assert_eq!(tokio::join!(here(1), here(1)), (Ok(1), Ok(1)));
    assert_eq!(CALLS.total(), 2);
}
