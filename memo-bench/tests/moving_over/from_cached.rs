//! cached 4.1.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cached::macros::{cached, concurrent_cached, once};
use cached::time::Instant;
use cached::{Expires, LruCache, RedbCache, RedbCacheError, Return};
use memokit::memoize;

use crate::calls::{Calls, at_once, folder, slowly, until_expired};

#[test]
fn bound() {
    static CALLS: Calls = Calls::new();
    #[cached(max_size = 2)]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize(max = 2)]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| [1, 2, 1, 3, 2].map(there)), 4);
    assert_eq!(CALLS.during(|| [1, 2, 1, 3, 2].map(here)), 4);
}

#[test]
fn time_to_live() {
    static CALLS: Calls = Calls::new();
    #[cached(ttl_millis = 20)]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize(ttl = "20ms")]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| (there(1), until_expired(), there(1))), 2);
    assert_eq!(CALLS.during(|| (here(1), until_expired(), here(1))), 2);
}

#[test]
fn millis() {
    static CALLS: Calls = Calls::new();
    #[cached(ttl_millis = 300)]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize(ttl = "300ms")]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    let pause = || std::thread::sleep(Duration::from_millis(400));
    assert_eq!(CALLS.during(|| (there(1), there(1), pause(), there(1))), 2);
    assert_eq!(CALLS.during(|| (here(1), here(1), pause(), here(1))), 2);
}

#[test]
fn lru() {
    static CALLS: Calls = Calls::new();
    #[cached(ty = "LruCache<u64, u64>", create = { LruCache::new(2) })]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize(max = 2)]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| [1, 2, 1, 3, 2].map(there)), 4);
    assert_eq!(CALLS.during(|| [1, 2, 1, 3, 2].map(here)), 4);
}

#[test]
fn per_value() {
    static CALLS: Calls = Calls::new();
    #[derive(Clone)]
    struct Token {
        expires_at: Instant,
    }
    impl Token {
        fn new(millis: u64) -> Self {
            CALLS.count();
            Self { expires_at: Instant::now() + Duration::from_millis(millis) }
        }
    }
    impl Expires for Token {
        fn is_expired(&self) -> bool {
            Instant::now() >= self.expires_at
        }
    }
    #[cached(expires = true)]
    fn there(millis: u64) -> Token {
        Token::new(millis)
    }
    #[memoize(ttl_with = |t| Some(t.expires_at.saturating_duration_since(Instant::now())))]
    fn here(millis: u64) -> Token {
        Token::new(millis)
    }
    let hour = 3_600_000;
    assert_eq!(
        CALLS.during(|| (there(20), there(hour), until_expired(), there(20), there(hour))),
        3
    );
    assert_eq!(CALLS.during(|| (here(20), here(hour), until_expired(), here(20), here(hour))), 3);
}

#[test]
fn renewed_by_use() {
    static CALLS: Calls = Calls::new();
    #[cached(ttl_secs = 3, refresh = true)]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize(idle = "3s")]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    // Longer than three seconds, with a use in each half of one.
    let used = || {
        for _ in 0..8 {
            (there(1), here(1));
            std::thread::sleep(Duration::from_millis(500));
        }
    };
    assert_eq!(CALLS.during(used), 2);
}

#[test]
fn borrowed() {
    static CALLS: Calls = Calls::new();
    #[cached(key = "String", convert = { name.to_owned() })]
    fn there(name: &str) -> usize {
        CALLS.count();
        name.len()
    }
    #[memoize]
    fn here(name: &str) -> usize {
        CALLS.count();
        name.len()
    }
    assert_eq!(CALLS.during(|| ["a", "a", "b"].map(there)), 2);
    assert_eq!(CALLS.during(|| ["a", "a", "b"].map(here)), 2);
}

