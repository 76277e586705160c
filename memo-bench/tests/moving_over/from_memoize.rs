//! memoize 0.6.

use std::thread;
use std::time::Duration;

use memokit::memoize;

use crate::calls::{Calls, at_once, slowly, until_expired};

#[test]
fn for_each_thread() {
    static CALLS: Calls = Calls::new();
    #[memoize::memoize]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize(scope = "thread")]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize]
    fn shared(n: u64) -> u64 {
        CALLS.count();
        n
    }
    let elsewhere = |f: fn(u64) -> u64| thread::spawn(move || f(1)).join().unwrap();
    assert_eq!(CALLS.during(|| (there(1), there(1), elsewhere(there))), 2);
    assert_eq!(CALLS.during(|| (here(1), here(1), elsewhere(here))), 2);
    assert_eq!(CALLS.during(|| (shared(1), shared(1), elsewhere(shared))), 1);
}

#[test]
fn shared() {
    static CALLS: Calls = Calls::new();
    #[memoize::memoize(SharedCache)]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    let elsewhere = |f: fn(u64) -> u64| thread::spawn(move || f(1)).join().unwrap();
    assert_eq!(CALLS.during(|| (there(1), elsewhere(there))), 1);
    assert_eq!(CALLS.during(|| (here(1), elsewhere(here))), 1);
}

#[test]
fn each_caller_of_a_shared_cache_computes() {
    static CALLS: Calls = Calls::new();
    #[memoize::memoize(SharedCache)]
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
    assert!(CALLS.during(|| at_once(|| there(1))) > 1);
    assert_eq!(CALLS.during(|| at_once(|| here(1))), 1);
}

#[test]
fn bound() {
    static CALLS: Calls = Calls::new();
    #[memoize::memoize(Capacity: 2)]
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
    #[memoize::memoize(TimeToLive: Duration::from_millis(20))]
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
fn ignored() {
    #[memoize::memoize(Ignore: counter)]
    fn there(n: u64, counter: &mut u64) -> u64 {
        *counter += 1;
        n
    }
    #[memoize(skip(counter))]
    fn here(n: u64, counter: &mut u64) -> u64 {
        *counter += 1;
        n
    }
    let mut counters = (0, 0);
    (there(1, &mut counters.0), there(1, &mut counters.0));
    (here(1, &mut counters.1), here(1, &mut counters.1));
    assert_eq!(counters, (1, 1));
}

#[test]
fn errors() {
    static CALLS: Calls = Calls::new();
    #[memoize::memoize]
    fn there(n: u64) -> Result<u64, ()> {
        CALLS.count();
        if n == 0 { Err(()) } else { Ok(n) }
    }
    #[memoize]
    fn here(_: u64) -> Result<u64, ()> {
        CALLS.count();
        Err(())
    }
    #[memoize(cache_err)]
    fn kept(_: u64) -> Result<u64, ()> {
        CALLS.count();
        Err(())
    }
    assert_eq!(CALLS.during(|| [0, 0].map(there)), 1);
    assert_eq!(CALLS.during(|| [0, 0].map(here)), 2);
    assert_eq!(CALLS.during(|| [0, 0].map(kept)), 1);
}

#[test]
fn borrowed() {
    static CALLS: Calls = Calls::new();
    #[memoize::memoize]
    fn there(text: String) -> usize {
        CALLS.count();
        text.len()
    }
    #[memoize]
    fn here(text: &str) -> usize {
        CALLS.count();
        text.len()
    }
    let text = "text";
    assert_eq!(CALLS.during(|| (there(text.to_owned()), there(text.to_owned()))), 1);
    assert_eq!(CALLS.during(|| (here(text), here(text))), 1);
}

#[test]
fn original() {
    static CALLS: Calls = Calls::new();
    #[memoize::memoize]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    let both = || (memoized_original_there(1), memoized_original_there(1), there(1));
    assert_eq!(CALLS.during(both), 3);
    assert_eq!(CALLS.during(|| (here_uncached(1), here_uncached(1), here(1))), 3);
}

#[test]
fn flushed() {
    static CALLS: Calls = Calls::new();
    #[memoize::memoize]
    fn there(n: u64) -> u64 {
        CALLS.count();
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        CALLS.count();
        n
    }
    assert_eq!(CALLS.during(|| (there(1), memoized_flush_there(), there(1))), 2);
    assert_eq!(CALLS.during(|| (here(1), here_memo().clear(), here(1))), 2);
}
