//! `verify` detects a function whose result does not depend on its key alone.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

#[test]
fn a_pure_function_has_no_mismatches() {
    #[memoize(verify = 1.0)]
    fn square(n: u32) -> Option<u32> {
        n.checked_mul(n)
    }
    for _ in 0..10 {
        assert_eq!(square(3), Some(9));
    }
    let stats = square_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.mismatches), (0, 10, 0));
}

#[test]
fn an_impure_function_is_detected() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    #[memoize(verify = 1)]
    fn next(_n: u32) -> u32 {
        CALLS.fetch_add(1, Relaxed)
    }
    next(1);
    let second = catch_unwind(|| next(1));
    if cfg!(debug_assertions) {
        let message = *second.unwrap_err().downcast::<String>().unwrap();
        let hash = format!("{:016x}", next_key(1).fingerprint());
        assert!(message.contains("next") && message.contains(&hash), "{message}");
    } else {
        assert_eq!(second.unwrap(), 1);
    }
    assert_eq!(next_memo().stats().mismatches, 1);
    assert_eq!(next_memo().get(&next_key(1)), Some(0));
}

#[test]
fn a_share_of_the_hits_is_recomputed() {
    #[memoize(verify = 0.1)]
    fn double(n: u32) -> u32 {
        n * 2
    }
    for _ in 0..10_001 {
        double(1);
    }
    let stats = double_memo().stats();
    assert_eq!(stats.hits + stats.misses, 10_001);
    assert!((500..2_000).contains(&stats.misses), "{}", stats.misses);
}

#[test]
fn an_error_is_not_a_mismatch() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    #[memoize(verify = 1.0)]
    fn flaky(_n: u32) -> Result<u32, String> {
        if CALLS.fetch_add(1, Relaxed) == 0 { Ok(7) } else { Err("down".to_owned()) }
    }
    assert_eq!(flaky(1), Ok(7));
    assert_eq!(flaky(1), Err("down".to_owned()));
    assert_eq!(flaky_memo().stats().mismatches, 0);
}