#[test]
fn own_key() {
    static CALLS: Calls = Calls::new();
    struct Request {
        id: u64,
    }
    #[cached(key = "u64", convert = { request.id })]
    fn there(request: &Request) -> u64 {
        CALLS.count();
        request.id
    }
    #[memoize(key = request.id, tags = [("request", request.id)])]
    fn here(request: &Request) -> u64 {
        CALLS.count();
        request.id
    }
    let requests = [Request { id: 1 }, Request { id: 1 }];
    assert_eq!(CALLS.during(|| requests.each_ref().map(there)), 1);
    assert_eq!(CALLS.during(|| requests.each_ref().map(here)), 1);
    assert_eq!(here_memo().get(&here_key(&requests[1])), Some(1));
    // With the number alone, by a tag.
    memokit::invalidate_tag(("request", 1));
    assert!(here_memo().is_empty());
}

#[test]
fn floats() {
    static CALLS: Calls = Calls::new();
    #[cached(key = "u64", convert = { x.to_bits() })]
    fn there(x: f64) -> f64 {
        CALLS.count();
        x
    }
    #[memoize]
    fn here(x: f64) -> f64 {
        CALLS.count();
        x
    }
    assert_eq!(CALLS.during(|| [0.5, 0.5, 0.25].map(there)), 2);
    assert_eq!(CALLS.during(|| [0.5, 0.5, 0.25].map(here)), 2);
}

#[test]
fn rounded() {
    static CALLS: Calls = Calls::new();
    #[cached(key = "String", convert = { format!("{x:.3}") })]
    fn there(x: f64) -> f64 {
        CALLS.count();
        x
    }
    #[memoize(key = (x * 1000.0).round())]
    fn here(x: f64) -> f64 {
        CALLS.count();
        x
    }
    assert_eq!(CALLS.during(|| [0.5, 0.500_01, 0.25].map(there)), 2);
    assert_eq!(CALLS.during(|| [0.5, 0.500_01, 0.25].map(here)), 2);
}

#[test]
fn one_computation() {
    static CALLS: Calls = Calls::new();
    #[cached(sync_writes = "by_key")]
    fn there(n: u64) -> u64 {
        CALLS.count();
        slowly();
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        CALLS.count();
        slowly();
        n
    }
    assert_eq!(CALLS.during(|| at_once(|| there(1))), 1);
    assert_eq!(CALLS.during(|| at_once(|| here(1))), 1);
}

#[test]
fn one_at_a_time() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static RUNNING: AtomicU64 = AtomicU64::new(0);
    static MOST: AtomicU64 = AtomicU64::new(0);
    fn run(n: u64) -> u64 {
        MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
        slowly();
        RUNNING.fetch_sub(1, SeqCst);
        n
    }
    #[cached(sync_writes = true)]
    fn there(n: u64) -> u64 {
        run(n)
    }
    static ALONE: Mutex<()> = Mutex::new(());
    #[memoize]
    fn here(n: u64) -> u64 {
        let _alone = ALONE.lock();
        run(n)
    }
    at_once(|| there(NEXT.fetch_add(1, SeqCst)));
    at_once(|| here(NEXT.fetch_add(1, SeqCst)));
    assert_eq!(MOST.load(SeqCst), 1);
}

#[test]
fn without_sync_writes_each_caller_computes() {
    static CALLS: Calls = Calls::new();
    #[cached]
    fn there(n: u64) -> u64 {
        CALLS.count();
        slowly();
        n
    }
    assert!(CALLS.during(|| at_once(|| there(1))) > 1);
}

#[test]
fn method() {
    static CALLS: Calls = Calls::new();
    struct Store;
    impl Store {
        #[cached(in_impl = true)]
        fn there(&self, n: u64) -> u64 {
            CALLS.count();
            n
        }
        #[memoize(skip(self))]
        fn here(&self, n: u64) -> u64 {
            CALLS.count();
            n
        }
    }
    assert_eq!(CALLS.during(|| (Store.there(1), Store.there(1))), 1);
    assert_eq!(CALLS.during(|| (Store.here(1), Store.here(1))), 1);
}

