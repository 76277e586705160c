//! cached 4.1: which results it keeps.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use cached::macros::{cached, once};
use memokit::memoize;

use crate::calls::{Calls, until_expired};

#[test]
fn errors() {
    static CALLS: Calls = Calls::new();
    #[cached]
    fn there(n: u64) -> Result<u64, ()> {
        CALLS.count();
        if n == 0 { Err(()) } else { Ok(n) }
    }
    #[memoize]
    fn here(n: u64) -> Result<u64, ()> {
        CALLS.count();
        if n == 0 { Err(()) } else { Ok(n) }
    }
    assert_eq!(CALLS.during(|| [0, 0, 1, 1].map(there)), 3);
    assert_eq!(CALLS.during(|| [0, 0, 1, 1].map(here)), 3);
}

#[test]
fn kept_errors() {
    static CALLS: Calls = Calls::new();
    #[cached(cache_err = true)]
    fn there(n: u64) -> Result<u64, ()> {
        CALLS.count();
        if n == 0 { Err(()) } else { Ok(n) }
    }
    #[memoize(cache_err)]
    fn here(_: u64) -> Result<u64, ()> {
        CALLS.count();
        Err(())
    }
    assert_eq!(CALLS.during(|| [0, 0].map(there)), 1);
    assert_eq!(CALLS.during(|| [0, 0].map(here)), 1);
}

#[test]
fn some() {
    static CALLS: Calls = Calls::new();
    #[cached]
    fn there(n: u64) -> Option<u64> {
        CALLS.count();
        (n > 0).then_some(n)
    }
    #[memoize(cache_if = Option::is_some)]
    fn here(n: u64) -> Option<u64> {
        CALLS.count();
        (n > 0).then_some(n)
    }
    assert_eq!(CALLS.during(|| [0, 0, 1, 1].map(there)), 3);
    assert_eq!(CALLS.during(|| [0, 0, 1, 1].map(here)), 3);
}

#[test]
fn kept_none() {
    static CALLS: Calls = Calls::new();
    #[cached(cache_none = true)]
    fn there(n: u64) -> Option<u64> {
        CALLS.count();
        (n > 0).then_some(n)
    }
    #[memoize]
    fn here(_: u64) -> Option<u64> {
        CALLS.count();
        None
    }
    assert_eq!(CALLS.during(|| [0, 0].map(there)), 1);
    assert_eq!(CALLS.during(|| [0, 0].map(here)), 1);
}

#[test]
fn aliases() {
    static CALLS: Calls = Calls::new();
    type Outcome = Result<u64, ()>;
    #[cached]
    fn there(n: u64) -> Outcome {
        CALLS.count();
        if n == 0 { Err(()) } else { Ok(n) }
    }
    #[memoize]
    fn here(_: u64) -> Outcome {
        CALLS.count();
        Err(())
    }
    assert_eq!(CALLS.during(|| [0, 0].map(there)), 1);
    assert_eq!(CALLS.during(|| [0, 0].map(here)), 2);
}

#[test]
fn fallback() {
    static FAILS: AtomicBool = AtomicBool::new(false);
    #[cached(ttl_millis = 20, result_fallback = true)]
    fn there(n: u64) -> Result<u64, ()> {
        if FAILS.load(SeqCst) { Err(()) } else { Ok(n) }
    }
    #[memoize(ttl = "20ms", stale = "1h")]
    fn here(n: u64) -> Result<u64, ()> {
        if FAILS.load(SeqCst) { Err(()) } else { Ok(n) }
    }
    assert_eq!((there(1), here(1)), (Ok(1), Ok(1)));
    until_expired();
    FAILS.store(true, SeqCst);
    assert_eq!((there(1), here(1)), (Ok(1), Ok(1)));
    assert_eq!((there(2), here(2)), (Err(()), Err(())));
}

#[test]
fn once_some() {
    static CALLS: Calls = Calls::new();
    #[once]
    fn there() -> Option<u64> {
        CALLS.count();
        None
    }
    #[memoize(key = (), cache_if = Option::is_some)]
    fn here() -> Option<u64> {
        CALLS.count();
        None
    }
    assert_eq!(CALLS.during(|| (there(), there())), 2);
    assert_eq!(CALLS.during(|| (here(), here())), 2);
}