#[test]
fn forced() {
    static CALLS: Calls = Calls::new();
    #[cached(key = "u64", convert = { id }, force_refresh = { force })]
    fn there(id: u64, force: bool) -> u64 {
        let _ = force;
        CALLS.count();
        id
    }
    #[memoize]
    fn here_cached(id: u64) -> u64 {
        CALLS.count();
        id
    }
    fn here(id: u64, force: bool) -> u64 {
        if force { memokit::refresh(|| here_cached(id)) } else { here_cached(id) }
    }
    let calls = [false, false, true, true, false];
    assert_eq!(CALLS.during(|| calls.map(|force| there(1, force))), 3);
    assert_eq!(CALLS.during(|| calls.map(|force| here(1, force))), 3);
}

#[test]
fn primed() {
    static CALLS: Calls = Calls::new();
    #[cached]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| (there_prime_cache(1), there_prime_cache(1), there(1))), 2);
    let refresh = || memokit::refresh(|| here(1));
    assert_eq!(CALLS.during(|| (refresh(), refresh(), here(1))), 2);
}

#[test]
fn uncached() {
    static CALLS: Calls = Calls::new();
    #[cached]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| (there_no_cache(1), there_no_cache(1), there(1))), 3);
    assert_eq!(CALLS.during(|| (here_uncached(1), here_uncached(1), here(1))), 3);
}

#[test]
fn flag() {
    #[cached(with_cached_flag = true)]
    fn there(n: u64) -> Return<u64> {
        Return::new(n)
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    let here = || memokit::outcome(|| here(1));
    assert_eq!([there(1).was_cached(), there(1).was_cached()], [false, true]);
    assert_eq!([here().was_cached(), here().was_cached()], [false, true]);
    assert_eq!((*there(1), *here(), here().into_value()), (1, 1, 1));
}

#[test]
fn once() {
    static CALLS: Calls = Calls::new();
    #[once]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize(key = ())]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!((CALLS.during(|| assert_eq!((there(1), there(2)), (1, 1)))), 1);
    assert_eq!((CALLS.during(|| assert_eq!((here(1), here(2)), (1, 1)))), 1);
}

#[test]
fn generic() {
    static CALLS: Calls = Calls::new();
    #[cached(key = "String", convert = { value.to_string() })]
    fn there<T: ToString>(value: T) -> usize {
        CALLS.count();
        value.to_string().len()
    }
    #[memoize(key = value.to_string(), instances = "shared")]
    fn here<T: ToString>(value: T) -> usize {
        CALLS.count();
        value.to_string().len()
    }
    assert_eq!(CALLS.during(|| (there(12), there("12"))), 1);
    assert_eq!(CALLS.during(|| (here(12), here("12"))), 1);
}

#[test]
fn sharded() {
    static CALLS: Calls = Calls::new();
    #[concurrent_cached(max_size = 10_000)]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize(max = 10_000)]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| [1, 1, 2].map(there)), 2);
    assert_eq!(CALLS.during(|| [1, 1, 2].map(here)), 2);
    assert!(here_memo().max() == Some(10_000));
}

#[test]
fn disk() {
    static CALLS: Calls = Calls::new();
    fn open() -> RedbCache<u64, u64> {
        RedbCache::builder("there").disk_dir(folder("cached")).build().expect("a new database")
    }
    #[concurrent_cached(ty = "RedbCache<u64, u64>", create = { open() }, map_error = |e: RedbCacheError| e.to_string())]
    fn there(n: u64) -> Result<u64, String> {
        CALLS.count();
        Ok(n)
    }
    #[memoize(persist = folder("cached-here"))]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| assert_eq!((there(1), there(1)), (Ok(1), Ok(1)))), 1);
    assert_eq!(CALLS.during(|| assert_eq!((here(1), here(1)), (1, 1))), 1);
    assert!(here_memo().flush().is_ok() && here_memo().stats().stored == 1);
}
